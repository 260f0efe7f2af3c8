"""Read CSV files: block by block with Arrow, or row by row with Python where that is needed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from cali_reg.data.files import File
from cali_reg.data.formats import csv_blocks, json_lines
from cali_reg.data.formats.base import (
    Block,
    Description,
    Fragment,
    Problem,
    number_array,
    text_array,
)
from cali_reg.data.formats.cell_rows import open_cells
from cali_reg.data.formats.csv_blocks import CsvBlock, as_text, cut_into_blocks, read_table
from cali_reg.data.formats.csv_codes import CodeCheck
from cali_reg.errors import DataError
from cali_reg.runtime.cell_parser import BOOLEANS, MISSING, is_missing
from cali_reg.runtime.reading import csv_reader
from cali_reg.runtime.reading.csv_reader import CsvReader
from cali_reg.runtime.reading.dialect import Dialect
from cali_reg.runtime.schema import Column

_FIRST_ROWS = 100  # that are looked at for true and false
_MOST_ROWS = 10_000  # of a block that Python parses
_DECIMAL_COMMA = r"^([ \t]*[+-]?[0-9]*),([0-9]*(?:[eE][+-]?[0-9]+)?[ \t]*)$"  # as a dialect has it

_Values = tuple[list[Any], Problem | None]  # of one row, None for what is missing


def describe(file: File) -> Description:
    """Return a CSV file's columns, their types in its first megabyte, and an estimate of its rows.

    A column with any number there is numeric: reading it reports the first row without a number.

    Parameters
    ----------
    file : File

    Raises
    ------
    DataError
        If there is no header, and for text that is not CSV in the first megabyte.
    pyarrow.ArrowInvalid
        If Arrow's parser rejects the valid rows of the first megabyte.
    """
    with open_cells(file) as (handle, as_csv):
        dialect, names, blocks = cut_into_blocks(handle, as_csv)
        if not names:
            raise DataError(f"{file.name}: no header; expected column names in the first line")
        content = next(blocks, CsvBlock(b"", dialect)).content
        if isinstance(content, io.TextIOBase):
            content = _rewrite(names, file.name, content, dialect, 1000)
    if not content:
        return Description(names, [pa.null()] * len(names), 0, dialect=dialect)
    places = list(map(str, range(len(names))))  # their own names may stand twice
    convert = pyarrow.csv.ConvertOptions(null_values=_marks(file), decimal_point=dialect.decimal)
    try:
        table = read_table(content, places, convert, dialect.separator)
    except pa.ArrowInvalid:  # as for a row with too few cells, which reading reports or skips
        content = _rewrite(names, file.name, as_text(content), dialect)
        if not content:
            return Description(names, [pa.null()] * len(names), dialect=dialect)
        table = read_table(content, places, convert, dialect.separator)
    n_rows = table.num_rows
    if file.size > csv_blocks.BLOCK_BYTES:
        n_rows = round(file.size / len(content) * n_rows)
    types = [_type_found(array, dialect) for array in table.columns]
    mixed = [n for n, t, c in zip(names, types, table.columns, strict=True) if t != c.type]
    if file.format == "JSON lines":
        types = json_lines.with_nested(file, names, types)
    n_rows = None if file.is_compressed else n_rows
    return Description(names, types, n_rows, dialect=dialect, mixed=tuple(mixed))


def _marks(file: File) -> list[str]:
    """Return the texts that are missing values where the type of a column is not yet known."""
    usual = [mark for mark in MISSING if mark not in file.reading.not_missing]
    return [*usual, *file.reading.missing]


def describe_header(file: File) -> Description:
    """Return a CSV file's columns without their types, which are known only after reading.

    Parameters
    ----------
    file : File
    """
    with open_cells(file) as (handle, as_csv):
        dialect, names, _ = cut_into_blocks(handle, as_csv)
    return Description(names, [pa.null()] * len(names), dialect=dialect)


def read(fragment: Fragment, columns: Sequence[Column], size: int) -> Iterator[Block]:
    """Yield blocks of at most `size` rows of some columns.

    Parameters
    ----------
    fragment : Fragment
    columns : sequence of Column
        A column may be in it twice.
    size : int

    Raises
    ------
    DataError
        For text that is not CSV, after the rows before it.
    """
    file = fragment.file
    names = [column.name for column in columns]
    with open_cells(file, names) as (handle, as_csv):
        dialect, header, blocks = cut_into_blocks(handle, as_csv)
        reader = CsvReader(file.name, header, names, dialect)
        types: dict[int, pa.DataType] = {}
        check = CodeCheck(fragment, reader, columns)
        for block in blocks:
            types = types or _column_types(block, reader, columns)
            arrays = _parse(block, reader, columns, types)
            if arrays is None:
                rows = _numbered_values(block, reader, columns, check)
                yield from _parse_rows(rows, columns, min(size, _MOST_ROWS))
                continue
            check.block(block)
            numbers = range(reader.n_rows + 1, reader.n_rows + 1 + len(arrays[0]))
            reader.n_rows += len(numbers)
            for start in range(0, len(numbers), size):
                some = [array.slice(start, size) for array in arrays[: len(columns)]]
                yield Block(some, numbers[start : start + size])


def _column_types(
    block: CsvBlock, reader: CsvReader, columns: Sequence[Column]
) -> dict[int, pa.DataType]:
    """Return how Arrow parses the columns, by position: as the first rows have them."""
    rows = block.first_rows(_FIRST_ROWS)
    types: dict[int, pa.DataType] = {}
    for k, column in zip(reader.positions, columns, strict=True):
        is_text = column.levels is not None or _has_own_numbers(column, reader.dialect)
        wanted = pa.string() if is_text else _numeric_type(rows, k)
        types[k] = wanted if types.get(k, wanted) == wanted else pa.string()
    return types or {0: pa.string()}  # counts the rows if no column is asked for


def _has_own_numbers(column: Column, dialect: Dialect) -> bool:
    """Tell whether Arrow would read other numbers or missing values than those of a column."""
    return bool(column.missing or column.not_missing or dialect.ignored)


def _numeric_type(rows: Sequence[Sequence[str]], position: int) -> pa.DataType:
    cells = (row[position] for row in rows if position < len(row))
    first = next((cell for cell in cells if not is_missing(cell)), "")
    return pa.bool_() if first in BOOLEANS else pa.float64()


def _parse(
    block: CsvBlock, reader: CsvReader, columns: Sequence[Column], types: dict[int, pa.DataType]
) -> list[pa.Array] | None:
    """Parse a block with Arrow; None if Python's parser is needed."""
    parsed = block.parse(len(reader.header), reader.n_named, types)
    if parsed is None or not columns:
        return parsed
    cells = dict(zip(types, parsed, strict=True))
    arrays = [cells[k] for k in reader.positions]
    try:
        arrays = [
            _convert(array, column, reader.dialect) if pa.types.is_string(array.type) else array
            for array, column in zip(arrays, columns, strict=True)
        ]
    except pa.ArrowInvalid:
        return None
    return arrays if all(map(_is_finite, arrays)) else None


def _convert(array: pa.Array, column: Column, dialect: Dialect) -> pa.Array:
    """Return the text of a column as categories or numbers. Raises ArrowInvalid for other text."""
    if column.levels is not None:
        if dialect.decimal == ",":
            return pc.replace_substring_regex(array, _DECIMAL_COMMA, r"\1.\2")
        return array
    text = pc.utf8_trim(array, " \t")
    marks = [*(mark for mark in MISSING if mark not in column.not_missing), *column.missing]
    is_missing = pc.is_in(text, value_set=text_array(marks))
    for character in dialect.ignored:
        text = pc.replace_substring(text, character, "")
    if dialect.decimal == ",":
        if pc.any(pc.match_substring(text, ".")).as_py():
            raise pa.ArrowInvalid("a number has a decimal point")
        text = pc.replace_substring(text, ",", ".")
    return pc.cast(pc.if_else(is_missing, None, text), pa.float64())


def _is_finite(array: pa.Array) -> bool:
    """Tell whether a column has no number that Python's parser would reject, such as infinity."""
    return not pa.types.is_floating(array.type) or pc.all(pc.is_finite(array)).as_py() is not False


def _parse_rows(
    rows: Iterator[tuple[int, _Values]], columns: Sequence[Column], size: int
) -> Iterator[Block]:
    """Yield blocks of rows that Python parses. An error comes after the rows before it."""
    error: DataError | None = None
    while error is None:
        some: list[tuple[int, _Values]] = []
        try:
            some.extend(_at_once(rows, size))
        except DataError as found:
            error = found
        if some:
            yield _as_block(some, columns)
        elif error is None:
            return
    raise error


def _at_once(rows: Iterator[tuple[int, _Values]], size: int) -> Iterator[tuple[int, _Values]]:
    """Yield at most `size` rows, and fewer if they have much text."""
    n_characters = 0
    for row in islice(rows, size):
        yield row
        n_characters += sum(len(value) for value in row[1][0] if isinstance(value, str))
        if n_characters > csv_reader.LONGEST_ROW:
            return


def _numbered_values(
    block: CsvBlock, reader: CsvReader, columns: Sequence[Column], check: CodeCheck
) -> Iterator[tuple[int, _Values]]:
    for number, cells, problem in reader.read(block.lines()):
        if cells is None:
            yield number, ([None] * len(columns), Problem(-1, problem))
        else:
            check.row(cells)
            yield number, _values(columns, cells, reader.dialect)


def _values(columns: Sequence[Column], cells: Sequence[str], dialect: Dialect) -> _Values:
    values: list[Any] = []
    problem = None
    for k, (column, cell) in enumerate(zip(columns, cells, strict=True)):
        value: Any = dialect.category(cell)
        if column.levels is None:
            value = None if column.is_missing(cell) else dialect.parse(cell)
            if value is None and problem is None and not column.is_missing(cell):
                problem = Problem(k, column.invalid_value(cell))
        values.append(value)
    return values, problem


def _as_block(rows: Sequence[tuple[int, _Values]], columns: Sequence[Column]) -> Block:
    arrays = [
        _as_array([values[k] for _, (values, _) in rows], column)
        for k, column in enumerate(columns)
    ]
    problems = {i: problem for i, (_, (_, problem)) in enumerate(rows) if problem is not None}
    return Block(arrays, [number for number, _ in rows], problems)


def _as_array(values: Sequence[Any], column: Column) -> pa.Array:
    """Return values as an array: NaN, or empty text, where one is missing."""
    if column.levels is None:
        return number_array(np.array(values, dtype=np.float64))
    return text_array([value or "" for value in values])


def _type_found(array: pa.ChunkedArray, dialect: Dialect) -> pa.DataType:
    cells: list[Any] = []
    if pa.types.is_string(array.type):
        cells = array.to_pylist()
    elif pa.types.is_binary(array.type):  # some cells are not UTF-8
        cells = [cell.decode(errors="replace") for cell in array.to_pylist()]
    if any(dialect.parse(cell) is not None for cell in cells):
        return pa.float64()
    return pa.string() if pa.types.is_binary(array.type) else array.type


def _rewrite(
    names: Sequence[str],
    name: str,
    lines: io.TextIOBase,
    dialect: Dialect,
    n_rows: int | None = None,
) -> bytes:
    """Return the first valid rows with plain quotes, and with as many cells as the header."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=dialect.separator)
    for _, cells, _ in islice(CsvReader(name, names, None, dialect).read(lines), n_rows):
        if cells:
            writer.writerow(cells)
        if text.tell() > csv_blocks.BLOCK_BYTES:
            break
    return text.getvalue().encode()
