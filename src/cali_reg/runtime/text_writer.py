"""Write predictions as CSV text, to a file or to standard output."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from cali_reg.runtime.atomic_files import replace_file


class _UnixLines:
    r"""Writes rows that end in ``\r\n`` with ``\n`` in place of that.

    Before Python 3.13, csv.writer quotes a cell with a carriage return only if lines end in one;
    without quotes, another reader would take it for the end of a row.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, row: str) -> int:
        """Write one row, whose last two characters are its end."""
        return self._file.write(row[:-2] + "\n")


class TextWriter:
    """Writes rows as CSV text or, of a single column without a header, as plain lines.

    Parameters
    ----------
    file : text file
        Open for writing.
    names : sequence of str
        Names of the columns.
    has_header : bool, default=False
        Whether to write a header for a single column, too; several columns have one.
    """

    def __init__(self, file: TextIO, names: Sequence[str], *, has_header: bool = False) -> None:
        self._file, self._writer = file, csv.writer(_UnixLines(file), lineterminator="\r\n")
        self._header = names if has_header or len(names) > 1 else None
        self._is_plain = self._header is None

    @classmethod
    @contextmanager
    def open(
        cls, path: Path | None, names: Sequence[str], *, has_header: bool = False
    ) -> Iterator[TextWriter]:
        """Open a file, written completely or not at all, or standard output.

        Parameters
        ----------
        path : Path or None
            None for standard output.
        names : sequence of str
            Names of the columns.
        has_header : bool, default=False
            Whether to write a header for a single column, too; several columns have one.

        Yields
        ------
        TextWriter

        Raises
        ------
        ArtifactError
            If the file cannot be written.
        """
        with open_text(path) as file:
            writer = cls(file, names, has_header=has_header)
            yield writer
            writer._write_header()  # if there was no row

    def write(self, rows: Sequence[Sequence[object]]) -> None:
        """Write rows; a float becomes the shortest decimal that reads back as the same float.

        A row whose only value is empty is an empty line among plain lines, and ``""`` in CSV, where
        many readers would skip an empty line.

        Parameters
        ----------
        rows : sequence of sequences of values
            A value for each column.
        """
        if self._is_plain:
            self._file.writelines(f"{value}\n" for (value,) in rows)
        elif rows:
            self._write_header()
            self._writer.writerows(rows)

    def write_lines(self, lines: Iterable[str]) -> None:
        """Write one or more lines that are CSV text already.

        Parameters
        ----------
        lines : iterable of str
            Without line ends.
        """
        self._write_header()
        self._file.write("\n".join([*lines, ""]))

    def _write_header(self) -> None:
        if self._header is not None:
            self._writer.writerow(self._header)
            self._header = None


@contextmanager
def open_text(path: Path | None) -> Iterator[TextIO]:
    """Open a text file, written completely or not at all, or standard output.

    The text is UTF-8 with Unix line ends: the same bytes on every system.

    Parameters
    ----------
    path : Path or None
        None for standard output.

    Yields
    ------
    text file

    Raises
    ------
    ArtifactError
        If the file cannot be written.
    """
    if path is not None:
        with (
            replace_file(path) as handle,
            open(handle.fileno(), "w", encoding="utf-8", newline="\n", closefd=False) as file,
        ):
            yield file
    elif sys.stdout is None:
        with open(os.devnull, "w") as file:
            yield file
    else:
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(encoding="utf-8", newline="\n")
        yield sys.stdout
