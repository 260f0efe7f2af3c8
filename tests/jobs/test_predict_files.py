"""Predicting files: all formats, columns to keep, bad rows, all or nothing."""

from __future__ import annotations

import csv
import gc
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest
from commands import Run
from towns import (
    LEVELS,
    ROWS,
    TOWN,
    X,
    Y,
    expected,
    make_model,
    make_table,
    read_table,
    small_table,
    with_column,
    write_rows,
)

from cali_reg.data import writers
from cali_reg.data.formats import base
from cali_reg.jobs import predict, prediction_batches


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model's artifacts."""
    return make_model(tmp_path_factory.mktemp("model"))


@pytest.mark.parametrize("source", ["csv", "parquet", "arrow"])
@pytest.mark.parametrize("target", ["csv", "parquet", "pq", "arrow", "feather"])
def test_every_format_to_every_format(
    run: Run, folder: Path, tmp_path: Path, source: str, target: str
) -> None:
    """The same predictions and bounds; a file of text has a header."""
    path, out = write_rows(tmp_path / f"rows.{source}"), tmp_path / "new" / f"out.{target}"
    flags = ("--artifacts", folder, "--out", out)
    for level, names in ((None, ["prediction"]), (0.95, ["prediction", "lower", "upper"])):
        interval = ("--interval", level) if level else ()
        assert run("predict", path, *flags, *interval) == (0, "", "")
        bits = expected(folder, ROWS, interval=level)
        if target == "csv":
            assert list(csv.reader(io.StringIO(out.read_text()))) == [names, *bits]
        else:
            table = read_table(out)
            assert table.schema == pa.schema([(name, pa.float64()) for name in names])
            assert [list(map(repr, row.values())) for row in table.to_pylist()] == bits
        assert [path.name for path in out.parent.iterdir()] == [out.name]


@pytest.mark.parametrize("precision", ["float64", "uint8"])
def test_precision(run: Run, folder: Path, tmp_path: Path, precision: str) -> None:
    """The codes predict files, too."""
    flags = ("--artifacts", folder, "--precision", precision)
    bits = "".join(f"{row[0]}\n" for row in expected(folder, ROWS, precision=precision))
    for suffix in ("csv", "parquet"):
        path = write_rows(tmp_path / f"rows.{suffix}")
        assert run("predict", path, *flags) == (0, bits, "")


@pytest.mark.parametrize("target", ["parquet", "arrow"])
def test_kept_columns_keep_their_types(run: Run, folder: Path, tmp_path: Path, target: str) -> None:
    """Each value, null and type is that of the input, in the order asked for, before the rest."""
    keep = ["nested", "id", "when", X, "ratio", "half"]
    path, out = write_rows(tmp_path / "rows.parquet"), tmp_path / f"out.{target}"
    flags = ("--artifacts", folder, "--keep", ",".join(keep), "--out", out)
    assert run("predict", path, *flags) == (0, "", "")
    table = read_table(out)
    assert table.column_names == [*keep, "prediction"]
    assert table.select(keep).equals(make_table().select(keep))


def test_kept_columns_as_text(run: Run, folder: Path, tmp_path: Path) -> None:
    """Cells of CSV are copied as they are; other values become the text that reads back so."""
    bits = [row[0] for row in expected(folder, ROWS)]
    flags = ("--artifacts", folder, "--keep", "id,town,ratio,half")
    _, out, _ = run("predict", write_rows(tmp_path / "rows.parquet"), *flags)
    assert list(csv.reader(io.StringIO(out))) == [
        ["id", "town", "ratio", "half", "prediction"],
        ["1", "Bern", "0.1", "0.1", bits[0]],
        ["", "Århus", "", "0.5", bits[1]],
        ["1152921504606846976", LEVELS[1], "5e-324", "", bits[2]],
    ]
    path = tmp_path / "rows.csv"
    path.write_text(f'"{Y}",id,{TOWN},{X}\n0.50, 01 ,Bern,1.0\n', encoding="utf-8")
    for source in (path, tmp_path / "*.csv"):  # row by row, and by columns
        _, out, _ = run("predict", source, "--artifacts", folder, "--keep", f'"{Y}",id')
        assert out == f'"{Y}",id,prediction\n0.50, 01 ,{bits[0]}\n'


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_partitioned_folders(run: Run, folder: Path, tmp_path: Path, kind: str) -> None:
    """Names of folders are columns, to predict from and to keep."""
    table = make_table().select(["id", X, TOWN, Y])
    table = with_column(table, TOWN, table[TOWN].cast(pa.string()))
    pyarrow.dataset.write_dataset(
        table, tmp_path, format=kind, partitioning=[TOWN], partitioning_flavor="hive"
    )
    code, out, err = run("predict", tmp_path, "--artifacts", folder, "--keep", f"{TOWN},id")
    bits = [row[0] for row in expected(folder, ROWS)]
    ids = ["1", "", "1152921504606846976"]
    found = sorted(map(tuple, csv.reader(io.StringIO(out))))
    towns = [town for _, town, _ in ROWS]
    assert found == sorted([(TOWN, "id", "prediction"), *zip(towns, ids, bits, strict=True)])
    assert (code, err) == (0, "")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_knows_better_than_its_folder(
    run: Run, folder: Path, tmp_path: Path, suffix: str
) -> None:
    """A column of the file counts, not the name of a folder."""
    write_rows(tmp_path / f"{X}=99" / f"rows.{suffix}")
    bits = "".join(f"{row[0]}\n" for row in expected(folder, ROWS))
    assert run("predict", tmp_path, "--artifacts", folder) == (0, bits, "")


# What bad rows and columns get

BAD: dict[str, tuple[str, list[Any], str]] = {
    "null": (X, [1.0, None, 2.0], "column 'x' has no value; expected a number"),
    "nan": (X, [1.0, float("nan"), 2.0], "column 'x' has no value; expected a number"),
    "inf": (X, [1.0, float("-inf"), 2.0], "column 'x' holds '-inf'; expected a finite number"),
    "integer": (X, [1, 2**53 + 1, 2], "holds 9007199254740993, which float64 cannot hold exactly"),
    "level": (TOWN, ["Bern", "Genf", "Bern"], "holds 'Genf', a category not seen in training"),
    "no level": (TOWN, ["Bern", None, "Bern"], "column 'town' has no value; expected a category"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_rows_of_tables(run: Run, folder: Path, tmp_path: Path, case: str) -> None:
    """A bad row is named; what comes before it is written, or with skip all that is good."""
    name, values, message = BAD[case]
    table = with_column(small_table(), name, pa.array(values))
    path, flags = write_rows(tmp_path / "rows.arrow", table), ("--artifacts", folder)
    rows = list(zip(table[X].to_pylist(), table[TOWN].to_pylist(), [0.5, 0, 0.25], strict=True))
    (first,), (last,) = expected(folder, rows[::2])
    code, out, err = run("predict", path, *flags)
    assert (code, out, err.count("\n")) == (2, f"{first}\n", 1)
    assert err.startswith(f"cali-reg predict: {path}: row 2: column {name!r} ")
    assert message in err
    assert "drop the row" in err
    assert run("predict", path, *flags, "--outside", "error") == (code, out, err)
    err += "cali-reg predict: skipped 1 of 3 rows\n"
    assert run("predict", path, *flags, "--on-error", "skip") == (0, f"{first}\n{last}\n", err)


def test_unseen_levels_may_be_the_baseline(run: Run, folder: Path, tmp_path: Path) -> None:
    """An unseen level then has the baseline's features, and is noted, in either engine."""
    outs = set()
    flags = ("--artifacts", folder, "--unseen", "baseline")
    for suffix in ("csv", "parquet"):
        table = with_column(small_table(), TOWN, pa.array([LEVELS[0]] * 3))
        outs.add(run("predict", write_rows(tmp_path / f"seen.{suffix}", table), *flags))
        table = with_column(small_table(), TOWN, pa.array([LEVELS[0], "Genf", "bern"]))
        path = write_rows(tmp_path / f"rows.{suffix}", table)
        code, out, err = run("predict", path, *flags)
        assert err == (
            "cali-reg predict: 2 of 3 predicted rows have categories not seen in training, taken as"
            f" the baseline; the first is {path}: row 2: column 'town' holds 'Genf'; the baseline"
            f" is {LEVELS[0]!r}\n"
        )
        outs.add((code, out, ""))
    ((code, out, err),) = outs
    assert (code, out.count("\n"), err) == (0, 3, "")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_only_predicted_rows_count_as_unseen(
    run: Run, folder: Path, tmp_path: Path, suffix: str
) -> None:
    """A row that is skipped for another reason is not counted, nor one without a category."""
    towns = pa.array(["Genf", None, "Genf"])
    table = with_column(small_table(), TOWN, towns)
    table = with_column(table, X, pa.array([99.0, 0.0, 1.0]))
    path = write_rows(tmp_path / f"rows.{suffix}", table)
    flags = ("--unseen", "baseline", "--outside", "error", "--on-error", "skip")
    code, out, err = run("predict", path, "--artifacts", folder, *flags)
    assert (code, out.count("\n")) == (0, 1)
    *_, note, skipped = err.splitlines()
    assert note == (
        "cali-reg predict: 1 of 1 predicted rows have categories not seen in training, taken as"
        f" the baseline; the first is {path}: row 3: column 'town' holds 'Genf'; the baseline is"
        f" {LEVELS[0]!r}"
    )
    assert skipped == "cali-reg predict: skipped 2 of 3 rows"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_all_rows_skipped(run: Run, folder: Path, tmp_path: Path, suffix: str) -> None:
    """Nothing good is no error, and leaves a table of the right columns without rows."""
    table = with_column(small_table(), TOWN, pa.array(["Genf"] * 3))
    path, out = write_rows(tmp_path / f"rows.{suffix}", table), tmp_path / "out.parquet"
    flags = ("--artifacts", folder, "--on-error", "skip", "--keep", TOWN)
    code, text, err = run("predict", path, *flags)
    assert (code, text) == (0, "town,prediction\n")
    assert err.endswith("cali-reg predict: skipped 3 of 3 rows\n")
    assert run("predict", path, *flags, "--out", out)[:2] == (0, "")
    assert read_table(out).schema == pa.schema([(TOWN, pa.string()), ("prediction", pa.float64())])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_rows_outside_of_the_training_ranges(
    run: Run, folder: Path, tmp_path: Path, suffix: str
) -> None:
    """They are predicted, and noted once at the end; or they are bad, if so asked."""
    table = with_column(small_table(), X, pa.array([3, -3, 4], pa.int32()))
    path = write_rows(tmp_path / f"rows.{suffix}", table)
    first = f"{path}: row 2: column 'x' holds -3.0; the training rows have -2.0 to 3.0"
    code, out, err = run("predict", path, "--artifacts", folder)
    assert (code, out.count("\n")) == (0, 3)
    assert err == (
        "cali-reg predict: 2 of 3 predicted rows are outside the training ranges; the first is"
        f" {first}\n"
    )
    flags = ("--artifacts", folder, "--outside", "error")
    good = out.splitlines(keepends=True)[0]
    assert run("predict", path, *flags) == (2, good, f"cali-reg predict: {first}\n")
    err = (
        f"cali-reg predict: {first}\ncali-reg predict: {path}: row 3: column 'x' holds 4.0; the"
        " training rows have -2.0 to 3.0\ncali-reg predict: skipped 2 of 3 rows\n"
    )
    assert run("predict", path, *flags, "--on-error", "skip") == (0, good, err)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_invalid_rows_may_stay_blank(run: Run, folder: Path, tmp_path: Path, suffix: str) -> None:
    """Each row of the input then has one of the output, and is reported as with skip."""
    table = with_column(make_table(), TOWN, pa.array(["Bern", "Genf", "Bern"]))
    path = write_rows(tmp_path / f"rows.{suffix}", table)
    flags = ("--artifacts", folder, "--on-error", "blank")
    (first,), (last,) = expected(folder, [(1, "Bern", 0.5), (3, "Bern", 0.25)])
    code, out, err = run("predict", path, *flags)
    assert (code, out) == (0, f"{first}\n\n{last}\n")
    problem, count = err.splitlines()
    assert problem.startswith(f"cali-reg predict: {path}: row 2: column 'town' holds 'Genf'")
    assert count == "cali-reg predict: left 1 of 3 rows blank"
    assert run("predict", path, *flags, "--out", tmp_path / "o.csv") == (0, "", err)
    # a reader of CSV would skip an empty line
    assert (tmp_path / "o.csv").read_text() == f'prediction\n{first}\n""\n{last}\n'
    more = ("--row-numbers", "--name", "y", "--keep", TOWN)
    code, out, _ = run("predict", path, *flags, *more)
    assert out == f"row,town,y\n1,Bern,{first}\n2,Genf,\n3,Bern,{last}\n"
    run("predict", path, *flags, *more, "--out", tmp_path / "o.parquet")
    written = read_table(tmp_path / "o.parquet")
    assert written.schema.types == [pa.int64(), pa.string(), pa.float64()]
    assert written["y"].to_pylist() == [float(first), None, float(last)]
    assert written["row"].to_pylist() == [1, 2, 3]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_all_rows_blank(run: Run, folder: Path, tmp_path: Path, suffix: str) -> None:
    """No row is predicted, and each has its line."""
    table = with_column(small_table(), TOWN, pa.array(["Genf"] * 3))
    path = write_rows(tmp_path / f"rows.{suffix}", table)
    flags = ("--artifacts", folder, "--on-error", "blank", "--interval", "0.9")
    code, out, err = run("predict", path, *flags)
    assert (code, out) == (0, "prediction,lower,upper\n" + ",,\n" * 3)
    assert err.endswith("cali-reg predict: left 3 of 3 rows blank\n")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_row_numbers_are_those_of_the_input(
    run: Run, folder: Path, tmp_path: Path, suffix: str
) -> None:
    """Rows that are skipped count, and each file counts from 1."""
    table = with_column(small_table(), TOWN, pa.array(["Genf", *["Bern"] * 2]))
    paths = [write_rows(tmp_path / f"{name}.{suffix}", table) for name in "ab"]
    flags = ("--artifacts", folder, "--on-error", "skip", "--row-numbers")
    code, out, _ = run("predict", *paths, *flags)
    numbers = [row[0] for row in csv.reader(io.StringIO(out))]
    assert (code, numbers) == (0, ["row", "2", "3", "2", "3"])


def test_a_name_brings_a_header(run: Run, folder: Path, tmp_path: Path) -> None:
    """Plain lines have none, on standard output or in a file of text; CSV always has one."""
    path = write_rows(tmp_path / "rows.csv")
    lines = "".join(f"{row[0]}\n" for row in expected(folder, ROWS))
    flags = ("--artifacts", folder)
    assert run("predict", path, *flags) == (0, lines, "")
    assert run("predict", path, *flags, "--name", " price ") == (0, f"price\n{lines}", "")
    for name, header in (("o.txt", ""), ("plain", ""), ("o.CSV", "prediction\n")):
        assert run("predict", path, *flags, "--out", tmp_path / name)[0] == 0
        assert (tmp_path / name).read_text() == header + lines


def test_columns_of_tables(run: Run, folder: Path, tmp_path: Path) -> None:
    """A column that is missing or of another type is named, with its file."""
    table = make_table()
    wrong = {
        "missing": (table.drop_columns([X]), "column 'x' is missing (found: id, when, town"),
        "text": (with_column(table, X, pa.array(list("123"))), "column 'x' holds text"),
        "time": (with_column(table, X, table["when"]), "column 'x' holds timestamp[ns]"),
        "times": (with_column(table, TOWN, table["when"]), "column 'town' holds timestamp[ns]"),
        "decimals": (with_column(table, TOWN, table[Y]), "column 'town' holds decimal128(9, 2)"),
    }
    first = write_rows(tmp_path / "a.parquet")
    for name, (rows, message) in wrong.items():
        path = write_rows(tmp_path / name / "b.parquet", rows)
        code, _, err = run("predict", first, path, "--artifacts", folder)
        assert (code, err.count("\n")) == (2, 1)
        assert f"{path}: {message}" in err
        assert "--" not in err  # options of training are no help here


def test_kept_columns_of_unequal_types(run: Run, folder: Path, tmp_path: Path) -> None:
    """One table has one type a column; text takes both, but no lists."""
    first = write_rows(tmp_path / "a.parquet")
    ids = with_column(make_table(), "id", pa.array(["p", "q", "r"]))
    other, out = write_rows(tmp_path / "b.parquet", ids), tmp_path / "out.parquet"
    flags = ("--artifacts", folder, "--keep", "id")
    code, _, err = run("predict", first, other, *flags, "--out", out)
    assert (code, err.count("\n"), out.exists()) == (2, 1, False)
    assert f"{other}: column 'id' holds string, but int64 in the first file" in err
    assert run("predict", first, other, *flags)[0] == 0
    code, _, err = run("predict", first, "--artifacts", folder, "--keep", "nested")
    assert (code, err.count("\n")) == (2, 1)
    assert "column 'nested' holds list<" in err


REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "no such level": (
        ("--interval", "0.123"),
        "no interval is stored for the confidence level 0.123",
    ),
    "codes": (("--interval", "0.9", "--precision", "uint8"), "--interval needs --precision fl"),
    "clash": (("--keep", "prediction"), "the output has a column 'prediction'"),
    "clash of bounds": (("--interval", "0.9", "--keep", "id,lower"), "has a column 'lower'"),
    "twice": (("--keep", "id,id"), "named twice"),
    "not there": (("--keep", "ID"), "column 'ID' is missing"),
    "folder": (("--out", "."), "not a regular file"),
    "packed": (("--out", "x.csv.gz"), "compressed output is not supported"),
    "unknown ending": (
        ("--out", "x.xlsx"),
        "--out x.xlsx: not the name of a known format; expected one that ends in .csv, .txt, .parq",
    ),
    "an address": (("--out", "https://host/x.csv?token=s3cret"), "token=***"),
    "clash of the name": (("--keep", "id", "--name", "id"), "has a column 'id'"),
    "clash with a bound": (
        ("--interval", "0.9", "--name", "upper"),
        "--name upper: the output has this column already; choose another",
    ),
    "clash of row numbers": (("--row-numbers", "--name", "row"), "--name row: the output has"),
    "clash with row numbers": (("--row-numbers", "--keep", "row"), "has a column 'row'"),
    "no name": (("--name", " "), "' ' is no name"),
    "name of bytes": (("--name", "\udcff"), "is not UTF-8"),
}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("case", REFUSED)
def test_options_that_do_not_fit(
    run: Run,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: str,
    suffix: str,
) -> None:
    """One line, exit code 2, nothing written."""
    flags, message = REFUSED[case]
    path = write_rows(tmp_path / f"rows.{suffix}")
    monkeypatch.chdir(tmp_path)
    code, out, err = run("predict", path, "--artifacts", folder, *flags)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert [path.name for path in tmp_path.iterdir()] == [path.name]


def test_a_model_without_intervals(run: Run, tmp_path: Path) -> None:
    """It says why, and predicts without."""
    path, flags = tmp_path / "rows.csv", ("--artifacts", tmp_path / "model")
    path.write_text("a,b,y\n" + "".join(f"{k},{2 * k},{k % 5}\n" for k in range(50)))
    assert run("train", "--data", path, "--target", "y", "--allow-collinear", *flags)[0] == 0
    code, _, err = run("predict", path, *flags, "--interval", "0.95")
    assert (code, err.count("\n")) == (2, 1)
    assert "model.json: holds no prediction intervals" in err
    assert run("predict", path, *flags)[0] == 0


def test_no_rows(run: Run, folder: Path, tmp_path: Path) -> None:
    """Tables without any row are an error; one of several may be empty."""
    out = tmp_path / "out.csv"
    empty = write_rows(tmp_path / "a.parquet", make_table().slice(0, 0))
    code, _, err = run("predict", empty, "--artifacts", folder, "--out", out)
    assert (code, err.count("\n"), out.exists()) == (2, 1, False)
    assert f"{empty}: no rows" in err
    full = write_rows(tmp_path / "b.parquet")
    assert run("predict", empty, full, "--artifacts", folder)[1].count("\n") == 3


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_that_grows(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """A file that changes while it is read is an error, and nothing is left."""
    path, values = write_rows(tmp_path / "in" / f"rows.{suffix}"), predict._predict
    text = path.read_bytes()

    def grow(*arguments: Any) -> Any:
        path.write_bytes(text + b"\n")
        return values(*arguments)

    monkeypatch.setattr(predict, "_predict", grow)
    for module in (prediction_batches, predict):
        monkeypatch.setattr(module, "prefetch", iter)
    out = tmp_path / "out.csv"
    code, _, err = run("predict", path.parent, "--artifacts", folder, "--out", out)
    assert (code, err.count("\n"), out.exists()) == (2, 1, False)
    assert f"{path}: has changed while it was read" in err


# All or nothing


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Path]:
    """Yield a file that is to be replaced; afterwards it must be as it was, and alone."""
    path = tmp_path / "out" / "old.parquet"
    path.parent.mkdir()
    path.write_bytes(b"old")
    yield path
    assert path.read_bytes() == b"old"
    assert [path.name for path in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("end", [KeyboardInterrupt, OSError])
def test_what_ends_early_leaves_nothing(
    run: Run,
    folder: Path,
    tmp_path: Path,
    old: Path,
    monkeypatch: pytest.MonkeyPatch,
    end: type[BaseException],
) -> None:
    """Control-C or a full disk after some batches: the old file stays, no other does."""
    array, n_calls = base.number_array, []

    def stop_late(values: Any) -> Any:
        n_calls.append(1)
        if len(n_calls) == 3:
            raise end(28, "No space left on device")
        return array(values)

    monkeypatch.setattr(predict, "number_array", stop_late)
    monkeypatch.setattr(writers, "_GROUP_ROWS", 1)
    for k in range(4):
        write_rows(tmp_path / "in" / f"{k}.parquet")
    code, out, err = run("predict", tmp_path / "in", "--artifacts", folder, "--out", old)
    gc.collect()  # a writer that is deleted later must stay quiet, too
    assert (len(n_calls), out) == (3, "")
    if end is OSError:
        assert (code, err.count("\n")) == (2, 1)
        assert f"{old.parent}: cannot be written (No space left on device)" in err
    else:
        assert (code, err) == (130, "")


def test_a_bad_row_leaves_the_old_file(run: Run, folder: Path, tmp_path: Path, old: Path) -> None:
    """Rows that are bad in the end leave what was there."""
    table = with_column(small_table(), X, pa.array([1.0, 2.0, None]))
    path = write_rows(tmp_path / "rows.parquet", table)
    assert run("predict", path, "--artifacts", folder, "--out", old)[0] == 2


@pytest.mark.skipif(os.name != "posix", reason="limits")
@pytest.mark.parametrize("suffix", ["csv", "parquet", "arrow"])
@pytest.mark.parametrize("n_rows", [30_000, 1_500_000])  # the first is written at the very end
def test_a_full_disk(folder: Path, tmp_path: Path, suffix: str, n_rows: int) -> None:
    """One line, whenever the file can grow no more, and no other file is left."""
    table = pa.concat_tables([small_table()] * 3).combine_chunks()
    table = table.take(pa.array(np.arange(n_rows) % 9))
    path, out = tmp_path / "rows.parquet", tmp_path / "out" / f"out.{suffix}"
    pyarrow.parquet.write_table(table, path)
    code = (
        "import resource, sys; from cali_reg.cli.entrypoint import main;"
        "unlimited = resource.getrlimit(resource.RLIMIT_FSIZE);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, unlimited[1]));"
        f"code = main(['predict', {str(path)!r}, '--out', {str(out)!r},"
        f" '--artifacts', {str(folder)!r}]);"
        # what measures coverage writes a file, too
        "resource.setrlimit(resource.RLIMIT_FSIZE, unlimited); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith(f"cali-reg predict: {out.parent}: cannot be written (File too large);")
    assert (done.returncode, list(out.parent.iterdir())) == (2, [])


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_interrupt_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    """A process that is interrupted as it writes exits with 130 and takes its file along."""
    out = tmp_path / "out" / "out.csv"
    out.parent.mkdir()
    command = [sys.executable, "-m", "cali_reg", "predict", "-", "--artifacts", str(folder)]
    with subprocess.Popen([*command, "--out", str(out)], stdin=subprocess.PIPE) as process:
        assert process.stdin
        process.stdin.write(f'{X},{TOWN},"{Y}"\n1,Bern,2\n'.encode())
        process.stdin.flush()
        while not list(out.parent.iterdir()):
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.2)  # it waits for more rows by then
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    assert list(out.parent.iterdir()) == []


def test_blanks_around_names_do_not_count(run: Run, tmp_path: Path) -> None:
    """In the headers of all formats, and in options, as in a data frame."""
    values = [round(0.1 * k * k % 7, 3) for k in range(60)]
    table = pa.table({" x": values, "t ": list("abc") * 20, "\ty": values[::-1]})
    outputs = set()
    for name in ("a.csv", "a.parquet", "a.arrow"):
        path = write_rows(tmp_path / name, table)
        options = ("--data", path, "--target", "y ", "--features", " x", "--categorical", "t ")
        folder = tmp_path / name.replace(".", "_")
        code, _, err = run("train", *options, "--artifacts", folder)
        assert (code, err) == (0, "")
        plain = write_rows(tmp_path / "plain.csv", table.rename_columns(["x", "t", "y"]))
        for rows in (path, plain):
            code, out, err = run("predict", rows, "--artifacts", folder, "--keep", "t,x")
            assert (code, err) == (0, "")
            outputs.add((out, (folder / "model.json").read_bytes()))
    assert len(outputs) == 1
