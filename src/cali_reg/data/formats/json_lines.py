"""Read JSON lines: an object in each line, as rows of cells."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from cali_reg.data.files import File, open_binary
from cali_reg.errors import DataError
from cali_reg.runtime.reading.binary import WithHead
from cali_reg.runtime.reading.csv_reader import LONGEST_ROW, column_name

_MOST_COLUMNS = 1 << 16


def columns(file: File) -> tuple[list[str], set[str]]:
    """Return the names of all columns, and those of columns with nested values.

    They are in the order of the rows if that is the same in all rows, otherwise sorted.

    Parameters
    ----------
    file : File

    Raises
    ------
    DataError
        For the first line that is no object, and for one key too many.
    """
    first: list[str] | None = None
    names: set[str] = set()
    nested: set[str] = set()
    is_same = True
    with open_binary(file) as handle:
        for row in _objects(file, handle):
            first = list(row) if first is None else first
            if list(row) != first:
                is_same = False
            names.update(row)
            nested.update(name for name, value in row.items() if isinstance(value, dict | list))
            if len(names) > _MOST_COLUMNS:
                raise DataError(f"{file.name}: more than {_MOST_COLUMNS} columns; leave some out")
    return (first or [] if is_same else sorted(names)), nested


def with_nested(
    file: File, names: Sequence[str], types: Sequence[pa.DataType]
) -> list[pa.DataType]:
    """Return the types of columns, with a nested one for each that has a nested value.

    Parameters
    ----------
    file : File
    names : sequence of str
    types : sequence of pyarrow.DataType
        As found in the text of the first rows.
    """
    nested = columns(file)[1]
    pairs = zip(names, types, strict=True)
    return [pa.struct([]) if name in nested else found for name, found in pairs]


def rows(file: File, handle: Any, names: Sequence[str] | None) -> Iterator[list[str]]:
    """Yield the names of the columns, then the cells of each row.

    Parameters
    ----------
    file : File
    handle : binary file
        Open at its start.
    names : sequence of str, optional
        The columns that are needed, by default all.

    Raises
    ------
    DataError
        For a line that is no object.
    """
    names = columns(file)[0] if names is None else list(dict.fromkeys(names)) or [""]
    yield list(names)
    for row in _objects(file, handle):
        yield [_cell(row.get(name)) for name in names]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def _objects(file: File, handle: Any) -> Iterator[dict[str, Any]]:
    """Yield the object of each line; its numbers are the text in the file."""
    stream = io.BufferedReader(WithHead(b"", handle))
    number = 0
    while line := stream.readline(LONGEST_ROW):
        if not number:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line.strip():
            continue
        number += 1
        if len(line) >= LONGEST_ROW:
            raise DataError(
                f"{file.name}: row {number} has {LONGEST_ROW} bytes or more; expected less: end the"
                " line"
            )
        try:
            row = _DECODER.decode(line.decode())
        except (ValueError, RecursionError) as error:
            reason = "nested too deep" if isinstance(error, RecursionError) else error
            raise DataError(
                f"{file.name}: row {number} is not JSON ({reason}); fix or drop it"
            ) from None
        if not isinstance(row, dict):
            raise DataError(
                f'{file.name}: row {number} is not an object such as {{"x": 1}}; expected one in'
                " each line"
            )
        yield row


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = {column_name(name): value for name, value in pairs}
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in it")
    return found


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=str, parse_int=str, parse_constant=str
)
