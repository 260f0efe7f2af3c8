"""How much the pages of a Parquet file take when they are decompressed, from their headers.

A page is decompressed as a whole, and a file of some kilobytes may hold one of gigabytes. pyarrow
does not show the headers of pages: they are structures of Thrift, in its compact encoding.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

# The most that a byte can grow to; unknown codecs may grow it to anything.
_MOST_GROWTH = {"UNCOMPRESSED": 1, "SNAPPY": 22, "LZ4": 256, "LZ4_RAW": 256, "GZIP": 1032}
_HEADER_BYTES = 1 << 8  # enough for most; others have statistics of long text
_MOST_HEADER_BYTES = 1 << 20
_PADDING = 100  # bytes: some old writers count one header too few
_FIXED = {1: 0, 2: 0, 3: 1, 7: 8}  # bytes of true, false, a byte and a double


def check_pages(handle: Any, chunk: Any, limit: int) -> int:
    """Check that no page of a column chunk takes more bytes than a limit.

    Parameters
    ----------
    handle : pyarrow.NativeFile
    chunk : pyarrow.parquet.ColumnChunkMetaData
    limit : int

    Returns
    -------
    int
        How many bytes the largest page takes.

    Raises
    ------
    ArrowInvalid
        For the first page that does, and for a damaged header.
    """
    if not chunk.num_values:
        return 0  # pyarrow reads no page
    place, dictionary = chunk.data_page_offset, chunk.dictionary_page_offset
    if dictionary and 0 < dictionary < place:
        place = dictionary
    end = place + chunk.total_compressed_size
    largest = 0
    while place < end:
        header, fields = _read_header(handle, place)
        decoded, encoded = fields.get(2, 0), fields.get(3, -1)
        if decoded > limit:
            raise pa.ArrowInvalid(
                f"a page of column {chunk.path_in_schema!r} takes {decoded >> 20} MB; at most"
                f" {limit >> 20} MB are read at once: write smaller pages"
            )
        place += header.position + encoded
        if encoded < 0 or place > end + _PADDING:
            raise pa.ArrowInvalid("the header of a page is damaged")
        largest = max(largest, decoded)
    return largest


def _read_header(handle: Any, place: int) -> tuple[_Header, dict[int, int]]:
    for n_bytes in (_HEADER_BYTES, _MOST_HEADER_BYTES):
        header = _Header(handle.read_at(n_bytes, place))
        try:
            return header, header.structure()
        except IndexError:
            continue
    raise pa.ArrowInvalid("the header of a page is damaged")


def most_bytes(chunk: Any) -> int | None:
    """Return how many bytes the pages of a column chunk can hold; None if there is no bound.

    Parameters
    ----------
    chunk : pyarrow.parquet.ColumnChunkMetaData
    """
    growth = _MOST_GROWTH.get(chunk.compression)
    return None if growth is None else growth * int(chunk.total_compressed_size)


class _Header:
    """A structure of Thrift in its compact encoding; IndexError if it is cut off or damaged.

    Parameters
    ----------
    data : bytes
    """

    def __init__(self, data: bytes) -> None:
        self._data, self.position = data, 0

    def structure(self, depth: int = 0) -> dict[int, int]:
        """Read a structure; return its integers by the number of the field."""
        fields: dict[int, int] = {}
        number = 0
        while byte := self._byte():
            kind, step = byte & 15, byte >> 4
            number = number + step if step else _signed(self._integer())
            if kind in (4, 5, 6):
                fields[number] = _signed(self._integer())
            else:
                self._skip(kind, depth)
        return fields

    def _skip(self, kind: int, depth: int) -> None:
        if depth > 8:
            raise IndexError(depth)
        if kind in _FIXED:
            self._advance(_FIXED[kind])
        elif kind in (4, 5, 6):
            self._integer()
        elif kind == 8:
            self._advance(self._integer())
        elif kind in (9, 10):
            byte = self._byte()
            count = self._integer() if byte >> 4 == 15 else byte >> 4
            for _ in range(count):
                # in a list, true and false take a byte
                if byte & 15 in (1, 2):
                    self._advance(1)
                else:
                    self._skip(byte & 15, depth + 1)
        elif kind == 12:
            self.structure(depth + 1)
        else:
            raise IndexError(kind)

    def _advance(self, n_bytes: int) -> None:
        self.position += n_bytes
        if self.position > len(self._data):
            raise IndexError(self.position)

    def _byte(self) -> int:
        self.position += 1
        return self._data[self.position - 1]

    def _integer(self) -> int:
        value = shift = 0
        while (byte := self._byte()) > 127:
            value |= (byte & 127) << shift
            shift += 7
            if shift > 63:
                raise IndexError(shift)
        return value | byte << shift


def _signed(value: int) -> int:
    """Return an integer from its zigzag form."""
    return value >> 1 ^ -(value & 1)
