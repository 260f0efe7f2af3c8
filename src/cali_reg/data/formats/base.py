"""What all format modules share: fragments of files, blocks of rows, and Arrow arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cali_reg.data.columns.spellings import BOOLEANS, CELLS, NUMBERS, TEXT
from cali_reg.data.files import File
from cali_reg.runtime.cell_parser import parse_cell
from cali_reg.runtime.reading.dialect import USUAL_DIALECT, Dialect

LARGEST_READ = 1 << 28  # bytes of a file that are decompressed or decoded at once, at most
MOST_TEXT = 1 << 26  # bytes of a column in a block, if its rows can be cut
NO_KEY = "__HIVE_DEFAULT_PARTITION__"  # what Hive writes for a missing value


class Description(NamedTuple):
    """The columns of a file.

    Attributes
    ----------
    names : list of str
    types : list of pyarrow.DataType
    n_rows : int, optional
        An estimate for CSV; None if unknown.
    group_rows : tuple of int
        Number of rows of each row group of a Parquet file.
    dialect : Dialect
        How a CSV file is read.
    mixed : tuple of str
        The names of columns of a CSV file that hold numbers and other text in the rows looked at.
    """

    names: list[str]
    types: list[pa.DataType]
    n_rows: int | None = None
    group_rows: tuple[int, ...] = ()
    dialect: Dialect = USUAL_DIALECT
    mixed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fragment:
    """A file, or some row groups of one: what is read at once, or by one worker.

    Attributes
    ----------
    file : File
    types : dict
        The type of each column in the file, by name.
    keys : dict
        Values of further columns, from folder names such as ``year=2024``.
    duplicates : frozenset of str
        Names that appear twice in the file.
    n_rows : int, optional
        An estimate for CSV; None if unknown.
    group_rows : tuple of int
        Number of rows of each row group of a Parquet file.
    row_groups : tuple of int, optional
        The row groups to read, if not all.
    first_row : int
        The number of the first row, from 1.
    stored_names : dict
        The names of some columns as the file has them, with blanks around them, by name.
    dialect : Dialect
        How a CSV file is read.
    mixed : frozenset of str
        As in `Description`.
    without_codes : frozenset of str
        The names of columns in which a number with leading zeros, which may be a code, is an error
        if values have no types of their own.
    """

    file: File
    types: dict[str, pa.DataType]
    keys: dict[str, str]
    duplicates: frozenset[str] = frozenset()
    n_rows: int | None = None
    group_rows: tuple[int, ...] = ()
    row_groups: tuple[int, ...] | None = None
    first_row: int = 1
    stored_names: dict[str, str] = field(default_factory=dict)
    dialect: Dialect = USUAL_DIALECT
    mixed: frozenset[str] = frozenset()
    without_codes: frozenset[str] = frozenset()

    @property
    def kinds(self) -> dict[str, str]:
        """What each column holds, by name: numbers, text, nothing, or the name of another type."""
        keys = {name: _kind_of_key(value) for name, value in self.keys.items()}
        return {name: _kind(data_type) for name, data_type in self.types.items()} | keys

    def holds_categories(self, name: str) -> bool:
        """Tell whether a column may be categorical: text, numbers but no decimals, or booleans.

        Parameters
        ----------
        name : str
        """
        if name in self.keys:
            return True
        found = self.types[name]
        if pa.types.is_dictionary(found):
            found = found.value_type
        return _kind(found) in ("text", "numbers", "nothing") and not pa.types.is_decimal(found)

    def source(self, name: str) -> str:
        """Return where the categories of a column come from: `CELLS`, `TEXT` and so on.

        Parameters
        ----------
        name : str
        """
        if self.file.has_cells or name in self.keys:
            return CELLS
        found = self.types[name]
        if pa.types.is_dictionary(found):
            found = found.value_type
        if pa.types.is_boolean(found):
            return BOOLEANS
        return NUMBERS if pa.types.is_integer(found) or pa.types.is_floating(found) else TEXT

    def split(self) -> list[Fragment]:
        """Return a fragment for each row group, for several workers; itself if there are none."""
        starts = [1, *(1 + n for n in accumulate(self.group_rows))]
        return [
            replace(self, n_rows=n, group_rows=(), row_groups=(i,), first_row=starts[i])
            for i, n in enumerate(self.group_rows)
        ] or [self]


class Problem(NamedTuple):
    """What is wrong with a row.

    Attributes
    ----------
    position : int
        The index of the invalid column among the columns to read; -1 for the row as a whole.
    message : str
    """

    position: int
    message: str


class Block(NamedTuple):
    """Some rows as a format module yields them.

    Attributes
    ----------
    arrays : list of pyarrow.Array
        One for each column to read; null, NaN or empty text where a value is missing or a row is
        invalid.
    numbers : sequence of int
        The rows' numbers in the file, from 1.
    problems : mapping of int to Problem
        What is wrong with rows, by their index in the block.
    """

    arrays: list[pa.Array]
    numbers: Sequence[int]
    problems: Mapping[int, Problem] = {}


def number_array(values: npt.NDArray[np.float64]) -> pa.Array:
    """Return float64 values as an Arrow array; pa.array would import pandas if it is installed.

    Parameters
    ----------
    values : array of shape (n_rows,)
    """
    return pa.Array.from_buffers(pa.float64(), len(values), [None, pa.py_buffer(values)])


def text_array(texts: Sequence[str]) -> pa.Array:
    """Return texts as an Arrow array; pa.array would import pandas if it is installed.

    Parameters
    ----------
    texts : sequence of str
    """
    data = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, data)], dtype=np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(data))]
    return pa.Array.from_buffers(pa.string(), len(data), buffers)


def mask_array(mask: npt.NDArray[np.bool_]) -> pa.Array:
    """Return a mask as an Arrow array; pa.array would import pandas if it is installed.

    Parameters
    ----------
    mask : array of shape (n_rows,)
    """
    bits = pa.py_buffer(np.packbits(mask, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(mask), [None, bits])


def validated(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch, after checking that its values are in its buffers and its text is UTF-8.

    Arrow's functions trust all of that. Of numbers only the length is compared.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        As Arrow has read it.

    Raises
    ------
    ArrowInvalid
        For the first invalid column.
    """
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        try:
            array.validate(full=True)
        except pa.ArrowException as error:
            raise pa.ArrowInvalid(f"{error} in column {name!r}") from None
    return batch


def number_batches(batches: Any, names: Sequence[str], first_row: int) -> Any:
    """Yield blocks of Arrow's record batches that have rows.

    Text with a dictionary is cut into smaller blocks, if it would take much memory without it.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        Consecutive rows of a file.
    names : sequence of str
        The columns to read.
    first_row : int
        The number of the first row, from 1.
    """
    for batch in batches:
        arrays = [batch.column(name) for name in names]
        size = min(map(_rows_at_once, arrays), default=len(batch)) if len(batch) else 1
        for start in range(0, len(batch), size):
            n_rows = min(size, len(batch) - start)
            some = [array.slice(start, n_rows) for array in arrays]
            yield Block(some, range(first_row, first_row + n_rows))
            first_row += n_rows


def _rows_at_once(array: pa.Array) -> int:
    """Return how many rows of a column take few bytes when each one has its own text."""
    longest = longest_text(array)
    return min(len(array), max(1, MOST_TEXT // longest)) if longest else len(array)


def longest_text(array: pa.Array) -> int:
    """Return the number of bytes of the longest text, if rows may share one; 0 if they do not.

    Parameters
    ----------
    array : pyarrow.Array
    """
    types = pa.types
    if types.is_string_view(array.type) or types.is_binary_view(array.type):
        # each view of 16 bytes begins with the length of its text
        lengths = np.frombuffer(array.buffers()[1], np.int32)[::4]
        return int(lengths[array.offset : array.offset + len(array)].max(initial=0))
    if not types.is_dictionary(array.type):
        return 0
    try:
        longest = pc.max(pc.binary_length(array.dictionary)).as_py()
    except pa.ArrowNotImplementedError:  # no text, or views
        return longest_text(array.dictionary)
    return longest or 0


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
    return "text" if parse_cell(value) is None else "numbers"
