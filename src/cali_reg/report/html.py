"""The report of a training for notebooks: HTML tables."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from cali_reg.least_squares.statistics.summary import html_table
from cali_reg.report import tables
from cali_reg.report.plan_table import plan_rows
from cali_reg.runtime.messages import printable

if TYPE_CHECKING:
    from cali_reg.jobs.fit import Trained


def trained(result: Trained) -> str:
    """Return the scores and the regression table of a model as HTML.

    Parameters
    ----------
    result : Trained
        The model with its solution, its plan, and notes about its rows.

    Returns
    -------
    str
        All text is escaped: names of columns may come from anywhere.
    """
    model = result.model
    summary = result.summary()
    scores = [
        [name, *tables.score_cells(model.scores[side])]
        for name, side in (("held out", "test"), ("training", "train"))
    ]
    notes = "".join(f"<p>note: {_text(note)}</p>\n" for note in result.notes)
    return (
        f"<p>Linear regression of <b>{_text(model.target)}</b></p>\n"
        + html_table(["", "rows", "R²", "RMSE"], scores)
        + _plan(model.plan)
        + summary._repr_html_()
        + notes
    )


def _plan(plan: Mapping[str, Any] | None) -> str:
    if plan is None:
        return ""
    return html_table(["column", "use", ""], plan_rows(plan), style="")


def _text(text: str) -> str:
    return escape(printable(text))
