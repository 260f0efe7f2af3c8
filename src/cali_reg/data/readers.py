"""Read batches of rows from files of any format, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from cali_reg.data.files import File, check_unchanged, readable
from cali_reg.data.formats import arrow_files, csv_files, parquet_files, tables
from cali_reg.data.formats.base import (
    NO_KEY,
    Block,
    Description,
    Fragment,
    Problem,
    mask_array,
    text_array,
)
from cali_reg.data.missing_values import Mask
from cali_reg.runtime.cell_parser import parse_cell, plain_number
from cali_reg.runtime.schema import Column

Progress = Callable[[int], object]  # takes the number of rows read since the last call


class Format(NamedTuple):
    """The functions for files of one format.

    Attributes
    ----------
    describe : callable
        Takes a File and returns its Description.
    read : callable
        Takes a Fragment, the columns to read and the largest number of rows of a block. Yields
        Blocks.
    """

    describe: Callable[[File], Description]
    read: Callable[[Fragment, Sequence[Column], int], Iterator[Block]]


FORMATS = {  # the names of files.FORMATS, and of what is in memory
    "CSV": Format(csv_files.describe, csv_files.read),
    "Excel": Format(csv_files.describe, csv_files.read),
    "JSON lines": Format(csv_files.describe, csv_files.read),
    "Parquet": Format(parquet_files.describe, parquet_files.read),
    "Arrow": Format(arrow_files.describe, arrow_files.read),
    "Table": Format(tables.describe, tables.read),
}

BATCH_SIZE = 60_000  # rows: three pages of a Parquet file as most writers make them
_CELLS = 1 << 20  # of a batch at most, if it has many columns
_FEWEST_ROWS = 1000


@dataclass(frozen=True)
class Batch:
    """Some rows of a file.

    Attributes
    ----------
    file : File
    arrays : list of pyarrow.Array
        One for each column to read: of any numeric type, or of strings for a categorical column.
    numbers : sequence of int
        The rows' numbers in the file, from 1.
    problems : mapping of int to Problem
        What is wrong with rows, by their index in the batch.
    sources : sequence of str
        For each column, where its categories come from: see `Fragment.source`.
    """

    file: File
    arrays: list[pa.Array]
    numbers: Sequence[int]
    problems: Mapping[int, Problem] = field(default_factory=dict)
    sources: Sequence[str] = ()

    def where(self, row: int) -> str:
        """Return the file and the number of a row, for a message.

        Parameters
        ----------
        row : int
            The index of the row in the batch.
        """
        return f"{self.file.name}: row {self.numbers[row]}"

    def take(self, rows: Mask) -> Batch:
        """Return some rows.

        Parameters
        ----------
        rows : array of shape (n_rows,)
            A mask, true for the rows to take, none of which has a problem.
        """
        arrays = [array.filter(mask_array(rows)) for array in self.arrays]
        numbers = list(compress(self.numbers, rows.tolist()))
        return replace(self, arrays=arrays, numbers=numbers, problems={})

    def head(self, n_rows: int) -> Batch:
        """Return the first rows.

        Parameters
        ----------
        n_rows : int
            At most so many that none of them has a problem.
        """
        arrays = [array.slice(0, n_rows) for array in self.arrays]
        return replace(self, arrays=arrays, numbers=self.numbers[:n_rows], problems={})


def describe(file: File, *, csv_types: bool = True) -> Fragment:
    """Find the columns of a file.

    Parameters
    ----------
    file : File
    csv_types : bool, default=True
        Whether to find the types of a CSV file's columns, from its first megabyte.

    Returns
    -------
    Fragment
        The whole file.

    Raises
    ------
    DataError
        For a file that cannot be read.
    """
    with readable(file):
        if csv_types or not file.has_cells:
            found = FORMATS[file.format].describe(file)
        else:
            found = csv_files.describe_header(file)
    names = [name.strip() for name in found.names]
    types = dict(zip(names, found.types, strict=True))
    duplicates = frozenset(name for name, count in Counter(names).items() if count > 1)
    keys = {key: value for key, value in file.keys.items() if key not in types}
    stored = {name: raw for name, raw in zip(names, found.names, strict=True) if name != raw}
    return Fragment(
        file,
        types,
        keys,
        duplicates,
        found.n_rows,
        found.group_rows,
        stored_names=stored,
        dialect=found.dialect,
        mixed=frozenset(name.strip() for name in found.mixed),
    )


def read(fragment: Fragment, columns: Sequence[Column], size: int) -> Iterator[Batch]:
    """Read some columns of a fragment.

    Parameters
    ----------
    fragment : Fragment
    columns : sequence of Column
    size : int
        Number of rows of a batch, at most. Batches of many columns have fewer, so that memory is
        bounded.

    Yields
    ------
    Batch

    Raises
    ------
    DataError
        For a file that cannot be read to its end, or that has changed since it was found.
    """
    size = min(size, max(_FEWEST_ROWS, _CELLS // max(1, len(columns))))
    positions = [k for k, column in enumerate(columns) if column.name not in fragment.keys]
    stored = fragment.stored_names
    inside = [
        columns[k]._replace(name=stored.get(columns[k].name, columns[k].name)) for k in positions
    ]
    sources = [fragment.source(column.name) for column in columns]
    with readable(fragment.file):
        for block in FORMATS[fragment.file.format].read(fragment, inside, size):
            found = dict(zip(positions, block.arrays, strict=True))
            arrays = [
                _as_asked(found[k], column)
                if k in found
                else _repeat_key(fragment.keys[column.name], column, len(block.numbers))
                for k, column in enumerate(columns)
            ]
            problems = {
                row: problem
                if problem.position < 0
                else problem._replace(position=positions[problem.position])
                for row, problem in block.problems.items()
            }
            yield Batch(fragment.file, arrays, block.numbers, problems, sources)
    check_unchanged(fragment.file)


def _as_asked(array: pa.Array, column: Column) -> pa.Array:
    """Return an array without a dictionary; as text for a categorical column."""
    if pa.types.is_dictionary(array.type):
        array = _decoded(array)
    if column.levels is None:
        return array
    if pa.types.is_floating(array.type):
        return _float_texts(array)
    text = pc.cast(array, pa.string())
    text.validate(full=True)  # a file may hold bytes that are not UTF-8
    return text


def _decoded(array: pa.DictionaryArray) -> pa.Array:
    """Return the values of an array with a dictionary."""
    values = array.dictionary
    if pa.types.is_string_view(values.type):  # as polars writes it, and pyarrow cannot decode
        array = pa.DictionaryArray.from_arrays(array.indices, pc.cast(values, pa.string()))
    return array.dictionary_decode()


def _float_texts(array: pa.Array) -> pa.Array:
    """Return floats as decimal texts, null where one is NaN."""
    if pa.types.is_float16(array.type):
        array = pc.cast(array, pa.float32())
    null = pa.nulls(len(array), pa.string())
    text = pc.if_else(pc.is_nan(array), null, pc.cast(array, pa.string()))
    if pc.any(pc.match_substring(text, "e")).as_py():
        spellings = text.dictionary_encode()
        texts = list(map(plain_number, spellings.dictionary.to_pylist()))
        text = text_array(texts).take(spellings.indices)
    return text


def _repeat_key(value: str, column: Column, n_rows: int) -> pa.Array:
    if value == NO_KEY:
        return pa.nulls(n_rows, pa.float64() if column.levels is None else pa.string())
    if column.levels is None:
        return pa.repeat(float(parse_cell(value) or 0.0), n_rows)
    return pa.repeat(value, n_rows)
