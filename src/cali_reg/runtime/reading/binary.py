"""The bytes of CSV files as UTF-8, from the header on."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable
from typing import Any

from cali_reg.errors import DataError
from cali_reg.runtime.reading.dialect import LOOK, UTF_8, Dialect, find_dialect, is_plain
from cali_reg.runtime.reading.options import Reading

_LINE_END = re.compile(rb"\r\n?|\n")


def open_csv_bytes(
    handle: Any, name: str, reading: Reading, separator: str = ","
) -> tuple[Dialect, io.RawIOBase]:
    """Return how an open CSV file is read, and its bytes.

    Parameters
    ----------
    handle : binary file
        Open for reading, decompressed.
    name : str
        The file's name, for messages.
    reading : Reading
        What the user asks for.
    separator : str, default=","
        The separator where there is no sign of another one.

    Returns
    -------
    dialect : Dialect
    stream : io.RawIOBase
        UTF-8 without a mark, after the lines to skip. ``read`` waits for all bytes that it is
        asked for, ``readinto`` does not.

    Raises
    ------
    DataError
        While it is read, for bytes that have no meaning in the file's encoding.
    """
    reading.require_encoding()
    # a program that writes its rows one by one may wait for the answers
    head = _read_head(handle, lambda head: is_plain(head, reading, separator))
    dialect = find_dialect(head, reading, separator)
    if dialect.encoding == UTF_8:
        stream: io.RawIOBase = WithHead(head.removeprefix(codecs.BOM_UTF8), handle)
    else:
        stream = _AsUtf8(WithHead(head, handle), name, dialect.encoding)
    return dialect, _skip_lines(stream, dialect.skip_lines) if dialect.skip_lines else stream


def _read_head(handle: Any, is_enough: Callable[[bytes], bool]) -> bytes:
    read = getattr(handle, "read1", handle.read)
    head = b""
    while len(head) < LOOK and (data := read(LOOK - len(head))):
        head += data
        if len(head) < LOOK and is_enough(head):
            break
    return head


def _skip_lines(stream: io.RawIOBase, n_lines: int) -> io.RawIOBase:
    data = b""
    while n_lines:
        end = _LINE_END.search(data)
        if end is not None and end.end() < len(data):
            data, n_lines = data[end.end() :], n_lines - 1
        elif more := stream.read(LOOK):
            data = (data[end.start() :] if end else b"") + more  # a line feed may follow
        else:
            return WithHead(b"", stream)
    return WithHead(data, stream)


class WithHead(io.RawIOBase):
    """Bytes that were read before, then those of a file.

    Parameters
    ----------
    head : bytes
    handle : binary file
    """

    def __init__(self, head: bytes, handle: Any) -> None:
        self._head, self._handle = head, handle
        self._read = getattr(handle, "read1", handle.read)

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return as many bytes as are asked for; fewer only at the end.

        Parameters
        ----------
        size : int
        """
        data, self._head = self._head[:size], self._head[size:]
        while len(data) < size and (more := self._handle.read(size - len(data))):
            data += more
        return data

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, as far as there are bytes.

        Parameters
        ----------
        buffer : writable buffer

        Returns
        -------
        int
            How many bytes there were; 0 at the end.
        """
        size = len(buffer)
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
        else:
            data = self._read(size)
        buffer[: len(data)] = data
        return len(data)


class _AsUtf8(io.RawIOBase):
    """The bytes of a file in another encoding as UTF-8."""

    def __init__(self, handle: Any, name: str, encoding: str) -> None:
        self._handle, self._name, self._encoding = handle, name, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._data, self._is_first = b"", True

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._data) < size and self._fill():
            pass
        data, self._data = self._data[:size], self._data[size:]
        return data

    def readinto(self, buffer: Any) -> int:
        while not self._data and self._fill():
            pass
        size = len(buffer)
        data, self._data = self._data[:size], self._data[size:]
        buffer[: len(data)] = data
        return len(data)

    def _fill(self) -> bool:
        """Decode some more bytes; tell whether there were any."""
        source = self._handle.read(LOOK)
        try:
            text = self._decoder.decode(source, final=not source)
        except UnicodeError as error:
            reason = getattr(error, "reason", error)
            raise DataError(
                f"{self._name}: is not {self._encoding} text ({reason}); name its encoding with"
                " --encoding"
            ) from None
        if self._is_first and text:
            text, self._is_first = text.removeprefix("\ufeff"), False
        self._data += text.encode()
        return bool(source)
