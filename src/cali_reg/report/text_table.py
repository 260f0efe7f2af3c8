"""Text in columns."""

from __future__ import annotations

from collections.abc import Sequence

from cali_reg.runtime.messages import printable


def text_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, align: str | None = None
) -> str:
    """Format a table: the first column is aligned to the left, the others to the right.

    Parameters
    ----------
    header : sequence of str
    rows : sequence of sequence of str
    align : str, optional
        ``<`` or ``>`` for each column, in place of that.

    Returns
    -------
    str
    """
    rows = [[printable(cell) for cell in row] for row in rows]
    header = [printable(cell) for cell in header]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    sides = align or "<".ljust(len(header), ">")
    lines = (
        "  ".join(
            f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)
        )
        for row in (header, *rows)
    )
    return "".join(line.rstrip() + "\n" for line in lines)
