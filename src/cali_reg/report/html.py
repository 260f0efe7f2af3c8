"""The report of a training for notebooks: HTML tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from cali_reg.report import tables
from cali_reg.report.plan_table import plan_rows
from cali_reg.runtime.messages import printable

if TYPE_CHECKING:
    from cali_reg.jobs.fit import Trained

_NUMBER = ' style="text-align: right"'


def trained(result: Trained) -> str:
    """Return the scores and the coefficients of a model as HTML.

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
    header, *rows = tables.coefficients(result)
    scores = [
        [name, *tables.score_cells(model.scores[side])]
        for name, side in (("held out", "test"), ("training", "train"))
    ]
    notes = "".join(f"<p>note: {_text(note)}</p>\n" for note in result.notes)
    return (
        f"<p>Linear regression of <b>{_text(model.target)}</b></p>\n"
        + _table(["", "rows", "R²", "RMSE"], scores)
        + _plan(model.plan)
        + _table(header, rows)
        + notes
    )


def _plan(plan: Mapping[str, Any] | None) -> str:
    if plan is None:
        return ""
    return _table(["column", "use", ""], plan_rows(plan), number="")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], *, number: str = _NUMBER) -> str:
    """Return a table with the first column aligned to the left, the others to the right."""
    lines = [_line("th", header, number), *(_line("td", row, number) for row in rows)]
    return "<table>\n" + "".join(lines) + "</table>\n"


def _line(kind: str, cells: Sequence[str], number: str) -> str:
    parts = (f"<{kind}{number if j else ''}>{_text(cell)}</{kind}>" for j, cell in enumerate(cells))
    return f"<tr>{''.join(parts)}</tr>\n"


def _text(text: str) -> str:
    return escape(printable(text))
