"""CSV files and standard input that cannot be opened or read."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cali_reg.errors import DataError
from cali_reg.runtime.csv_reader import CsvReader, open_csv


def test_what_cannot_be_opened_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder, a name that no file can have, a closed standard input: one line each."""
    (tmp_path / "a.csv").mkdir()
    for path in (str(tmp_path / "a.csv"), "a\0.csv"):
        with pytest.raises(DataError, match="cannot be opened"), open_csv(path):
            pass
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(DataError, match="standard input is closed"), open_csv("-"):
        pass


def test_an_error_while_reading_is_named() -> None:
    """A disk or a pipe that fails after some rows."""

    def lines() -> Iterator[str]:
        yield "1,2\n"
        raise OSError(5, "Input/output error")

    rows = CsvReader("a.csv", ["x", "y"]).read(lines())
    assert next(rows) == (1, ["1", "2"], "")
    with pytest.raises(DataError, match=r"^a\.csv: cannot be read \(Input/output error\)$"):
        next(rows)
