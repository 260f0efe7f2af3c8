"""Cut CSV files into blocks of whole rows, and parse those that Arrow's parser reads safely.

Python's csv module, in its strict mode, defines what a file means. Arrow's parser is many times
faster and more lenient: it reads ``"1"5`` as 15, and takes the end of the file for a closing quote.
So it gets only blocks with plain quotes: every quote begins or ends a cell, or is doubled inside
of a quoted cell. All other blocks, and those that it rejects, are for Python's parser.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from cali_reg.data.files import File
from cali_reg.errors import DataError
from cali_reg.runtime.cell_parser import MISSING
from cali_reg.runtime.reading.binary import WithHead, open_csv_bytes
from cali_reg.runtime.reading.csv_reader import read_header
from cali_reg.runtime.reading.dialect import Dialect, separator_of
from cali_reg.runtime.reading.options import BLANKS

BLOCK_BYTES = 1 << 20  # of a block
_MOST_COLUMNS = 1 << 16  # their types take some 10 kB each to find

# The longest beginning of a text in which all quotes are plain: each quoted cell follows the start,
# a separator or a line end, and one of them follows it. Nothing is tried twice: the time is linear.
_PLAIN_QUOTES = (
    rb'(?:[^"]*+(?<![^SEPARATOR\r\n])"[^"]*+(?:""[^"]*+)*+"(?![^SEPARATOR\r\n]))*+[^"]*+'
)


@dataclass(frozen=True)
class CsvBlock:
    """Whole rows of a CSV file.

    Attributes
    ----------
    content : bytes or text stream
        Bytes with plain quotes; or, from the first other quotes on, the rest of the file as text.
    dialect : Dialect
        How the file is read. Bytes have no comments, no escapes, and one separator between cells.
    """

    content: bytes | io.TextIOBase
    dialect: Dialect

    def parse(
        self, n_columns: int, n_named: int, types: Mapping[int, pa.DataType]
    ) -> list[pa.Array] | None:
        """Parse some columns with Arrow.

        Parameters
        ----------
        n_columns, n_named : int
            Number of columns of the file, and of those up to the last one with a name.
        types : mapping of int to pyarrow.DataType
            The columns to parse, by position, with their types.

        Returns
        -------
        list of pyarrow.Array, or None
            In the order of `types`; missing numbers are null. None if Python's parser is needed.
        """
        if not isinstance(self.content, bytes):
            return None
        columns: list[pa.Array] | None
        try:
            columns = self._parse(self.content, n_columns, types)
        except pa.ArrowInvalid:
            columns = self._parse_without_ends(self.content, n_columns, n_named, types)
        return columns if columns and len(columns[0]) else None

    def _parse(
        self, content: bytes, n_columns: int, types: Mapping[int, pa.DataType]
    ) -> list[pa.Array]:
        convert = pyarrow.csv.ConvertOptions(
            column_types={str(k): data_type for k, data_type in types.items()},
            include_columns=list(map(str, types)),
            null_values=list(MISSING),
            decimal_point=self.dialect.decimal,
        )
        names = list(map(str, range(n_columns)))
        table = read_table(content, names, convert, self.dialect.separator)
        return [column.combine_chunks() for column in table.columns]

    def _parse_without_ends(
        self, content: bytes, n_columns: int, n_named: int, types: Mapping[int, pa.DataType]
    ) -> list[pa.Array] | None:
        """Parse rows that all have more or fewer separators at their end than the header."""
        width = len(next(iter(self.first_rows(1)), ()))
        if width == n_columns or width < n_named or max(types) >= width:
            return None
        ends = dict.fromkeys(range(n_columns, width), pa.string())
        try:
            columns = self._parse(content, width, {**types, **ends})
        except pa.ArrowInvalid:
            return None
        is_empty = all(pc.all(pc.equal(end, "")).as_py() for end in columns[len(types) :])
        return columns[: len(types)] if is_empty else None

    def first_rows(self, n_rows: int) -> list[list[str]]:
        """Return the cells of the first rows; none if the block is a text stream.

        Parameters
        ----------
        n_rows : int
            Number of rows at most; blank lines do not count.
        """
        if not isinstance(self.content, bytes):
            return []
        reader = self.dialect.reader(self.lines(), strict=False)
        return list(islice(filter(None, reader), n_rows))

    def lines(self) -> io.TextIOBase:
        """Return the text, for Python's parser; a text stream can be read only once."""
        return as_text(self.content) if isinstance(self.content, bytes) else self.content


class CsvTable(NamedTuple):
    """An open CSV file.

    Attributes
    ----------
    dialect : Dialect
        How it is read.
    names : list of str
        The columns' names; empty if there is no header.
    blocks : iterator of CsvBlock
        Its rows.
    """

    dialect: Dialect
    names: list[str]
    blocks: Iterator[CsvBlock]


def cut_into_blocks(handle: Any, file: File) -> CsvTable:
    """Return the columns' names of an open CSV file, and the blocks of its rows.

    Parameters
    ----------
    handle : binary file
        Open for reading, decompressed.
    file : File
        What was opened.

    Returns
    -------
    CsvTable

    Raises
    ------
    DataError
        If the header is not CSV or not UTF-8, or has too many columns.
    """
    dialect, stream = open_csv_bytes(handle, file.name, file.reading, separator_of(file.path))
    contents = _cut(stream, dialect)
    header: list[str] = []
    first: bytes | io.TextIOBase = b""
    while not header and (content := next(contents, None)) is not None:
        text = as_text(content) if isinstance(content, bytes) else content
        header = read_header(text, file.name, dialect)
        is_read = text is not content
        first = text.read().encode("utf-8", "surrogateescape") if is_read else text
    if len(header) > _MOST_COLUMNS:
        raise DataError(f"{file.name}: more than {_MOST_COLUMNS} columns; leave some out")
    some = chain([first] if first else [], contents)
    return CsvTable(dialect, header, (CsvBlock(content, dialect) for content in some))


def read_table(content: bytes, names: list[str], convert: Any, separator: str = ",") -> Any:
    """Parse bytes with plain quotes and without a header, by Arrow's parser.

    Parameters
    ----------
    content : bytes
    names : list of str
        A name for each column of the file, all different.
    convert : pyarrow.csv.ConvertOptions
    separator : str, default=","

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
        pyarrow.csv.ParseOptions(delimiter=separator, newlines_in_values=True),
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


def _cut(stream: Any, dialect: Dialect) -> Iterator[bytes | io.TextIOBase]:
    """Yield whole rows of a file; all the rest as text from where quotes are not plain."""
    rest = b""
    while data := stream.read(BLOCK_BYTES):
        rest += data
        if _needs_lines(rest, dialect):
            break
        end = _last_row_end(rest, dialect.separator)
        if end:
            yield _as_rows(rest[:end], dialect)
            rest = rest[end:]
        elif len(rest) > BLOCK_BYTES:
            break
    else:
        if _plain_length(rest, dialect.separator) == len(rest):
            if rest:
                yield _as_rows(rest, dialect)
            return
    yield io.TextIOWrapper(
        io.BufferedReader(WithHead(rest, stream)), "utf-8", "surrogateescape", newline=""
    )


def _needs_lines(data: bytes, dialect: Dialect) -> bool:
    """Tell whether only Python's parser knows what a quote means here."""
    if dialect.escape and dialect.escape.encode() in data:
        return True
    if dialect.has_plain_lines or b'"' not in data:
        return False
    return dialect.separator == BLANKS or dialect.comment.encode() in data


def _as_rows(data: bytes, dialect: Dialect) -> bytes:
    """Return whole lines without comments, with one separator between cells."""
    comment = dialect.comment.encode()
    if comment and comment in data:
        start = re.escape(comment)
        data = re.sub(rb"(?:^|(?<=[\r\n]))" + start + rb"[^\r\n]*(?:\r\n?|\n|$)", b"", data)
    if dialect.separator != BLANKS:
        return data
    return b"".join(
        b" ".join(re.findall(rb"[^ \t\r\n]+", line)) + b"\n" for line in data.splitlines()
    )


def _last_row_end(data: bytes, separator: str) -> int:
    """Return where the last whole row with plain quotes ends; 0 if there is none.

    A line end inside of quotes ends no row. Of the texts between quotes, those with an even number
    of quotes before them are outside.
    """
    if b'"' not in data:
        return max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
    end = _plain_length(data, separator)
    texts = data[:end].split(b'"')
    for n_quotes in reversed(range(len(texts))):
        start = end - len(texts[n_quotes])
        if n_quotes % 2 == 0:
            line_end = max(data.rfind(b"\n", start, end), data.rfind(b"\r", start, end)) + 1
            if line_end:
                return line_end
        end = start - 1
    return 0


def _plain_length(data: bytes, separator: str) -> int:
    """Return the length of the longest beginning in which all quotes are plain."""
    match = _plain_quotes(separator).match(data)
    return match.end() if match else 0


@lru_cache
def _plain_quotes(separator: str) -> re.Pattern[bytes]:
    return re.compile(_PLAIN_QUOTES.replace(b"SEPARATOR", re.escape(separator.encode())), re.DOTALL)
