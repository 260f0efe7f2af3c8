"""Rows of CSV files, one after the other. Standard library only."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from cali_reg.columns import Column, shown
from cali_reg.errors import DataError

TYPE_CHECKING = False  # see __init__.py
if TYPE_CHECKING:
    from typing import TextIO

Report = Callable[[str], None]  # takes what is wrong with a row


def read_rows(
    path: str, columns: Sequence[Column], *, unseen: str = "error", skipped: Report | None = None
) -> Iterator[tuple[int, list[float]]]:
    """Yield number and features of each row of a CSV file with a header; ``-`` is standard input.

    Columns are matched by name, in any order; others are ignored, and so are blank lines. Row 1
    is the first after the header. Bad rows are left out if `skipped` takes what is wrong.

    Raises
    ------
    DataError
        Naming file, row and column, for what is no table of finite numbers and known levels.
    """
    name = "standard input" if path == "-" else path
    with _open(path, name) as file:
        for number, cells in read_cells(file, name, [c.name for c in columns], skipped=skipped):
            try:
                encoded = [
                    c.encode(cell, unseen=unseen) for c, cell in zip(columns, cells, strict=True)
                ]
            except DataError as error:
                report(f"{name}: row {number}: {error}", skipped)
            else:
                yield number, [value for values in encoded for value in values]


def read_cells(
    file: TextIO, name: str, columns: Sequence[str], *, skipped: Report | None = None
) -> Iterator[tuple[int, list[str]]]:
    """Yield number and cells of each row of an open CSV file, of the named columns."""
    reader = csv.reader(file, strict=True)
    n_rows = 0
    try:
        header = read_header(reader, name)
        places = _places(header, columns, name)
        for cells in reader:
            if cells:
                n_rows += 1
                if problem := _problem(cells, header, places):
                    report(f"{name}: row {n_rows}{problem}", skipped)
                else:
                    yield n_rows, [cells[place] for place in places]
    except csv.Error as error:
        raise DataError(f"{name}: row {n_rows + 1} is not CSV ({error}); mend or drop it") from None
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{name}: cannot be read ({reason})") from None
    if not n_rows:
        raise DataError(f"{name}: no rows; expected a header and at least one row")


def read_header(reader: Iterator[list[str]], name: str) -> list[str]:
    """Return the columns' names, from the first row."""
    try:
        header = [cell.strip() for cell in next(reader, [])]
    except csv.Error as error:
        raise DataError(f"{name}: header is not CSV ({error}); mend it") from None
    for cell in header:
        if not _is_utf8(cell):
            raise DataError(f"{name}: header is not UTF-8 text; convert the file")
    return header


def report(problem: str, skipped: Report | None) -> None:
    """Raise a row's problem, or tell it to who takes it."""
    if skipped is None:
        raise DataError(problem)
    skipped(problem)


@contextmanager
def _open(path: str, name: str) -> Iterator[TextIO]:
    if path == "-":
        if sys.stdin is None:
            raise DataError("standard input is closed; name a file")
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="surrogateescape", newline="")  # type: ignore[union-attr]
        yield sys.stdin
        return
    try:
        file = open(path, encoding="utf-8-sig", errors="surrogateescape", newline="")  # noqa: SIM115 - closed below
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{name}: cannot be opened ({reason}); check the path") from None
    with file:
        yield file


def _places(header: list[str], columns: Sequence[str], name: str) -> list[int]:
    for column in columns:
        if header.count(column) != 1:
            found = "there twice" if column in header else "missing"
            raise DataError(
                f"{name}: column {column!r} is {found} (found: {shown(header)});"
                f" expected a header with {shown(columns)}"
            )
    return [header.index(column) for column in columns]


def _problem(cells: list[str], header: list[str], places: list[int]) -> str | None:
    if len(cells) != len(header):
        return f" has {len(cells)} cells; expected {len(header)}, as in the header"
    if not "".join(cells).isascii():
        for place in places:
            if not _is_utf8(cells[place]):
                return f": column {header[place]!r} is not UTF-8 text; convert the file"
    return None


def _is_utf8(text: str) -> bool:
    """Refuse bytes that are no UTF-8, which Python has read as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
