"""--split-like: models of other columns hold out the same rows, and can be compared."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from commands import Run

from cali_reg.least_squares import moments_file
from cali_reg.runtime import artifacts

N = 400


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a table with two numbers, a town, a code and a target."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "b", "town", "code", "y"])
        for a, b, e in rng.normal(size=(N, 3)).tolist():
            writer.writerow([a, b, "xyz"[int(a * 9) % 3], int(b * 9) % 4, a + b + e])
    return path


def train(run: Run, rows: Path, folder: Path, *flags: object) -> Path:
    """Train a model in a folder."""
    arguments = ("--data", rows, "--target", "y", "--artifacts", folder, *flags)
    code, _, err = run("train", *arguments)
    assert (code, err) == (0, "")
    return folder


def held_out(folder: Path) -> tuple[int, object]:
    """Return the number and the target's sum of the rows held out: equal rows, equal sums."""
    moments = moments_file.load_with_model(folder)[1]
    return moments.test.n_samples, moments.test.mean(moments.test.n_features)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["--features", "a,b"], ["--features", "a"]),
        (["--features", "a"], ["--features", "a,b"]),
        (["--features", "a", "--categorical", "town"], ["--features", "b"]),
        (["--features", "b"], ["--features", "a", "--categorical", "town,code"]),
        (["--features", "a", "--categorical", "code"], ["--features", "code"]),  # another kind
        (["--features", "a", "--seed", "7", "--test-size", "0.5"], ["--features", "b"]),
    ],
)
def test_the_same_rows_are_held_out(
    run: Run, rows: Path, tmp_path: Path, first: list[str], second: list[str]
) -> None:
    """Without the option they differ; with it they are the same, and so on from there."""
    like = train(run, rows, tmp_path / "first", *first)
    alone = train(run, rows, tmp_path / "alone", *second)
    assert held_out(alone) != held_out(like)
    model = train(run, rows, tmp_path / "second", *second, "--split-like", like)
    assert held_out(model) == held_out(like)
    third = train(run, rows, tmp_path / "third", "--features", "a,b", "--split-like", model)
    assert held_out(third) == held_out(like)


def test_files_of_other_formats_and_batches(run: Run, rows: Path, tmp_path: Path) -> None:
    """The split keys are read, though not used, from any file, in any batches."""
    import pyarrow.csv
    import pyarrow.parquet

    table = pyarrow.csv.read_csv(rows)
    pyarrow.parquet.write_table(table, tmp_path / "rows.parquet")
    like = train(run, rows, tmp_path / "first", "--features", "a", "--categorical", "town,code")
    flags = ("--features", "b", "--split-like", like)
    expected = train(run, rows, tmp_path / "csv", *flags)
    other = train(run, tmp_path / "rows.parquet", tmp_path / "p", *flags, "--batch-size", "7")
    for name in ("model.json", "moments.json"):
        assert (other / name).read_bytes() == (expected / name).read_bytes()


def test_it_is_verified_and_updated(run: Run, rows: Path, tmp_path: Path) -> None:
    """The recorded columns split the rows again; a forged record is found out."""
    like = train(run, rows, tmp_path / "first", "--features", "a,b")
    model = train(run, rows, tmp_path / "second", "--features", "a", "--split-like", like)
    split = artifacts.read_model(model).source["split"]
    assert split["columns"] == [{"categorical": False, "name": name} for name in ("a", "b", "y")]
    assert run("quantize", "--artifacts", model)[0] == 0
    assert run("verify", "--artifacts", model, "--data", rows)[0] == 0
    before = json.loads((model / "moments.json").read_bytes())
    for option in ("--remove", "--add"):
        half = tmp_path / "half.csv"
        half.write_text("\n".join(rows.read_text().splitlines()[:200]) + "\n")
        assert run("update", "--artifacts", model, option, half)[0] == 0
    assert json.loads((model / "moments.json").read_bytes()) == before


def test_missing_values_of_split_keys(run: Run, rows: Path, tmp_path: Path) -> None:
    """A row that cannot be split is an error, or dropped."""
    lines = rows.read_text().splitlines()
    lines[5] = "," + lines[5].split(",", 1)[1]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join([*lines, ""]))
    like = train(run, rows, tmp_path / "first", "--features", "a,b")
    flags = ("--data", path, "--target", "y", "--artifacts", tmp_path / "x", "--features", "b")
    code, _, err = run("train", *flags, "--split-like", like)
    assert code == 2
    assert "rows with missing values: 1 (a 1); the first is row 5" in err
    assert run("train", *flags, "--split-like", like, "--missing", "drop")[0] == 0
    assert artifacts.read_model(tmp_path / "x").source["dropped_rows"] == 1


@pytest.mark.parametrize("flag", [("--seed", "1"), ("--test-size", "0.3"), ("--test-data", "x")])
def test_options_that_do_not_fit(
    run: Run, rows: Path, tmp_path: Path, flag: tuple[str, str]
) -> None:
    """Seed and size are those of the other model; the embedded data has no such split."""
    like = train(run, rows, tmp_path / "first", "--features", "a")
    flags = ("--data", rows, "--target", "y", "--artifacts", tmp_path / "x", "--split-like", like)
    code, _, err = run("train", *flags, *flag)
    assert code == 2
    assert f"{flag[0]} does not go with --split-like" in err


def test_a_model_that_was_not_split_by_content(run: Run, rows: Path, made: Path) -> None:
    """The embedded data's split is another one."""
    flags = ("--data", rows, "--target", "y", "--artifacts", rows.parent / "x")
    code, _, err = run("train", *flags, "--split-like", made)
    assert code == 2
    assert "was not split by content" in err


def test_a_column_that_is_not_there(run: Run, rows: Path, tmp_path: Path) -> None:
    """A split key that the files lack is named."""
    like = train(run, rows, tmp_path / "first", "--features", "a,b")
    path = tmp_path / "rows.csv"
    path.write_text(rows.read_text().replace("a,b,", "a,c,", 1))
    flags = ("--data", path, "--target", "y", "--artifacts", tmp_path / "x", "--features", "a")
    code, _, err = run("train", *flags, "--split-like", like)
    assert code == 2
    assert f"{path}: column 'b' is missing" in err
