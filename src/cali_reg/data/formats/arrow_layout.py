"""Where the columns of an Arrow file lie, from its footer and the headers of its batches.

pyarrow reads a batch as a whole, and decompresses whatever it claims to hold. With this layout the
memory is known before anything is read, and a large batch is read in slices. The structures are
those of Arrow's ``File.fbs`` and ``Message.fbs``, in the encoding of FlatBuffers: a table starts
with the distance to its vtable, which holds where each field is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import pyarrow as pa

_MAGIC = b"ARROW1"
_CONTINUATION = b"\xff\xff\xff\xff"  # before each message
_RECORD_BATCH, _DICTIONARY_BATCH = 3, 2  # types of a message's header


class Buffer(NamedTuple):
    """Some bytes of a file.

    Attributes
    ----------
    start : int
        Where they are in the file.
    size : int
        How many there are in the file.
    decoded_size : int
        How many there are when they are decompressed.
    """

    start: int
    size: int
    decoded_size: int


class BatchLayout(NamedTuple):
    """Where a record batch is.

    Attributes
    ----------
    n_rows : int
        What its header claims.
    columns : list of list of Buffer
        The buffers of each column of the schema, with those of nested fields.
    is_compressed : bool
    """

    n_rows: int
    columns: list[list[Buffer]]
    is_compressed: bool

    def decoded_size(self, columns: Sequence[int]) -> int:
        """Return how many bytes some columns take, decompressed.

        Parameters
        ----------
        columns : sequence of int
            Their indices in the schema.
        """
        return sum(buffer.decoded_size for k in columns for buffer in self.columns[k])


class FileLayout(NamedTuple):
    """Where the batches of a file are.

    Attributes
    ----------
    blocks : list of (start, length of the header, length of the body)
        Of each batch; `read_batch` reads the header.
    dictionaries_size : int
        Bytes of all dictionaries, decompressed.
    is_little_endian : bool
    """

    blocks: list[tuple[int, ...]]
    dictionaries_size: int
    is_little_endian: bool


def read_layout(handle: Any) -> FileLayout:
    """Return the layout of an open Arrow file.

    Parameters
    ----------
    handle : pyarrow.NativeFile

    Raises
    ------
    ArrowInvalid
        If a header is damaged.
    """
    with _damage():
        footer = _footer(handle)
        header = footer.table(1)
        dictionaries = [_message(handle, block, _DICTIONARY_BATCH) for block in footer.blocks(2)]
        return FileLayout(
            footer.blocks(3),
            sum(b.decoded_size for found in dictionaries for b in _buffers(handle, *found)),
            header is None or header.number(0, "<h") == 0,
        )


def read_batch(handle: Any, schema: pa.Schema, block: tuple[int, ...]) -> BatchLayout:
    """Return the layout of a batch of an open Arrow file.

    Parameters
    ----------
    handle : pyarrow.NativeFile
    schema : pyarrow.Schema
        The one that pyarrow has found in it.
    block : tuple of int
        One of `FileLayout.blocks`.

    Raises
    ------
    ArrowInvalid
        If its header is damaged.
    """
    with _damage():
        return _batch(handle, schema, block)


def is_stream(handle: Any) -> bool:
    """Tell whether an open file has Arrow's stream format, which begins with a message.

    Parameters
    ----------
    handle : pyarrow.NativeFile
    """
    return bool(handle.read_at(len(_CONTINUATION), 0) == _CONTINUATION)


def read_stream(handle: Any, schema: pa.Schema) -> Iterator[BatchLayout | int]:
    """Yield the layout of each batch of a stream, and how many bytes each dictionary takes.

    Parameters
    ----------
    handle : pyarrow.NativeFile
    schema : pyarrow.Schema
        The one that pyarrow has found in it.

    Raises
    ------
    ArrowInvalid
        If a header is damaged, or the stream has no end.
    """
    with _damage():
        for kind, block in _messages(handle):
            if kind == _RECORD_BATCH:
                yield _batch(handle, schema, block)
            elif kind == _DICTIONARY_BATCH:
                found = _message(handle, block, kind)
                yield sum(buffer.decoded_size for buffer in _buffers(handle, *found))


def _messages(handle: Any) -> Iterator[tuple[int, tuple[int, int, int]]]:
    """Yield the kind of each message of a stream, and where it is."""
    place, end = 0, handle.size()
    while place < end:
        marker, size = struct.unpack("<4si", _read(handle, place, 8))
        if marker != _CONTINUATION or size < 0:
            raise IndexError(place)
        if not size:
            return
        header = _Table.root(_read(handle, place + 8, size))
        length = header.number(3, "<q")
        if not 0 <= length <= end - place - 8 - size:
            raise IndexError(length)
        yield header.number(1, "<B"), (place, 8 + size, length)
        place += 8 + size + length
    raise pa.ArrowInvalid("the stream has no end: it is cut off")


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except (struct.error, IndexError, OverflowError):
        raise pa.ArrowInvalid("the headers of its batches are damaged") from None


class _Table:
    """A table in the encoding of FlatBuffers.

    Parameters
    ----------
    data : bytes
    start : int
    """

    def __init__(self, data: bytes, start: int) -> None:
        self._data, self._start = data, start
        self._vtable = start - self._unpack("<i", start)

    @classmethod
    def root(cls, data: bytes) -> _Table:
        return cls(data, struct.unpack_from("<I", data, 0)[0])

    def number(self, field: int, kind: str) -> int:
        """Return a number, 0 if there is none."""
        place = self._place(field)
        return self._unpack(kind, place) if place else 0

    def table(self, field: int) -> _Table | None:
        place = self._place(field)
        return _Table(self._data, place + self._unpack("<I", place)) if place else None

    def structs(self, field: int, kind: str) -> list[tuple[int, ...]]:
        """Return a vector of structures, each of the same kind."""
        place = self._place(field)
        if not place:
            return []
        place += self._unpack("<I", place)
        start, end = place + 4, place + 4 + self._unpack("<I", place) * struct.calcsize(kind)
        if not 0 <= start <= end <= len(self._data):
            raise IndexError(field)
        return list(struct.iter_unpack(kind, self._data[start:end]))

    def blocks(self, field: int) -> list[tuple[int, ...]]:
        """Return where messages are: the start, the length of the header, that of the body."""
        return self.structs(field, "<qi4xq")

    def _place(self, field: int) -> int:
        position = 4 + 2 * field
        if position >= self._unpack("<H", self._vtable):
            return 0
        offset = self._unpack("<H", self._vtable + position)
        return offset and self._start + offset

    def _unpack(self, kind: str, place: int) -> int:
        if place < 0:
            raise IndexError(place)
        value: int = struct.unpack_from(kind, self._data, place)[0]
        return value


def _read(handle: Any, start: int, size: int) -> bytes:
    if start < 0 or size < 0 or start + size > handle.size():
        raise IndexError(start)
    data: bytes = handle.read_at(size, start)
    return data


def _footer(handle: Any) -> _Table:
    end = handle.size() - len(_MAGIC) - 4
    (size,) = struct.unpack("<i", _read(handle, end, 4))
    return _Table.root(_read(handle, end - size, size))


def _message(handle: Any, block: tuple[int, ...], kind: int) -> tuple[_Table, int]:
    """Return the record batch of a message, and where its body starts."""
    start, size, _ = block
    data = _read(handle, start, size)
    # before version 0.15 of Arrow, no marker was before the length
    header = _Table.root(data[8 if data[:4] == b"\xff\xff\xff\xff" else 4 :])
    table = header.table(2)
    if table is not None and kind == _DICTIONARY_BATCH:
        table = table.table(1)
    if table is None or header.number(1, "<B") != kind:
        raise IndexError(kind)
    return table, start + size


def _buffers(handle: Any, batch: _Table, body: int) -> Iterator[Buffer]:
    is_compressed = batch.table(3) is not None
    for offset, size in batch.structs(2, "<qq"):
        if min(offset, size) < 0 or body + offset + size > handle.size():
            raise IndexError(offset)
        decoded_size = size
        if is_compressed and size:
            (decoded_size,) = struct.unpack("<q", _read(handle, body + offset, 8))
            if decoded_size < 0:  # this one is stored as it is
                decoded_size = size
        yield Buffer(body + offset, size, decoded_size)


def _batch(handle: Any, schema: pa.Schema, block: tuple[int, ...]) -> BatchLayout:
    table, body = _message(handle, block, _RECORD_BATCH)
    buffers = list(_buffers(handle, table, body))
    views = iter([count for (count,) in table.structs(4, "<q")])
    columns, start = [], 0
    for data_type in schema.types:
        end = start + _count_buffers(data_type, views)
        columns.append(buffers[start:end])
        start = end
    if start != len(buffers) or table.number(0, "<q") < 0:
        raise IndexError(start)
    return BatchLayout(table.number(0, "<q"), columns, table.table(3) is not None)


def _count_buffers(data_type: Any, views: Iterator[int]) -> int:
    """Return how many buffers a column has in a file; `views` has how many texts of views are in.

    Arrow counts a mask of missing values for types that never have one in a file.
    """
    types = pa.types
    if isinstance(data_type, pa.BaseExtensionType):
        return _count_buffers(data_type.storage_type, views)
    if types.is_dictionary(data_type):
        return 2
    count: int = data_type.num_buffers
    if types.is_null(data_type) or types.is_union(data_type) or types.is_run_end_encoded(data_type):
        count -= 1
    if types.is_string_view(data_type) or types.is_binary_view(data_type):
        texts = next(views, 0)
        if texts < 0:
            raise IndexError(texts)
        count += texts
    fields = range(data_type.num_fields)
    return count + sum(_count_buffers(data_type.field(k).type, views) for k in fields)
