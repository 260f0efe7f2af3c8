"""Read Arrow files, and streams. Feather is the same format as the files.

A file may be damaged, or forged: nothing that pyarrow returns is used before it is validated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc

from cali_reg.data.files import File, open_binary
from cali_reg.data.formats.arrow_layout import (
    BatchLayout,
    Buffer,
    is_stream,
    read_batch,
    read_layout,
    read_stream,
)
from cali_reg.data.formats.base import (
    LARGEST_READ,
    Block,
    Description,
    Fragment,
    number_batches,
    validated,
)
from cali_reg.runtime.schema import Column

_MOST_ROWS_OF_NULLS = 10_000_000  # of a batch: nothing else limits columns without values


def describe(file: File) -> Description:
    """Return the columns of an Arrow file.

    Parameters
    ----------
    file : File
    """
    with open_binary(file) as handle:
        schema = _open(handle).schema
        return Description(schema.names, schema.types)


def read(fragment: Fragment, columns: Sequence[Column], size: int) -> Iterator[Block]:
    """Yield blocks of at most `size` rows of some columns.

    Parameters
    ----------
    fragment : Fragment
    columns : sequence of Column
    size : int

    Raises
    ------
    ArrowInvalid
        For damaged or forged bytes, and for a batch that cannot be read in bounded memory.
    """
    names = [column.name for column in columns]
    with open_binary(fragment.file) as handle:
        if not is_stream(handle):
            yield from number_batches(_Reader(handle, names).batches(size), names, 1)
            return
        with open_binary(fragment.file) as second:
            yield from number_batches(_stream_batches(handle, second, names, size), names, 1)


def _open(handle: Any, options: Any = None) -> Any:
    open_file = pyarrow.ipc.open_stream if is_stream(handle) else pyarrow.ipc.open_file
    handle.seek(0)
    return open_file(handle, options=options)


def _stream_batches(
    handle: Any, second: Any, names: Sequence[str], size: int
) -> Iterator[pa.RecordBatch]:
    """Yield valid batches of at most `size` rows of a stream, which is open twice.

    From the second handle the headers are read, always one before its batch is.
    """
    schema = _open(handle).schema
    wanted = _wanted(schema, names)
    reader = _open(handle, pyarrow.ipc.IpcReadOptions(included_fields=wanted))
    dictionaries = i = 0
    for found in read_stream(second, schema):
        if isinstance(found, int):
            dictionaries += found
            _check_size("the dictionaries", dictionaries)
            continue
        _check_batch(i, found, wanted)
        _check_size(f"batch {i + 1}", found.decoded_size(range(len(schema))))
        batch = validated(reader.read_next_batch())
        i += 1
        for start in range(0, len(batch), size):
            yield batch.slice(start, size)


def _wanted(schema: pa.Schema, names: Sequence[str]) -> list[int]:
    """Return the indices of some columns; without any name, of all: their length is needed."""
    return [k for k, name in enumerate(schema.names) if not names or name in names]


def _check_batch(i: int, layout: BatchLayout, wanted: Sequence[int]) -> None:
    if layout.n_rows > max(_MOST_ROWS_OF_NULLS, 8 * layout.decoded_size(wanted)):
        raise pa.ArrowInvalid(
            f"batch {i + 1} claims {layout.n_rows} rows, for which it has no values"
        )


class _Reader:
    """Reads some columns of an open file."""

    def __init__(self, handle: Any, names: Sequence[str]) -> None:
        self._handle = handle
        self._schema = pyarrow.ipc.open_file(handle).schema
        self._layout = read_layout(handle)
        self._wanted = _wanted(self._schema, names)

    def batches(self, size: int) -> Iterator[pa.RecordBatch]:
        """Yield valid batches of at most `size` rows."""
        _check_size("the dictionaries", self._layout.dictionaries_size)
        whole = self._open(self._wanted)
        for i, block in enumerate(self._layout.blocks):
            layout = read_batch(self._handle, self._schema, block)
            _check_batch(i, layout, self._wanted)
            if layout.decoded_size(self._wanted) <= LARGEST_READ:
                batch = whole(i)
                for start in range(0, len(batch), size):
                    yield batch.slice(start, size)
            else:
                yield from self._slices(i, layout, size)

    def _open(self, columns: list[int]) -> Any:
        """Return a function that reads some columns of a batch, and validates them."""
        options = pyarrow.ipc.IpcReadOptions(included_fields=columns)
        reader = pyarrow.ipc.open_file(self._handle, options=options)
        return lambda i: validated(reader.get_batch(i))

    def _slices(self, i: int, layout: BatchLayout, size: int) -> Iterator[pa.RecordBatch]:
        """Yield slices of a batch that is too large to be read at once."""
        in_slices = [] if layout.is_compressed else self._wanted
        in_slices = [k for k in in_slices if self._can_slice(self._schema.types[k])]
        rest = [k for k in self._wanted if k not in in_slices]
        _check_size(f"batch {i + 1}", layout.decoded_size(rest))
        read_at_once: Any = self._open(rest)(i) if rest else None
        fields = {k: self._schema.field(k) for k in self._wanted}
        for start in range(0, layout.n_rows, size):
            n_rows = min(size, layout.n_rows - start)
            arrays = [
                _slice(self._handle, field.type, layout.columns[k], start, n_rows)
                if k in in_slices
                else read_at_once.column(field.name).slice(start, n_rows)
                for k, field in fields.items()
            ]
            yield validated(pa.RecordBatch.from_arrays(arrays, [f.name for f in fields.values()]))

    def _can_slice(self, data_type: pa.DataType) -> bool:
        types = pa.types
        is_plain = types.is_primitive(data_type) or types.is_decimal(data_type)
        return self._layout.is_little_endian and (is_plain or _width_of_ends(data_type) > 0)


def _check_size(what: str, n_bytes: int) -> None:
    if n_bytes > LARGEST_READ:
        raise pa.ArrowInvalid(
            f"{what} takes {n_bytes >> 20} MB at once; at most {LARGEST_READ >> 20} MB are read:"
            " write smaller batches"
        )


def _slice(
    handle: Any, data_type: pa.DataType, buffers: Sequence[Buffer], start: int, n_rows: int
) -> pa.Array:
    """Read some rows of a column from its buffers, which are not compressed."""
    skipped = start % 8  # a byte of a mask is for eight rows
    first, n_read = start - skipped, skipped + n_rows
    read = partial(_read_bits, handle, first=first, n_values=n_read)
    parts = [read(buffers[0], width=1) if buffers[0].size else None]
    if width := _width_of_ends(data_type):
        parts += _read_texts(handle, buffers[2], read(buffers[1], width=8 * width, more=1), width)
    else:
        parts.append(read(buffers[1], width=data_type.bit_width))
    return pa.Array.from_buffers(data_type, n_rows, parts, offset=skipped)


def _read_bits(
    handle: Any, buffer: Buffer, *, first: int, n_values: int, width: int, more: int = 0
) -> pa.Buffer:
    """Read values of some bits, from the one at `first`, which is a multiple of eight."""
    start, end = first * width // 8, (width * (first + n_values + more) + 7) // 8
    if end > buffer.size:
        raise pa.ArrowInvalid("a column has fewer values than its batch has rows")
    return pa.py_buffer(handle.read_at(end - start, buffer.start + start))


def _read_texts(handle: Any, buffer: Buffer, ends: pa.Buffer, width: int) -> list[pa.Buffer]:
    """Read the bytes of texts, and return where each one ends in these bytes, then the bytes."""
    places = np.frombuffer(ends, np.int32 if width == 4 else np.int64)
    first, last = int(places[0]), int(places[-1])
    if not 0 <= first <= last <= buffer.size or (np.diff(places) < 0).any():
        raise pa.ArrowInvalid("a column of text has ends outside of its bytes")
    _check_size("the text of some rows", last - first)
    texts = pa.py_buffer(handle.read_at(last - first, buffer.start + first))
    return [pa.py_buffer(places - places[0]), texts]


def _width_of_ends(data_type: pa.DataType) -> int:
    """Return how many bytes tell where a text ends; 0 for another type."""
    types = pa.types
    if types.is_string(data_type) or types.is_binary(data_type):
        return 4
    return 8 if types.is_large_string(data_type) or types.is_large_binary(data_type) else 0
