"""CSV files: Arrow's parser reads them; the rows that it does not understand, Python's."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from cali_reg.columns import MISSING, Column, parse_cell
from cali_reg.errors import DataError
from cali_reg.files import File, open_binary, open_text
from cali_reg.rows import Report, read_cells, read_header, report

_BLOCK = 1 << 20  # bytes that are parsed at once


def describe(file: File) -> tuple[list[str], list[pa.DataType], int | None]:
    """Return the columns' names, their types in the first megabyte, and about how many rows.

    A column with a number there is one of numbers: reading it names the row that holds none.
    """
    with open_text(file) as text:
        names = read_header(csv.reader(text, strict=True), file.name)
    if not names:
        raise DataError(f"{file.name}: no header; expected the columns' names in the first line")
    try:
        with open_binary(file) as handle, _parser(handle, names) as parser:
            first = parser.read_next_batch()
    except StopIteration:
        return names, [pa.null()] * len(names), 0
    except pa.ArrowInvalid as error:
        with open_text(file) as text:
            for _ in read_cells(text, file.name, []):  # names the row, if it can
                pass
        raise error
    n_rows = first.num_rows
    if file.size > _BLOCK:
        n_rows = round(file.size / _BLOCK * n_rows)
    return names, list(map(_found, first.columns)), None if file.is_packed else n_rows


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
    done = 0
    wanted = {column.name: _type(types[column.name], column) for column in columns}
    first = dict.fromkeys(list(types)[:1], pa.string())  # counts the rows if nothing is wanted
    try:
        with open_binary(file) as handle, _parser(handle, list(types), wanted or first) as parser:
            for batch in parser:
                _check_finite(batch)
                for start in range(0, len(batch), size):
                    rows = batch.slice(start, size)
                    numbers = range(done + 1, done + 1 + len(rows))
                    yield rows.columns[: len(columns)], numbers
                    done = numbers[-1]
    except pa.ArrowInvalid:
        yield from _read_slowly(file, columns, min(size, 10_000), skipped, done)


def _read_slowly(
    file: File, columns: Sequence[Column], size: int, skipped: Report | None, done: int
) -> Iterator[tuple[list[pa.Array], Sequence[int]]]:
    with open_text(file) as text:
        names = [column.name for column in columns]
        rows = (
            (number, values)
            for number, cells in read_cells(text, file.name, names, skipped=skipped)
            if number > done
            and (values := _values(columns, cells, f"{file.name}: row {number}", skipped))
            is not None
        )
        while chunk := list(islice(rows, size)):
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


def _parser(handle: Any, names: list[str], types: dict[str, Any] | None = None) -> Any:
    return pyarrow.csv.open_csv(
        pa.PythonFile(_WholeLineBreaks(handle), mode="r"),
        read_options=pyarrow.csv.ReadOptions(
            block_size=_BLOCK, column_names=names, skip_rows_after_names=1
        ),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=types,
            include_columns=list(types) if types is not None else None,
            null_values=list(MISSING),
        ),
    )


class _WholeLineBreaks:
    """A file whose blocks never end in a carriage return.

    Arrow drops the line feed that begins the next block, even inside of quotes.
    """

    closed = False

    def __init__(self, handle: Any) -> None:
        self._handle, self._kept = handle, b""

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes; none at the end of the file."""
        data: bytes = self._kept + self._handle.read(size - len(self._kept))
        ends = len(data) > 1 and data.endswith(b"\r")
        self._kept = b"\r" if ends else b""
        return data[:-1] if ends else data

    def close(self) -> None:
        """Leave the file to whom it belongs."""


def _check_finite(batch: pa.RecordBatch) -> None:
    """Raise ArrowInvalid for NaN and infinity: Arrow takes more for them than `columns` does."""
    for array in batch.columns:
        if pa.types.is_floating(array.type) and pc.all(pc.is_finite(array)).as_py() is False:
            raise pa.ArrowInvalid("not finite")


def _found(array: pa.Array) -> pa.DataType:
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
