"""Prediction intervals: their numbers are exact, their order of operations is defined."""

import json
import math
from dataclasses import asdict, replace
from fractions import Fraction
from typing import Any
from unittest.mock import Mock

import flint
import numpy as np
import pytest
import reference
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from outcomes import BEYOND, outcome
from scipy import stats
from tables import Table, any_numbers, mild_numbers, tables

from cali_reg.data.california_housing import Table as Rows
from cali_reg.errors import DataError, FormatError, UsageError
from cali_reg.jobs.fit import train
from cali_reg.least_squares import normal_equations
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.normal_equations import NormalEquations
from cali_reg.least_squares.predictions import half_widths, predict
from cali_reg.least_squares.solution import LEVELS, solve
from cali_reg.runtime import fingerprinted_json
from cali_reg.runtime.model import LinearModel
from cali_reg.runtime.prediction_interval import Interval


def interval_of(X: Any, y: Any) -> Interval:
    """Return the interval of a fit that has one."""
    interval = solve(Moments.from_arrays(X, y)).interval
    assert interval is not None
    return interval


def usual_rows(n: int = 40, p: int = 3, seed: int = 0) -> Table:
    """Return correlated columns of unlike scales, and a target with noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) @ rng.normal(size=(p, p)) * np.logspace(-4, 4, p) + 7
    return X, X @ rng.normal(size=p) + rng.normal(size=n)


def assert_stored_numbers_are_exact(table: Table) -> None:
    """Compare all but the quantiles with rational arithmetic on the rows."""
    expected = reference.LeastSquares(*table)
    interval = outcome(lambda: solve(Moments.from_arrays(*table)).interval)
    if expected.dependent or expected.degrees_of_freedom <= 0:
        assert interval in (None, BEYOND)  # the coefficients may be beyond
        return
    parts = ("degrees_of_freedom", "residual_standard_deviation", "coefficients", "intercept")
    wanted = [outcome(lambda name=name: getattr(expected, name)) for name in parts]  # type: ignore[misc]
    triangle = outcome(lambda: reference.inverse_cholesky(table[0]))
    if BEYOND in (*wanted, triangle):
        assert interval == BEYOND
        return
    assert (interval.degrees_of_freedom, interval.residual_standard_deviation) == tuple(wanted[:2])
    assert interval.means == reference.means(table[0])
    assert interval.inverse_cholesky == triangle
    assert interval.n_samples == len(table[1])


@given(tables(numbers=mild_numbers))
@example((np.array([[1.0], [3.0], [3.0], [1.0]]), np.array([0.0, 1.0, 2.0, 4.0])))  # C = 4
@settings(max_examples=120)
def test_stored_numbers_are_exact(table: Table) -> None:
    """Means, s and the inverse Cholesky factor are rational arithmetic's, rounded once."""
    assert_stored_numbers_are_exact(table)


@given(tables(numbers=any_numbers, max_rows=6))
@settings(max_examples=120)
def test_exponents_of_any_size(table: Table) -> None:
    """From subnormals to 1e308; what is beyond float64 says so."""
    assert_stored_numbers_are_exact(table)


@pytest.mark.parametrize("p", [1, 2, 3, 7])
def test_more_rows_are_exact(p: int) -> None:
    """Full mantissas, unlike scales, halves of odd and even sizes."""
    assert_stored_numbers_are_exact(usual_rows(30, p, seed=p))


def test_zeros_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """A partial slope of zero is a tie that no ball decides; such a row is computed exactly."""
    rng = np.random.default_rng(5)
    a, b = rng.integers(-9, 9, (2, 12)).astype(float)
    orthogonal = _integer_residual(np.column_stack([a, b]))
    X = np.column_stack([a, b, 3 * a + orthogonal])  # depends on a, and not on b
    exact = Mock(wraps=NormalEquations.inverse_cholesky_row)
    monkeypatch.setattr(NormalEquations, "inverse_cholesky_row", lambda *a: exact(*a))
    assert interval_of(X, rng.normal(size=12)).inverse_cholesky == reference.inverse_cholesky(X)
    assert [call.args[1] for call in exact.call_args_list] == [2]
    small = interval_of(X * [2.0**1000, 2.0**1000, 1.0], rng.normal(size=12))
    assert "-0.0" not in str(small.inverse_cholesky)  # the ball's ends round to -0.0 and 0.0
    assert small.inverse_cholesky[2][1] == 0.0


def _integer_residual(X: Any) -> list[int]:
    """Return an integer vector that is orthogonal to 1 and to the integer columns of X."""
    columns = [[1] * len(X), *X.T.astype(int).tolist()]
    basis, rank = flint.fmpz_mat(columns).nullspace()
    vector = [int(basis[i, 0]) for i in range(len(X))]
    assert rank == len(X) - len(columns)
    return vector


@pytest.mark.parametrize("precisions", [[], [2], [2, 64], [60]])
def test_balls_and_exact_rows_agree(precisions: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The factor is the same from balls of any precision and from exact rows."""
    table = usual_rows()
    usual = interval_of(*table)
    monkeypatch.setattr(normal_equations, "_PRECISIONS", precisions)
    assert interval_of(*table) == usual


def test_balls_decide_usual_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exact rows, which are slow, are not needed for data without ties."""
    monkeypatch.setattr(NormalEquations, "inverse_cholesky_row", None)
    before = flint.ctx.prec
    X, y = usual_rows(p=9)
    assert interval_of(X, y).inverse_cholesky == reference.inverse_cholesky(X)
    assert flint.ctx.prec == before


def student(t: flint.fmpq, degrees_of_freedom: int) -> flint.arb:
    """Return the probability of [-t, t], proven: 1 - I(df / 2, 1 / 2; df / (df + t**2))."""
    df = flint.fmpq(degrees_of_freedom)
    return 1 - flint.arb(df / (df + t**2)).beta_lower(df / 2, flint.fmpq(1, 2), regularized=True)


@pytest.mark.parametrize("n", [3, 4, 5, 10, 31, 103, 1002, 16_000, 10**6])
def test_quantiles_are_proven_to_six_digits(n: int) -> None:
    """Half a unit of the sixth digit less is too little, half a unit more too much."""
    y = np.zeros(n)
    y[0] = 1.0
    interval = interval_of(np.arange(float(n))[:, None], y)
    assert [level for level, _ in interval.quantiles] == list(LEVELS)
    with flint.ctx.workprec(200):
        for level, quantile in interval.quantiles:
            t = flint.fmpq(*Fraction(str(quantile)).as_integer_ratio())
            half = flint.fmpq(10) ** (math.floor(math.log10(quantile)) - 5) / 2
            exact = flint.fmpq(*Fraction(str(level)).as_integer_ratio())
            assert student(t - half, n - 2) < exact < student(t + half, n - 2)


@pytest.mark.parametrize("level", LEVELS)
def test_half_widths_are_the_textbook_formula(level: float) -> None:
    """As floating point gives them from the rows, with SciPy's quantile."""
    X, y = usual_rows(60, 4)
    new = usual_rows(9, 4, seed=1)[0]
    interval, design = interval_of(X, y), np.column_stack([np.ones(60), X])
    residuals = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    triangular = np.linalg.qr(design)[1]
    roots = np.linalg.solve(triangular.T, np.column_stack([np.ones(9), new]).T)
    variance = residuals @ residuals / 55 * (1 + (roots**2).sum(axis=0))
    found = [interval.half_width(row, level) for row in new.tolist()]
    t = stats.t.ppf((1 + level) / 2, 55)
    np.testing.assert_allclose(found, t * np.sqrt(variance), rtol=6e-6)
    np.testing.assert_allclose(
        np.array(found) / interval.quantile(level), np.sqrt(variance), rtol=1e-9
    )


WHOLE = np.random.default_rng(3).integers(-999, 999, (20, 3)).astype(float)
NOISE = np.random.default_rng(4).normal(size=20)
HARD: dict[str, Table] = {
    "usual": usual_rows(),
    "one feature": usual_rows(20, 1),
    "hardly any rows": usual_rows(5, 3),
    "badly scaled": (WHOLE * [1e-250, 1.0, 1e250], NOISE),
    "far from zero": (WHOLE + np.array([2.0**30, 0.0, -(2.0**33)]), NOISE),
    "nearly collinear": (WHOLE @ [[1, 1, 0], [0, 2.0**-20, 0], [0, 0, 1]], NOISE),
}


@pytest.mark.parametrize("case", HARD)
def test_half_widths_of_hard_columns(case: str) -> None:
    """Within few roundings of the rational formula, on training rows and far beyond them."""
    X, y = HARD[case]
    interval = interval_of(X, y)
    s, t = interval.residual_standard_deviation, interval.quantile(0.95)
    for row in [*X[:5], X[0] + 100 * (X[1] - X[2])]:
        exact = t * s * math.sqrt(1 + reference.leverage(X, row.tolist()))
        assert interval.half_width(row.tolist(), 0.95) == pytest.approx(exact, rel=1e-9)


@given(st.data(), st.integers(1, 5))
def test_numpy_gives_the_same_bits(data: st.DataObject, p: int) -> None:
    """By columns and by rows, for numbers of any size: the same order of operations."""
    X, y = usual_rows(12, p, seed=p)
    interval = interval_of(X, y)
    rows = data.draw(arrays(np.float64, (4, p), elements=mild_numbers | any_numbers))
    level = data.draw(st.sampled_from(LEVELS))
    with np.errstate(all="ignore"):
        found = half_widths(np.vstack([X, rows]), interval, level)
    expected = [interval.half_width(row, level) for row in [*X.tolist(), *rows.tolist()]]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("order", ["C", "F"])
def test_numpy_gives_the_same_bits_in_blocks(order: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks and layouts change nothing."""
    X, y = usual_rows(1000, 6)
    interval = interval_of(X, y)
    expected = [interval.half_width(row, 0.9) for row in X.tolist()]
    monkeypatch.setattr("cali_reg.least_squares.predictions._BLOCK", 301)
    assert half_widths(np.array(X, order=order), interval, 0.9).tolist() == expected
    assert half_widths(X[:0], interval, 0.9).tolist() == []


def test_order_of_operations() -> None:
    """Left to right, each operation rounded: another order would give other numbers."""
    ones = ((1.0,), (1.0, 1.0), (1.0, 1.0, 1.0))
    interval = Interval(2**20, 1.0, (0.0, 0.0, 0.0), ones, ((0.5, 1.0),))
    row = [2.0**53, 1.0, -(2.0**53)]
    # w = (2**53, 2**53 + 1, 2**53 + 1 - 2**53), where 2**53 + 1 rounds to 2**53
    total = float(1 + Fraction(1, 2**20 + 4)) + 2.0**106 + 2.0**106 + 0.0
    assert interval.half_width(row, 0.5) == math.sqrt(total)
    small = replace(interval, inverse_cholesky=((1.0,), (0.0, 1.0), (0.0, 0.0, 1.0)))
    one = float(1 + Fraction(1, 2**20 + 4))
    tiny = [2.0**-27, 2.0**-27, 2.0**-27]  # each square is lost on its own
    assert small.half_width(tiny, 0.5) == math.sqrt(one)


def test_coverage() -> None:
    """A 95 % interval holds 95 % of new targets, over many small tables."""
    rng, covered = np.random.default_rng(0), []
    for _ in range(400):
        X, noise = rng.normal(size=(112, 3)) * [1, 10, 100], rng.normal(size=112)
        y = X @ [1.0, 2.0, 3.0] + noise
        solution = solve(Moments.from_arrays(X[:12], y[:12]))
        assert solution.interval is not None
        half = half_widths(X[12:], solution.interval, 0.95)
        missed = np.abs(predict(X[12:], solution.coefficients, solution.intercept) - y[12:])
        covered.append(float((missed <= half).mean()))
    error = float(np.std(covered)) / math.sqrt(len(covered))
    assert error < 0.005
    assert abs(float(np.mean(covered)) - 0.95) < 3 * error


UNDEFINED: dict[str, tuple[Any, dict[str, Any]]] = {
    "n = p + 1": (usual_rows(4, 3), {}),
    "one row": (usual_rows(1, 1), {}),
    "constant": ((np.ones((5, 1)), np.arange(5.0)), {}),
    "collinear": ((usual_rows()[0][:, [0, 1, 0]], usual_rows()[1]), {}),
    "ridge": (usual_rows(), {"alpha": 1.0}),
    "no intercept": (usual_rows(), {"fit_intercept": False}),
}


@pytest.mark.parametrize("case", UNDEFINED)
def test_undefined_intervals_are_none(case: str) -> None:
    """Without degrees of freedom, with dependent columns, or for another model."""
    table, options = UNDEFINED[case]
    assert solve(Moments.from_arrays(*table), **options).interval is None


def test_undefined_intervals_are_null() -> None:
    """A model without one is stored and read."""
    table = Rows(("a",), "t", np.array([[1.0], [2.0]]), np.array([1.0, 2.0]))
    trained = train(table, table, source={})
    assert json.loads(trained.files["model.json"])["interval"] is None
    assert trained.model.interval is None


def test_perfect_fit_has_no_width() -> None:
    """Without residuals the half-width is 0.0."""
    interval = interval_of(WHOLE, 2 * WHOLE[:, 0] + 1)
    assert interval.half_width(WHOLE[0].tolist(), 0.99) == 0.0


def test_beyond_float64() -> None:
    """Columns that hardly vary have a factor beyond float64; the message says what to do."""
    X = np.array([[0.0], [5e-324], [0.0], [5e-324]])
    solution = solve(Moments.from_arrays(X, [1.0, 1.0, 1.0, 1.0]))
    with pytest.raises(DataError, match=r"inverse Cholesky factor.*beyond float64.*scale the col"):
        _ = solution.interval


def test_made_up_moments_are_refused() -> None:
    """Sums that no rows have, though each pair of columns could, get a clear error."""
    for last in ("0x9p0", "-0x5p0"):  # an indefinite matrix, and one with a singular corner
        sums = ["0x1p3", "0", "0", "0", "0", "0x5p1", "-0x5p1", last, "0x1p0"]
        sums += ["0x5p1", "0x9p0", "0x1p0", "0x5p1", "0x1p0", "0x1p10"]
        solution = solve(Moments.from_dict({"n_features": 3, "sums": sums}))
        with pytest.raises(DataError, match="no rows have these moments"):
            _ = solution.interval


def test_unknown_level() -> None:
    """A level that is not stored is refused, with those that are."""
    X, y = usual_rows()
    with pytest.raises(UsageError, match=r"level 0\.94; expected one of 0\.5, .*, 0\.999"):
        interval_of(X, y).half_width(X[0].tolist(), 0.94)
    with pytest.raises(UsageError, match="expected one of"):
        half_widths(X, interval_of(X, y), math.nan)


def test_model_holds_the_interval(made: Any) -> None:
    """model.json gives back the interval of the training rows' exact solution."""
    model = LinearModel.from_json((made / "model.json").read_bytes())
    assert model.interval is not None
    assert model.interval.n_samples == model.scores["train"]["n_samples"]
    assert Interval.from_dict(json.loads(json.dumps(asdict(model.interval))), 8) == model.interval


GOOD = asdict(Interval(5, 1.0, (0.0, 1.0), ((1.0,), (-2.0, 3.0)), ((0.5, 0.7), (0.9, 2.0))))
FORGED: dict[str, dict[str, Any]] = {
    "no degrees of freedom": {"degrees_of_freedom": 0},
    "boolean degrees of freedom": {"degrees_of_freedom": True},
    "real degrees of freedom": {"degrees_of_freedom": 5.0},
    "negative deviation": {"residual_standard_deviation": -1.0},
    "text as a deviation": {"residual_standard_deviation": "1"},
    "huge deviation": {"residual_standard_deviation": 10**400},
    "no means": {"means": None},
    "a mean too few": {"means": [0.0]},
    "text as means": {"means": "ab"},
    "a row too few": {"inverse_cholesky": [[1.0]]},
    "a short row": {"inverse_cholesky": [[1.0], [3.0]]},
    "a square": {"inverse_cholesky": [[1.0, 0.0], [-2.0, 3.0]]},
    "a number for a row": {"inverse_cholesky": [1.0, [-2.0, 3.0]]},
    "boolean entry": {"inverse_cholesky": [[1.0], [True, 3.0]]},
    "null entry": {"inverse_cholesky": [[1.0], [None, 3.0]]},
    "zero pivot": {"inverse_cholesky": [[1.0], [-2.0, 0.0]]},
    "negative pivot": {"inverse_cholesky": [[-1.0], [-2.0, 3.0]]},
    "no levels": {"quantiles": []},
    "no level and no quantile": {"quantiles": [[]]},
    "a level without a quantile": {"quantiles": [[0.5]]},
    "levels out of order": {"quantiles": [[0.9, 0.7], [0.5, 2.0]]},
    "the same level twice": {"quantiles": [[0.5, 0.7], [0.5, 2.0]]},
    "level 0": {"quantiles": [[0, 0.7]]},
    "level 1": {"quantiles": [[1, 0.7]]},
    "negative quantile": {"quantiles": [[0.5, -0.7], [0.9, 2.0]]},
    "quantiles out of order": {"quantiles": [[0.5, 2.0], [0.9, 0.7]]},
    "unknown field": {"surprise": 1},
}


@pytest.mark.parametrize("case", FORGED)
def test_forged_intervals(case: str) -> None:
    """A well-sealed model with an impossible interval is refused before it is used."""
    data = sealed({**GOOD, **FORGED[case]})
    with pytest.raises(FormatError, match=r"unexpected content .*; make the file anew"):
        LinearModel.from_json(data)


@pytest.mark.parametrize("interval", [[], "no", 3, {}, {"means": []}])
def test_intervals_of_another_kind(interval: Any) -> None:
    """Neither null nor an object with all fields."""
    with pytest.raises(FormatError, match=r"unexpected content .*; make the file anew"):
        LinearModel.from_json(sealed(interval))


def test_a_model_needs_the_field() -> None:
    """A file without it was not written by this version."""
    model = json.loads(sealed(GOOD))
    del model["interval"], model["format"], model["version"], model["fingerprint"]
    with pytest.raises(FormatError, match=r"unexpected content \('interval'\)"):
        LinearModel.from_json(fingerprinted_json.dump("model", 1, model))
    assert LinearModel.from_json(sealed(GOOD)).interval is not None


def sealed(interval: Any) -> bytes:
    """Return a model of two features with any interval, and a fingerprint to match."""
    features = [
        {"name": name, "coefficient": 1.0, "standard_error": None, "minimum": 0.0, "maximum": 1.0}
        for name in "ab"
    ]
    columns = [{"name": name, "levels": None} for name in "ab"]
    empty = {
        "columns": columns,
        "target": "t",
        "moments": "",
        "ranges": "exact",
        "samples": [],
        "source": {},
    }
    content = {**empty, "features": features, "intercept": 0.0, "rank": 2, "scores": {}}
    return fingerprinted_json.dump("model", 1, {**content, "interval": interval})
