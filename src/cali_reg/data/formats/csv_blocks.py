"""Cut CSV files into blocks of whole rows, and parse those that Arrow's parser reads safely.

Python's csv module, in its strict mode, defines what a file means. Arrow's parser is many times
faster and more lenient: it reads ``"1"5`` as 15, and takes the end of the file for a closing quote.
So it gets only blocks with plain quotes: every quote begins or ends a cell, or is doubled inside
of a quoted cell. All other blocks, and those that it rejects, are for Python's parser.
"""

from __future__ import annotations

import csv
import io
import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import pyarrow as pa
import pyarrow.csv

from cali_reg.errors import DataError
from cali_reg.runtime.cell_parser import MISSING
from cali_reg.runtime.csv_reader import read_header

BLOCK_BYTES = 1 << 20  # of a block
_MOST_COLUMNS = 1 << 16  # their types take some 10 kB each to find

# The longest beginning of a text in which all quotes are plain: each quoted cell follows the start,
# a comma or a line end, and one of them follows it. Nothing is tried twice: the time is linear.
_PLAIN_QUOTES = re.compile(
    rb'(?:[^"]*+(?<![^,\r\n])"[^"]*+(?:""[^"]*+)*+"(?![^,\r\n]))*+[^"]*+', re.DOTALL
)


@dataclass(frozen=True)
class CsvBlock:
    """Whole rows of a CSV file.

    Attributes
    ----------
    content : bytes or text stream
        Bytes with plain quotes; or, from the first other quotes on, the rest of the file as text.
    """

    content: bytes | io.TextIOBase

    def parse(self, n_columns: int, types: Mapping[int, pa.DataType]) -> list[pa.Array] | None:
        """Parse some columns with Arrow.

        Parameters
        ----------
        n_columns : int
            Number of columns of the file.
        types : mapping of int to pyarrow.DataType
            The columns to parse, by position, with their types.

        Returns
        -------
        list of pyarrow.Array, or None
            In the order of `types`; missing numbers are null. None if Python's parser is needed.
        """
        if not isinstance(self.content, bytes):
            return None
        names = list(map(str, range(n_columns)))
        convert = pyarrow.csv.ConvertOptions(
            column_types={str(k): data_type for k, data_type in types.items()},
            include_columns=list(map(str, types)),
            null_values=list(MISSING),
        )
        try:
            table = read_table(self.content, names, convert)
        except pa.ArrowInvalid:
            return None
        return [column.combine_chunks() for column in table.columns] if len(table) else None

    def first_rows(self, n_rows: int) -> list[list[str]]:
        """Return the cells of the first rows; none if the block is a text stream.

        Parameters
        ----------
        n_rows : int
            Number of rows at most; blank lines do not count.
        """
        if not isinstance(self.content, bytes):
            return []
        return list(islice(filter(None, csv.reader(self.lines())), n_rows))

    def lines(self) -> io.TextIOBase:
        """Return the text, for Python's parser; a text stream can be read only once."""
        return as_text(self.content) if isinstance(self.content, bytes) else self.content


def cut_into_blocks(handle: Any, name: str) -> tuple[list[str], Iterator[CsvBlock]]:
    """Return the columns' names of an open CSV file, and the blocks of its rows.

    Parameters
    ----------
    handle : binary file
        Open for reading, decompressed.
    name : str
        The file's name, for messages.

    Returns
    -------
    names : list of str
        Empty if there is no header.
    blocks : iterator of CsvBlock

    Raises
    ------
    DataError
        If the header is not CSV or not UTF-8, or has too many columns.
    """
    contents = _cut(handle)
    first = next(contents, b"")
    text = as_text(first) if isinstance(first, bytes) else first
    header = read_header(text, name)
    if len(header) > _MOST_COLUMNS:
        raise DataError(f"{name}: more than {_MOST_COLUMNS} columns; leave some out")
    if isinstance(first, bytes):
        first = text.read().encode("utf-8", "surrogateescape")
    return header, map(CsvBlock, chain([first] if first else [], contents))


def read_table(content: bytes, names: list[str], convert: Any) -> Any:
    """Parse bytes with plain quotes and without a header, by Arrow's parser.

    Parameters
    ----------
    content : bytes
    names : list of str
        A name for each column of the file, all different.
    convert : pyarrow.csv.ConvertOptions

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    pyarrow.ArrowInvalid
        If Arrow's parser rejects the bytes.
    """
    return pyarrow.csv.read_csv(
        pa.BufferReader(_to_arrow_memory(content)),
        pyarrow.csv.ReadOptions(column_names=names, block_size=len(content) + 1),
        pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert,
    )


def _to_arrow_memory(content: bytes) -> pa.Buffer:
    """Copy bytes into memory of Arrow's own.

    One of Arrow's threads may be the last to release what it has read, after the result is here.
    For memory of Python it would need Python's lock for that: at exit this aborts the process.
    """
    buffer = pa.allocate_buffer(len(content))
    memoryview(buffer).cast("B")[:] = content
    return buffer


def as_text(data: bytes) -> io.StringIO:
    """Return bytes as a text stream; bytes that are not UTF-8 become lone surrogates.

    Parameters
    ----------
    data : bytes
    """
    return io.StringIO(data.decode("utf-8", "surrogateescape"), newline="")


def _cut(handle: Any) -> Iterator[bytes | io.TextIOBase]:
    """Yield whole rows of a file; all the rest as text from where quotes are not plain."""
    rest = handle.read(len(BOM_UTF8)).removeprefix(BOM_UTF8)
    while data := handle.read(BLOCK_BYTES):
        rest += data
        end = _last_row_end(rest)
        if end:
            yield rest[:end]
            rest = rest[end:]
        elif len(rest) > BLOCK_BYTES:
            break
    else:
        if _plain_length(rest) == len(rest):
            if rest:
                yield rest
            return
    yield io.TextIOWrapper(
        io.BufferedReader(_Rest(rest, handle)), "utf-8", "surrogateescape", newline=""
    )


def _last_row_end(data: bytes) -> int:
    """Return where the last whole row with plain quotes ends; 0 if there is none.

    A line end inside of quotes ends no row. Of the texts between quotes, those with an even number
    of quotes before them are outside.
    """
    if b'"' not in data:
        return max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
    end = _plain_length(data)
    texts = data[:end].split(b'"')
    for n_quotes in reversed(range(len(texts))):
        start = end - len(texts[n_quotes])
        if n_quotes % 2 == 0:
            line_end = max(data.rfind(b"\n", start, end), data.rfind(b"\r", start, end)) + 1
            if line_end:
                return line_end
        end = start - 1
    return 0


def _plain_length(data: bytes) -> int:
    """Return the length of the longest beginning in which all quotes are plain."""
    match = _PLAIN_QUOTES.match(data)
    return match.end() if match else 0


class _Rest(io.RawIOBase):
    """Bytes that were read before, then those of a file."""

    def __init__(self, before: bytes, handle: Any) -> None:
        self._before, self._handle = io.BytesIO(before), handle

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._before.read(len(buffer)) or self._handle.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
