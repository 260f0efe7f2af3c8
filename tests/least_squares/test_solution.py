"""Solutions: every result equals that of rational arithmetic on the rows, rounded once."""

import math
import pickle
from typing import Any
from unittest.mock import Mock

import flint
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from random_tables import Table, any_numbers, mild_numbers, tables
from reference import RESULTS, LeastSquares, is_same
from solutions import assert_solves

from cali_reg.errors import DataError
from cali_reg.least_squares import normal_equations
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.normal_equations import NormalEquations
from cali_reg.least_squares.solution import Solution, solve


@given(tables(numbers=mild_numbers), st.booleans())
@example((np.array([[0.0, 0.0]]), np.array([0.0])), False)
@example((np.array([[3.0]]), np.array([4.0])), False)
@settings(max_examples=120)
def test_solutions_equal_the_reference(table: Table, fit_intercept: bool) -> None:
    """Few rows, constant and dependent columns, least norm: all results, bit for bit."""
    assert_solves(*table, fit_intercept=fit_intercept)


@given(tables(numbers=any_numbers, max_rows=6), st.booleans())
@settings(max_examples=120)
def test_exponents_of_any_size(table: Table, fit_intercept: bool) -> None:
    """From subnormals to 1e308; what is beyond float64 is so for both."""
    assert_solves(*table, fit_intercept=fit_intercept)


@given(
    tables(numbers=mild_numbers),
    st.booleans(),
    st.sampled_from([5e-324, 1e-20, 0.1, 1.0, 1e3, 1e300]),
)
@settings(max_examples=120)
def test_ridge_equals_the_reference(table: Table, fit_intercept: bool, alpha: float) -> None:
    """The penalty is on the coefficients, not on the intercept; the rank is that of the data."""
    assert_solves(*table, fit_intercept=fit_intercept, alpha=alpha)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_more_rows(seed: int, fit_intercept: bool) -> None:
    """Full mantissas in fifty rows, of which one column depends on two others."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(50, 4)) * [1e-9, 1, 1e9, 1]
    X[:, 1:3] = np.round(X[:, 1:3] * 1024)
    X[:, 3] = X[:, 1] - 2 * X[:, 2]
    assert_solves(X, X @ rng.normal(size=4) + rng.normal(size=50), fit_intercept=fit_intercept)
    assert_solves(X[:, :3], rng.normal(size=50), fit_intercept=fit_intercept)


def test_dependent_columns_are_named_from_the_left() -> None:
    """A column is dependent if it is constant or a combination of columns before it."""
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 99, (2, 20))
    X = np.column_stack([np.full(20, 7), a, b, a, a - 3 * b + 5, rng.normal(size=20)])
    solution = solve(Moments.from_arrays(X, rng.normal(size=20)))
    assert (solution.rank, solution.dependent) == (3, (0, 3, 4))
    ridge = solve(Moments.from_arrays(X, rng.normal(size=20)), alpha=1.0)
    assert (ridge.rank, ridge.dependent) == (3, (0, 3, 4))


def test_the_rank_is_exact() -> None:
    """One bit in one row makes a column independent; no tolerance decides."""
    X = np.ones((6, 2)) * np.arange(6.0)[:, None]
    X[5, 1] = np.nextafter(5, 6)
    y = np.arange(6.0) ** 2
    solution = solve(Moments.from_arrays(X, y))
    assert (solution.rank, solution.dependent) == (2, ())
    assert_solves(X, y)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_rows", [1, 2, 3, 4, 5])
def test_hardly_any_rows(n_rows: int, fit_intercept: bool) -> None:
    """Up to n = p + 1 and beyond: the fit, and NaN where there are no degrees of freedom."""
    rng = np.random.default_rng(n_rows)
    X, y = rng.integers(-9, 9, (n_rows, 3)).astype(float), rng.normal(size=n_rows)
    assert_solves(X, y, fit_intercept=fit_intercept)
    solution = solve(Moments.from_arrays(X, y), fit_intercept=fit_intercept)
    if solution.degrees_of_freedom == 0:
        assert math.isnan(solution.residual_variance)
        assert all(map(math.isnan, solution.standard_errors))


def test_what_is_undefined_is_nan() -> None:
    """One row has no R2, no degrees of freedom, and so no errors; its fit is the row."""
    solution = solve(Moments.from_arrays([[1.0, 2.0]], [3.0]))
    assert (solution.coefficients, solution.intercept) == ((0.0, 0.0), 3.0)
    assert (solution.rank, solution.dependent, solution.rmse) == (0, (0, 1), 0.0)
    undefined = ("r2", "adjusted_r2", "residual_variance", "residual_standard_deviation")
    for name in (*undefined, "intercept_standard_error"):
        assert math.isnan(getattr(solution, name)), name
    assert all(map(math.isnan, solution.standard_errors))


def test_no_intercept_has_no_error() -> None:
    """Without an intercept it is 0.0, and its standard error NaN; ridge has no errors."""
    moments = Moments.from_arrays([[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0])
    through_zero = solve(moments, fit_intercept=False)
    assert through_zero.intercept == 0.0
    assert math.isnan(through_zero.intercept_standard_error)
    assert through_zero.standard_errors[0] > 0
    ridge = solve(moments, alpha=1.0)
    assert math.isnan(ridge.standard_errors[0])
    assert math.isnan(ridge.intercept_standard_error)


@pytest.mark.parametrize(("target", "r2"), [(5.0, 1.0), (0.0, 1.0), (0.1, 1.0)])
def test_constant_target(target: float, r2: float) -> None:
    """A constant is fitted without error: R2 is 1, as in scikit-learn; coefficients are 0."""
    X = np.array([[1.0], [2.0], [4.0]])
    solution = solve(Moments.from_arrays(X, np.full(3, target)))
    assert (solution.coefficients, solution.intercept) == ((0.0,), target)
    assert (solution.r2, solution.standard_errors) == (r2, (0.0,))
    assert math.isnan(solution.adjusted_r2)


def test_nothing_to_fit() -> None:
    """The moments of no rows, or of no columns, are moments, but determine no model."""
    nothing = Moments.from_arrays(np.empty((0, 1)), np.empty(0))
    with pytest.raises(DataError, match="no rows to fit"):
        solve(nothing)
    with pytest.raises(DataError, match="no columns to fit"):
        solve(Moments.from_arrays(np.empty((2, 0)), [1.0, 2.0]))


@pytest.mark.parametrize(
    "alpha", [-1.0, -5e-324, math.inf, math.nan, 10**400, "1", None, 1j, [1.0]]
)
def test_impossible_penalties(alpha: Any) -> None:
    """A penalty is finite and not negative."""
    with pytest.raises(DataError, match=r"alpha is .*; expected a finite number"):
        solve(Moments.from_arrays([[1.0], [2.0]], [1.0, 2.0]), alpha=alpha)


@pytest.mark.parametrize(("alpha", "kind"), [("1", "str"), ([1], "list"), (np.ones(1), "ndarray")])
def test_penalties_of_another_type(alpha: Any, kind: str) -> None:
    """What looks like a number in the message, but is none, is named with its type."""
    with pytest.raises(DataError, match=f"of type {kind}; expected a finite number"):
        solve(Moments.from_arrays([[1.0], [2.0]], [1.0, 2.0]), alpha=alpha)


def test_overflow_names_the_column() -> None:
    """A coefficient beyond float64 names its column, an intercept itself."""
    X = np.array([[1.0, 1e-300], [2.0, 3e-300], [3.0, 2e-300]])
    moments = Moments.from_arrays(X, [1e300, 3e300, -1e300])
    with pytest.raises(DataError, match=r"column 'x1' is beyond float64.*scale the column"):
        solve(moments)
    with pytest.raises(DataError, match="column 'tiny' is beyond float64"):
        solve(moments, names=["usual", "tiny"])
    steep = Moments.from_arrays([[1e10], [1e10 + 1]], [0.0, 1e299])
    with pytest.raises(DataError, match="the intercept is beyond float64"):
        solve(steep)


def test_other_results_beyond_float64_say_so() -> None:
    """A finite fit with errors beyond float64 names the result that is."""
    X = np.array([[1e-300], [1e-300], [-1e-300], [-1e-300]])
    solution = solve(Moments.from_arrays(X, [1e300, -1e300, 1e300, -1e300]))
    assert (solution.coefficients, solution.rmse) == ((0.0,), 1e300)
    with pytest.raises(DataError, match="the residual variance is beyond float64"):
        _ = solution.residual_variance
    with pytest.raises(DataError, match="a standard error is beyond float64"):
        _ = solution.standard_errors


def regular_rows(seed: int) -> Table:
    """Return rows of full rank."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(30, 4)), rng.normal(size=30)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_balls_and_exact_errors_agree(
    seed: int, fit_intercept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors from balls of any precision equal those from the exact inverse."""
    moments = Moments.from_arrays(*regular_rows(seed))
    fast = solve(moments, fit_intercept=fit_intercept).standard_errors
    for precisions in ([], [2], [2, 64], [60]):
        monkeypatch.setattr(normal_equations, "_PRECISIONS", precisions)
        assert solve(moments, fit_intercept=fit_intercept).standard_errors == fast


def test_balls_decide_usual_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exact inverse, which is slow, is not needed for data without ties."""
    monkeypatch.setattr(NormalEquations, "variance_factors", None)
    X, y = regular_rows(0)
    solution = solve(Moments.from_arrays(X, y))
    assert solution.standard_errors == LeastSquares(X, y).standard_errors


@pytest.mark.parametrize(
    ("midpoint", "even"), [(2**53 + 1, 2**53), (2**53 + 3, 2**53 + 4), (2**53 + 5, 2**53 + 4)]
)
def test_an_error_that_is_a_tie(midpoint: int, even: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slope through (1, y1) and (2, y2) has the error |y2 - 2 y1| / 5, here a midpoint."""
    y = np.array([-(5 * 2**52), 5.0 * (midpoint - 2**53)])
    exact = Mock(wraps=NormalEquations.variance_factors)
    monkeypatch.setattr(NormalEquations, "variance_factors", lambda self: exact(self))
    solution = solve(Moments.from_arrays([[1.0], [2.0]], y), fit_intercept=False)
    assert solution.standard_errors == (float(even),)
    exact.assert_called_once()


def test_precision_is_left_as_it_was() -> None:
    """Balls are computed at precisions of their own."""
    before = flint.ctx.prec
    assert solve(Moments.from_arrays(*regular_rows(1))).standard_errors
    assert flint.ctx.prec == before


def test_solutions_can_be_pickled() -> None:
    """A solution comes back with all its results."""
    moments = Moments.from_arrays(*regular_rows(2))
    solution = solve(moments, names=list("abcd"), alpha=0.0)
    again: Solution = pickle.loads(pickle.dumps(solution))  # noqa: S301
    for name in RESULTS:
        assert is_same(getattr(again, name), getattr(solution, name)), name


def test_made_up_moments_are_refused() -> None:
    """Sums that no rows have, though each pair of columns could, get a clear error."""
    sums = ["0x1p2", "0", "0", "0", "0x5p1", "-0x9p0", "0x9p0", "0x5p1", "0x9p0", "0x5p1"]
    solution = solve(Moments.from_dict({"n_features": 2, "sums": sums}))
    with pytest.raises(DataError, match="no rows have these moments"):
        _ = solution.rmse
