"""Python's interface: the bytes and the bits of the commands, from files and from frames."""

import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import Run

import cali_reg
from cali_reg.errors import DataError, DataWarning, GateError, UsageError
from cali_reg.report import json_report, tables

N = 90
FILES = ("linear_model.joblib", "model.json", "moments.json")


def make_table() -> pa.Table:
    """Return numbers, text, true and false, and some missing values."""
    k = np.arange(N)
    rooms = [None if i % 17 == 5 else i * 7 % 5 for i in range(N)]
    return pa.table(
        {
            "price": pa.array((k * 37 % 61 + k / 8).tolist()),
            "rooms": pa.array(rooms, pa.int64()),
            " area ": pa.array((k * 31 % 47 / 4).tolist(), pa.float32()),
            "town": pa.array([("Bern", "Biel", "Chur")[i % 3] for i in range(N)]).cast(
                pa.dictionary(pa.int8(), pa.string())
            ),
            "new": pa.array((k % 4 == 0).tolist()),
        }
    )


OPTIONS: dict[str, Any] = {"target": "price", "categorical": ["town"], "missing": "drop"}
FLAGS = ("--target", "price", "--categorical", "town", "--missing", "drop")
FRAMES: dict[str, Callable[[pa.Table], Any]] = {
    "Arrow": lambda table: table,
    "Arrow in parts": lambda table: pa.concat_tables([table[:40], table[40:41], table[41:]]),
    "Arrow batches": lambda table: pa.RecordBatchReader.from_batches(
        table.schema, table.to_batches(max_chunksize=7)
    ),
    "pandas": lambda table: table.to_pandas(),
    "pandas with Arrow's types": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
    "pandas with an index": lambda table: table.to_pandas().set_index(np.arange(N) * 3 + 7),
    "polars": pl.from_arrow,
}


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of a folder's files."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the rows as a Parquet file."""
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    pq.write_table(make_table(), path)
    return path


@pytest.fixture(scope="module")
def model() -> cali_reg.TrainedModel:
    """Return a model of the rows."""
    return cali_reg.train(make_table(), **OPTIONS)


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_gives_the_bytes_of_its_file(
    run: Run, parquet: Path, tmp_path: Path, kind: str
) -> None:
    """Each file is what the command writes for the same rows as Parquet."""
    code, _, err = run("train", "--data", parquet, *FLAGS, "--artifacts", tmp_path / "command")
    assert (code, err) == (0, "")
    cali_reg.train(FRAMES[kind](make_table()), **OPTIONS).save(tmp_path / "python")
    found = contents(tmp_path / "python")
    assert sorted(found) == list(FILES)
    assert found == contents(tmp_path / "command")


def test_files(parquet: Path, model: cali_reg.TrainedModel, tmp_path: Path) -> None:
    """Paths of any kind, one or several, give the model of the rows together."""
    table = make_table()
    halves = [tmp_path / "a.parquet", tmp_path / "b.arrow"]
    pq.write_table(table[:50], halves[0])
    with pa.ipc.new_file(halves[1], table.schema) as writer:
        writer.write_table(table[50:])
    kinds: list[Any] = [parquet, str(parquet), [str(halves[0]), halves[1]], (tmp_path,)]
    for data in kinds:
        assert cali_reg.train(data, **OPTIONS).model == model.model


def test_a_named_index_is_a_column() -> None:
    """A pandas index that has a name holds data; to Parquet files it goes, too."""
    frame = make_table().to_pandas().set_index("town")
    model = cali_reg.train(frame, **OPTIONS)
    assert "town=Biel" in model.coefficients


def test_options_reach_the_model(run: Run, parquet: Path, tmp_path: Path) -> None:
    """Every argument does what its option does."""
    options = {
        "features": ["area", "town"],
        "categorical": ["town"],
        "baselines": {"town": "Chur"},
        "not_missing": {"town": ["NA"]},
        "test_size": 0.4,
        "seed": 7,
        "n_sample_rows": 2,
        "cv": 3,
        "min_r2": -100.0,
        "allow_collinear": True,
        "store_intervals": True,
        "fit_intercept": False,
        "levels": [0.8, 0.6],
        "on_error": "skip",
    }
    flags = [
        *("--features", "area,town", "--categorical", "town", "--baseline", "town=Chur"),
        *("--not-missing", "town=NA", "--test-size", "0.4", "--seed", "7", "--samples", "2"),
        *("--min-r2", "-100", "--allow-collinear", "--intervals", "--cv", "3", "--json"),
        *("--no-intercept", "--levels", "0.8,0.6", "--on-error", "skip"),
    ]
    train = ("train", "--data", parquet, "--target", "price", "--artifacts", tmp_path / "command")
    code, out, err = run(*train, *flags)
    assert (code, err) == (0, "")
    model = cali_reg.train(make_table(), target="price", **options)  # type: ignore[arg-type]
    model.save(tmp_path / "python")
    assert contents(tmp_path / "python") == contents(tmp_path / "command")
    assert len(model.cross_validation) == 3
    folds, summary = model.cross_validation, model.summary()
    assert out == json_report.trained(model._trained, summary, tmp_path / "command", folds)


@pytest.mark.parametrize(
    ("options", "flags"),
    [
        ({}, ()),
        ({"exclude": ["rooms"], "max_levels": 2}, ("--exclude", "rooms", "--max-levels", "2")),
        ({"strict": True, "categorical": ["town"]}, ("--strict", "--categorical", "town")),
    ],
)
def test_plans(
    run: Run, parquet: Path, tmp_path: Path, options: dict[str, Any], flags: tuple[str, ...]
) -> None:
    """A frame gets the plan of its file, and a model shows it."""
    common = ("--target", "price", "--missing", "drop", "--artifacts", tmp_path / "command")
    assert run("train", "--data", parquet, *common, *flags)[0] == 0
    model = cali_reg.train(make_table(), target="price", missing="drop", **options)
    model.save(tmp_path / "python")
    assert contents(tmp_path / "python") == contents(tmp_path / "command")
    has_plan = "strict" not in options
    assert ("<td>left out</td>" in model._repr_html_()) == ("exclude" in options)
    assert ("<td>category</td>" in model._repr_html_()) == (not options)
    assert ("column" in repr(model)) == has_plan


def test_all_rows(run: Run, parquet: Path, tmp_path: Path) -> None:
    """With ``test_size=0`` no row is held out; a stored model shows that, and no intercept."""
    flags = ("--test-size", "0", "--no-intercept", "--artifacts", tmp_path / "command")
    assert run("train", "--data", parquet, *FLAGS, *flags)[0] == 0
    model = cali_reg.train(make_table(), **OPTIONS, test_size=0, fit_intercept=False)
    model.save(tmp_path / "python")
    assert contents(tmp_path / "python") == contents(tmp_path / "command")
    loaded = cali_reg.load_model(tmp_path / "python")
    assert repr(model).removeprefix("Trained").startswith(repr(loaded))
    assert "<td>held out</td>" in loaded._repr_html_()


def test_held_out_rows_of_their_own(run: Run, parquet: Path, tmp_path: Path) -> None:
    """They may be a frame while the training rows are a file."""
    table = make_table()
    pq.write_table(table[:30], tmp_path / "test.parquet")
    flags = (*FLAGS, "--test-data", tmp_path / "test.parquet", "--artifacts", tmp_path / "a")
    assert run("train", "--data", parquet, *flags)[0] == 0
    cali_reg.train(parquet, test_data=table[:30].to_pandas(), **OPTIONS).save(tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    with pytest.raises(UsageError, match=r"^test_data: is in data, as data, and in test_data;"):
        cali_reg.train(table, test_data=table, **OPTIONS)


@pytest.mark.parametrize("kind", FRAMES)
def test_predictions(model: cali_reg.TrainedModel, tmp_path: Path, kind: str) -> None:
    """A row, a frame and a file have the same bits, from memory and from the saved model."""
    table = make_table().drop_columns("price").drop_null()
    names = [name.strip() for name in table.column_names]
    rows = [dict(zip(names, row.values(), strict=True)) for row in table.to_pylist()]
    expected = [model.predict(row) for row in rows]
    model.save(tmp_path)
    loaded = cali_reg.load_model(tmp_path)
    pq.write_table(table, tmp_path / "rows.parquet")
    for one in (model, loaded):
        if kind != "pandas with an index":
            assert one.predict(FRAMES[kind](table)).tolist() == expected
        assert one.predict(tmp_path / "rows.parquet").tolist() == expected
    checked = cali_reg.load_model(tmp_path, interval=0.9)
    bounds = [list(checked.predict_checked(row).values[1:]) for row in rows]
    assert model.predict_interval(table, 0.9).tolist() == bounds
    assert loaded.predict_interval(table).shape == (len(rows), 2)


def test_no_rows(model: cali_reg.TrainedModel) -> None:
    """A frame without rows has no predictions."""
    assert model.predict(make_table()[:0]).shape == (0,)
    assert model.predict_interval(make_table()[:0]).shape == (0, 2)


def test_codes(run: Run, model: cali_reg.TrainedModel, tmp_path: Path) -> None:
    """A saved model is quantized; the codes predict frames, without intervals."""
    model.save(tmp_path)
    assert run("quantize", "--artifacts", tmp_path, "--max-r2-loss", "1")[0] == 0
    coded, rows = cali_reg.load_model(tmp_path, precision="uint8"), make_table().drop_null()
    row = dict(zip(map(str.strip, rows.column_names), rows.to_pylist()[0].values(), strict=True))
    assert coded.predict(rows)[0] == coded.predict(row) != model.predict(row)
    with pytest.raises(UsageError, match="codes have none"):
        coded.predict_interval(rows)


def test_reading(run: Run, tmp_path: Path) -> None:
    """What a command is told about files is told in Python, too; frames take the missing values."""
    lines = [f"{k * 37 % 61};{k * 7 % 5 if k % 9 else '?'};{k % 3},5" for k in range(60)]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["1 # not the header", "y;a;b", *lines]) + "\n")
    flags = ("--skip-lines", "1", "--na", "?", "-1", "--missing", "drop")
    code, _, err = run("train", "--data", path, "--target", "y", *flags, "--artifacts", tmp_path)
    assert code == 0
    reading = {"skip_lines": 1, "missing": ["?", "-1"]}
    with pytest.warns(DataWarning, match=r"rows\.csv: found cells separated by") as found:
        model = cali_reg.train(path, target="y", missing="drop", reading=reading)
    assert [f"cali-reg train: note: {warning.message}" for warning in found] == err.splitlines()
    assert model.model == cali_reg.load_model(tmp_path).model
    rows = pd.read_csv(path, sep=";", decimal=",", skiprows=1).replace("?", "-1")
    rows["a"] = rows["a"].astype(float)
    frame = cali_reg.train(rows, target="y", missing="drop", reading=reading)
    assert frame.model == model.model
    kept = rows[rows["a"] != -1]
    with pytest.raises(DataError, match="column 'a' has no value"):
        model.predict(rows)
    kept.to_csv(tmp_path / "new.csv", sep="|", index=False)
    loaded = cali_reg.load_model(tmp_path, reading={"separator": "|", "skip_lines": 0})
    assert loaded.predict(tmp_path / "new.csv").tolist() == model.predict(kept).tolist()
    assert (loaded.predict_interval(tmp_path / "new.csv") == model.predict_interval(kept)).all()


@pytest.mark.parametrize(
    ("reading", "message"),
    [
        (";", "reading is ';'; expected such as {'separator': ';'}"),
        ({"seperator": ";"}, "reading: unknown field 'seperator'; did you mean 'separator'?"),
        ({"separator": 1}, "reading: separator is 1; expected a text"),
        ({"skip_lines": "1"}, "reading: skip_lines is '1'; expected an integer"),
        ({"missing": "?"}, "reading: missing is '?'; expected a list of texts"),
        ({"missing": [1]}, "reading: missing is (1,); expected a list of texts"),
        ({"separator": ";;"}, "separator is ';;'; expected one character such as ';'"),
    ],
)
def test_other_readings(tmp_path: Path, reading: Any, message: str) -> None:
    """What is no field of a reading is named."""
    with pytest.raises(UsageError) as caught:
        cali_reg.train(make_table(), **OPTIONS, reading=reading)
    assert str(caught.value).startswith(message)


def test_what_a_model_holds(model: cali_reg.TrainedModel, tmp_path: Path) -> None:
    """Target, intercept, coefficients and scores are those of the files."""
    model.save(tmp_path)
    loaded = cali_reg.load_model(tmp_path)
    for one in (model, loaded):
        assert (one.target, one.intercept) == ("price", model.model.intercept)
        names = ["rooms", "area", "town=Biel", "town=Chur", "new"]
        assert list(one.coefficients) == names
        assert one.coefficients["area"] == model.model.coefficients[1]
        assert one.scores == model.model.scores
    assert (model.notes, model.cross_validation) == ((), ())


def test_tables(model: cali_reg.TrainedModel, tmp_path: Path) -> None:
    """The report is that of the command; a stored model has the coefficients, as far as stored."""
    report = tables.trained(model._trained)
    assert repr(model) == f"TrainedModel of price\n{report}".rstrip()
    model.save(tmp_path)
    loaded = repr(cali_reg.load_model(tmp_path)).splitlines()
    different = [
        line
        for line, other in zip(loaded[1:], report.splitlines(), strict=False)
        if line.split() != other.split()
    ]
    assert [line.split()[::2] for line in different] == [["(intercept)", "-", "-", "-"]]
    assert loaded[-1].startswith("new ")
    assert str(model.summary()) in report
    assert "condition number" in str(model.summary(0.9, details=True))


def test_tables_in_a_notebook(tmp_path: Path) -> None:
    """HTML has the same cells; names of columns and notes cannot add elements."""
    frame = pd.DataFrame({"<b>y": np.arange(40) % 7, "<script>": np.arange(40) * 7 % 11})
    frame["counter"] = np.arange(40)
    with pytest.warns(DataWarning, match="columns that count the rows"):
        model = cali_reg.train(frame, target="<b>y", features=None)
    html = model._repr_html_()
    assert "<script>" not in html
    assert "of <b>&lt;b&gt;y</b>" in html
    assert "<td>&lt;script&gt;</td>" in html
    assert f"<p>note: {model.notes[0]}</p>" in html
    for row in model.summary().parts()[0][1]:
        assert f">{row[1]}</td>" in html
    model.save(tmp_path)
    assert "note:" not in cali_reg.load_model(tmp_path)._repr_html_()


def test_warnings(model: cali_reg.TrainedModel, tmp_path: Path) -> None:
    """What the commands note is a warning of the caller's line."""
    model.save(tmp_path)
    rows = pa.table({"rooms": [99, 1], "area": [1.0, 2.0], "new": [True, False], "town": ["x"] * 2})
    loaded = cali_reg.load_model(tmp_path, unseen="baseline")
    with warnings.catch_warnings(record=True, action="always") as found:
        loaded.predict(rows)
        loaded.predict_interval(rows)
    assert [(warning.filename, warning.category) for warning in found] == [
        (__file__, DataWarning)
    ] * 4
    outside, unseen, *_ = (str(warning.message) for warning in found)
    assert outside.startswith(
        "1 of 2 predicted rows are outside the training ranges; the first is data: row 1: column"
    )
    assert unseen.startswith("2 of 2 predicted rows have categories not seen in training, taken as")
    with pytest.raises(DataError, match="data: row 1: column 'town' holds 'x'") as caught:
        model.predict(rows)
    assert "`load_model(folder, unseen='baseline')` takes it" in str(caught.value)
    with pytest.raises(DataError, match=r"^column 'town' holds 'x'"):
        model.predict(rows.to_pylist()[0])


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (np.ones((3, 2)), "ndarray"),
        (None, "NoneType"),
        ([], "list"),
        ([make_table()], "list"),
        ({"price": [1.0]}, "dict"),
        (pl.LazyFrame({"price": [1.0]}), "LazyFrame"),
    ],
)
def test_other_data(model: cali_reg.TrainedModel, data: Any, kind: str) -> None:
    """What is neither a path nor a frame is named with its type."""
    message = rf"^data is of type {kind}; expected a path, a sequence of paths, or a data frame"
    with pytest.raises(UsageError, match=message):
        cali_reg.train(data, **OPTIONS)
    if kind != "dict":  # a row
        with pytest.raises(UsageError, match=message):
            model.predict(data)


def test_frames_that_are_no_tables() -> None:
    """A Series gives a stream, too; a column of several types gives none."""
    with pytest.raises(DataError, match=r"^data: cannot be read as a table \("):
        cali_reg.train(pl.Series("price", [1.0]), target="price")
    mixed = pd.DataFrame({"a": [1, "x"]}, dtype=object)
    message = r"^data: cannot be read as a table \(Could not convert 'x' .*; .* column a .*\); conv"
    with pytest.raises(DataError, match=message):
        cali_reg.train(mixed, target="a")


def test_columns_of_one_name() -> None:
    """They are no harm if nobody uses them."""
    frame = make_table().to_pandas()
    double = pd.concat([frame, frame[["new"]]], axis="columns").set_index("town")
    features = ["area", "town"]
    model = cali_reg.train(double, target="price", features=features, categorical=["town"])
    expected = cali_reg.train(frame, target="price", features=features, categorical=["town"])
    assert model.model == expected.model
    with pytest.raises(DataError, match="data: column 'new' appears twice"):
        cali_reg.train(double, target="price", features=["new"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": 3}, "target is 3; expected a name"),
        ({"target": "prise"}, "no column 'prise'; did you mean 'price'?"),
        ({"features": "rooms"}, "features is 'rooms'; expected a list of names"),
        ({"features": ["rooms", 1]}, "features is 1; expected a list of names"),
        ({"categorical": "town"}, "categorical is 'town'; expected a list of names"),
        ({"missing": "fill"}, "missing is 'fill'; expected 'error' or 'drop'"),
        ({"on_error": "blank"}, "on_error is 'blank'; expected 'stop' or 'skip'"),
        ({"missing": "error"}, "fill them in, or pass missing='drop'"),
        ({"test_size": 1}, "test_size is 1; expected 0, or a number between 0 and 1"),
        ({"test_size": "0.2"}, "test_size is '0.2'; expected 0, or a number between 0 and 1"),
        ({"test_size": 0, "min_r2": 0.5}, "test_size is 0, so no row is held out and min_r2"),
        ({"levels": []}, "levels is []; expected different numbers between 0 and 1"),
        ({"levels": [0.5, 0.5]}, "levels is [0.5, 0.5]; expected different numbers"),
        ({"levels": [0.5, "0.9"]}, "levels is [0.5, '0.9']; expected different numbers"),
        ({"levels": [0.5, 1]}, "levels is [0.5, 1]; expected different numbers"),
        ({"seed": -1}, "seed is -1; expected an integer from 0 to 4294967295"),
        ({"seed": 0.5}, "seed is 0.5; expected an integer from 0 to 4294967295"),
        ({"n_sample_rows": -1}, "n_sample_rows is -1; expected an integer from 0"),
        ({"cv": 1}, "cv is 1; expected an integer from 2 to 100, or 0 for no folds"),
        ({"baselines": {"x": "y"}}, "baselines: column 'x' is not one of categorical"),
        ({"not_missing": {"x": "NA"}}, "not_missing: column 'x' is not one of categorical"),
        ({"strict": True, "categorical": []}, "columns that are not numeric: town (text)"),
        ({"max_levels": 0}, "max_levels is 0; expected an integer from 1"),
        ({"exclude": "town"}, "exclude is 'town'; expected a list of names"),
        ({"exclude": ["rooms"], "features": ["area"]}, "exclude and max_levels change the plan"),
        ({"max_levels": 9, "strict": True}, "exclude and max_levels change the plan"),
    ],
)
def test_arguments(options: dict[str, Any], message: str) -> None:
    """What has no meaning is named, in the words of Python."""
    with pytest.raises((UsageError, DataError)) as caught:
        cali_reg.train(make_table(), **OPTIONS | options)
    assert message in str(caught.value)
    assert "--" not in str(caught.value)


def test_gate(tmp_path: Path) -> None:
    """A model that is not good enough is an error, as for the command."""
    with pytest.raises(GateError, match=r"held-out rows is .*, below min_r2 0\.99;"):
        cali_reg.train(make_table(), **OPTIONS, min_r2=0.99)


def test_one_row_needs_no_package(model: cali_reg.TrainedModel, tmp_path: Path) -> None:
    """Loading a model and predicting a row imports the standard library alone."""
    model.save(tmp_path)
    code = (
        "import sys, cali_reg;"
        f"model = cali_reg.load_model({str(tmp_path)!r});"
        "model.predict({'rooms': 1, 'area': 2.0, 'new': True, 'town': 'Biel'});"
        "print(*{'numpy', 'pyarrow', 'scipy', 'sklearn', 'flint'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
