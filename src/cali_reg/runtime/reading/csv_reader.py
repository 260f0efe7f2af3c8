"""Read the rows of CSV files, one after the other."""

from __future__ import annotations

import csv
import io
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TextIO

from cali_reg.errors import DataError, UsageError
from cali_reg.runtime.reading.binary import open_csv_bytes
from cali_reg.runtime.reading.dialect import USUAL_DIALECT, Dialect, separator_of
from cali_reg.runtime.reading.options import USUAL, Reading
from cali_reg.runtime.schema import duplicate_column, missing_column

CSV_SUFFIXES = (".csv", ".tsv", ".txt")  # of files of text, one row in each line
_COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2"}  # and what reads them
_ENCODING = "name its encoding, such as --encoding cp1252"  # advice
LONGEST_ROW = 1 << 25  # characters: what a quote that is never closed may cost
csv.field_size_limit(1 << 24)  # characters of a cell; the csv module's own limit is low for text


class CsvReader:
    """Reads some columns of a CSV file, all at once or piece by piece, and counts the rows.

    Row 1 is the first after the header. Blank lines do not count.

    Parameters
    ----------
    name : str
        The file's name, for messages.
    header : sequence of str
        Names of all columns, as `read_header` returns them.
    columns : sequence of str, optional
        Names of the columns to read, by default all. Others are ignored.
    dialect : Dialect, optional
        How the file is read, by default with commas.

    Attributes
    ----------
    positions : list of int
        The index in the header of each column to read.
    n_named : int
        Number of columns up to the last one with a name.
    n_rows : int
        Number of rows read so far, invalid ones included.

    Raises
    ------
    DataError
        If a column to read is missing or appears twice.
    """

    def __init__(
        self,
        name: str,
        header: Sequence[str],
        columns: Sequence[str] | None = None,
        dialect: Dialect = USUAL_DIALECT,
    ) -> None:
        self.name, self.header, self.dialect = name, header, dialect
        self.columns = header if columns is None else columns
        self.n_named = 1 + max((k for k, cell in enumerate(header) if cell), default=-1)
        self.positions = (
            list(range(len(header))) if columns is None else _positions(header, columns, name)
        )
        self.n_rows = 0

    def read(self, lines: Iterable[str]) -> Iterator[tuple[int, list[str] | None, str]]:
        """Read rows that follow those read before.

        Parameters
        ----------
        lines : iterable of str
            Text of whole rows, such as an open file.

        Yields
        ------
        number : int
            The row's number.
        cells : list of str, or None
            The cells of the columns to read, in their order; None for an invalid row.
        problem : str
            What is wrong with an invalid row: it has not as many cells as the header, though empty
            ones at its end do not count, or bytes that are not UTF-8.

        Raises
        ------
        DataError
            For text that is not CSV, for a row longer than `LONGEST_ROW`, and for a file that
            cannot be read to its end.
        """
        limited = _LimitedLines(self.name, lines, self.dialect)
        try:
            for cells in self.dialect.reader(limited):
                limited.n_characters, limited.n_rows = 0, self.n_rows + bool(cells)
                if cells:
                    self.n_rows += 1
                    problem = self._problem(cells)
                    values = None if problem else [cells[k] for k in self.positions]
                    yield self.n_rows, values, problem
        except csv.Error as error:
            raise DataError(
                f"{self.name}: row {self.n_rows + 1} is not CSV ({error}); fix or drop it"
            ) from None
        except (OSError, EOFError) as error:
            raise _unreadable(self.name, error) from None

    def require_rows(self) -> None:
        """Raise DataError if no row was read."""
        if not self.n_rows:
            raise DataError(f"{self.name}: no rows; expected a header and at least one row")

    def _problem(self, cells: list[str]) -> str:
        n_more = len(self.header) - len(cells)
        if n_more < 0 and not "".join(cells[n_more:]).strip():
            del cells[n_more:]  # separators at the end of a line, as some programs write them
        elif 0 < n_more <= len(self.header) - self.n_named:
            cells += [""] * n_more
        elif n_more:
            return self._wrong_number(len(cells))
        if not "".join(cells).isascii():
            for k, column in zip(self.positions, self.columns, strict=True):
                if not _is_utf8(cells[k]):
                    return f"column {column!r} is not UTF-8 text; {_ENCODING}"
        return ""

    def _wrong_number(self, n_cells: int) -> str:
        n_columns, dialect = len(self.header), self.dialect
        where = "--names" if dialect.names else "the header"
        problem = f"has {n_cells} cells; expected {n_columns}, as in {where}"
        if n_columns == 1 and n_cells > 1 and not dialect.skip_lines:
            problem += " (--skip-lines leaves out lines before the header)"
        return problem


class _LimitedLines:
    """Yields lines of CSV text without comments, and not more of a row than `LONGEST_ROW`.

    Parameters
    ----------
    name : str
        The file's name, for messages.
    lines : iterable of str
        A file is not read further than so many characters either.
    dialect : Dialect
    where : str, optional
        What is read; by default the row after `n_rows`.

    Attributes
    ----------
    n_characters, n_rows : int
        Characters of the row that is read, and number of rows before it.
    """

    def __init__(self, name: str, lines: Iterable[str], dialect: Dialect, where: str = "") -> None:
        self._name, self._where = name, where
        self._dialect = None if dialect.has_plain_lines else dialect
        readline = getattr(lines, "readline", None)
        self._lines = iter(lines if readline is None else iter(lambda: readline(LONGEST_ROW), ""))
        self.n_characters = self.n_rows = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line: str = next(self._lines)
        if self._dialect is not None:
            while not self.n_characters and self._dialect.is_comment(line):
                line = next(self._lines)
            line = self._dialect.line(line)
        self.n_characters += len(line)
        if self.n_characters >= LONGEST_ROW:
            where = self._where or f"row {self.n_rows + 1}"
            raise DataError(
                f"{self._name}: {where} has {LONGEST_ROW} characters or more; expected less: close"
                " its quotes, or end the line"
            )
        return line


def read_header(lines: Iterable[str], name: str, dialect: Dialect = USUAL_DIALECT) -> list[str]:
    """Return the columns' names: from the first row, if the dialect does not name them.

    Parameters
    ----------
    lines : iterable of str
        Text that begins with the header, such as an open file.
    name : str
        The file's name, for messages.
    dialect : Dialect, optional
        How the file is read, by default with commas.

    Returns
    -------
    list of str
        Without blanks around the names; empty if there is no row.

    Raises
    ------
    DataError
        If the first row is not CSV, not UTF-8, or longer than `LONGEST_ROW`.
    """
    if dialect.names:
        return list(dialect.names)
    limited = _LimitedLines(name, lines, dialect, "the header")
    header: list[str] = []
    try:
        for cells in dialect.reader(limited):
            limited.n_characters = 0
            if header := list(map(column_name, cells)):
                break
    except csv.Error as error:
        raise DataError(f"{name}: the header is not CSV ({error}); fix it") from None
    for cell in header:
        if not _is_utf8(cell):
            where = f"{name}: the header"
            raise DataError(f"{where} is not UTF-8 text; {_ENCODING}")
    return header


def column_name(cell: str) -> str:
    """Return the name in a cell of a header: ``a, "b"`` has a blank before the quotes.

    Parameters
    ----------
    cell : str
    """
    name = cell.strip()
    is_quoted = len(name) > 1 and name[0] == name[-1] == '"'
    return name[1:-1].strip() if is_quoted else name


class CsvFile(NamedTuple):
    """An open CSV file.

    Attributes
    ----------
    name : str
        The file's name, for messages.
    dialect : Dialect
        How it is read.
    lines : text file
        Its text; bytes that are not UTF-8 become lone surrogates.
    """

    name: str
    dialect: Dialect
    lines: TextIO


@contextmanager
def open_csv(path: str, reading: Reading = USUAL) -> Iterator[CsvFile]:
    """Open a CSV file, or standard input for ``-``.

    Parameters
    ----------
    path : str
        A name that ends in one of `CSV_SUFFIXES`, or ``-``.
    reading : Reading, optional
        How to read it.

    Yields
    ------
    CsvFile

    Raises
    ------
    DataError
        If the file cannot be opened, and afterwards if it has changed while it was read.
    UsageError
        For a path that only pyarrow can read.
    """
    if path == "-":
        if sys.stdin is None:
            raise DataError("standard input is closed; name a file")
        yield _as_text(sys.stdin.buffer, "standard input", reading, ",")
        return
    suffix = next((end for end in _COMPRESSIONS if path.lower().endswith(end)), "")
    if not path.lower().removesuffix(suffix).endswith(CSV_SUFFIXES):
        raise UsageError(
            f"{path}: without pyarrow, only {', '.join(CSV_SUFFIXES)} files and standard input (-)"
            " can be read, also with .gz or .bz2; install pyarrow for folders, wildcards, URLs and"
            " other formats"
        )
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; check the path") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{path}: cannot be opened ({reason}); check the path") from None
    with file:
        before = os.fstat(file.fileno())
        text = _decompressed(file, path, suffix) if suffix else file
        yield _as_text(text, path, reading, separator_of(path))
        _check_unchanged(path, before)


def _decompressed(file: BinaryIO, name: str, suffix: str) -> BinaryIO:
    try:
        module = import_module(_COMPRESSIONS[suffix])
    except ImportError:
        raise UsageError(
            f"{name}: this Python cannot decompress {suffix} files; decompress it"
        ) from None
    return _Decompressed(module.open(file), name)  # type: ignore[return-value]


class _Decompressed(io.RawIOBase):
    """Bytes of a compressed file, whose damage is an OSError."""

    def __init__(self, file: Any, name: str) -> None:
        self._file, self._name = file, name

    def read(self, size: int = -1) -> bytes:
        """Return as many bytes as are asked for; fewer only at the end.

        Parameters
        ----------
        size : int
        """
        try:
            return bytes(self._file.read(size))
        except (OSError, EOFError):
            raise
        except Exception as error:  # each library has its own
            raise OSError(str(error)) from None


def _as_text(handle: BinaryIO, name: str, reading: Reading, separator: str) -> CsvFile:
    try:
        dialect, stream = open_csv_bytes(handle, name, reading, separator)
    except (OSError, EOFError) as error:
        raise _unreadable(name, error) from None
    text = io.TextIOWrapper(io.BufferedReader(stream), "utf-8", "surrogateescape", newline="")
    return CsvFile(name, dialect, text)


def _unreadable(name: str, error: Exception) -> DataError:
    reason = getattr(error, "strerror", None) or error
    return DataError(f"{name}: cannot be read ({reason})")


def _check_unchanged(path: str, before: os.stat_result) -> None:
    """Raise DataError if a file has changed, or another one has its name."""
    if not stat.S_ISREG(before.st_mode):
        return
    try:
        after = Path(path).stat()
    except OSError:
        found = "was deleted"
    else:
        if _state(after) == _state(before):
            return
        found = "has changed"
    raise DataError(f"{path}: {found} while it was read; try again when it is not being written")


def _state(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _positions(header: Sequence[str], columns: Sequence[str], name: str) -> list[int]:
    positions: dict[str, int] = {}
    duplicates = set()
    for k, cell in enumerate(header):
        if positions.setdefault(cell, k) != k:
            duplicates.add(cell)
    for column in columns:
        if column not in positions:
            raise missing_column(name, column, list(positions))
        if column in duplicates:
            raise duplicate_column(name, column)
    return [positions[column] for column in columns]


def _is_utf8(text: str) -> bool:
    """Refuse bytes that are not UTF-8, which Python has read as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
