"""Batches of rows, read from parts of files in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
import pyarrow.parquet

from cali_reg.data.files import File, check_unchanged, open_binary, readable
from cali_reg.data.formats import csv_blocks
from cali_reg.errors import DataError
from cali_reg.runtime.csv_reader import Report
from cali_reg.runtime.schema import Column, features_of, parse_number

Progress = Callable[[int], object]  # takes how many rows were read since the last call

BATCH_SIZE = 60_000  # rows: three pages of a Parquet file as most writers make them
_CELLS = 1 << 20  # in a batch of many features
_FEWEST_ROWS = 1000
_BUFFER = 1 << 18  # bytes of a Parquet column that are read at once
NO_KEY = "__HIVE_DEFAULT_PARTITION__"  # what Hive writes for a missing value


@dataclass(frozen=True)
class Part:
    """A file, or some row groups of one: what is read in one go, or by one worker.

    `types` are those of its columns; `keys` are the values of further columns, which folders of
    its path hold, as in ``year=2024/part.parquet``.
    """

    file: File
    types: dict[str, pa.DataType]
    keys: dict[str, str]
    n_rows: int | None  # an estimate for CSV; None if unknown
    group_rows: tuple[int, ...] = ()  # of each row group of a Parquet file
    row_groups: tuple[int, ...] | None = None  # those to read, if not all
    first_row: int = 1

    @property
    def kinds(self) -> dict[str, str]:
        """What each column holds: numbers, text, nothing, or the name of another type."""
        keys = {name: _kind_of_key(value) for name, value in self.keys.items()}
        return {name: _kind(data_type) for name, data_type in self.types.items()} | keys

    def split(self) -> list[Part]:
        """Return parts for several workers: the row groups of a Parquet file, else the file."""
        starts = [1, *(1 + n for n in accumulate(self.group_rows))]
        return [
            replace(self, n_rows=n, group_rows=(), row_groups=(i,), first_row=starts[i])
            for i, n in enumerate(self.group_rows)
        ] or [self]


@dataclass(frozen=True)
class Batch:
    """Some rows: an array for each column asked for, and the rows' numbers in the file, from 1."""

    file: File
    arrays: list[pa.Array]
    numbers: Sequence[int]

    def where(self, row: int) -> str:
        """Return the place of one of its rows, for a message."""
        return f"{self.file.name}: row {self.numbers[row]}"


def describe(file: File) -> Part:
    """Find a file's columns and their types; those of a CSV file by its first megabyte."""
    with readable(file):
        names, types, *n_rows = _DESCRIBE[file.format](file)
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise DataError(f"{file.name}: column {twice[0]!r} is there twice; rename one")
    keys = {key: value for key, value in file.keys.items() if key not in names}
    return Part(file, dict(zip(names, types, strict=True)), keys, *n_rows)


def read(
    part: Part, columns: Sequence[Column], size: int, *, skipped: Report | None = None
) -> Iterator[Batch]:
    """Yield batches of at most `size` rows of some columns; bad rows of CSV go to `skipped`.

    Batches of many features have fewer rows, so that memory is bounded.

    Arrays of numbers have any numeric type, those of columns with levels are strings.

    Raises
    ------
    DataError
        For a file that cannot be read to its end, or that has changed since it was found.
    """
    n_features = max(1, len(features_of(columns)))
    size = min(size, max(_FEWEST_ROWS, _CELLS // n_features))
    inside = [column for column in columns if column.name not in part.keys]
    with readable(part.file):
        if part.file.format == "CSV":
            read_part = csv_blocks.read(part.file, part.types, inside, size, skipped)
        elif part.file.format == "Parquet":
            read_part = _read_parquet(part, inside, size)
        else:
            read_part = _read_arrow(part, inside, size)
        for arrays, numbers in read_part:
            found = {c.name: _as_asked(a, c, part) for c, a in zip(inside, arrays, strict=True)}
            for column in columns:
                if column.name in part.keys:
                    found[column.name] = _key(part.keys[column.name], column, len(numbers))
            yield Batch(part.file, [found[column.name] for column in columns], numbers)
    check_unchanged(part.file)


_Arrays = Iterator[tuple[list[pa.Array], Sequence[int]]]


def _describe_parquet(file: File) -> tuple[list[str], list[pa.DataType], int, tuple[int, ...]]:
    with open_binary(file) as handle:
        parquet = pyarrow.parquet.ParquetFile(handle)
        schema, metadata = parquet.schema_arrow, parquet.metadata
        groups = tuple(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups))
        return schema.names, schema.types, metadata.num_rows, groups


def _read_parquet(part: Part, columns: Sequence[Column], size: int) -> _Arrays:
    names = [column.name for column in columns]
    with open_binary(part.file) as handle:
        parquet = pyarrow.parquet.ParquetFile(handle, pre_buffer=False, buffer_size=_BUFFER)
        batches = parquet.iter_batches(
            size, row_groups=part.row_groups, columns=names, use_threads=False
        )
        yield from _numbered(batches, names, part.first_row)


def _describe_arrow(file: File) -> tuple[list[str], list[pa.DataType], None]:
    with open_binary(file) as handle:
        schema = pyarrow.ipc.open_file(handle).schema
        return schema.names, schema.types, None


def _read_arrow(part: Part, columns: Sequence[Column], size: int) -> _Arrays:
    with open_binary(part.file) as handle:
        reader = pyarrow.ipc.open_file(handle)
        batches = (
            batch.slice(start, size)
            for batch in map(reader.get_batch, range(reader.num_record_batches))
            for start in range(0, len(batch), size)
        )
        yield from _numbered(batches, [column.name for column in columns], 1)


def _numbered(batches: Any, names: list[str], first_row: int) -> _Arrays:
    for batch in batches:
        if len(batch):
            arrays = [batch.column(name) for name in names]
            yield arrays, range(first_row, first_row + len(batch))
            first_row += len(batch)


def _kind(data_type: pa.DataType) -> str:
    types = pa.types
    if types.is_dictionary(data_type):
        return _kind(data_type.value_type)
    if types.is_null(data_type):
        return "nothing"
    numeric = (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean)
    if any(test(data_type) for test in numeric):
        return "numbers"
    if any(
        test(data_type) for test in (types.is_string, types.is_large_string, types.is_string_view)
    ):
        return "text"
    return str(data_type)


def _kind_of_key(value: str) -> str:
    if value == NO_KEY:
        return "nothing"
    return "text" if parse_number(value) is None else "numbers"


def _as_asked(array: pa.Array, column: Column, part: Part) -> pa.Array:
    """Return an array without a dictionary; as text for a column with levels."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if column.levels is None:
        return array
    if pa.types.is_floating(array.type):
        raise DataError(
            f"{part.file.name}: column {column.name!r} holds {array.type} numbers; expected text or"
            " integers, as for any column that is encoded one-hot: convert it, or train with it as"
            " a number"
        )
    text = pc.cast(array, pa.string())
    text.validate(full=True)  # a file may hold bytes that are no UTF-8
    return text


def _key(value: str, column: Column, n_rows: int) -> pa.Array:
    if value == NO_KEY:
        return pa.nulls(n_rows, pa.float64() if column.levels is None else pa.string())
    return pa.repeat(float(value) if column.levels is None else value, n_rows)


_DESCRIBE: dict[str, Callable[[File], tuple[Any, ...]]] = {
    "CSV": csv_blocks.describe,
    "Parquet": _describe_parquet,
    "Arrow": _describe_arrow,
}
