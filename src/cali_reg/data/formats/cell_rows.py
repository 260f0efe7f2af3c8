"""Files whose rows are cells without a type of their own, all of them as CSV.

A value of Excel or of JSON means what it means when it stands in a CSV file, so that a table is the
same in all of them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from cali_reg.data.files import File, open_binary
from cali_reg.data.formats import excel_files, json_lines

_CHUNK = 1 << 16  # characters that are written at once


@contextmanager
def open_cells(file: File, names: Sequence[str] | None = None) -> Iterator[tuple[Any, File]]:
    """Open a file of cells as CSV.

    Parameters
    ----------
    file : File
        CSV, Excel or JSON lines.
    names : sequence of str, optional
        The columns that are needed, by default all; more may come.

    Yields
    ------
    handle : binary file
        CSV.
    file : File
        The file, with how its CSV is read.

    Raises
    ------
    DataError
        For a file that cannot be read.
    """
    with open_binary(file) as handle:
        if file.format == "CSV":
            yield handle, file
            return
        reading = file.reading._replace(separator=",", decimal=".", encoding="utf-8", escape="")
        if file.format == "Excel":
            rows: Iterable[Sequence[str]] = excel_files.rows(handle, file)
        else:
            reading = reading._replace(skip_lines=0, comment="", names=())
            rows = json_lines.rows(file, handle, names)
        yield _AsCsv(rows), replace(file, reading=reading)


class _AsCsv(io.RawIOBase):
    """Rows as the bytes of a CSV file."""

    def __init__(self, rows: Iterable[Sequence[str]]) -> None:
        self._rows = iter(rows)
        self._data = b""

    def read(self, size: int = -1) -> bytes:
        while len(self._data) < size and self._fill():
            pass
        data, self._data = self._data[:size], self._data[size:]
        return data

    def _fill(self) -> bool:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for row in self._rows:
            writer.writerow(row)
            if text.tell() > _CHUNK:
                break
        self._data += text.getvalue().encode()
        return bool(text.tell())
