"""Updating equals training from scratch, and refuses what the moments show to be wrong."""

from pathlib import Path

import numpy as np
import pytest
from commands import Run
from layouts import write_csv
from table_data import train_on

from cali_reg.data import california_housing
from cali_reg.data.california_housing import Table
from cali_reg.runtime import artifacts
from cali_reg.runtime.model import LinearModel


@pytest.fixture(scope="module")
def split() -> tuple[Table, Table]:
    """Return the default split."""
    return california_housing.split(california_housing.california_housing(), 0.2, 42)


def from_scratch(split: tuple[Table, Table], rows: np.ndarray) -> LinearModel:
    """Train on some of the training rows only."""
    table, held_out = split
    part = Table(table.names, table.target, table.X[rows], table.y[rows])
    return train_on(part, held_out).model


def fitted(model: LinearModel) -> tuple[object, ...]:
    """Return all that the rows determine, but for their ranges."""
    errors = [feature.standard_error for feature in model.features]
    return (
        model.intercept,
        model.coefficients,
        errors,
        model.interval,
        model.scores,
        model.moments_fingerprint,
    )


def test_removing_rows_equals_never_having_seen_them(
    run: Run,
    folder: Path,
    split: tuple[Table, Table],
    tmp_path: Path,
) -> None:
    """Coefficients, errors, scores and moments are those of the rows that remain."""
    path = write_csv(tmp_path / "gone.csv", split[0], slice(0, 700))
    assert run("update", "--artifacts", folder, "--remove", path)[0] == 0
    model = artifacts.read_model(folder)
    assert fitted(model) == fitted(from_scratch(split, np.arange(700, 16512)))
    assert model.ranges == "outer"


def test_adding_removed_rows_restores_the_model(
    run: Run,
    folder: Path,
    split: tuple[Table, Table],
    tmp_path: Path,
) -> None:
    """Rows out and in again: the same coefficients, moments and scikit-learn object."""
    before = artifacts.read_model(folder)
    pickled = (folder / "linear_model.joblib").read_bytes()
    path = write_csv(tmp_path / "some.csv", split[0], slice(100, 200))
    assert run("update", "--artifacts", folder, "--remove", path)[0] == 0
    assert (folder / "linear_model.joblib").read_bytes() != pickled
    assert run("update", "--artifacts", folder, "--add", path)[0] == 0
    assert fitted(artifacts.read_model(folder)) == fitted(before)
    assert (folder / "linear_model.joblib").read_bytes() == pickled


def test_added_rows_widen_the_ranges(
    run: Run,
    folder: Path,
    split: tuple[Table, Table],
    tmp_path: Path,
) -> None:
    """New extremes count, and the ranges stay exact."""
    table = split[0]
    row = Table(table.names, table.target, table.X[:1] * 1000, table.y[:1])
    path = write_csv(tmp_path / "new.csv", row, slice(0, 1))
    assert run("update", "--artifacts", folder, "--add", path)[0] == 0
    model = artifacts.read_model(folder)
    assert model.features[0].maximum == row.X[0, 0]
    assert model.ranges == "exact"


def test_removing_rows_that_were_never_in(
    run: Run,
    folder: Path,
    split: tuple[Table, Table],
    tmp_path: Path,
) -> None:
    """What no rows could leave behind is refused, and nothing is written."""
    table = split[0]
    foreign = Table(table.names, table.target, table.X[:3] * 1e6, table.y[:3])
    path = write_csv(tmp_path / "foreign.csv", foreign, slice(0, 3))
    before = (folder / "model.json").read_bytes()
    code, out, err = run("update", "--artifacts", folder, "--remove", path)
    assert (code, out) == (2, "")
    assert "the 3 rows to remove are not all among the 16512" in err
    assert (folder / "model.json").read_bytes() == before


def test_removing_all_rows(
    run: Run,
    folder: Path,
    split: tuple[Table, Table],
    tmp_path: Path,
) -> None:
    """A model of no rows is refused."""
    path = write_csv(tmp_path / "all.csv", split[0], slice(None))
    code, _, err = run("update", "--artifacts", folder, "--remove", path)
    assert code == 2
    assert "no rows to fit" in err


def test_update_without_a_file(run: Run, folder: Path) -> None:
    """There is nothing to do, and the message says what to name."""
    assert run("update", "--artifacts", folder)[0] == 2


def test_moments_of_another_model(run: Run, folder: Path, tmp_path: Path) -> None:
    """Moments and model that do not belong together are refused."""
    run("train", "--artifacts", tmp_path / "other", "--seed", "1")
    (folder / "moments.json").write_bytes((tmp_path / "other" / "moments.json").read_bytes())
    code, _, err = run("quantize", "--artifacts", folder)
    assert code == 2
    assert "belongs to another model; run `cali-reg train`" in err


def moved(out: str) -> list[str]:
    """Return the lines that say how many rows moved."""
    lines = out.splitlines()
    place = lines.index("rows      added  removed")
    return lines[place + 1 : place + 3]


def test_moved_rows_are_counted_on_each_side(run: Run, tmp_path: Path) -> None:
    """Rows go to the side that their content gives; what the model never had is counted, too."""
    text = [f"{k},{k * k % 7}" for k in range(100, 160)]
    paths = [tmp_path / name for name in ("old.csv", "new.csv", "never.csv")]
    for path, rows in zip(
        paths, (text[:40], text[40:], [f"{k}.5,3" for k in range(126, 132)]), strict=True
    ):
        path.write_text("\n".join(["x,y", *rows, ""]))
    old, new, never = paths
    flags = ("--artifacts", tmp_path / "model")
    run("train", "--data", new, "--target", "y", "--artifacts", tmp_path / "new")
    scores = artifacts.read_model(tmp_path / "new").scores
    n_train, n_test = scores["train"]["n_samples"], scores["test"]["n_samples"]
    assert run("train", "--data", old, "--target", "y", *flags)[0] == 0
    code, out, _ = run("update", "--add", new, *flags)
    sides = [f"training{n_train:>7}        0", f"held out{n_test:>7}        0"]
    assert (code, moved(out)) == (0, sides)
    assert "run `cali-reg quantize`" not in out  # there are no codes
    run("quantize", *flags)
    code, out, _ = run("update", "--add", old, "--remove", new, never, *flags)
    sums = [sum(int(line.split()[-k]) for line in moved(out)) for k in (2, 1)]
    assert (code, sums) == (0, [40, 26])
    assert out.endswith(
        f"\n\n{tmp_path / 'model' / 'quantized.json'} has the codes of the model before: run"
        " `cali-reg quantize`\n"
    )


def test_all_rows_are_training_rows_without_a_split(
    run: Run, folder: Path, split: tuple[Table, Table], tmp_path: Path
) -> None:
    """The held-out rows of the embedded data stay as they are."""
    path = write_csv(tmp_path / "gone.csv", split[0], slice(0, 5))
    _, out, _ = run("update", "--artifacts", folder, "--remove", path)
    assert moved(out) == ["training      0        5", "held out      0        0"]


def test_quantized_model_is_stale_after_an_update(
    run: Run,
    folder: Path,
    split: tuple[Table, Table],
    tmp_path: Path,
) -> None:
    """The codes of the old model are not used with the new one, which predicts on its own."""
    path = write_csv(tmp_path / "gone.csv", split[0], slice(0, 5))
    run("update", "--artifacts", folder, "--remove", path)
    before = run("predict", "--artifacts", folder)[1].splitlines()
    assert len(before) == 2
    assert before[0].startswith("Sample predictions: [")
    assert before[1] == (
        f"Quantized: {folder / 'quantized.json'} is stale, made from another model (run `cali-reg"
        " quantize`)"
    )
    code, out, err = run("predict", "--artifacts", folder, path, "--precision", "uint8")
    assert (code, out) == (2, "")
    assert "made from another model; run `cali-reg quantize`" in err
    assert run("predict", "--artifacts", folder, path)[0] == 0
    run("quantize", "--artifacts", folder)
    after = run("predict", "--artifacts", folder)[1].splitlines()
    assert after[0] == before[0]
    assert after[1].startswith("uint8 predictions:  [")
