"""A CSV file takes little memory, however long its rows are."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import pytest
from commands import Run
from layouts import refused

from cali_reg.data.formats import csv_blocks
from cali_reg.data.listing import inputs
from cali_reg.data.readers import describe, read
from cali_reg.runtime.reading import csv_reader
from cali_reg.runtime.schema import Column

MOST = 2000


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make blocks and the limit small."""
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 200)
    monkeypatch.setattr(csv_reader, "LONGEST_ROW", MOST)


LONG = {
    "a line": "1" * 20_000,
    "a line of cells": "1," * 10_000,
    "a quoted cell": '"' + "1\n" * 10_000,
    "a quoted cell of blank lines": '"' + "1\n\n\n" * 10_000,
    "quoted cells": '"1\n1",' * 5_000,
    "quotes in a row": '"' + '""' * 10_000,
}


@pytest.mark.parametrize("suffix", ["csv", "csv.gz"])
@pytest.mark.parametrize("first", ["", "a,y\n", "a,y\n1,2\n", "a,y\n" + "1,2\n" * 500], ids=len)
@pytest.mark.parametrize("case", LONG)
def test_rows_that_are_too_long(
    run: Run, tmp_path: Path, case: str, first: str, suffix: str
) -> None:
    """The message names the limit; little after it is read."""
    data = (first + LONG[case]).encode()
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(gzip.compress(data) if suffix == "csv.gz" else data)
    message = refused(run, tmp_path, "--data", path, "--target", "y", "--features", "a")
    assert message.startswith(f"{path}: ")
    assert f" has {MOST} characters or more; expected less: " in message


def rows_of(path: Path, names: Sequence[str]) -> list[tuple[int, list[object]]]:
    """Return the numbers and values of all rows, with those of the largest batch first."""
    (file,) = inputs.find([str(path)])
    found = []
    for batch in read(describe(file), [Column(name, ()) for name in names], 100):
        columns = [array.to_pylist() for array in batch.arrays]
        assert sum(len(str(cell)) for column in columns for cell in column) <= 2 * MOST
        found += list(zip(batch.numbers, map(list, zip(*columns, strict=True)), strict=True))
    return found


def test_rows_that_are_not_too_long(tmp_path: Path) -> None:
    """The limit is for one row: many, and blank lines between them, may be longer together."""
    texts = ["x" * (MOST - 20 - k) for k in range(9)]
    quoted = ['"' + "1\n" * 900 + '"'] * 5
    lines = [f"{text},1" for text in [*texts, *quoted]]
    path = tmp_path / "x.csv"
    path.write_text("a,y\n" + ("\n" * 5000).join(lines) + "\n" * 5000)
    expected = [[text.strip('"'), "1"] for text in [*texts, *quoted]]
    assert rows_of(path, ["a", "y"]) == list(enumerate(expected, 1))


def test_columns_that_are_too_many(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A header takes more memory than its text."""
    monkeypatch.setattr(csv_blocks, "_MOST_COLUMNS", 3)
    path = tmp_path / "x.csv"
    path.write_text("a,b,c,y\n1,2,3,4\n")
    message = refused(run, tmp_path, "--data", path, "--target", "y")
    assert message == f"{path}: more than 3 columns; leave some out"
