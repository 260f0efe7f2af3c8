"""Find columns that number the rows: tools write them, and they are not features."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cali_reg.data.summaries.summary import Summary
from cali_reg.errors import DataError
from cali_reg.least_squares.exact_gram import UNIT
from cali_reg.least_squares.moments import Moments
from cali_reg.runtime.schema import Column, feature_names, format_names

_FEWEST_ROWS = 3  # of fewer, any column may look like a numbering

# Names that R, pandas, Spark, SAS and databases give to the rows' numbers.
_WRITTEN = re.compile(
    r"|(?-i:X)|_c0|index|id|_id|obs|row|row[._ ]?(?:names?|id|index|num(?:ber)?|no|nr)"
    r"|unnamed: \d+(?:\.\d+)*|level_\d+|__index_level_\d+__",
    re.IGNORECASE,
)


def check_row_numbers(
    where: str, columns: Sequence[Column], summary: Summary, *, apart: bool
) -> tuple[str, ...]:
    """Reject row numbers among the features.

    A column is rejected if it holds 0 to n - 1, or 1 to n, in any order, and has a name that tools
    give to row numbers. Under another name it gets a note: it may be a time, or a dose.

    Parameters
    ----------
    where : str
        The first file, for messages.
    columns : sequence of Column
        The columns to predict from.
    summary : Summary
        Of all rows.
    apart : bool
        Whether the held-out rows have files of their own, which may count from the start again.

    Returns
    -------
    tuple of str
        Notes to print.

    Raises
    ------
    DataError
        For row numbers.
    """
    found = find_row_numbers(columns, summary, apart=apart)
    written = [name for name in found if _WRITTEN.fullmatch(name)]
    if written:
        raise DataError(
            f"{where}: columns that hold the row numbers: {format_names(written)}; expected"
            " features: name the columns to use with --features"
        )
    others = [name for name in found if name not in written]
    if not others:
        return ()
    return (_note(others, "name those with --features"),)


def is_written_name(name: str) -> bool:
    """Tell whether tools give a name to the rows' numbers.

    Parameters
    ----------
    name : str
    """
    return bool(_WRITTEN.fullmatch(name))


def note_row_numbers(
    columns: Sequence[Column], summary: Summary, *, apart: bool
) -> tuple[str, ...]:
    """Return a note about columns that count the rows.

    Parameters
    ----------
    columns : sequence of Column
        The columns to predict from.
    summary : Summary
        Of all rows.
    apart : bool
        As for `check_row_numbers`.
    """
    found = find_row_numbers(columns, summary, apart=apart)
    return (_note(found, "leave them out with --exclude"),) if found else ()


def _note(names: Sequence[str], advice: str) -> str:
    return (
        f"columns that count the rows, 0 or 1 up to their number: {format_names(names)}; if they"
        f" are no features, {advice}"
    )


def find_row_numbers(columns: Sequence[Column], summary: Summary, *, apart: bool) -> list[str]:
    """Return the numeric columns that hold 0 to n - 1, or 1 to n, over all n rows.

    If the held-out rows have files of their own, over the training rows is enough.

    Decided from n, the sums of the values and of their squares, and the training ranges.

    Parameters
    ----------
    columns : sequence of Column
        The columns to predict from.
    summary : Summary
    apart : bool
        As for `check_row_numbers`.
    """
    numeric = {column.name for column in columns if column.levels is None}
    sides = [summary.train + summary.test, *([summary.train] if apart else [])]
    return [
        name
        for j, (name, limits) in enumerate(zip(feature_names(columns), summary.ranges, strict=True))
        if name in numeric
        and any(_counts(side, j, limits, start) for side in sides for start in (0, 1))
    ]


def _counts(moments: Moments, column: int, limits: tuple[float, float], start: int) -> bool:
    """Tell whether a column has the sums and the range of n integers from `start` on."""
    n, sums = moments.n_samples, moments.sums
    last = start + n - 1
    total = n * (start + last) // 2
    squares = last * (last + 1) * (2 * last + 1) // 6  # from 0 or 1: the same
    return (
        n >= _FEWEST_ROWS
        and start <= limits[0]
        and limits[1] <= last
        and int(sums[0, column + 1]) == total << -UNIT
        and int(sums[column + 1, column + 1]) == squares << -UNIT
    )
