"""Verifying models of files: the same rows make the same files; others are found out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import Run
from forgeries import differing, forge, verdicts

from cali_reg.runtime import artifacts

ROWS = [
    "rooms,town,price",
    *(
        f"{k % 7 + k / 10},{'abc'[k * k % 11 % 3]},{3 * (k % 7) + k % 3 + k * k % 5 / 8}"
        for k in range(200)
    ),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a CSV file of numbers and text; a row lacks a number."""
    path = tmp_path / "rows.csv"
    path.write_text("\n".join([*ROWS, ",a,7"]) + "\n")
    return path


@pytest.fixture
def folder(run: Run, tmp_path: Path, data: Path) -> Path:
    """Return a folder of what was made of the file."""
    folder = tmp_path / "artifacts"
    flags = ("--categorical", "town", "--missing", "drop", "--seed", 3, "--samples", 4)
    common = ("--artifacts", folder, "--data", data)
    assert run("train", *common, "--target", "price", *flags)[0] == 0
    assert run("quantize", *common)[0] == 0
    return folder


def test_the_same_rows_make_the_same_files(run: Run, folder: Path, data: Path) -> None:
    """All passes in any order of the rows; without the rows there is no verdict."""
    assert set(verdicts(run, folder, "--data", data)[1].values()) == {"same"}
    data.write_text("\n".join([ROWS[0], ",a,7", *reversed(ROWS[1:])]) + "\n")
    assert set(verdicts(run, folder, "--data", data)[1].values()) == {"same"}
    code, out, err = run("verify", "--artifacts", folder)
    assert (code, out) == (2, "")
    assert "name them with --data" in err


def test_other_rows_are_found_out(run: Run, folder: Path, data: Path) -> None:
    """A row more, less or changed makes other moments."""
    for rows in (ROWS[:-1], [*ROWS, "1,a,1"], [*ROWS[:-1], "2,a,8"]):
        data.write_text("\n".join(rows) + "\n")
        code, found, _ = verdicts(run, folder, "--data", data)
        assert code == 1
        assert "moments.json" in differing(found)


FORGED = {
    "split": lambda body: body["source"]["split"].update(seed=4),
    "dropped rows": lambda body: body["source"].update(dropped_rows=0),
    "range": lambda body: body["features"][0].update(maximum=1e9),
    "sample": lambda body: body["samples"][0].__setitem__(0, 5.0),
    "outer": lambda body: body.update(ranges="outer"),
}


@pytest.mark.parametrize("case", FORGED)
def test_forgeries_are_named(run: Run, folder: Path, data: Path, case: str) -> None:
    """Whatever in model.json the rows determine is held against them."""
    forge(folder / "model.json", FORGED[case])
    code, found, _ = verdicts(run, folder, "--data", data)
    assert code == 1
    assert found["model.json"].startswith("differs: ")


def test_damaged_model(run: Run, folder: Path, data: Path) -> None:
    """Only model.json says how to read the rows: without it, it is the one that is named."""
    for change in (lambda path: path.write_text("{}"), Path.unlink):
        change(folder / "model.json")
        code, out, err = run("verify", "--artifacts", folder, "--data", data)
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert "model.json: " in err


def test_level_that_no_row_has(run: Run, folder: Path, data: Path) -> None:
    """The levels are those of the rows, though one more would change no coefficient."""

    def add_level(body: dict[str, object]) -> None:
        columns, features, samples = (
            json.loads(json.dumps(body[k])) for k in ("columns", "features", "samples")
        )
        columns[1]["levels"].append("z")
        features.append({**features[-1], "name": "town=z", "coefficient": 0.0})
        body.update(
            columns=columns,
            features=features,
            samples=[[*row, 0.0] for row in samples],
            interval=None,
        )

    forge(folder / "model.json", add_level)
    code, found, _ = verdicts(run, folder, "--data", data)
    assert code == 1
    assert "model.json" in differing(found)


def test_held_out_files(run: Run, tmp_path: Path, data: Path) -> None:
    """With --test-data, both sides are named, or the held-out rows are not at hand."""
    test = tmp_path / "test.csv"
    test.write_text("\n".join([ROWS[0], *ROWS[150:]]) + "\n")
    folder = tmp_path / "artifacts"
    flags = ("--categorical", "town", "--missing", "drop", "--test-data", test)
    assert run("train", "--artifacts", folder, "--data", data, "--target", "price", *flags)[0] == 0
    assert run("quantize", "--artifacts", folder, "--data", data)[0] == 0
    both = ("--data", data, "--test-data", test)
    assert set(verdicts(run, folder, *both)[1].values()) == {"same"}
    code, out, err = run("verify", "--artifacts", folder, "--data", data)
    assert (code, out) == (2, "")
    assert "name them with --test-data" in err


def test_updated_model(run: Run, tmp_path: Path, folder: Path, data: Path) -> None:
    """After an update the rows that remain make the same; the sample rows are not checked."""
    new = tmp_path / "new.csv"
    new.write_text("\n".join([ROWS[0], "9,b,30", "8.5,c,29.5", "1.25,a,2"]) + "\n")
    assert run("update", "--artifacts", folder, "--add", new)[0] == 0
    assert run("quantize", "--artifacts", folder)[0] == 0
    code, found, _ = verdicts(run, folder, "--data", data, new)
    assert code == 0
    assert found["model.json"] == "same (not checked: samples)"
    assert verdicts(run, folder, "--data", data)[0] == 1


def test_a_model_that_predicts_nothing(run: Run, tmp_path: Path) -> None:
    """All its files match, but no reader takes that for praise; the split is shown as it is."""
    rows, folder = tmp_path / "rows.csv", tmp_path / "model"
    rows.write_text("a,b,y\n" + "".join(f"{k},{k * k % 7},{k * 3 % 17}\n" for k in range(1, 61)))
    options = ["--data", rows, "--artifacts", folder]
    assert run("train", *options, "--target", "y", "--test-size", "0.1", "--seed", "7")[0] == 0
    assert run("quantize", "--artifacts", folder, "--max-r2-loss", "100")[0] == 0
    scores = artifacts.read_model(folder).scores
    code, out, _ = run("verify", *options)
    *_, n_rows, split, last = out.splitlines()
    r2 = scores["test"]["r2"]
    assert r2 is not None
    assert r2 < 0
    n_train, n_test = (scores[part]["n_samples"] for part in ("train", "test"))
    assert n_rows == f"{n_train} training rows, {n_test} held out: R² {r2:.6g}"
    assert split == 'split, which is not checked: by "content", seed 7, test_size 0.1'
    assert (code, "✔" in out) == (0, False)
    assert last == (
        f"! {folder}: all 6 files match a rebuild; but it predicts the held-out rows no better than"
        f" their mean does (R² {r2:.6g})"
    )
