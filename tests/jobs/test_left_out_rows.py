"""Rows that training and updating leave out: invalid ones, and what missing values cost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from commands import Run
from forgeries import forge, verdicts

from cali_reg.data.formats import csv_blocks
from cali_reg.runtime.artifacts import read_model

HEADER = "x,town,y\n"
GOOD = [f"{k * k % 17},{'abc'[k % 3]},{k * 7 % 23}\n" for k in range(60)]
COLUMNS = ("--features", "x", "--categorical", "town", "--target", "y")


def write(path: Path, rows: list[str]) -> Path:
    """Write a table, with a byte that is not UTF-8 in place of ÿ, and return its path."""
    path.write_bytes((HEADER + "".join(rows)).encode("latin-1"))
    return path


def train(run: Run, folder: Path, *options: object) -> tuple[int, str, str]:
    """Train on the columns of the tables here."""
    return run("train", *COLUMNS, "--artifacts", folder, *options)


INVALID = {
    "text": "abc,a,3\n",
    "too few cells": "1,a\n",
    "too many cells": "1,a,3,4\n",
    "infinite": "inf,a,3\n",
    "not UTF-8": "1,\xff,3\n",
    "target": "1,a,high\n",
    "a new category": "?,only here,3\n",
}


@pytest.mark.parametrize("case", INVALID)
@pytest.mark.parametrize("place", [0, 30, 60])
def test_invalid_rows_are_skipped(run: Run, tmp_path: Path, case: str, place: int) -> None:
    """The sums are those of the other rows; a note has the count and the first; verify agrees."""
    clean = write(tmp_path / "clean.csv", GOOD)
    path = write(tmp_path / "rows.csv", [*GOOD[:place], INVALID[case], *GOOD[place:]])
    assert train(run, tmp_path / "a", "--data", clean)[0] == 0
    code, _, err = train(run, tmp_path / "b", "--data", path, "--strict")
    assert (code, err.count("\n"), (tmp_path / "b").exists()) == (2, 1, False)
    problem = err.removeprefix("cali-reg train: ")
    assert problem.startswith(f"{path}: row {place + 1}: ")
    code, _, err = train(run, tmp_path / "b", "--data", path, "--on-error", "skip")
    note = f"note: skipped 1 of 61 rows that are not valid; the first is {problem}"
    assert (code, err) == (0, f"cali-reg train: {note}")
    moments = [(tmp_path / name / "moments.json").read_bytes() for name in "ab"]
    assert moments[0] == moments[1]
    usual, skipping = (read_model(tmp_path / name) for name in "ab")
    assert skipping.columns == usual.columns
    assert "skipped_rows" not in usual.source
    assert skipping.source == {**usual.source, "skipped_rows": 1}
    assert run("quantize", "--artifacts", tmp_path / "b", "--max-r2-loss", "1")[0] == 0
    assert verdicts(run, tmp_path / "b", "--data", path)[0] == 0


def test_no_order_and_no_batch_changes_them(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches without a valid row, small blocks and other orders give the same bytes."""
    bad = [*GOOD[:5], *[INVALID["text"]] * 40, *GOOD[5:], INVALID["too few cells"]]
    path, reverse = write(tmp_path / "a.csv", bad), write(tmp_path / "b.csv", bad[::-1])
    skip = ("--on-error", "skip")
    notes = [train(run, tmp_path / "1", "--data", path, *skip)[2]]
    notes.append(train(run, tmp_path / "2", "--data", path, *skip, "--batch-size", "7")[2])
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 100)
    notes.append(train(run, tmp_path / "3", "--data", path, *skip)[2])
    assert len(set(notes)) == 1
    assert "skipped 41 of 101 rows" in notes[0]
    assert f"the first is {path}: row 6: column 'x' holds 'abc'" in notes[0]
    assert train(run, tmp_path / "4", "--data", reverse, *skip)[0] == 0
    models = {(tmp_path / name / "model.json").read_bytes() for name in "1234"}
    assert len(models) == 1
    two = train(run, tmp_path / "5", "--data", reverse, "--test-data", path, *skip)[2]
    assert "skipped 82 of 202 rows" in two
    assert f"the first is {path}: row 6: " in two


def test_invalid_rows_of_tables(run: Run, tmp_path: Path) -> None:
    """Infinity, and integers that no float64 equals, in Parquet."""
    x = [float(k * k % 17) for k in range(40)]
    y = [k * 7 % 23 for k in range(40)]
    path = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(pa.table({"x": [*x, np.inf, 1], "y": [*y, 1, 2**53 + 1]}), path)
    clean = tmp_path / "clean.parquet"
    pyarrow.parquet.write_table(pa.table({"x": x, "y": y}), clean)
    flags = ("--features", "x", "--target", "y", "--artifacts")
    code, _, err = run("train", "--data", path, *flags, tmp_path / "a", "--on-error", "skip")
    assert (code, err.count("\n")) == (0, 1)
    assert f"skipped 2 of 42 rows that are not valid; the first is {path}: row 41: column" in err
    assert run("train", "--data", clean, *flags, tmp_path / "b")[0] == 0
    same = [(tmp_path / name / "moments.json").read_bytes() for name in "ab"]
    assert same[0] == same[1]


def test_missing_values_have_their_own_option(run: Run, tmp_path: Path) -> None:
    """A row that is invalid and lacks a value is skipped; others are refused or dropped."""
    path = write(tmp_path / "rows.csv", [*GOOD, "abc,,3\n", ",a,4\n"])
    code, _, err = train(run, tmp_path / "a", "--data", path, "--on-error", "skip")
    assert code == 2
    assert "rows with missing values: 1 (x 1); the first is row 62" in err
    flags = ("--on-error", "skip", "--missing", "drop")
    assert train(run, tmp_path / "a", "--data", path, *flags)[0] == 0
    source = read_model(tmp_path / "a").source
    assert (source["dropped_rows"], source["skipped_rows"]) == (1, 1)


def test_no_valid_row(run: Run, tmp_path: Path) -> None:
    """One line says why nothing is left."""
    path = write(tmp_path / "rows.csv", [INVALID["too few cells"]] * 3)
    code, _, err = train(run, tmp_path / "a", "--data", path, "--on-error", "skip")
    assert (code, err.count("\n"), (tmp_path / "a").exists()) == (2, 1, False)
    assert (
        f"no row is left: skipped 3 of 3 rows that are not valid; the first is {path}: row" in err
    )


@pytest.mark.parametrize("flags", [("--on-error", "skip"), ("--missing", "drop")])
def test_embedded_data_have_no_such_rows(run: Run, tmp_path: Path, flags: tuple[str, str]) -> None:
    """An option that would have no effect is an error."""
    code, _, err = run("train", "--artifacts", tmp_path, *flags)
    assert (code, err.count("\n")) == (2, 1)
    assert f"{flags[0]} requires --data; name the files" in err


# Updating


@pytest.fixture
def model(run: Run, tmp_path: Path) -> Path:
    """Return the folder of a model of the good rows."""
    folder, path = tmp_path / "model", write(tmp_path / "first.csv", GOOD)
    assert train(run, folder, "--data", path, "--test-size", "0")[0] == 0
    return folder


def updated(run: Run, model: Path, rows: list[str], *options: object) -> tuple[int, str]:
    """Add rows to a model. Returns the exit code and standard error."""
    path = write(model.parent / "more.csv", rows)
    code, _, err = run("update", "--add", path, "--artifacts", model, *options)
    return code, err


MORE = ["3,a,5\n", "4,b,9\n"]
LEFT_OUT: dict[str, tuple[str, tuple[str, ...], str]] = {
    "missing": (",a,7\n", ("--missing", "drop"), ""),
    "invalid": ("q,a,7\n", ("--on-error", "skip"), "skipped 1 of 3 rows that are not valid"),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_updates_leave_rows_out(run: Run, model: Path, case: str) -> None:
    """By default they are errors; else the sums are those of the others, and verify agrees."""
    row, options, note = LEFT_OUT[case]
    before = (model / "model.json").read_bytes()
    code, err = updated(run, model, [MORE[0], row, MORE[1]])
    assert (code, err.count("\n")) == (2, 1)
    assert (model / "model.json").read_bytes() == before
    code, err = updated(run, model, [MORE[0], row, MORE[1]], *options)
    assert code == 0
    assert note in err
    more = write(model.parent / "clean.csv", MORE)
    scratch, first = model.parent / "scratch", model.parent / "first.csv"
    assert train(run, scratch, "--data", first, more, "--test-size", "0")[0] == 0
    assert (model / "moments.json").read_bytes() == (scratch / "moments.json").read_bytes()
    assert run("quantize", "--artifacts", model, "--max-r2-loss", "1")[0] == 0
    assert verdicts(run, model, "--data", first, model.parent / "more.csv")[0] == 0
    source = read_model(model).source
    assert source.get("skipped_rows", 0) + source["dropped_rows"] == 1


def test_missing_values_in_an_update(run: Run, model: Path) -> None:
    """The message says what dropping them costs."""
    _, err = updated(run, model, [*MORE, ",a,1\n"])
    assert "1 (x 1); the first is row 3 of" in err
    assert err.endswith(": fill them in, or pass --missing drop, which leaves out 1 of 3 rows\n")


def test_unseen_categories_as_the_baseline(run: Run, model: Path) -> None:
    """They count as the baseline, are noted, and verify knows the levels from the model alone."""
    code, err = updated(run, model, [*MORE, "3,z,7\n"], "--on-error", "skip")
    assert (code, err.count("'z', a category not seen in training")) == (2, 1)
    code, err = updated(run, model, [*MORE, "3,z,7\n"], "--unseen", "baseline")
    assert code == 0
    assert "rows with a category of 'town' not seen in training: 1 ('z'); they are taken as" in err
    columns = read_model(model).columns
    assert columns[1].levels == ("a", "b", "c")
    as_baseline = write(model.parent / "clean.csv", [*MORE, "3,a,7\n"])
    scratch, first = model.parent / "scratch", model.parent / "first.csv"
    assert train(run, scratch, "--data", first, as_baseline, "--test-size", "0")[0] == 0
    assert (model / "moments.json").read_bytes() == (scratch / "moments.json").read_bytes()
    assert run("quantize", "--artifacts", model, "--max-r2-loss", "1")[0] == 0
    code, found, _ = verdicts(run, model, "--data", first, model.parent / "more.csv")
    assert (code, found["model.json"]) == (0, "same (not checked: levels, samples)")
    assert read_model(model).source["unseen"] == "baseline"


def test_removals_leave_rows_out(run: Run, model: Path) -> None:
    """What is added and removed with the same options changes no sum."""
    before, rows = (model / "moments.json").read_bytes(), [*MORE, "q,a,1\n", ",b,2\n"]
    options = ("--on-error", "skip", "--missing", "drop")
    assert updated(run, model, rows, *options)[0] == 0
    path = model.parent / "more.csv"
    code, _, err = run("update", "--remove", path, "--artifacts", model, *options)
    assert (code, err.count("skipped 1 of 4 rows")) == (0, 1)
    assert (model / "moments.json").read_bytes() == before


def test_embedded_models_are_updated_so(run: Run, folder: Path, tmp_path: Path) -> None:
    """Their provenance has no place for a count: it stays as it is."""
    source = read_model(folder).source
    features = [feature.name for feature in read_model(folder).features]
    rows = ["1,25,4,1,900,3,36,-119,2\n", "1,25,4,1,900,3,36,x,2\n", ",25,4,1,900,3,36,-119,2\n"]
    path = tmp_path / "more.csv"
    path.write_text(",".join([*features, "MedHouseVal"]) + "\n" + "".join(rows))
    flags = ("--on-error", "skip", "--missing", "drop")
    code, out, err = run("update", "--add", path, "--artifacts", folder, *flags)
    assert (code, "training      1        0" in out) == (0, True)
    assert "skipped 1 of 3 rows" in err
    assert read_model(folder).source == source


@pytest.mark.parametrize("value", ["many", None, -1])
def test_forged_counts(run: Run, model: Path, value: object) -> None:
    """A provenance that makes no sense is replaced, or found by verify; it never ends a command."""
    forge(
        model / "model.json",
        lambda body: body["source"].update(skipped_rows=value, dropped_rows=value, unseen=value),
    )
    assert verdicts(run, model, "--data", model.parent / "first.csv")[0] == 1
    assert updated(run, model, MORE, "--on-error", "skip")[0] == 0


# What missing values cost


def costs(run: Run, folder: Path, text: str) -> str:
    """Return what the message about missing values advises."""
    path = folder / "rows.csv"
    path.write_text(text)
    names = text.split("\n", 1)[0].split(",")
    flags = ("--features", ",".join(names[:-1]), "--target", names[-1], "--artifacts", folder / "a")
    code, _, err = run("train", "--data", path, *flags)
    assert (code, err.count("\n")) == (2, 1)
    return err.rstrip("\n").split(": fill them in, or pass --missing drop, which leaves out ")[1]


ADVICE: dict[str, tuple[Callable[[int], str], str]] = {
    "one column": (
        lambda k: f"{'' if k < 3 else k},{k},{k}",
        "3 of 20 rows (none with --exclude a)",
    ),
    "two columns": (
        lambda k: f"{'' if k < 3 else k},{'' if k in (2, 9) else k},{k}",
        "4 of 20 rows (2 with --exclude a, none with --exclude a,b)",
    ),
    "always together": (
        lambda k: f"{'' if k < 3 else k},{'' if k < 3 else k},{k}",
        "3 of 20 rows (none with --exclude a,b)",
    ),
    "the target": (lambda k: f"{k},{k},{'' if k < 2 else k}", "2 of 20 rows"),
    "the target, too": (
        lambda k: f"{'' if k < 3 else k},{k},{'' if k in (2, 5) else k}",
        "4 of 20 rows (2 with --exclude a)",
    ),
}


@pytest.mark.parametrize("case", ADVICE)
def test_costs_of_each_remedy(run: Run, tmp_path: Path, case: str) -> None:
    """How many rows each one leaves out: counted over all rows, of which none has been lost."""
    row, advice = ADVICE[case]
    assert costs(run, tmp_path, "a,b,y\n" + "".join(row(k) + "\n" for k in range(20))) == advice


def test_costs_of_many_columns(run: Run, tmp_path: Path) -> None:
    """The best one is named; a list of all would be long."""
    names = [f"c{j}" for j in range(6)]
    rows = [["" if k in (j, 7 + (j == 2)) else str(k) for j in range(6)] for k in range(20)]
    text = ",".join([*names, "y"]) + "\n" + "".join(",".join([*row, "1"]) + "\n" for row in rows)
    assert costs(run, tmp_path, text) == "8 of 20 rows (6 with --exclude c2)"


def test_sources_are_documented(run: Run, model: Path) -> None:
    """The counts are integers."""
    updated(run, model, [*MORE, "q,a,1\n"], "--on-error", "skip")
    source = json.loads((model / "model.json").read_bytes())["source"]
    assert (source["skipped_rows"], source["dropped_rows"]) == (1, 0)
