"""Levels that few rows have: those of training rows are levels, others count as the baseline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from commands import Run
from forgeries import forge, verdicts
from split_reference import is_held_out

from cali_reg.runtime import artifacts

N = 120


def write(path: Path, levels: list[str]) -> Path:
    """Write rows with a level each, and a target that depends on it."""
    rng = np.random.default_rng(len(levels))
    x, noise = rng.normal(size=(2, len(levels))).round(4).tolist()
    lines = [
        f"{a},{t},{2 * a + len(t) + b / 9:.4f}" for a, t, b in zip(x, levels, noise, strict=True)
    ]
    path.write_text("\n".join(["x,t,y", *lines, ""]))
    return path


def train(run: Run, folder: Path, *flags: object) -> tuple[int, str, str]:
    """Train on the category t."""
    return run("train", "--target", "y", "--categorical", "t", "--artifacts", folder, *flags)


@pytest.fixture
def rare(tmp_path: Path) -> Path:
    """Return rows of three towns, and 20 of which each row is the only one of its town."""
    levels = [f"only{k}" if k % 6 == 0 else ("a", "bb", "ccc")[k % 3] for k in range(N)]
    return write(tmp_path / "rows.csv", levels)


def test_levels_are_those_of_training_rows(run: Run, tmp_path: Path, rare: Path) -> None:
    """What only held-out rows have is noted, and scored as the baseline."""
    code, out, err = train(run, tmp_path / "a", "--data", rare)
    assert code == 0, err
    model = artifacts.read_model(tmp_path / "a")
    levels = model.columns[1].levels or ()
    rows = [line.split(",") for line in rare.read_text().split()[1:]]
    unseen = sorted({t for _, t, _ in rows} - set(levels))
    assert 0 < len(unseen) < 20
    assert err == (
        "cali-reg train: note: held-out rows with a category of 't' that no training row has:"
        f" {len(unseen)} ({', '.join(map(repr, unseen))}); they are scored as the baseline\n"
    )
    assert "t=a" in out
    assert model.rank == len(model.features)
    assert model.interval is not None
    held_out = tmp_path / "held_out.csv"
    n_test, scores = model.scores["test"]["n_samples"], model.scores["test"]
    sides = [row for row in rows if is_held_out([float(row[0]), row[1], float(row[2])])]
    assert len(sides) == n_test
    held_out.write_text("\n".join(["x,t,y", *(",".join(row) for row in sides), ""]))
    _, out, err = run("predict", held_out, "--artifacts", tmp_path / "a", "--unseen", "baseline")
    assert f"{len(unseen)} of {len(sides)} predicted rows have categories not seen" in err
    errors = [float(p) - float(y) for p, (_, _, y) in zip(out.split(), sides, strict=True)]
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(scores["rmse"], rel=1e-12)


def test_test_data_may_have_other_levels(run: Run, tmp_path: Path) -> None:
    """They are noted, whichever files they are in; the model is that of the training rows."""
    training = write(tmp_path / "a.csv", ["a", "bb", "ccc"] * 20)
    same = write(tmp_path / "b.csv", ["a", "bb"] * 9)
    other = write(tmp_path / "c.csv", ["a", "bb", "new", "other"] * 9)
    train(run, tmp_path / "same", "--data", training, "--test-data", same)
    code, _, err = train(run, tmp_path / "other", "--data", training, "--test-data", other)
    assert (code, "has: 18 ('new', 'other'); they are scored as the baseline" in err) == (0, True)
    one, two = (artifacts.read_model(tmp_path / name) for name in ("same", "other"))
    assert one.features == two.features
    verify = ("verify", "--artifacts", tmp_path / "other", "--data", training)
    _, out, _ = run(*verify, "--test-data", other)
    assert "model.json           same" in out


def test_rows_of_unknown_levels_in_an_update(run: Run, tmp_path: Path, rare: Path) -> None:
    """Held-out rows may have one; training rows may not, and the first is named."""
    train(run, tmp_path / "a", "--data", rare)
    more = write(tmp_path / "more.csv", ["a"] * 5 + ["new"] * 30)
    code, _, err = run("update", "--artifacts", tmp_path / "a", "--add", more)
    assert (code, err.count("\n")) == (2, 1)
    assert "column 't' holds 'new', a category not seen in training" in err
    row = int(err.split("row ")[1].split(":")[0])
    lines = more.read_text().splitlines()
    for end in range(6, row):  # those before are held out
        one = tmp_path / "one.csv"
        one.write_text(f"{lines[0]}\n{lines[end]}\n")
        code, _, err = run("update", "--artifacts", tmp_path / "a", "--add", one)
        assert code == 0
        assert err.startswith("cali-reg update: note: held-out rows with a category of 't' that no")


def test_a_baseline_only_of_held_out_rows(run: Run, tmp_path: Path) -> None:
    """It is no baseline: no training row tells anything about it."""
    training = write(tmp_path / "a.csv", ["a", "bb", "ccc"] * 20)
    other = write(tmp_path / "c.csv", ["a", "new"] * 9)
    flags = ("--data", training, "--test-data", other, "--baseline", "t=new")
    code, _, err = train(run, tmp_path / "x", *flags)
    assert code == 2
    assert (
        "column 't' has no category 'new', which is to be its baseline (found: 'a', 'bb', 'ccc')"
        in err
    )


def test_an_invalid_row_after_an_unknown_level(run: Run, tmp_path: Path) -> None:
    """The first row that is wrong is the one that is named."""
    train(run, tmp_path / "a", "--data", write(tmp_path / "a.csv", ["a", "bb"] * 30))
    split = json.loads((tmp_path / "a" / "model.json").read_bytes())["source"]["split"]
    assert split["by"] == "content"
    rows = [f"{k},new,{k}" for k in range(30)]  # four of five are training rows
    (tmp_path / "b.csv").write_text("\n".join(["x,t,y", *rows, "old,a,1", ""]))
    _, _, err = run("update", "--artifacts", tmp_path / "a", "--add", tmp_path / "b.csv")
    assert "holds 'new'" in err


def test_a_forged_sum_among_many_zeros(run: Run, tmp_path: Path) -> None:
    """Sums are named by their place, also where zeros before it are joined into a number."""
    rows = write(tmp_path / "a.csv", [f"t{k % 26:02}" for k in range(400)])
    assert train(run, tmp_path / "a", "--data", rows)[0] == 0

    def change(body: dict[str, Any]) -> None:
        assert any(isinstance(value, int) for value in body["train"]["sums"])
        assert body["train"]["sums"][-2] != "0x21p0"
        body["train"]["sums"][-2] = "0x21p0"  # of the last level and the target

    forge(tmp_path / "a" / "moments.json", change)
    _, found, _ = verdicts(run, tmp_path / "a", "--data", rows)
    assert found["moments.json"].startswith(
        "differs: sum of t=t25 × y over the training rows is 33,"
    )


def test_a_level_outside_the_training_ranges(run: Run, tmp_path: Path) -> None:
    """A level that no training row has, or that each has, is noted as any other value is."""
    rows = write(tmp_path / "a.csv", ["a", "bb", "ccc"] * 20)
    assert train(run, tmp_path / "a", "--data", rows)[0] == 0
    table = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(rows), table)
    for low, high, n_noted in ((0.0, 0.0, 20), (1.0, 1.0, 40)):

        def change(body: dict[str, Any], low: float = low, high: float = high) -> None:
            body["features"][1].update(minimum=low, maximum=high)

        forge(tmp_path / "a" / "model.json", change)
        for path in (rows, table):
            code, _, err = run("predict", path, "--artifacts", tmp_path / "a")
            assert code == 0
            assert f"{n_noted} of 60 predicted rows are outside" in err
            assert f"column 't=bb' holds {1.0 - low}; the training rows have {low} to {high}" in err
