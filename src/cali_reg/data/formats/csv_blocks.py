"""CSV files in pieces of whole rows: Arrow's parser reads the plain ones, Python's all others.

Python's csv module, in its strict mode, says what a file means. Arrow's parser is many times
faster and more lenient: it takes ``"1"5`` for 15, and the end of the file for a closing quote.
So a piece goes to it only if every quote is where the format wants it, and a piece that it
refuses goes to Python.
"""

from __future__ import annotations

import csv
import io
import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from cali_reg.data.files import File, open_binary
from cali_reg.errors import DataError
from cali_reg.runtime.csv_reader import Report, Rows, read_header, report
from cali_reg.runtime.schema import MISSING, Column, parse_cell

_BLOCK = 1 << 20  # bytes that are parsed at once

# Text in which a quoted cell follows a comma or a new line, and such follows it. Nothing is tried
# twice, so that it takes linear time.
_PLAIN_QUOTES = re.compile(
    rb'(?:[^"]*+(?<![^,\r\n])"[^"]*+(?:""[^"]*+)*+"(?![^,\r\n]))*+[^"]*+', re.DOTALL
)


@dataclass(frozen=True)
class Piece:
    """Whole rows of a CSV file: bytes with plain quotes or, once others come, all of the rest."""

    content: bytes | io.TextIOBase

    def parse(self, n_columns: int, types: dict[int, pa.DataType]) -> list[pa.Array] | None:
        """Return the columns at some places, without Python; None if it takes Python.

        Missing values of numbers are null.
        """
        if not isinstance(self.content, bytes):
            return None
        names = list(map(str, range(n_columns)))
        try:
            table = pyarrow.csv.read_csv(
                pa.BufferReader(self.content),
                pyarrow.csv.ReadOptions(column_names=names, block_size=len(self.content) + 1),
                pyarrow.csv.ParseOptions(newlines_in_values=True),
                pyarrow.csv.ConvertOptions(
                    column_types={str(place): kind for place, kind in types.items()},
                    include_columns=list(map(str, types)),
                    null_values=list(MISSING),
                ),
            )
        except pa.ArrowInvalid:
            return None
        arrays = [column.combine_chunks() for column in table.columns]
        return arrays if len(table) and all(map(_is_finite, arrays)) else None

    def first_row(self) -> Sequence[str]:
        """Return the cells of the first row, if it is plain."""
        if not isinstance(self.content, bytes):
            return ()
        return next(filter(None, csv.reader(self.lines())), ())

    def lines(self) -> io.TextIOBase:
        """Return its text, for Python's parser; text at its end is gone once it is read."""
        return _text(self.content) if isinstance(self.content, bytes) else self.content


def pieces(handle: Any, name: str) -> tuple[list[str], Iterator[Piece]]:
    """Return the columns' names of an open file, and pieces of the rows below."""
    contents = _split(handle)
    first = next(contents)
    text = _text(first) if isinstance(first, bytes) else first
    header = read_header(text, name)
    if isinstance(first, bytes):
        first = text.read().encode("utf-8", "surrogateescape")
    return header, map(Piece, chain([first], contents))


def describe(file: File) -> tuple[list[str], list[pa.DataType], int | None]:
    """Return the columns' names, their types in the first megabyte, and about how many rows.

    A column with a number there is one of numbers: reading it names the row that holds none.
    """
    with open_binary(file) as handle:
        names, parts = pieces(handle, file.name)
        if not names:
            raise DataError(
                f"{file.name}: no header; expected the columns' names in the first line"
            )
        content = next(parts).content
        if isinstance(content, io.TextIOBase):
            content = _rewritten(Rows(file.name, names, names).read(content))
    if not content:
        return names, [pa.null()] * len(names), 0
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(content),
            pyarrow.csv.ReadOptions(column_names=names, block_size=len(content) + 1),
            pyarrow.csv.ParseOptions(newlines_in_values=True),
            pyarrow.csv.ConvertOptions(null_values=list(MISSING)),
        )
    except pa.ArrowInvalid as error:
        for _ in Rows(file.name, names, []).read(_text(content)):  # names the row, if it can
            pass
        raise error
    n_rows = table.num_rows
    if file.size > _BLOCK:
        n_rows = round(file.size / len(content) * n_rows)
    return names, list(map(_found, table.columns)), None if file.is_packed else n_rows


def _rewritten(rows: Iterator[tuple[int, list[str]]]) -> bytes:
    """Return the first rows with plain quotes."""
    text = io.StringIO()
    csv.writer(text).writerows(cells for _, cells in islice(rows, 1000))
    return text.getvalue().encode()


def read(
    file: File,
    types: dict[str, pa.DataType],
    columns: Sequence[Column],
    size: int,
    skipped: Report | None,
) -> Iterator[tuple[list[pa.Array], Sequence[int]]]:
    """Yield arrays of some columns, and the rows' numbers; `types` are those of all columns.

    Bad rows are told to `skipped`, or raise DataError.
    """
    with open_binary(file) as handle:
        header, parts = pieces(handle, file.name)
        rows = Rows(file.name, header, [column.name for column in columns])
        wanted = {
            place: _type(types[column.name], column)
            for place, column in zip(rows.places, columns, strict=True)
        } or {0: pa.string()}  # counts the rows if nothing is wanted
        for piece in parts:
            arrays = piece.parse(len(header), wanted)
            if arrays is None:
                yield from _read_slowly(rows, piece, columns, min(size, 10_000), skipped)
                continue
            numbers = range(rows.n_rows + 1, rows.n_rows + 1 + len(arrays[0]))
            rows.n_rows += len(numbers)
            for start in range(0, len(numbers), size):
                some = [array.slice(start, size) for array in arrays[: len(columns)]]
                yield some, numbers[start : start + size]


def _read_slowly(
    rows: Rows, piece: Piece, columns: Sequence[Column], size: int, skipped: Report | None
) -> Iterator[tuple[list[pa.Array], Sequence[int]]]:
    good = (
        (number, values)
        for number, cells in rows.read(piece.lines(), skipped=skipped)
        if (values := _values(columns, cells, f"{rows.name}: row {number}", skipped)) is not None
    )
    while chunk := list(islice(good, size)):
        arrays = [
            pa.array(cells, pa.float64() if column.levels is None else pa.string())
            for column, *cells in zip(columns, *(values for _, values in chunk), strict=True)
        ]
        yield arrays, [number for number, _ in chunk]


def _values(
    columns: Sequence[Column], cells: Sequence[str], where: str, skipped: Report | None
) -> list[Any] | None:
    values: list[Any] = []
    for column, cell in zip(columns, cells, strict=True):
        value: Any = cell
        if column.levels is None:
            value = None if cell.strip() in MISSING else parse_cell(cell)
            if value is None and cell.strip() not in MISSING:
                report(f"{where}: {column.complaint(cell)}", skipped)
                return None
        values.append(value)
    return values


def _found(array: pa.ChunkedArray) -> pa.DataType:
    cells: list[Any] = []
    if pa.types.is_string(array.type):
        cells = array.to_pylist()
    elif pa.types.is_binary(array.type):  # some of its text is no UTF-8
        cells = [cell.decode(errors="replace") for cell in array.to_pylist()]
    return pa.float64() if any(parse_cell(cell) is not None for cell in cells) else array.type


def _type(found: pa.DataType, column: Column) -> pa.DataType:
    if column.levels is not None:
        return pa.string()
    return found if pa.types.is_boolean(found) else pa.float64()


def _is_finite(array: pa.Array) -> bool:
    """Tell whether a column has no number that Python's parser would refuse, such as infinity."""
    return not pa.types.is_floating(array.type) or pc.all(pc.is_finite(array)).as_py() is not False


def _split(handle: Any) -> Iterator[bytes | io.TextIOBase]:
    """Yield a file in pieces of whole rows, the rest as text from where quotes are not plain."""
    rest = handle.read(len(BOM_UTF8)).removeprefix(BOM_UTF8)
    while data := handle.read(_BLOCK):
        rest += data
        end = _last_row_end(rest)
        if end:
            yield rest[:end]
            rest = rest[end:]
        elif len(rest) > _BLOCK:
            break
    else:
        if _plain(rest) == len(rest):
            yield rest
            return
    yield io.TextIOWrapper(
        io.BufferedReader(_Rest(rest, handle)), "utf-8", "surrogateescape", newline=""
    )


def _last_row_end(data: bytes) -> int:
    """Return where the last row ends, of those with plain quotes; 0 if none does."""
    if b'"' not in data:
        return max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
    end = _plain(data)
    texts = data[:end].split(b'"')
    for k in reversed(range(len(texts))):
        start = end - len(texts[k])
        if k % 2 == 0:  # outside of quotes
            line_end = max(data.rfind(b"\n", start, end), data.rfind(b"\r", start, end)) + 1
            if line_end:
                return line_end
        end = start - 1
    return 0


def _plain(data: bytes) -> int:
    """Return up to where all quotes are plain."""
    match = _PLAIN_QUOTES.match(data)
    return match.end() if match else 0


def _text(data: bytes) -> io.StringIO:
    return io.StringIO(data.decode("utf-8", "surrogateescape"), newline="")


class _Rest(io.RawIOBase):
    """Bytes that were read before, then those of a file."""

    def __init__(self, before: bytes, handle: Any) -> None:
        self._before, self._handle = io.BytesIO(before), handle

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._before.read(len(buffer)) or self._handle.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
