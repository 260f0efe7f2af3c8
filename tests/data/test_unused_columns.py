"""Columns that nobody uses do no harm, in files of all formats."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from commands import Run

X = [k % 7 / 2 for k in range(40)]
Y = [k * k % 11 + 0.5 for k in range(40)]
WORDS = ["--target", "y", "--features", "x"]


def write(path: Path) -> Path:
    """Write a table with odd columns that nobody uses, in the format that the name says."""
    if path.suffix == ".csv":
        rows = (f'{x},7,"a, b",{y},,{k},{k},\n' for k, (x, y) in enumerate(zip(X, Y, strict=True)))
        path.write_text("".join([" x ,note, note,y ,,nested,,\n", *rows]))
        return path
    n = len(X)
    columns = [
        (" x ", X),
        ("note", [7] * n),
        (" note", ["a"] * n),
        ("y\t", Y),
        ("", [None] * n),
        ("nested", [{"x": [k], "y": None} for k in range(n)]),
        ("x.y", [[k] for k in range(n)]),
        ("", [b"\xff"] * n),
        ("empty", pa.nulls(n)),
    ]
    names, values = zip(*columns, strict=True)
    table = pa.Table.from_arrays(list(map(pa.array, values)), names=list(names))
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(table, path, row_group_size=13)
    else:
        pyarrow.feather.write_feather(table, path)
    return path


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the model of the two columns alone."""
    from cali_reg.cli.entrypoint import main

    folder = tmp_path_factory.mktemp("plain")
    rows = "".join(f"{x},{y}\n" for x, y in zip(X, Y, strict=True))
    (folder / "rows.csv").write_text(f"x,y\n{rows}")
    words = ["train", "--data", str(folder / "rows.csv"), *WORDS, "--artifacts", str(folder)]
    assert main(words) == 0
    return folder


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet", "rows.arrow"])
def test_unused_columns(name: str, plain: Path, run: Run, tmp_path: Path) -> None:
    """Twice there, without a name or a value, nested: training and predicting do not see them."""
    path = write(tmp_path / name)
    assert run("train", "--data", path, *WORDS, "--artifacts", tmp_path)[0] == 0
    assert (tmp_path / "model.json").read_bytes() == (plain / "model.json").read_bytes()
    _, expected, _ = run("predict", plain / "rows.csv", "--artifacts", plain)
    assert run("predict", path, "--artifacts", tmp_path) == (0, expected, "")
    out = tmp_path / "out.parquet"
    assert run("predict", path, "--artifacts", tmp_path, "--keep", "y", "--out", out)[0] == 0
    code, _, err = run("predict", path, "--artifacts", tmp_path, "--keep", "note")
    assert (code, err.count("\n")) == (2, 1)
    assert "column 'note' appears twice" in err


@pytest.mark.parametrize(
    ("header", "row"),
    [
        *(("x,y", "{},{},"), ("x,y", "{},{}, ,,"), ("x,y,", "{},{}"), ("x,y,,", "{},{},")),
        *(("x,y,,", "{},{},,,,"), ('"x", "y"', "{}, {}"), ("x,y,z", "{},{},")),
    ],
)
def test_separators_at_the_end(
    header: str, row: str, plain: Path, run: Run, tmp_path: Path
) -> None:
    """Empty cells at the end of a row do not count, nor do names there that are empty."""
    path = tmp_path / "rows.csv"
    rows = [row.format(x, y) for x, y in zip(X, Y, strict=True)]
    for lines in (rows, [rows[0], f"{X[1]},{Y[1]},," if header == "x,y" else rows[1], *rows[2:]]):
        path.write_text("\n".join([header, *lines, ""]))
        assert run("train", "--data", path, *WORDS, "--artifacts", tmp_path)[0] == 0
        assert (tmp_path / "model.json").read_bytes() == (plain / "model.json").read_bytes()
        _, expected, _ = run("predict", plain / "rows.csv", "--artifacts", plain)
        out = tmp_path / "out.arrow"
        assert run("predict", path, "--artifacts", tmp_path) == (0, expected, "")
        assert run("predict", path, "--artifacts", tmp_path, "--out", out)[0] == 0
        values = pyarrow.feather.read_table(out)["prediction"].to_pylist()
        assert list(map(repr, values)) == expected.split()


@pytest.mark.parametrize("row", ["1", "1,2,3", "1,2,,4", ","])
def test_rows_of_another_length(row: str, run: Run, tmp_path: Path) -> None:
    """What is no empty cell counts, and a named column must be there."""
    path = tmp_path / "rows.csv"
    rows = [f"{x},{y}" for x, y in zip(X, Y, strict=True)]
    path.write_text("\n".join(["x,y", *rows, row, ""]))
    code, _, err = run("train", "--data", path, *WORDS, "--artifacts", tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    assert "rows with missing values: 1" in err if row == "," else "row 41: has" in err
