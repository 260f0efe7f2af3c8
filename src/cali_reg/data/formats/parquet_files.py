"""Read Parquet files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby, islice
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from cali_reg.data.files import File, open_binary
from cali_reg.data.formats.base import (
    LARGEST_READ,
    MOST_TEXT,
    Block,
    Description,
    Fragment,
    longest_text,
    number_batches,
    validated,
)
from cali_reg.data.formats.parquet_pages import check_pages, most_bytes
from cali_reg.runtime.schema import Column

_BUFFER = 1 << 18  # bytes of a column that are read at once
_FEW_ROWS = 1000
_MOST_DECIMAL_BYTES = 32  # of Arrow's widest decimal


def describe(file: File) -> Description:
    """Return the columns of a Parquet file, and its row groups.

    Parameters
    ----------
    file : File
    """
    with open_binary(file) as handle:
        parquet = pyarrow.parquet.ParquetFile(handle)
        schema, metadata = parquet.schema_arrow, parquet.metadata
        groups = tuple(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups))
        return Description(schema.names, schema.types, metadata.num_rows, groups)


def read(fragment: Fragment, columns: Sequence[Column], size: int) -> Iterator[Block]:
    """Yield blocks of at most `size` rows of some columns.

    Parameters
    ----------
    fragment : Fragment
    columns : sequence of Column
    size : int
    """
    names = [column.name for column in columns]
    with open_binary(fragment.file) as handle:
        open_file = partial(
            pyarrow.parquet.ParquetFile, handle, pre_buffer=False, buffer_size=_BUFFER
        )
        parquet = open_file()
        types = dict(zip(parquet.schema_arrow.names, parquet.schema_arrow.types, strict=True))
        groups = fragment.row_groups or range(parquet.metadata.num_row_groups)
        chunks = _chunks(parquet, groups, names)
        unchecked = []
        for chunk in chunks:
            if _is_text(types[chunk.name]):
                check_pages(handle, chunk.metadata, LARGEST_READ)
            elif _has_long_decimals(chunk, types):  # pyarrow copies each before it looks at it
                largest = check_pages(handle, chunk.metadata, LARGEST_READ)
                size = max(1, min(size, MOST_TEXT // max(1, largest)))
            else:
                unchecked.append(chunk)
        long = [chunk for chunk in chunks if _is_long(chunk, types, open_file, size)]
        if any(_needs_few_rows(chunk, types) for chunk in long):
            size = min(size, _FEW_ROWS)
        else:
            names_of_long = sorted({chunk.name for chunk in long})
            open_file = partial(open_file, read_dictionary=names_of_long)
        batches = open_file().iter_batches(
            size, row_groups=groups, columns=names, use_threads=False
        )
        batches = _check_ahead(batches, size, unchecked, parquet.metadata, handle)
        batches = (_with_types(validated(batch), types) for batch in batches)
        yield from number_batches(batches, names, fragment.first_row)


class _Chunk(NamedTuple):
    """A part of a column: the number of its row group, the column's name, and what is known."""

    group: int
    name: str
    metadata: Any
    value_bytes: int  # of each value, if it is fixed


def _chunks(parquet: Any, groups: Sequence[int], names: Sequence[str]) -> list[_Chunk]:
    """Return the parts of some columns, each of which is in some row groups."""
    metadata = parquet.metadata
    leaves = _leaves(metadata, names)
    if not leaves:  # all columns are keys of folders
        return []
    chunks = []
    for i in groups:
        # Damaged metadata raise an error here. In `column` they would abort the process, since it
        # lets exceptions of C++ pass. No rows are read.
        for _ in parquet.reader.iter_batches(0, [i], [k for _, k in leaves], use_threads=False):
            pass
        group = metadata.row_group(i)
        chunks += [
            _Chunk(i, name, group.column(k), metadata.schema.column(k).length) for name, k in leaves
        ]
    return chunks


def _leaves(metadata: Any, names: Sequence[str]) -> list[tuple[str, int]]:
    """Return the indices of what some columns consist of: nested ones have several parts."""
    paths = [metadata.schema.column(k).path for k in range(metadata.num_columns)]
    return [
        (name, k)
        for name in names
        for k, path in enumerate(paths)
        if path == name or path.startswith(f"{name}.")
    ]


def _check_ahead(
    batches: Iterator[pa.RecordBatch],
    size: int,
    chunks: Iterable[_Chunk],
    metadata: Any,
    handle: Any,
) -> Iterator[pa.RecordBatch]:
    """Yield batches; check the pages of a row group before any of its rows is read."""
    row = start = 0  # of the next batch; of the next row group
    for group, members in groupby(chunks, key=lambda chunk: chunk.group):
        while row + size <= start:  # this batch needs no row of the group
            batch = next(batches, None)
            if batch is None:
                return
            row += len(batch)
            yield batch
        for chunk in members:
            most = most_bytes(chunk.metadata)
            if most is None or most > LARGEST_READ:  # a page cannot take more than its chunk
                check_pages(handle, chunk.metadata, LARGEST_READ)
        start += metadata.row_group(group).num_rows
    yield from batches


def _has_long_decimals(chunk: _Chunk, types: Mapping[str, pa.DataType]) -> bool:
    """Tell whether a column holds decimals that a file may store in any number of bytes."""
    if not pa.types.is_decimal(types[chunk.name]):
        return False
    if chunk.value_bytes > _MOST_DECIMAL_BYTES:
        raise pa.ArrowInvalid(
            f"column {chunk.name!r} holds decimals of {chunk.value_bytes} bytes; at most"
            f" {_MOST_DECIMAL_BYTES} are read"
        )
    return bool(chunk.metadata.physical_type == "BYTE_ARRAY")


def _is_text(data_type: pa.DataType) -> bool:
    types = pa.types
    plain = (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)
    views = (types.is_string_view, types.is_binary_view)
    return any(test(data_type) for test in (*plain, *views))


def _is_long(chunk: _Chunk, types: Mapping[str, pa.DataType], open_file: Any, size: int) -> bool:
    """Tell whether texts may be short in the file and long in memory: a dictionary has long ones.

    Such columns are read with their dictionary, and cut into blocks before they lose it.
    """
    if not _is_text(types[chunk.name]):
        return False
    n_rows = min(size, chunk.metadata.num_values)
    most = most_bytes(chunk.metadata)
    if most is not None and most * n_rows <= MOST_TEXT:
        return False
    if _needs_few_rows(chunk, types):
        return True
    # one row comes with the whole dictionary
    first = open_file(read_dictionary=[chunk.name]).iter_batches(
        1, row_groups=[chunk.group], columns=[chunk.name], use_threads=False
    )
    longest = max((longest_text(batch.column(0)) for batch in islice(first, 1)), default=0)
    return bool(longest * n_rows > MOST_TEXT)


def _needs_few_rows(chunk: _Chunk, types: Mapping[str, pa.DataType]) -> bool:
    """Tell whether pyarrow cannot read a column of text with a dictionary."""
    is_view = pa.types.is_string_view(types[chunk.name]) or pa.types.is_binary_view(
        types[chunk.name]
    )
    # each text is stored as its difference from the last one
    return is_view or "DELTA_BYTE_ARRAY" in chunk.metadata.encodings


def _with_types(batch: pa.RecordBatch, types: Mapping[str, pa.DataType]) -> pa.RecordBatch:
    """Return a batch whose dictionaries hold the types that the file has; pyarrow reads strings."""
    if not batch.num_columns:  # its number of rows would be lost
        return batch
    arrays = []
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        has_text = pa.types.is_dictionary(array.type) and _is_text(types[name])
        if has_text and array.type.value_type != types[name]:
            texts = pc.cast(array.dictionary, types[name])
            arrays.append(pa.DictionaryArray.from_arrays(array.indices, texts))
        else:
            arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, batch.schema.names)
