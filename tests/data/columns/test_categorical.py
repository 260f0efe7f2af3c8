"""Columns of text, and odd names: from files through update, quantize, predict and export."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pytest
from commands import Run
from layouts import make_table, refused, to_csv, train, write
from polars import DataFrame
from split_reference import is_held_out

from cali_reg.jobs.train import train as train_job
from cali_reg.jobs.training_data.file_data import FileData
from cali_reg.jobs.training_data.file_options import FileOptions
from cali_reg.least_squares.moments_file import TrainTestMoments, load_with_model
from cali_reg.runtime import artifacts
from cali_reg.runtime.atomic_files import write_files
from cali_reg.runtime.schema import Column

CITIES = ("NA", 'New "York", NY', "Århus")  # by code points
ODD = {"age": "= =", "floor area, m²": "a=b", "new": '*/ "q" \'', "city": "c=,d", "price": "é\n=y"}

NOT_MISSING = {ODD["city"]: ["NA"]}


def one_hot(table: pa.Table) -> pa.Table:
    """Return a table with a column of 0 and 1 for each city but the first."""
    frame = table.to_pandas()
    place = frame.columns.get_loc("city")
    coded = pd.get_dummies(frame["city"], prefix="city", prefix_sep="=", dtype=float)
    coded = coded[sorted(coded)][[f"city={city}" for city in CITIES[1:]]]
    parts = [frame.iloc[:, :place], coded, frame.iloc[:, place + 1 :]]
    return pa.Table.from_pandas(pd.concat(parts, axis=1), preserve_index=False)


def test_coefficients_are_those_of_a_one_hot_table(run: Run, tmp_path: Path) -> None:
    """Trained on all rows: the moments, the names and the coefficients of the table by hand."""
    table, other = make_table(), make_table(99, seed=1)
    texts = write(table, tmp_path / "a.csv"), write(other, tmp_path / "b.csv")
    coded = write(one_hot(table), tmp_path / "c.csv"), write(one_hot(other), tmp_path / "d.csv")
    found = train(
        run,
        tmp_path / "t",
        texts[0],
        "--test-data",
        texts[1],
        "--categorical",
        "city",
        "--not-missing",
        "city=NA",
    )
    expected = train(run, tmp_path / "c", coded[0], "--test-data", coded[1])
    assert found["moments.json"] == expected["moments.json"]
    model, by_hand = (artifacts.read_model(tmp_path / name) for name in "tc")
    assert model.features == by_hand.features
    assert model.scores == by_hand.scores
    assert model.columns[3] == Column("city", CITIES, not_missing=("NA",))
    assert artifacts.read_model(tmp_path / "t").names[3:] == tuple(f"city={c}" for c in CITIES[1:])


def test_categories_of_any_type(run: Run, tmp_path: Path) -> None:
    """Integers, floats, booleans and dictionaries give the levels that their CSV has."""
    rng = np.random.default_rng(0)
    sizes = pa.array(rng.integers(0, 4, 200) / 2)
    table = pa.table(
        {
            "zip": rng.integers(8, 12, 200) * 1000,
            "size": sizes,
            "half": sizes.cast(pa.float16()),
            "flag": rng.integers(0, 2, 200).astype(bool),
            "kind": pa.array(["a", "b", "ç"]).take(rng.integers(0, 3, 200)).dictionary_encode(),
            "y": rng.normal(size=200),
        }
    )
    table = table.set_column(2, "half", table["half"].take(rng.permutation(200)))
    flags = ("--categorical", "zip,size,half,flag,kind")
    expected = train(run, tmp_path / "out", write(table, tmp_path / "a.csv"), *flags, target="y")
    for suffix in ("parquet", "feather"):
        path = write(table, tmp_path / f"a.{suffix}")
        assert train(run, tmp_path / "out", path, *flags, target="y") == expected
    model = artifacts.read_model(tmp_path / "out")
    levels = {column.name: column.levels for column in model.columns}
    assert levels["zip"] == ("8000", "9000", "10000", "11000")
    assert levels["size"] == levels["half"] == ("0", "0.5", "1", "1.5")
    assert levels["flag"] == ("false", "true")
    assert levels["kind"] == ("a", "b", "ç")


def test_files_of_polars(run: Run, tmp_path: Path) -> None:
    """Polars writes text of its own type, and categories."""
    table = make_table()
    expected = train(
        run,
        tmp_path / "out",
        write(table, tmp_path / "a.csv"),
        "--categorical",
        "city",
        "--not-missing",
        "city=NA",
    )
    frame = DataFrame(table.to_pydict())
    frame.write_ipc(tmp_path / "b.arrow")
    frame.write_parquet(tmp_path / "b.parquet")
    levels = polars.Enum([*CITIES])
    for folder, kind in (("c", polars.Categorical()), ("e", levels)):
        coded = frame.with_columns(polars.col("city").cast(kind))
        coded.write_ipc(tmp_path / f"{folder}.arrow")
        coded.write_parquet(tmp_path / f"{folder}.parquet")
    for name in ("b.arrow", "b.parquet", "c.arrow", "c.parquet", "e.arrow", "e.parquet"):
        assert (
            train(
                run,
                tmp_path / "out",
                tmp_path / name,
                "--categorical",
                "city",
                "--not-missing",
                "city=NA",
            )
            == expected
        )
    flags = ("--target", "price", "--strict")
    message = refused(run, tmp_path, "--data", tmp_path / "b.arrow", *flags)
    assert "b.arrow: columns that are not numeric: city (text)" in message


def test_missing_categories(run: Run, tmp_path: Path) -> None:
    """Missing marks are missing in text, too, in all formats, unless an option says otherwise."""
    table = make_table(100)
    cities = [None if k in (3, 50) else city for k, city in enumerate(table["city"].to_pylist())]
    n_marks = 2 + cities.count("NA")
    table = table.set_column(3, "city", pa.array(cities))
    for suffix in ("csv", "parquet", "arrow"):
        path = write(table, tmp_path / f"a.{suffix}")
        flags = ("--data", path, "--target", "price", "--categorical", "city")
        message = refused(run, tmp_path, *flags)
        assert message.startswith(
            f"rows with missing values: {n_marks} (city {n_marks}); the first"
        )
        message = refused(run, tmp_path, *flags, "--not-missing", "city=NA")
        assert message == (
            f"rows with missing values: 2 (city 2); the first is row 4 of {path}: fill them in, or"
            " pass --missing drop, which leaves out 2 of 100 rows (none with --exclude city)"
        )
        train(run, tmp_path / "out", path, *flags[4:], "--missing", "drop")
        assert artifacts.read_model(tmp_path / "out").columns[3].levels == CITIES[1:]
        kept = (*flags[4:], "--missing", "drop", "--not-missing", "city=NA")
        train(run, tmp_path / "out", path, *kept)
        assert artifacts.read_model(tmp_path / "out").columns[3].levels == CITIES


def test_levels_of_dropped_rows_do_not_count(run: Run, tmp_path: Path) -> None:
    """Dropping equals training without these rows, though they alone have a level."""
    table = make_table(200)
    rows = table.to_pylist()
    kept = to_csv(table.column_names, rows)
    rows[7:7] = [{**rows[0], "city": "Aalborg", "age": None}, {**rows[0], "city": "Z", "new": ""}]
    (tmp_path / "a.csv").write_text(kept, encoding="utf-8")
    (tmp_path / "b.csv").write_text(to_csv(table.column_names, rows), encoding="utf-8")
    flags = ("--categorical", "city", "--not-missing", "city=NA")
    expected = train(run, tmp_path / "a", tmp_path / "a.csv", *flags)
    found = train(run, tmp_path / "b", tmp_path / "b.csv", *flags, "--missing", "drop")
    assert found["moments.json"] == expected["moments.json"]
    assert artifacts.read_model(tmp_path / "b").features == (
        artifacts.read_model(tmp_path / "a").features
    )


BAD_LEVELS: dict[str, tuple[list[Any], str]] = {
    "too many": ([f"l{k}" for k in range(1001)], "column 't' has more than 1000 categories"),
    "one": (["a"] * 30, "column 't' holds 'a' in every training row; expected at least two cat"),
    "none": ([None] * 30, "rows with missing values: 30 (t 30); the first is row 1 of "),
    "decimals": ([Decimal("0.5")] * 30, "column 't' holds decimal128(1, 1) values; expected text"),
    "dates": ([date(2022, 1, 8)] * 30, "column 't' holds date32[day] values; expected text, integ"),
    "lists": ([[1]] * 30, "column 't' holds list<element: int64> values; expected text"),
    "feature twice": (["a", "1"] * 15, "two features have the name 't=a'"),
}


@pytest.mark.parametrize("case", BAD_LEVELS)
def test_bad_levels(run: Run, tmp_path: Path, case: str) -> None:
    """What cannot be encoded is refused in one line that names the column."""
    levels, expected = BAD_LEVELS[case]
    k = np.arange(1.0 * len(levels))
    table = pa.table({"t": levels, "t=a": k**2, "y": k})
    path = write(table, tmp_path / "a.parquet")
    flags = ("--target", "y", "--categorical", "t", "--strict")
    message = refused(run, tmp_path, "--data", path, *flags)
    assert expected in message


def test_text_that_is_no_utf8_in_parquet(run: Run, tmp_path: Path) -> None:
    """Parquet may hold any bytes as text."""
    text = pa.array([b"a", b"\xff", b"b"] * 9).view(pa.string())
    path = write(pa.table({"t": text, "y": np.arange(27.0)}), tmp_path / "a.parquet")
    message = refused(run, tmp_path, "--data", path, "--target", "y", "--categorical", "t")
    assert message.startswith(f"{path}: cannot be read as Parquet (Invalid UTF8")


def odd_table() -> pa.Table:
    """Return columns whose names try what a file, an option and a C comment may break on."""
    return make_table().rename_columns([ODD[name] for name in make_table().column_names])


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a model of a file of odd names, and the file."""
    folder = tmp_path_factory.mktemp("odd")
    path = write(odd_table(), folder / "odd.parquet")
    options = FileOptions(
        [str(path)], ODD["price"], categorical=[ODD["city"]], not_missing=NOT_MISSING
    )
    write_files(folder, train_job(FileData(options)).files)
    return folder


@pytest.fixture
def odd_copy(odd: Path, tmp_path: Path) -> Path:
    """Return a copy of `odd` that a test may change."""
    return Path(shutil.copytree(odd, tmp_path / "odd"))


def training_rows() -> np.ndarray:
    """Return the features of the rows of `odd_table` that are not held out."""
    rows = [list(row.values()) for row in odd_table().to_pylist()]
    training = [row[:4] for row in rows if not is_held_out(row)]
    return np.array([[*row[:3], *(row[3] == city for city in CITIES[1:])] for row in training])


def test_names_come_through(odd: Path) -> None:
    """The model has the columns' names as they are."""
    model = artifacts.read_model(odd)
    assert model.target == ODD["price"]
    assert [column.name for column in model.columns] == [ODD[n] for n in list(ODD)[:4]]
    assert model.names[3:] == tuple(f"c=,d={city}" for city in CITIES[1:])


def test_options_take_quoted_names(run: Run, tmp_path: Path, odd: Path) -> None:
    """Quotes protect commas in --features and --categorical, as in CSV."""
    text = io.StringIO()
    csv.writer(text).writerow([ODD[name] for name in list(ODD)[:4]])
    flags = (
        "--features",
        text.getvalue().strip("\r\n"),
        "--categorical",
        '"c=,d"',
        "--not-missing",
        "c=,d=NA",
    )
    found = train(run, tmp_path / "out", odd / "odd.parquet", *flags, target=ODD["price"])
    assert found["moments.json"] == (odd / "moments.json").read_bytes()
    code, _, err = run("train", "--data", "x", "--target", "y", "--features", 'a,"b')
    assert code == 2
    assert "is not a list of names" in err


def test_quantize_measures_the_training_rows(run: Run, odd_copy: Path) -> None:
    """With --data the largest change is that of brute force over the training rows."""
    files = ("--artifacts", odd_copy)
    code, out, err = run("quantize", *files)
    assert (code, err) == (0, "")
    assert "max_change_measured" not in (odd_copy / "quantized.json").read_text("utf-8")
    code, out, err = run("quantize", *files, "--data", odd_copy / "odd.parquet")
    assert (code, err) == (0, "")
    model = artifacts.read_model(odd_copy)
    quantized = artifacts.read_quantized(odd_copy, model)
    X = training_rows()
    assert len(X) == model.scores["train"]["n_samples"]
    changes = [abs(model.predict(row) - quantized.predict(row)) for row in X.tolist()]
    assert quantized.contract["max_change_measured"] == pytest.approx(max(changes), rel=1e-9)
    assert f"{max(changes):.6f}" in out


def test_quantize_with_other_rows(run: Run, odd_copy: Path, tmp_path: Path) -> None:
    """Rows that the model was not trained on are refused."""
    path = write(odd_table().slice(20), tmp_path / "other.csv")
    code, _, err = run("quantize", "--artifacts", odd_copy, "--data", path)
    assert code == 2
    assert f"{path}: its rows are not the " in err
    assert not (odd_copy / "quantized.json").exists()


def test_predict_encodes_the_levels(run: Run, odd: Path, tmp_path: Path) -> None:
    """A prediction of a CSV file is that of the one-hot row, to the bit."""
    model = artifacts.read_model(odd)
    table = odd_table().slice(0, 50)
    path = tmp_path / "rows.csv"
    path.write_text(to_csv(table.column_names, table.to_pylist()), encoding="utf-8", newline="")
    code, out, err = run("predict", path, "--artifacts", odd)
    assert (code, err) == (0, "")
    expected = []
    for row in table.to_pylist():
        *values, city = [row[ODD[name]] for name in list(ODD)[:4]]
        expected.append(model.predict([*values, *(float(city == c) for c in CITIES[1:])]))
    assert [float(line) for line in out.split()] == expected


def test_exports(run: Run, odd_copy: Path, tmp_path: Path) -> None:
    """JSON names the features; the C header compiles, and predicts the samples' bits."""
    run("quantize", "--artifacts", odd_copy)
    model = artifacts.read_model(odd_copy)
    _, out, _ = run("export", "--artifacts", odd_copy, "--format", "json")
    assert tuple(json.loads(out)["features"]) == model.names
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    run("export", "--artifacts", odd_copy, "--format", "c", "--out", tmp_path / "model.h")
    rows = ",".join("{" + ",".join(map(float.hex, row)) + "}" for row in model.samples)
    (tmp_path / "main.c").write_text(
        '#include <stdio.h>\n#include "model.h"\n'
        f"static const double rows[][{len(model.names)}] = {{{rows}}};\n"
        "int main(void) {\n"
        f"  for (int i = 0; i < {len(model.samples)}; i++)\n"
        '    printf("%a\\n", cali_reg_predict(rows[i]));\n'
        "  return 0;\n}\n"
    )
    program = tmp_path / "main"
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-Wno-unused", "-o", str(program)]
    subprocess.run([compiler, *flags, str(tmp_path / "main.c")], check=True)
    printed = subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout
    assert [float.fromhex(line) for line in printed.split()] == [
        model.predict(row) for row in model.samples
    ]


def test_samples_are_predicted(run: Run, odd_copy: Path) -> None:
    """``cali-reg predict`` without a file works for a model of files."""
    run("quantize", "--artifacts", odd_copy)
    code, out, err = run("predict", "--artifacts", odd_copy)
    assert (code, err) == (0, "")
    assert out.startswith("Sample predictions: [")


@pytest.mark.parametrize("command", ["add", "remove"])
def test_update_equals_training_on_all_rows(run: Run, tmp_path: Path, command: str) -> None:
    """Rows that come or go find their side by content: as if trained on what there is then."""
    table = make_table(900, seed=3)
    both = [
        write(t, tmp_path / n)
        for t, n in ((table.slice(0, 600), "a.csv"), (table.slice(600), "b.parquet"))
    ]
    flags = ("--categorical", "city", "--not-missing", "city=NA")
    first, second = (both[:1], both) if command == "add" else (both, both[:1])
    train(run, tmp_path / "updated", *first, *flags)
    expected = train(run, tmp_path / "expected", *second, *flags)
    code, _, err = run("update", "--artifacts", tmp_path / "updated", f"--{command}", both[1])
    assert (code, err) == (0, "")
    updated, scratch = (artifacts.read_model(tmp_path / n) for n in ("updated", "expected"))
    assert (tmp_path / "updated" / "moments.json").read_bytes() == expected["moments.json"]
    assert updated.coefficients == scratch.coefficients
    assert updated.intercept == scratch.intercept
    assert [f.standard_error for f in updated.features] == [
        f.standard_error for f in scratch.features
    ]
    assert updated.scores == scratch.scores
    assert updated.source == {**scratch.source, "updated": True}
    if command == "add":
        assert updated.features == scratch.features  # with their ranges
    assert updated.ranges == {"add": "exact", "remove": "outer"}[command]


def test_update_there_and_back(run: Run, odd_copy: Path, tmp_path: Path) -> None:
    """Adding rows and removing them in one run changes no sum, on either side."""
    path = write(odd_table().slice(100, 200), tmp_path / "some.feather")
    before = (odd_copy / "moments.json").read_bytes()
    assert run("update", "--artifacts", odd_copy, "--add", path)[0] == 0
    assert (odd_copy / "moments.json").read_bytes() != before
    assert run("update", "--artifacts", odd_copy, "--remove", path)[0] == 0
    assert (odd_copy / "moments.json").read_bytes() == before


def test_update_of_a_model_with_test_data(run: Run, tmp_path: Path) -> None:
    """Where the held-out rows have their own files, all rows that come are training rows."""
    table = make_table(300).drop_columns(["city"])
    parts = [write(table.slice(k, 100), tmp_path / f"{k}.csv") for k in (0, 100, 200)]
    train(run, tmp_path / "a", parts[0], "--test-data", parts[2])
    expected = train(run, tmp_path / "b", *parts[:2], "--test-data", parts[2])
    assert run("update", "--artifacts", tmp_path / "a", "--add", parts[1])[0] == 0
    assert (tmp_path / "a" / "moments.json").read_bytes() == expected["moments.json"]
    assert (tmp_path / "a" / "model.json").read_bytes() != b""
    moments = load_with_model(tmp_path / "a")[1]
    assert isinstance(moments, TrainTestMoments)
    assert moments.test.n_samples == 100


BAD_UPDATES = {
    "missing": (
        "age",
        None,
        "missing values: 1 (age 1); the first is row 2 of {path}: fill",
    ),
    "new level": ("city", "Rome", "{path}: row 2: column 'city' holds 'Rome', a category not seen"),
    "infinite": ("age", 1e400, "{path}: row 2: column 'age' holds 'inf'; expected a finite number"),
    "text": ("age", "old", "{path}: row 2: column 'age' holds 'old'; expected a finite number"),
}


@pytest.mark.parametrize("case", BAD_UPDATES)
def test_bad_rows_in_an_update(run: Run, tmp_path: Path, case: str) -> None:
    """The first bad row is named with its file, and the artifacts stay."""
    name, value, expected = BAD_UPDATES[case]
    table = make_table(100)
    train(
        run,
        tmp_path / "out",
        write(table, tmp_path / "a.csv"),
        "--categorical",
        "city",
        "--not-missing",
        "city=NA",
    )
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    rows = table.slice(0, 3).to_pylist()
    rows[1][name] = value
    path = tmp_path / "new.csv"
    path.write_text(to_csv(table.column_names, rows), encoding="utf-8")
    code, out, err = run("update", "--artifacts", tmp_path / "out", "--add", path)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert expected.format(path=path) in err
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
