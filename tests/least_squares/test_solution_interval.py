"""What a solution gives a prediction interval: each number is exact, rounded once."""

import math
from typing import Any
from unittest.mock import Mock

import flint
import numpy as np
import pytest
import reference
from hypothesis import example, given, settings
from intervals import interval_of, usual_rows
from outcomes import BEYOND, outcome
from random_tables import Table, any_numbers, mild_numbers, tables
from scipy.special import stdtrit

from cali_reg.errors import DataError
from cali_reg.least_squares import normal_equations
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.normal_equations import NormalEquations
from cali_reg.least_squares.predictions import half_widths
from cali_reg.least_squares.solution import solve


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


UNDEFINED: dict[str, tuple[Any, dict[str, Any]]] = {
    "n = p + 1": (usual_rows(4, 3), {}),
    "one row": (usual_rows(1, 1), {}),
    "constant": ((np.ones((5, 1)), np.arange(5.0)), {}),
    "collinear": ((usual_rows()[0][:, [0, 1, 0]], usual_rows()[1]), {}),
    "ridge": (usual_rows(), {"alpha": 1.0}),
}


def test_interval_without_an_intercept() -> None:
    """Half-widths are t s sqrt(1 + xᵀ (XᵀX)⁻¹ x), row by row and by columns, the same bits."""
    X, y = usual_rows(30, 3)
    X = X + np.array([1.0, -2.0, 0.0])
    solution = solve(Moments.from_arrays(X, y), fit_intercept=False)
    interval = solution.interval
    assert interval is not None
    assert (interval.degrees_of_freedom, interval.n_samples) == (27, 30)
    rows = [[0.0, 0.0, 0.0], [1.0, 2.0, 3.0], X[4].tolist()]
    rss = math.fsum((y - X @ np.array(solution.coefficients)) ** 2)
    found = [interval.half_width(row, 0.95) for row in rows]
    for row, half_width in zip(rows, found, strict=True):
        spread = 1 + row @ np.linalg.solve(X.T @ X, row)
        expected = stdtrit(27, 0.975) * math.sqrt(rss / 27 * spread)
        assert half_width == pytest.approx(expected, rel=1e-5)  # t has six digits
    assert half_widths(np.array(rows), interval, 0.95).tolist() == found
    assert type(interval._replace(means=(0.0,) * 3)) is type(interval)


@pytest.mark.parametrize("case", UNDEFINED)
def test_undefined_intervals_are_none(case: str) -> None:
    """Without degrees of freedom, with dependent columns, or for another model."""
    table, options = UNDEFINED[case]
    assert solve(Moments.from_arrays(*table), **options).interval is None


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
