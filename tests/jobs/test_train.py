"""Training: what it prints, what it writes, and that the bits never change."""

import hashlib
import json
import struct
from pathlib import Path

import joblib
import numpy as np
import pytest
import reference
from commands import Run
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold
from table_data import train_on

from cali_reg import ExactLinearRegression, Moments
from cali_reg.data import california_housing
from cali_reg.data.california_housing import Table
from cali_reg.jobs.training_data.embedded_data import EmbeddedData
from cali_reg.least_squares.statistics.cross_validation import cross_validate
from cali_reg.least_squares.statistics.scores import score
from cali_reg.runtime import artifacts
from cali_reg.runtime.model import LinearModel

# Of the default training. The first changes when model.json gains a field; on purpose, once.
MODEL_SHA256 = "d50854dd01cf8866805082915359c4cf52c4e0874bff730209a5c4967584759b"
COEFFICIENTS_SHA256 = "97dce56cd17d73dd9f8bec4c241b2f20c79542b0e698eb6ff6411ede50fa19db"


@pytest.fixture(scope="module")
def split() -> tuple[Table, Table]:
    """Return the default split."""
    return california_housing.split(california_housing.california_housing(), 0.2, 42)


def test_first_line_and_table(run: Run, tmp_path: Path) -> None:
    """The scores come first, then coefficients by name, rows used and files with their sizes."""
    code, out, err = run("train", "--artifacts", tmp_path)
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "✔ R²: 0.58 | RMSE: 0.75"
    for word in (
        *california_housing.FEATURES,
        "(intercept)",
        "16512",
        "4128",
        "0.57578770603",
        "0.745581383",
    ):
        assert word in out
    for name in ("linear_model.joblib", "model.json", "moments.json"):
        assert f"{tmp_path / name} " in out
        assert str((tmp_path / name).stat().st_size) in out


def test_joblib_file_is_a_plain_linear_regression(made: Path) -> None:
    """The three sanity checks: its class, its coefficients, and R² > 0.5; and it is small."""
    path = made / "linear_model.joblib"
    model = joblib.load(path)
    assert type(model) is LinearRegression
    assert model.coef_.shape == (8,)
    _, held_out = california_housing.split(california_housing.california_housing(), 0.2, 42)
    with pytest.warns(UserWarning, match="fitted with feature names"):  # an array has none
        assert r2_score(held_out.y, model.predict(held_out.X)) > 0.5
    assert path.stat().st_size <= 1100


def test_joblib_file_holds_the_models_bits(made: Path) -> None:
    """Scikit-learn's object and model.json carry the same coefficients."""
    regression, model = joblib.load(made / "linear_model.joblib"), artifacts.read_model(made)
    assert tuple(regression.coef_) == model.coefficients
    assert regression.intercept_ == model.intercept


def test_golden_model(made: Path) -> None:
    """The default model.json is the same file on every machine, Python and BLAS."""
    assert hashlib.sha256((made / "model.json").read_bytes()).hexdigest() == MODEL_SHA256


def test_golden_coefficients(made: Path) -> None:
    """The coefficients' bits never change."""
    model = artifacts.read_model(made)
    bits = struct.pack("<9d", model.intercept, *model.coefficients)
    assert hashlib.sha256(bits).hexdigest() == COEFFICIENTS_SHA256


def test_model_agrees_with_scikit_learn(made: Path, split: tuple[Table, Table]) -> None:
    """The exact coefficients are scikit-learn's but for its rounding errors."""
    model, theirs = artifacts.read_model(made), LinearRegression().fit(split[0].X, split[0].y)
    np.testing.assert_allclose(model.coefficients, theirs.coef_, rtol=1e-9)
    np.testing.assert_allclose(model.intercept, theirs.intercept_, rtol=1e-9)


def test_scores_are_exact(made: Path, split: tuple[Table, Table]) -> None:
    """R² on the held-out rows is that of rational arithmetic on the rows, rounded once."""
    model, (_, held_out) = artifacts.read_model(made), split
    expected = reference.scores(held_out.X, held_out.y, model.coefficients, model.intercept)
    test = model.scores["test"]
    assert (test["r2"], test["rmse"], test["bias"]) == expected


def test_ranges_and_samples_are_those_of_the_rows(made: Path, split: tuple[Table, Table]) -> None:
    """Ranges are the training rows' extremes, samples the first held-out rows."""
    model, (rows, held_out) = artifacts.read_model(made), split
    assert [f.minimum for f in model.features] == rows.X.min(axis=0).tolist()
    assert [f.maximum for f in model.features] == rows.X.max(axis=0).tolist()
    assert [list(row) for row in model.samples] == held_out.X[:5].tolist()


def test_row_order_changes_no_byte(
    split: tuple[Table, Table],
) -> None:
    """Shuffled training rows give the same files, but for the pickle's wrapper."""
    rows, held_out = split
    order = np.random.default_rng(0).permutation(len(rows.y))
    shuffled = Table(rows.names, rows.target, rows.X[order], rows.y[order])
    assert train_on(shuffled, held_out).files == (train_on(rows, held_out).files)


def test_gate_below_the_threshold(run: Run, folder: Path) -> None:
    """A model below --min-r2 fails with both figures and leaves the old artifacts."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    code, out, err = run("train", "--artifacts", folder, "--seed", "1", "--min-r2", "0.9")
    assert (code, out) == (1, "")
    assert "0.59" in err
    assert "below --min-r2 0.9" in err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_options_reach_the_model(run: Run, tmp_path: Path) -> None:
    """Seed, test size and number of samples are those asked for, and are recorded."""
    code, _, _ = run(
        *("train", "--artifacts", tmp_path, "--seed", "7", "--test-size", "0.5", "--samples", "2")
    )
    model = artifacts.read_model(tmp_path)
    assert code == 0
    assert len(model.samples) == 2
    assert model.source["split"] == {"seed": 7, "test_size": 0.5}
    assert model.scores["test"]["n_samples"] == 10320


def test_cross_validation_equals_training_on_each_rest(
    split: tuple[Table, Table],
) -> None:
    """Subtracting a fold's moments gives the model that never saw the fold, bit for bit."""
    rows = split[0]
    folds = cross_validate(EmbeddedData(n_folds=4).summary().folds, rows.names)
    splitter = KFold(4, shuffle=True, random_state=42)
    for fold, (rest, held_out) in zip(folds, splitter.split(rows.X), strict=True):
        model = ExactLinearRegression().fit(rows.X[rest], rows.y[rest])
        moments = Moments.from_arrays(rows.X[held_out], rows.y[held_out])
        assert fold == score(moments, model.coef_.tolist(), model.intercept_)


def test_cross_validation_is_printed(run: Run, tmp_path: Path) -> None:
    """``--cv 5`` prints a row for each fold and their mean, and changes no artifact."""
    _, out, _ = run("train", "--artifacts", tmp_path, "--cv", "5")
    assert [line.split()[:2] for line in out.splitlines() if line.startswith("fold")] == [
        ["fold", str(k)] for k in range(1, 6)
    ]
    assert hashlib.sha256((tmp_path / "model.json").read_bytes()).hexdigest() == MODEL_SHA256


@pytest.mark.parametrize("folds", ["1", "16513"])
def test_impossible_number_of_folds(run: Run, tmp_path: Path, folds: str) -> None:
    """Less than two folds, or more than rows, are refused before anything is written."""
    code, _, err = run("train", "--artifacts", tmp_path / "new", "--cv", folds)
    assert code == 2
    assert f"--cv is {folds}" in err
    assert not (tmp_path / "new").exists()


def test_collinear_columns_are_named() -> None:
    """Dependent columns are refused by name, unless allowed: then the norm is least."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 9, (50, 3)).astype(float)
    X[:, 2] = X[:, 0] + 2 * X[:, 1]
    table = Table(("a", "b", "sum"), "t", X, rng.normal(size=50))
    with pytest.raises(ValueError, match=r"combination of other columns\): sum; drop"):
        train_on(table, table)
    model = train_on(table, table, allow_collinear=True).model
    assert model.rank == 2
    assert LinearModel.from_json(model.to_json()) == model


def test_undefined_statistics_are_null() -> None:
    """Without degrees of freedom, standard errors are null: JSON has no NaN."""
    table = Table(("a",), "t", np.array([[1.0], [2.0]]), np.array([1.0, 2.0]))
    trained = train_on(table, table)
    assert json.loads(trained.files["model.json"])["features"][0]["standard_error"] is None


def test_more_features_than_a_file_can_hold(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be read again is not written."""
    monkeypatch.setattr(artifacts, "LARGEST", 4500)
    code, _, err = run("train", "--artifacts", tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    assert "model.json would have 4903 bytes for this number of features; expected at most" in err
    assert not list(tmp_path.iterdir())
