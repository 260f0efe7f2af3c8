"""Levels that other columns determine are folded into the baseline; others keep their errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import Run

from cali_reg.jobs import fit
from cali_reg.runtime import artifacts

TOWNS = {"Bern": "BE", "Biel": "BE", "Chur": "GR", "Genf": "GE", "Lausanne": "VD"}


def write(path: Path, n_rows: int = 200, seed: int = 0) -> Path:
    """Write rows with a town, its canton (which the town determines), its height, and a target."""
    rng = np.random.default_rng(seed)
    lines = []
    for k in range(n_rows):
        town = list(TOWNS)[int(rng.integers(len(TOWNS)))]
        x, noise = rng.normal(size=2).round(3).tolist()
        y = round(2 * x + len(town) + noise / 9, 3)
        lines.append(f"{x},{TOWNS[town]},{town},{100 * len(town)},{y},{k % 7}")
    path.write_text("\n".join(["x,canton,town,height,y,z", *lines, ""]))
    return path


def train(run: Run, folder: Path, *flags: object) -> tuple[int, str, str]:
    """Train on a target."""
    return run("train", "--target", "y", "--artifacts", folder, *flags)


@pytest.mark.parametrize("order", ["x,canton,town", "town,canton,x", "canton,x,town"])
def test_nested_categories(run: Run, tmp_path: Path, order: str) -> None:
    """Predictions and intervals are those of the columns that are kept, whatever their order."""
    rows = write(tmp_path / "rows.csv")
    both = ("--data", rows, "--features", order, "--categorical", "town,canton")
    code, out, err = train(run, tmp_path / "both", *both)
    assert code == 0
    assert err.startswith("cali-reg train: note: categories that other columns determine: ")
    model = artifacts.read_model(tmp_path / "both")
    folded = [f.name for f in model.features if f.standard_error is None]
    assert len(folded) == 3
    assert all(f.coefficient == 0.0 for f in model.features if f.name in folded)
    assert model.rank == len(model.features) - 3 == 5
    assert model.interval is not None
    alone = ("--features", "x,town", "--categorical", "town", "--split-like", tmp_path / "both")
    assert train(run, tmp_path / "alone", "--data", rows, *alone)[0] == 0
    command = ("predict", rows, "--interval", "0.9", "--artifacts")
    found, expected = (
        np.loadtxt(run(*command, tmp_path / name)[1].splitlines(), delimiter=",", skiprows=1)
        for name in ("both", "alone")
    )
    assert found == pytest.approx(expected, rel=1e-12)
    first, second = (
        artifacts.read_model(tmp_path / "both"),
        artifacts.read_model(tmp_path / "alone"),
    )
    assert first.interval is not None
    assert second.interval is not None
    assert first.interval.n_samples == second.interval.n_samples
    by_name = {f.name: f for f in second.features}
    assert by_name["x"] == next(f for f in first.features if f.name == "x")
    line = next(line for line in out.splitlines() if line.startswith(f"{folded[0]} "))
    assert line.split()[1:] == ["0", *"-----"]
    for name, *more in (("quantize",), ("verify", "--data", rows)):
        code, out, err = run(name, "--artifacts", tmp_path / "both", *more)
        assert (code, err) == (0, ""), out


def test_a_column_of_numbers_is_kept(run: Run, tmp_path: Path) -> None:
    """The height of a town, which the town determines: a level folds, wherever the column is."""
    rows = write(tmp_path / "rows.csv")
    models = []
    for order in ("height,town,x", "town,x,height"):
        flags = ("--features", order, "--categorical", "town")
        assert train(run, tmp_path / "a", "--data", rows, *flags)[0] == 0
        model = artifacts.read_model(tmp_path / "a")
        models.append({f.name: f.standard_error is None for f in model.features})
    assert models[0] == models[1]
    assert not models[0]["height"]
    assert sum(models[0].values()) == 1


def test_columns_of_numbers_are_still_rejected(run: Run, tmp_path: Path) -> None:
    """If they depend on each other, with or without categories beside them."""
    rows = write(tmp_path / "rows.csv")
    text = rows.read_text().splitlines()
    rows.write_text("\n".join([f"{text[0]},w", *(f"{t},{2 * int(t[-1])}" for t in text[1:]), ""]))
    flags = ("--features", "x,z,w,town,canton", "--categorical", "town,canton")
    code, _, err = train(run, tmp_path / "a", "--data", rows, *flags)
    assert code == 2
    assert "collinear columns (constant, or a combination of other columns): w;" in err
    assert train(run, tmp_path / "a", "--data", rows, *flags, "--allow-collinear")[0] == 0
    model = artifacts.read_model(tmp_path / "a")
    weights = {f.name: f for f in model.features}
    assert weights["w"].coefficient == pytest.approx(2 * weights["z"].coefficient)  # least norm
    assert sum(f.standard_error is None for f in model.features) == 3


def test_the_last_rows_of_a_level_are_removed(run: Run, tmp_path: Path) -> None:
    """Nothing is known of the level then: coefficient zero, no error; the model is the others'."""
    rows = write(tmp_path / "rows.csv")
    lines = rows.read_text().splitlines()
    gone, kept = tmp_path / "gone.csv", tmp_path / "kept.csv"
    for path, found in ((gone, True), (kept, False)):
        some = [line for line in lines[1:] if (",Chur," in line) == found]
        path.write_text("\n".join([lines[0], *some, ""]))
    flags = ("--features", "x,town", "--categorical", "town")
    train(run, tmp_path / "a", "--data", rows, *flags)
    code, out, err = run("update", "--artifacts", tmp_path / "a", "--remove", gone)
    assert code == 0
    assert err.startswith("cali-reg update: note: categories that other columns determine: town=Ch")
    assert "\ntown=Chur " in out
    train(run, tmp_path / "b", "--data", kept, *flags)
    updated, model = (
        {f.name: f[:3] for f in artifacts.read_model(tmp_path / name).features} for name in "ab"
    )
    assert updated.pop("town=Chur")[1:] == (0.0, None)
    assert updated == model


def test_intervals_of_many_features(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to a number they are stored; above on request, and an update and verify keep to it."""
    assert fit.INTERVAL_FEATURES == 200
    monkeypatch.setattr(fit, "INTERVAL_FEATURES", 20)
    rng = np.random.default_rng(0)
    lines = [f"{k % 30},{rng.normal():.3f},{rng.normal():.3f}" for k in range(300)]
    rows = tmp_path / "rows.csv"
    rows.write_text("\n".join(["c,x,y", *lines, ""]))
    for name, more in (("without", ()), ("with", ("--intervals",))):
        folder = tmp_path / name
        assert train(run, folder, "--data", rows, "--categorical", "c", *more)[0] == 0
        assert (artifacts.read_model(folder).interval is not None) == (name == "with")
        code, out, _ = run("verify", "--artifacts", folder, "--data", rows)
        assert "model.json           same" in out
        code, out, err = run("predict", rows, "--artifacts", folder, "--interval", "0.95")
        assert (code, "more than 200 (`train --intervals`" in err) == ((0, False), (2, True))[
            not more
        ]
        assert run("update", "--artifacts", folder, "--add", rows)[0] == 0
        assert (artifacts.read_model(folder).interval is not None) == (name == "with")
        assert json.loads((folder / "moments.json").read_bytes())["version"] == 2  # many zeros
