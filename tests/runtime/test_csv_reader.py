"""CSV files and standard input that cannot be opened or read."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cali_reg.errors import DataError
from cali_reg.runtime.reading import csv_reader
from cali_reg.runtime.reading.csv_reader import LONGEST_ROW, CsvReader, open_csv, read_header


def test_what_cannot_be_opened_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder, a name that no file can have, a closed standard input: one line each."""
    (tmp_path / "a.csv").mkdir()
    for path in (str(tmp_path / "a.csv"), "a\0.csv"):
        with pytest.raises(DataError, match="cannot be opened"), open_csv(path):
            pass
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(DataError, match="standard input is closed"), open_csv("-"):
        pass


class Endless(io.TextIOBase):
    """A text of one piece again and again, without an end; it counts what was read."""

    def __init__(self, piece: str) -> None:
        self.piece, self.n_read = piece, 0

    def readline(self, size: int = -1) -> str:  # type: ignore[override]
        """Return the next line, or a part of it."""
        assert size > 0
        line = self.piece if "\n" in self.piece else self.piece * (size // len(self.piece))
        self.n_read += len(line)
        return line


@pytest.mark.parametrize("piece", ["1", "1,", '"' + "1" * 9999 + "\n", "x" * 999 + '","\n'])
def test_rows_without_end(piece: str) -> None:
    """A row of one line, of many cells or of many lines is read up to a limit, and no further."""
    for where, read in (
        ("the header", lambda lines: read_header(lines, "a.csv")),
        ("row 1", lambda lines: next(CsvReader("a.csv", ["x"]).read(lines))),
    ):
        lines = Endless(piece)
        with pytest.raises(DataError, match=rf"^a\.csv: {where} ") as error:
            read(lines)
        assert lines.n_read <= 2 * LONGEST_ROW
        assert len(str(error.value)) < 200


def test_rows_that_are_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is of one row, not of all; and of lines in quotes together."""
    monkeypatch.setattr(csv_reader, "LONGEST_ROW", 10)
    rows = [
        number for number, *_ in CsvReader("a.csv", ["x"]).read(io.StringIO("12345678\n\n" * 5))
    ]
    assert rows == [1, 2, 3, 4, 5]
    reader = CsvReader("a.csv", ["x"]).read(io.StringIO('1\n\n"2\n3\n4\n5\n6\n7"\n'))
    assert next(reader) == (1, ["1"], "")
    with pytest.raises(
        DataError, match=r"a\.csv: row 2 has 10 characters or more; expected less: "
    ):
        next(reader)


def test_an_error_while_reading_is_named() -> None:
    """A disk or a pipe that fails after some rows."""

    def lines() -> Iterator[str]:
        yield "1,2\n"
        raise OSError(5, "Input/output error")

    rows = CsvReader("a.csv", ["x", "y"]).read(lines())
    assert next(rows) == (1, ["1", "2"], "")
    with pytest.raises(DataError, match=r"^a\.csv: cannot be read \(Input/output error\)$"):
        next(rows)
