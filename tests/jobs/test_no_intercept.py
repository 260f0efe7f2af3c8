"""Models without an intercept, through every command."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import joblib
import numpy as np
import pytest
from commands import Run
from forgeries import forge, verdicts

from cali_reg import ExactLinearRegression
from cali_reg.jobs.training_data.file_data import FileData
from cali_reg.jobs.training_data.file_options import FileOptions
from cali_reg.least_squares import moments_file
from cali_reg.least_squares.exact_gram import UNIT
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.projected_solution import ProjectedSolution
from cali_reg.least_squares.solution import solve
from cali_reg.least_squares.statistics.scores import score
from cali_reg.quantization.quantizer import quantize
from cali_reg.runtime.artifacts import read_model
from cali_reg.runtime.predictor import load_model

ROWS = [(k, (k * k) % 13 + 5, 3 * k + (k * 7) % 11) for k in range(1, 61)]


def write_table(path: Path, rows: list[tuple[int, int, int]] = ROWS) -> Path:
    """Write a table of x, z and y, and return its path."""
    path.write_text("x,z,y\n" + "".join(f"{x},{z},{y}\n" for x, z, y in rows))
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of a table."""
    return write_table(tmp_path_factory.mktemp("rows") / "rows.csv")


def train(run: Run, table: Path, folder: Path, *options: object) -> str:
    """Train without an intercept on all columns; return what is printed."""
    flags = ("--features", "x,z", "--target", "y", "--artifacts", folder)
    code, out, err = run("train", "--data", table, *flags, "--no-intercept", *options)
    assert (code, err) == (0, "")
    return out


def test_it_is_the_estimator_s_model(run: Run, table: Path, tmp_path: Path) -> None:
    """The same coefficients, errors and R² about zero; the intercept is 0.0, and marked."""
    out = train(run, table, tmp_path, "--test-size", "0")
    rows = np.array(ROWS, dtype=float)
    fitted = ExactLinearRegression(fit_intercept=False).fit(rows[:, :2], rows[:, 2])
    model = read_model(tmp_path)
    assert (model.intercept, model.fit_intercept, model.rank) == (0.0, False, 2)
    assert list(model.coefficients) == fitted.coef_.tolist()
    assert [f.standard_error for f in model.features] == fitted.standard_errors_.tolist()
    assert model.scores["train"]["r2_uncentered"] == fitted.r2_uncentered_
    assert model.scores["train"]["r2"] == pytest.approx(fitted.score(rows[:, :2], rows[:, 2]))
    assert json.loads((tmp_path / "model.json").read_bytes())["fit_intercept"] is False
    assert "(intercept)" not in out
    assert f"about zero it is {fitted.r2_uncentered_!r} on the training rows\n" in out


def test_usual_models_have_no_mark(run: Run, table: Path, tmp_path: Path) -> None:
    """Their bytes are those of before, without R² about zero."""
    flags = ("--features", "x,z", "--target", "y", "--artifacts", tmp_path)
    assert run("train", "--data", table, *flags)[0] == 0
    content = json.loads((tmp_path / "model.json").read_bytes())
    assert "fit_intercept" not in content
    assert "r2_uncentered" not in content["scores"]["train"]


def test_a_column_of_ones_is_an_intercept(run: Run, tmp_path: Path) -> None:
    """Such a column is not collinear then; its model is that with an intercept, bit for bit."""
    path = tmp_path / "rows.csv"
    path.write_text("one,x,y\n" + "".join(f"1,{x},{y}\n" for x, _, y in ROWS))
    for name, options in (("a", ("--features", "x")), ("b", ("--no-intercept",))):
        flags = ("--target", "y", "--test-size", "0")
        assert (
            run("train", "--data", path, *flags, *options, "--artifacts", tmp_path / name)[0] == 0
        )
    usual, about_zero = (load_model(tmp_path / name, interval=0.95) for name in "ab")
    constant, slope = about_zero.model.coefficients
    assert (constant, slope) == (usual.model.intercept, *usual.model.coefficients)
    for x in (0.0, 7.5, 100.0):
        expected = usual.predict_checked({"x": x}).values
        found = about_zero.predict_checked({"x": x, "one": 1.0}).values
        assert found == pytest.approx(expected, rel=1e-13)


def test_collinear_columns(run: Run, tmp_path: Path) -> None:
    """A column of zeros is; a constant is not. Roundings count as with an intercept."""
    path = tmp_path / "rows.csv"
    flags = ("--target", "y", "--strict", "--no-intercept", "--artifacts", tmp_path / "a")
    path.write_text("a,b,y\n" + "".join(f"{x},0,{y}\n" for x, _, y in ROWS))
    code, _, err = run("train", "--data", path, *flags)
    assert (code, err.count("\n")) == (2, 1)
    assert "collinear columns (zero, or a combination of other columns): b" in err
    path.write_text(
        "a,b,t,y\n" + "".join(f"{x / 10},{z / 10},{x / 10 + z / 10!r},{y}\n" for x, z, y in ROWS)
    )
    assert "up to the rounding of their values): t" in run("train", "--data", path, *flags)[2]
    assert run("train", "--data", path, *flags, "--allow-collinear", "--test-size", "0")[0] == 0
    rows = np.loadtxt(path, delimiter=",", skiprows=1)
    expected = np.linalg.lstsq(rows[:, :3], rows[:, 3], rcond=1e-10)[0]
    model = read_model(tmp_path / "a")
    assert (model.intercept, model.rank, model.interval) == (0.0, 2, None)
    assert model.coefficients == pytest.approx(expected.tolist(), rel=1e-9)
    found = verdicts(run, tmp_path / "a", "--data", path)[1]
    assert found["model.json"] == "same"


def test_errors_of_projected_columns() -> None:
    """They are those of the pseudoinverse about zero; there is no intercept, and no error of it."""
    x, z, y = (np.array(column, dtype=float) for column in zip(*ROWS, strict=True))
    X = np.column_stack([x / 10, z / 10, x / 10 + z / 10])
    solution = ProjectedSolution(Moments.from_arrays(X, y), "abt", [2], fit_intercept=False)
    rss = math.fsum((y - X @ np.array(solution.coefficients)) ** 2)
    variance = rss / (len(y) - 2) * np.linalg.pinv(X.T @ X, rcond=1e-10).diagonal()
    assert solution.degrees_of_freedom == len(y) - 2
    assert solution.standard_errors == pytest.approx(np.sqrt(variance).tolist(), rel=1e-7)
    assert math.isnan(solution.intercept_standard_error)


def test_few_rows(run: Run, tmp_path: Path) -> None:
    """As many rows as features determine the model; fewer do not."""
    flags = ("--target", "y", "--no-intercept", "--test-size", "0", "--artifacts", tmp_path / "a")
    path = write_table(tmp_path / "rows.csv", ROWS[:1])
    code, _, err = run("train", "--data", path, *flags, "--features", "x,z")
    assert (code, "is 10.0 in every training row" in err) == (2, True)
    path.write_text("x,z,v,y\n1,2,5,3\n4,5,5,7\n")
    code, _, err = run("train", "--data", path, *flags)
    assert code == 2
    assert "2 training rows cannot determine 3 features; expected at least as many rows as" in err
    assert run("train", "--data", path, *flags, "--features", "x,z")[0] == 0


def test_update_is_training_from_scratch(run: Run, table: Path, tmp_path: Path) -> None:
    """The mark stays, and so do the levels of the intervals."""
    part, rest = (write_table(tmp_path / f"{k}.csv", ROWS[k::2]) for k in (0, 1))
    train(run, part, tmp_path / "a", "--levels", ".6")
    assert run("update", "--add", rest, "--artifacts", tmp_path / "a")[0] == 0
    train(run, table, tmp_path / "b", "--levels", "0.6")
    updated, whole = (read_model(tmp_path / name) for name in "ab")
    assert updated.features == whole.features
    assert (updated.scores, updated.interval) == (whole.scores, whole.interval)
    assert not updated.fit_intercept
    found = verdicts(run, tmp_path / "a", "--data", part, rest)[1]
    assert found["model.json"].startswith("same")
    assert found["moments.json"] == "same"


def test_cross_validation(run: Run, table: Path, tmp_path: Path) -> None:
    """The models of the folds have no intercept either."""
    out = train(run, table, tmp_path, "--test-size", "0", "--cv", "2")
    r2 = [float(line.split()[3]) for line in out.splitlines() if line.startswith("fold ")]
    options = FileOptions([str(table)], "y", ["x", "z"], test_size=0.0, n_folds=2)
    first, second = FileData(options).summary().folds
    for value, fold, other in zip(r2, (first, second), (second, first), strict=True):
        solution = solve(other, fit_intercept=False)
        assert value == round(score(fold, solution.coefficients, 0.0).r2, 6)


@pytest.mark.parametrize("bits", [2, 3])
def test_codes_lose_least(run: Run, table: Path, tmp_path: Path, bits: int) -> None:
    """No other codes of this scale and these exponents are better; the intercept stays 0.0."""
    train(run, table, tmp_path)
    model, moments = moments_file.load_with_model(tmp_path)
    quantized = quantize(model, moments, bits).model
    assert quantized.intercept == 0.0
    gram = np.array([[float(v >> -UNIT) for v in row[1:-1]] for row in moments.train.sums[1:-1]])

    def loss(codes: tuple[int, ...]) -> float:
        weights = quantized._replace(codes=codes).coefficients
        change = np.subtract(weights, model.coefficients)
        return float(change @ gram @ change)

    others = itertools.product(range(2**bits), repeat=2)
    assert loss(quantized.codes) == min(map(loss, others))
    assert quantized.contract["r2_gap"] == 0


def test_verify_and_export(run: Run, table: Path, tmp_path: Path) -> None:
    """All files match a rebuild, and other programs get a model without an intercept."""
    train(run, table, tmp_path)
    assert run("quantize", "--artifacts", tmp_path)[0] == 0
    code, found, _ = verdicts(run, tmp_path, "--data", table)
    assert (code, set(found.values())) == (0, {"same"})
    theirs = joblib.load(tmp_path / "linear_model.joblib")
    fitted = type(theirs)(fit_intercept=False).fit(np.eye(2), [1.0, 2.0])
    assert (theirs.fit_intercept, theirs.intercept_) == (False, 0.0)
    assert type(theirs.intercept_) is type(fitted.intercept_)
    for precision in ("float64", "uint8"):
        flags = ("--artifacts", tmp_path, "--precision", precision)
        exported = json.loads(run("export", "--format", "json", *flags)[1])
        assert exported["intercept"] == 0.0
        assert "CALI_REG_INTERCEPT (0x0.0p+0)" in run("export", "--format", "c", *flags)[1]


@pytest.mark.parametrize(("field", "value"), [("fit_intercept", True), ("intercept", 0.5)])
def test_forged_marks(run: Run, table: Path, tmp_path: Path, field: str, value: object) -> None:
    """Only false is a mark, and only with an intercept of 0.0."""
    train(run, table, tmp_path)
    forge(tmp_path / "model.json", lambda body: body.update({field: value}))
    code, _, err = run("predict", table, "--artifacts", tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    assert "fit_intercept can only be false, with an intercept of 0.0" in err


def test_categories(run: Run, tmp_path: Path) -> None:
    """The baseline adds nothing; dependent levels are folded, and both engines agree."""
    path = tmp_path / "rows.csv"
    lines = [f"{'abc'[x % 3]},{'pqr'[x % 3]},{z},{y}\n" for x, z, y in ROWS]
    path.write_text("town,canton,z,y\n" + "".join(lines))
    flags = ("--data", path, "--target", "y", "--categorical", "town,canton", "--no-intercept")
    code, _, err = run("train", *flags, "--artifacts", tmp_path / "a", "--test-size", "0")
    assert (code, err.count("\n")) == (0, 1)
    assert "categories that other columns determine: canton=q, canton=r" in err
    z = np.array([z for _, z, _ in ROWS], dtype=float)
    towns = np.array([x % 3 for x, _, _ in ROWS])
    X = np.column_stack([towns == 1, towns == 2, z]).astype(float)
    fitted = ExactLinearRegression(fit_intercept=False).fit(X, [y for *_, y in ROWS])
    model = read_model(tmp_path / "a")
    assert model.coefficients == (*fitted.coef_[:2], 0.0, 0.0, fitted.coef_[2])
    more = ("--artifacts", tmp_path / "a", "--interval", "0.9")
    small, large = (run("predict", source, *more)[1] for source in (path, tmp_path / "*.csv"))
    assert small == large
