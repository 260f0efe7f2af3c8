"""Rows of CSV files, one after the other. Standard library only."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from cali_reg.errors import DataError, UsageError
from cali_reg.runtime.schema import shown

TYPE_CHECKING = False  # see __init__.py
if TYPE_CHECKING:
    from typing import TextIO

Report = Callable[[str], None]  # takes what is wrong with a row

csv.field_size_limit(1 << 24)  # characters of a cell; its own limit is low for text


class Rows:
    """Reads the rows of a CSV file, in one go or piece by piece, and counts them.

    Row 1 is the first after the header; blank lines do not count.

    Attributes
    ----------
    columns : sequence of str
        Whose cells are read; others are ignored.
    places : list of int
        Where they are; those of `keys` follow the header's.
    keys : list of str
        Cells that are the same in all rows, for columns that the header lacks.
    n_rows : int
        How many were read so far, the bad ones, too.
    """

    def __init__(
        self,
        name: str,
        header: Sequence[str],
        columns: Sequence[str],
        keys: Mapping[str, str] | None = None,
    ) -> None:
        others = {key: cell for key, cell in (keys or {}).items() if key not in header}
        self.name, self.n_rows = name, 0
        self.header, self.columns, self.keys = header, columns, list(others.values())
        self.places = _places([*header, *others], columns, name)

    def read(
        self, lines: Iterable[str], *, skipped: Report | None = None
    ) -> Iterator[tuple[int, list[str]]]:
        """Yield number and cells of each row of some lines that follow those read before.

        Raises
        ------
        DataError
            Naming file and row, for what is no CSV; and for a row that has not as many cells as
            the header, or bytes that are no text, unless `skipped` takes what is wrong with it.
        """
        try:
            for cells in csv.reader(lines, strict=True):
                if cells:
                    self.n_rows += 1
                    if problem := self._problem(cells):
                        report(f"{self.name}: row {self.n_rows}{problem}", skipped)
                    else:
                        cells += self.keys
                        yield self.n_rows, [cells[place] for place in self.places]
        except csv.Error as error:
            raise DataError(
                f"{self.name}: row {self.n_rows + 1} is not CSV ({error}); mend or drop it"
            ) from None
        except (OSError, EOFError) as error:
            reason = getattr(error, "strerror", None) or error
            raise DataError(f"{self.name}: cannot be read ({reason})") from None

    def check_any(self) -> None:
        """Raise DataError if there was no row."""
        if not self.n_rows:
            raise DataError(f"{self.name}: no rows; expected a header and at least one row")

    def _problem(self, cells: list[str]) -> str | None:
        if len(cells) != len(self.header):
            return f" has {len(cells)} cells; expected {len(self.header)}, as in the header"
        if not "".join(cells).isascii():
            for place, column in zip(self.places, self.columns, strict=True):
                if place < len(cells) and not _is_utf8(cells[place]):
                    return f": column {column!r} is not UTF-8 text; convert the file"
        return None


def read_header(lines: Iterable[str], name: str) -> list[str]:
    """Return the columns' names, from the first row."""
    try:
        header = [cell.strip() for cell in next(csv.reader(lines, strict=True), [])]
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
def open_rows(path: str) -> Iterator[tuple[str, TextIO]]:
    """Open a CSV file, or standard input for ``-``; yield its name for messages, and its text."""
    if path == "-":
        if sys.stdin is None:
            raise DataError("standard input is closed; name a file")
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="surrogateescape", newline="")  # type: ignore[union-attr]
        yield "standard input", sys.stdin
        return
    if not path.lower().endswith(".csv"):
        raise UsageError(
            f"{path}: only .csv files and standard input, -, are read without pyarrow; install it"
            " for folders, patterns, addresses and other formats"
        )
    try:
        file = open(path, encoding="utf-8-sig", errors="surrogateescape", newline="")  # noqa: SIM115 - closed below
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; check the path") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{path}: cannot be opened ({reason}); check the path") from None
    with file:
        yield path, file


def _places(header: Sequence[str], columns: Sequence[str], name: str) -> list[int]:
    for column in columns:
        if header.count(column) != 1:
            found = "there twice" if column in header else "missing"
            raise DataError(
                f"{name}: column {column!r} is {found} (found: {shown(header)});"
                f" expected a header with {shown(columns)}"
            )
    return [header.index(column) for column in columns]


def _is_utf8(text: str) -> bool:
    """Refuse bytes that are no UTF-8, which Python has read as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
