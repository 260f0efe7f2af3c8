"""One identity of a level: whatever wrote the file, one category is one level."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from commands import Run
from hypothesis import given
from hypothesis import strategies as st

from cali_reg.data.columns.levels import with_levels
from cali_reg.data.columns.spellings import CELLS, Spellings
from cali_reg.errors import DataError
from cali_reg.runtime import artifacts
from cali_reg.runtime.cell_parser import parse_category, parse_plain_decimal
from cali_reg.runtime.schema import Column, LevelIndex

N = 60
X = np.random.default_rng(0).normal(size=N).round(3).tolist()
Y = np.random.default_rng(1).normal(size=N).round(3).tolist()


def write(path: Path, cells: Sequence[object], kind: pa.DataType | None = None) -> Path:
    """Write a table of x, the column c of some cells, repeated, and y."""
    column = [cells[k % len(cells)] for k in range(N)]
    if path.suffix == ".csv":
        with open(path, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("x", "c", "y"), *zip(X, column, Y, strict=True)])
    else:
        table = pa.table({"x": X, "c": pa.array(column, kind), "y": Y})
        if path.suffix == ".parquet":
            pyarrow.parquet.write_table(table, path)
        else:
            pyarrow.feather.write_feather(table, path)
    return path


def train(run: Run, folder: Path, *paths: Path, flags: Sequence[object] = ()) -> tuple[bytes, str]:
    """Train with the category c; return the bytes of model.json, and what stderr says."""
    command = ("train", "--artifacts", folder, "--target", "y", "--categorical", "c")
    code, _, err = run(*command, "--data", *paths, *flags)
    assert code == 0, err
    return (folder / "model.json").read_bytes(), err


def column(folder: Path) -> Column:
    """Return the categorical column of a model."""
    return artifacts.read_model(folder).columns[1]


def refused(run: Run, folder: Path, *paths: Path, flags: Sequence[object] = ()) -> str:
    """Train in vain; return the message."""
    command = ("train", "--artifacts", folder, "--target", "y", "--categorical", "c")
    code, out, err = run(*command, "--data", *paths, *flags)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert not folder.exists()
    return err


# What one table looks like when different tools have written it.
SAME: dict[str, list[tuple[str, Sequence[object], pa.DataType | None]]] = {
    "booleans": [
        ("pandas.csv", ["True", "False", "True"], None),
        ("polars.csv", ["true", "false", "true"], None),
        ("r.csv", ["TRUE", "FALSE", "TRUE"], None),
        ("a.parquet", [True, False, True], pa.bool_()),
        ("a.arrow", [True, False, True], pa.bool_()),
        ("text.parquet", ["True", "False", "True"], pa.string()),
    ],
    "codes": [
        ("int.csv", ["10", "9", "2"], None),
        ("gap.csv", ["10.0", "9.0", "2.0"], None),
        ("wide.csv", [" 10", "9.", "2.000"], None),
        ("int.parquet", [10, 9, 2], pa.int16()),
        ("unsigned.arrow", [10, 9, 2], pa.uint64()),
        ("gap.parquet", [10.0, 9.0, 2.0], pa.float64()),
        ("half.arrow", np.array([10, 9, 2], np.float16).tolist(), pa.float32()),
        ("text.parquet", ["10", "9", "2"], pa.string()),
        ("dict.arrow", ["10", "9", "2"], pa.dictionary(pa.int8(), pa.string())),
    ],
    "large numbers": [
        ("a.csv", ["12345678901234567", "-1", "0"], None),
        ("b.csv", ["12345678901234567.0", "-1.0", "-0.0"], None),
        ("a.parquet", [12345678901234567, -1, 0], pa.int64()),
    ],
    "floats": [
        ("a.csv", ["1e+16", "0.1", "2.5"], None),
        ("a.parquet", [1e16, 0.1, 2.5], pa.float64()),
        ("a.arrow", [1e16, 0.1, 2.5], pa.float32()),
    ],
    "text": [
        ("a.csv", ["Bern", "Zürich", "010"], None),
        ("blanks.csv", [" Bern", "Zürich\t", "010 "], None),
        ("a.parquet", ["Bern", "Zürich", "010"], pa.string()),
        ("blanks.arrow", ["Bern ", " Zürich", "010"], pa.large_string()),
    ],
}


@pytest.mark.parametrize("case", SAME)
def test_the_writer_does_not_matter(run: Run, tmp_path: Path, case: str) -> None:
    """One table gives one model, and each file is predicted alike by the model of any other."""
    writings = SAME[case]
    if case == "floats":  # as text, 1e+16 is no plain decimal
        writings = writings[1:]
    paths = [write(tmp_path / name, cells, kind) for name, cells, kind in writings]
    models = [train(run, tmp_path / path.name.replace(".", "_"), path)[0] for path in paths]
    assert len(set(models)) == 1
    command = ("predict", "--artifacts", tmp_path / paths[0].name.replace(".", "_"))
    assert len({run(*command, path)[1] for path in paths}) == 1
    together = tmp_path / "together"
    _, err = train(run, together, *paths)
    assert artifacts.read_model(together).columns == artifacts.read_model(command[2]).columns
    assert ("writes a category in several ways" in err) == (case not in ("floats", "text"))


def test_levels_in_numeric_order(run: Run, tmp_path: Path) -> None:
    """Numbers come first, in their order; then text, in that of code points."""
    cells = ["b", "10", "9", "-1", "2.50", "010", "a", "1e3"]
    train(run, tmp_path / "a", write(tmp_path / "a.csv", cells))
    assert column(tmp_path / "a").levels == ("-1", "2.5", "9", "10", "010", "1e3", "a", "b")


def test_text_of_a_typed_column_is_text(run: Run, tmp_path: Path) -> None:
    """Versions such as 1.10 stay apart in Parquet; beside a file of numbers they are numbers."""
    text = write(tmp_path / "a.parquet", ["1.1", "1.10", "2"], pa.string())
    train(run, tmp_path / "a", text)
    assert column(tmp_path / "a") == Column("c", ("1.1", "1.10", "2"), as_text=True)
    for name, cells in (("a.csv", ["1.10", "2"]), ("b.parquet", [1.1, 2.0])):
        numbers = write(tmp_path / name, cells)
        train(run, tmp_path / "b", text, numbers)
        assert column(tmp_path / "b") == Column("c", ("1.1", "2"))
    words = write(tmp_path / "words.csv", ["1.10", "x"])
    train(run, tmp_path / "c", text, words)
    assert column(tmp_path / "c") == Column("c", ("1.1", "1.10", "2", "x"), as_text=True)
    _, out, _ = run("predict", "--artifacts", tmp_path / "a", text)
    as_csv = write(tmp_path / "same.csv", ["1.1", "1.10", "2"])
    assert run("predict", "--artifacts", tmp_path / "a", as_csv) == (0, out, "")


KINDS: dict[str, tuple[str, list[Any], str, list[Any], str]] = {
    "numbers and booleans": ("b.parquet", [True, False], "a.parquet", [1, 0], "true and false"),
    "cells and booleans": ("b.csv", ["1", "0"], "a.parquet", [True, False], "numbers"),
    "text and numbers": ("b.csv", ["1", "A5"], "a.parquet", [1, 2], "text"),
    "leading zeros": ("b.csv", ["010", "11"], "a.parquet", [10, 11], "text"),
    "typed text": ("b.arrow", ["x", "1"], "a.parquet", [1, 2], "text"),
}


@pytest.mark.parametrize("case", KINDS)
def test_kinds_are_the_same_in_all_files(run: Run, tmp_path: Path, case: str) -> None:
    """A column that files hold as different kinds is refused, with both files."""
    name, cells, other, others, kind = KINDS[case]
    second, first = write(tmp_path / name, cells), write(tmp_path / other, others)
    for paths in ((first, second), (second, first)):
        message = refused(run, tmp_path / "a", *paths)
        assert f"{second}: column 'c' holds {kind}; in {first} it holds " in message


@pytest.mark.parametrize("mark", ["NA", "N/A", "NaN", "nan", "null", "NULL", " NA "])
def test_missing_marks(run: Run, tmp_path: Path, mark: str) -> None:
    """They are missing in training and predictions of all formats, unless they are switched off."""
    for name in ("a.csv", "a.parquet"):
        path = write(tmp_path / name, ["a", "b", mark])
        assert "rows with missing values: 20 (c 20)" in refused(run, tmp_path / "x", path)
        train(run, tmp_path / "drop", path, flags=("--missing", "drop"))
        assert column(tmp_path / "drop") == Column("c", ("a", "b"))
        code, _, err = run("predict", "--artifacts", tmp_path / "drop", path)
        assert (code, "row 3: column 'c' has no value" in err) == (2, True)
        train(run, tmp_path / "keep", path, flags=("--not-missing", f"c={mark.strip()}"))
        kept = Column("c", tuple(sorted([mark.strip(), "a", "b"])), not_missing=(mark.strip(),))
        assert column(tmp_path / "keep") == kept
        assert run("predict", "--artifacts", tmp_path / "keep", path)[0] == 0
        verify = ("verify", "--artifacts", tmp_path / "keep", "--data", path)
        assert "model.json           same" in run(*verify)[1]


def test_baseline(run: Run, tmp_path: Path) -> None:
    """Any level can be the baseline, however it is written; it is shown, and verified."""
    path = write(tmp_path / "a.csv", ["10.0", "9.0", "x=y"])
    for text, levels in (("10", ("10", "9", "x=y")), ("x=y", ("x=y", "9", "10"))):
        folder = tmp_path / text
        command = ("train", "--artifacts", folder, "--target", "y", "--categorical", "c")
        code, out, _ = run(*command, "--data", path, "--baseline", f"c={text}")
        assert code == 0
        assert column(folder).levels == levels
        assert f"\nc={text} " in out
        assert "baseline" in out.split(f"\nc={text} ")[1].splitlines()[0]
        code, out, _ = run("verify", "--artifacts", folder, "--data", path)
        assert "model.json           same" in out
    first, other = (artifacts.read_model(tmp_path / name) for name in ("10", "x=y"))
    values: dict[str, object] = {"x": 1.0, "c": 9}
    assert first.scores["test"]["n_samples"] == other.scores["test"]["n_samples"]
    one, two = (_predict(tmp_path / name, values) for name in ("10", "x=y"))
    assert one == pytest.approx(two)


def _predict(folder: Path, row: dict[str, object]) -> float:
    import cali_reg

    return cali_reg.load_model(folder).predict(row)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ("--baseline", "c=Bren"),
            "column 'c' has no category 'Bren', which is to be its baseline (found: 'a', 'b')",
        ),
        (("--baseline", "c=A"), "which is to be its baseline; did you mean 'a'? (found: 'a', 'b')"),
        (("--baseline", "c=NA"), "column 'c' has no category 'NA'"),
        (("--baseline", "c"), "--baseline is 'c'; expected COLUMN=TEXT with a column of --categ"),
        (
            ("--baseline", "C=a"),
            "--baseline is 'C=a'; did you mean 'c'? expected COLUMN=TEXT with a column of --categ",
        ),
        (("--baseline", "x=1"), "--baseline is 'x=1'; expected COLUMN=TEXT"),
        (("--baseline", "c=a", "--baseline", "c=b"), "column 'c' is named twice"),
        (("--not-missing", "c=b"), "'b' is no sign of a missing value; expected one of NA, N/A"),
        (("--not-missing", "c="), "'' is no sign of a missing value"),
    ],
)
def test_bad_options(run: Run, tmp_path: Path, flags: tuple[str, ...], message: str) -> None:
    """What is not a column or a category is named."""
    path = write(tmp_path / "a.csv", ["a", "b"])
    assert message in refused(run, tmp_path / "x", path, flags=flags)


def test_a_split_like_that_of_text(run: Run, tmp_path: Path) -> None:
    """Rows are held out alike also where the other model took 1.10 for text, and NA for a level."""
    cells = ["1.1", "1.10", "NA", "2"]
    path = write(tmp_path / "a.parquet", cells, pa.string())
    flags = ("--not-missing", "c=NA")
    train(run, tmp_path / "a", path, flags=flags)
    command = ("train", "--artifacts", tmp_path / "b", "--target", "y", "--features", "x")
    code, _, err = run(*command, "--data", path, "--split-like", tmp_path / "a")
    assert code == 0, err
    first, other = (artifacts.read_model(tmp_path / name) for name in "ab")
    assert [row[0] for row in first.samples] == [row[0] for row in other.samples]
    code, out, _ = run("verify", "--artifacts", tmp_path / "b", "--data", path)
    assert "model.json           same" in out


def test_a_split_like_that_of_another_writer(run: Run, tmp_path: Path) -> None:
    """Rows are held out by their categories, not by how a file writes them."""
    integers = write(tmp_path / "a.parquet", [10, 9, 2])
    floats = write(tmp_path / "b.csv", ["10.0", "9.0", " 2"])
    text = write(tmp_path / "c.parquet", ["1.1", "1.10", "2"], pa.string())
    numbers = write(tmp_path / "d.csv", ["1.1", "1.10", "2"])
    for name, (first, other) in (("a", (integers, floats)), ("c", (text, numbers))):
        train(run, tmp_path / name, first)
        flags = ("--features", "x", "--split-like", tmp_path / name)
        train(run, tmp_path / "like", other, flags=flags)
        model, like = (
            artifacts.read_model(folder) for folder in (tmp_path / name, tmp_path / "like")
        )
        assert [row[0] for row in model.samples] == [row[0] for row in like.samples]
        command = ("train", "--artifacts", tmp_path / "x", "--target", "y", "--features", "x")
        assert run(*command, "--data", other, *flags[2:])[0] == 0
        alone = artifacts.read_model(tmp_path / "x")
        assert [row[0] for row in model.samples] == [row[0] for row in alone.samples]


def test_floats(run: Run, tmp_path: Path) -> None:
    """They are plain decimals; NaN is missing, whatever text is not."""
    path = write(tmp_path / "a.parquet", [1e16, 0.1, math.nan, 2.5])
    for flags in ((), ("--not-missing", "c=nan")):
        assert "rows with missing values: 15 (c 15)" in refused(
            run, tmp_path / "a", path, flags=flags
        )
        train(run, tmp_path / "b", path, flags=("--missing", "drop", *flags))
        assert column(tmp_path / "b").levels == ("0.1", "2.5", "10000000000000000")


def test_values_of_a_row(run: Run, tmp_path: Path) -> None:
    """A mapping takes text, numbers and booleans, as files do."""
    train(run, tmp_path / "a", write(tmp_path / "a.csv", ["10", "0.1", "true"]))
    ten, tenth, true = (_predict(tmp_path / "a", {"x": 1, "c": c}) for c in ("10", "0.1", "true"))
    same: list[tuple[float, list[object]]] = [
        (ten, [10, 10.0, np.int8(10), np.float32(10), " 10.0 ", "10."]),
        (tenth, [0.1, np.float32(0.1), np.float64(0.1), ".10"]),
        (true, [True, np.True_, "TRUE"]),
    ]
    for expected, values in same:
        for value in values:
            assert _predict(tmp_path / "a", {"x": 1, "c": value}) == expected
    assert len({ten, tenth, true}) == 3


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=4)
    | st.integers(-(10**30), 10**30).map(Decimal),
    st.integers(0, 4),
)
def test_plain_decimals_by_value(value: Decimal, n_zeros: int) -> None:
    """Every plain way to write a number gives the same text, which has the same value."""
    text = format(value, "f")
    longer = (text if "." in text else f"{text}.") + "0" * n_zeros
    shortest = parse_plain_decimal(text)
    assert shortest is not None
    assert Decimal(shortest) == value
    assert parse_plain_decimal(longer) == shortest
    assert parse_plain_decimal(shortest) == shortest
    assert len(shortest) <= len(text)


@given(st.text(st.sampled_from("-+.0123456789eE xT"), max_size=8))
def test_categories_are_fixed_points(text: str) -> None:
    """The category of a category is itself, and a number only if the text is one."""
    for as_text in (False, True):
        category = parse_category(text, as_text=as_text)
        assert parse_category(category, as_text=as_text) == category
        assert parse_category(f" {text}\t", as_text=as_text) == category
    plain = parse_plain_decimal(text)
    if plain is not None:
        assert float(plain) == float(text)
        assert math.copysign(1, float(plain)) == (
            1 if float(text) == 0 else math.copysign(1, float(text))
        )


def test_an_index_finds_each_level_however_it_is_written() -> None:
    """Levels of any text are found; unseen ones and missing ones are told apart."""
    index = LevelIndex(Column("c", ("10", "NA", "a", "true"), not_missing=("NA",)))
    found = [index.find(t) for t in ("10.0", "NA", " NA", " a", "TRUE", "b", "010", "", "nan", " ")]
    assert found == [0, 1, 1, 2, 3, -1, -1, None, None, None]


def test_too_many_levels_of_many_workers() -> None:
    """Each may have fewer; together they are too many."""
    texts = frozenset(f"t{k}" for k in range(1001))
    found = {"c": Spellings({CELLS: texts}, {CELLS: "a.csv"})}
    with pytest.raises(DataError, match="column 'c' has more than 1000 categories"):
        with_levels([Column("c", ())], found, {"c": texts}, {})
