"""Read Excel files: the first sheet, as rows of cells."""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from cali_reg.data.files import File
from cali_reg.errors import DataError, UsageError
from cali_reg.least_squares.conversion import MAX_INTEGER

_MOST_BYTES = 1 << 30  # of all parts, decompressed
_MOST_CELLS = 1 << 25  # of a sheet, from its first to its last
_LONGEST_TEXT = 1 << 19  # bytes of a text that many cells may share; Excel's longest has 32,767
_CHUNK = 1 << 20
_ADDRESS = re.compile(rb'<(?:\w+:)?c [^<>]*?\br="([A-Z]{1,3})([0-9]{1,7})"')


def rows(handle: Any, file: File) -> Iterator[list[str]]:
    """Yield the cells of each row of the first sheet, as a CSV file would have them.

    Parameters
    ----------
    handle : binary file
        Open at its start.
    file : File

    Raises
    ------
    UsageError
        If the package that reads Excel files is not installed.
    DataError
        For a file that cannot be read, and for one that would take too much memory.
    """
    try:
        import python_calamine
    except ImportError:
        raise UsageError(
            f"{file.name}: Excel files need a further package; install cali-reg[excel], or save the"
            " table as CSV"
        ) from None
    data = handle.read()
    try:
        _check_size(data, file.name)
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        names = book.sheet_names
        sheet = book.get_sheet_by_index(0) if names else None
        found = sheet.to_python(skip_empty_area=False) if sheet is not None else []
    except DataError:
        raise
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:150]
        raise DataError(
            f"{file.name}: cannot be read as Excel ({reason}); check the file"
        ) from None
    for row in found:
        cells = list(map(_cell, row))
        yield cells if any(cells) else []


def _check_size(data: bytes, name: str) -> None:
    """Check what a file claims before it is decompressed as a whole."""
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        if sum(part.file_size for part in parts.infolist()) > _MOST_BYTES:
            raise DataError(
                f"{name}: takes {_MOST_BYTES >> 20} MB or more when it is decompressed; save the"
                " table as CSV or Parquet"
            )
        for part in parts.infolist():
            if part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml"):
                _check_cells(parts.read(part), name)
            if part.filename == "xl/sharedStrings.xml":
                texts = re.split(rb"</(?:\w+:)?si>", parts.read(part))
                if max(map(len, texts)) > _LONGEST_TEXT:
                    raise DataError(f"{name}: a text is longer than Excel's longest; shorten it")


def _check_cells(sheet: bytes, name: str) -> None:
    n_rows = n_columns = 1
    n_cells = sheet.count(b"<c") + sheet.count(b":c")
    for letters, digits in set(_ADDRESS.findall(sheet)):
        column = 0
        for letter in letters:
            column = column * 26 + letter - 64
        n_rows, n_columns = max(n_rows, int(digits)), max(n_columns, column)
    if max(n_cells, n_rows * n_columns) > _MOST_CELLS:
        raise DataError(
            f"{name}: a sheet has more than {_MOST_CELLS} cells from its first to its last; save"
            " the table as CSV or Parquet"
        )


def _cell(value: Any) -> str:
    """Return a value as a CSV file has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) <= MAX_INTEGER else repr(value)
    if isinstance(value, datetime.datetime):
        is_day = value.time() == datetime.time()
        return value.date().isoformat() if is_day else value.isoformat()
    return value.isoformat() if isinstance(value, datetime.date) else str(value)
