"""Find numbers with leading zeros in columns of numbers: they may be codes, such as 04103."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cali_reg.data.formats.base import Fragment
from cali_reg.data.formats.csv_blocks import CsvBlock
from cali_reg.errors import DataError
from cali_reg.runtime.reading.csv_reader import CsvReader
from cali_reg.runtime.schema import Column

_CODE, _MAY_BE_CODE = r"^\s*[+-]?0[0-9]+\s*$", "0.*[0-9]"  # the latter if signs are left out
_PIECE = 1 << 15  # bytes that are looked at in the processor's cache
_ZERO, _MINUS = np.frombuffer(b"0-", np.uint8)  # blanks, quotes and signs are not above a minus


class CodeCheck:
    """Rejects numbers with leading zeros in the columns of a file that must not hold them.

    Parameters
    ----------
    fragment : Fragment
    reader : CsvReader
        Of the file.
    columns : sequence of Column
        The columns that it reads.
    """

    def __init__(self, fragment: Fragment, reader: CsvReader, columns: Sequence[Column]) -> None:
        self._reader, self._columns = reader, columns
        self._positions = [
            k
            for k, column in enumerate(columns)
            if column.levels is None and column.name.strip() in fragment.without_codes
        ]

    def block(self, block: CsvBlock) -> None:
        """Check a block that Arrow can parse.

        Parameters
        ----------
        block : CsvBlock

        Raises
        ------
        DataError
            For a code.
        """
        if not self._positions or not _may_hold_codes(block):
            return
        reader = self._reader
        types = {reader.positions[k]: pa.string() for k in self._positions}
        texts = block.parse(len(reader.header), reader.n_named, types) or []
        found = dict(zip(types, texts, strict=True))
        pattern = _MAY_BE_CODE if reader.dialect.ignored else _CODE
        for k in self._positions:
            cells = found[reader.positions[k]]
            cells = cells.filter(pc.match_substring_regex(cells, pattern))
            for text in cells.unique().to_pylist():
                self._check(text, self._columns[k])

    def row(self, cells: Sequence[str]) -> None:
        """Check a row.

        Parameters
        ----------
        cells : sequence of str
            One for each column.

        Raises
        ------
        DataError
            For a code.
        """
        for k in self._positions:
            self._check(cells[k], self._columns[k])

    def _check(self, text: str, column: Column) -> None:
        if self._reader.dialect.is_code(text) and not column.is_missing(text):
            raise DataError(
                f"{self._reader.name}: column {column.name!r} holds {text[:40]!r}; expected numbers"
                " without leading zeros"
            )


def _may_hold_codes(block: CsvBlock) -> bool:
    """Tell whether any cell may be a code; False only if none is."""
    if not isinstance(block.content, bytes) or block.dialect.ignored:
        return True
    # an edge at both ends, so that each cell is between two of them
    data, separator = b"\n" + block.content + b"\n", block.dialect.separator
    pieces = (data[start : start + _PIECE + 2] for start in range(0, len(data), _PIECE))
    if not any(_has_zero_first(piece, ord(separator)) for piece in pieces):
        return False
    return _code_in(separator).search(data) is not None


def _has_zero_first(data: bytes, separator: int) -> bool:
    """Tell whether a digit comes after a zero that a number may begin with."""
    codes = np.frombuffer(data, np.uint8)
    before, here, after = codes[:-2], codes[1:-1], codes[2:]
    may_be = (here == _ZERO) & (after - _ZERO < 10)
    may_be &= (before <= _MINUS) | (before == separator) if separator > _MINUS else before <= _MINUS
    return bool(may_be.any())


@lru_cache
def _code_in(separator: str) -> re.Pattern[bytes]:
    """Return the pattern of a cell that is a number with leading zeros, between its edges."""
    edge = rb'[\s"' + re.escape(separator.encode()) + rb"]"
    return re.compile(edge + rb"[+-]?0[0-9]+" + edge)
