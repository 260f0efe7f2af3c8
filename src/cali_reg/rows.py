"""Rows of numbers from CSV files. Standard library only."""

from __future__ import annotations

import csv
import math
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cali_reg.errors import DataError

TYPE_CHECKING = False  # see __init__.py
if TYPE_CHECKING:
    from typing import TextIO

# What the CSV world calls a number: float() would also take 1_000, ١٢, nan and infinity.
_NUMBER = re.compile(r"[ \t]*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t]*")


def parse_number(text: str) -> float | None:
    """Return the float64 nearest to a decimal number; None if the text is no finite one."""
    number = float(text) if _NUMBER.fullmatch(text) else math.inf
    return number if math.isfinite(number) else None


def read_rows(path: str, columns: Sequence[str]) -> Iterator[list[float]]:
    """Yield the named columns of each row of a CSV file with a header; ``-`` is standard input.

    Columns are matched by name, in any order; others are ignored, and so are blank lines.

    Raises
    ------
    DataError
        Naming file, row (1 is the first after the header) and column, for what is no table of
        finite numbers.
    """
    name = "standard input" if path == "-" else path
    with _open(path, name) as file:
        reader = csv.reader(file, strict=True)
        n_rows = 0
        try:
            header = next(reader, [])
            places = _places(header, columns, name)
            for cells in reader:
                if cells:
                    n_rows += 1
                    yield _numbers(cells, header, places, f"{name}: row {n_rows}")
        except csv.Error as error:
            raise DataError(
                f"{name}: row {n_rows + 1} is not CSV ({error}); mend or drop it"
            ) from None
        except OSError as error:
            raise DataError(f"{name}: cannot be read ({error.strerror})") from None
    if not n_rows:
        raise DataError(f"{name}: no rows; expected a header and at least one row")


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
    header[:] = [cell.strip() for cell in header]
    _check_text(header, header, f"{name}: header")
    for column in columns:
        if header.count(column) != 1:
            found = "there twice" if column in header else "missing"
            raise DataError(
                f"{name}: column {column!r} is {found} (found: {_list(header)});"
                f" expected a header with {_list(columns)}"
            )
    return [header.index(column) for column in columns]


def _numbers(cells: list[str], header: list[str], places: list[int], where: str) -> list[float]:
    if len(cells) != len(header):
        raise DataError(f"{where} has {len(cells)} cells; expected {len(header)}, as in the header")
    _check_text(cells, header, where)
    row = []
    for place in places:
        cell = cells[place]
        number = parse_number(cell)
        if number is None:
            found = f"holds {cell[:40]!r}" if cell.strip() else "is empty"
            raise DataError(
                f"{where}: column {header[place]!r} {found}; expected a finite number:"
                " mend or drop the row"
            )
        row.append(number)
    return row


def _check_text(cells: list[str], header: list[str], where: str) -> None:
    """Refuse bytes that are no UTF-8, which Python has read as lone surrogates."""
    if not "".join(cells).isascii():
        for cell, name in zip(cells, header, strict=True):
            if any("\ud800" <= character <= "\udfff" for character in cell):
                raise DataError(f"{where}: column {name!r} is not UTF-8 text; convert the file")


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(name[:40] for name in names[:12]) or "nothing"
    return shown + (", ..." if len(names) > 12 else "")
