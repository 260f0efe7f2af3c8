"""Verified float64, balls and fractions: whichever decides, every bit is the same."""

import math
from fractions import Fraction
from typing import Any
from unittest.mock import Mock, patch

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from random_tables import Table, any_numbers, mild_numbers, tables
from reference import RESULTS, LeastSquares, is_same
from solutions import assert_solves
from ways import WAYS, way

from cali_reg.errors import DataError
from cali_reg.jobs.fit import _solve
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.moments_file import TrainTestMoments
from cali_reg.least_squares.normal_equations import NormalEquations
from cali_reg.least_squares.solution import Solution, solve
from cali_reg.runtime.schema import Column

NAMES = (*RESULTS, "interval")


def by(name: str, moments: Moments, **options: Any) -> dict[str, Any]:
    """Return all results, found in one way."""
    with way(name):
        solution = solve(moments, **options)
        return {result: getattr(solution, result) for result in NAMES}


def assert_same(X: Any, y: Any, **options: Any) -> None:
    """Compare all results of the three ways."""
    moments = Moments.from_arrays(X, y)
    first, *others = (by(name, moments, **options) for name in WAYS)
    for other in others:
        for name in RESULTS:
            assert is_same(first[name], other[name]), name
        assert first["interval"] == other["interval"]


ways = st.sampled_from(["verified", "balls"])
penalties = st.sampled_from([0.0, 0.0, 5e-324, 0.1, 1e3, 1e300])


@given(tables(numbers=mild_numbers), st.booleans(), ways, penalties)
@example((np.array([[0.0, 0.0]]), np.array([0.0])), False, "verified", 0.0)
@settings(max_examples=150)
def test_solutions_equal_the_reference(
    table: Table, fit_intercept: bool, name: str, alpha: float
) -> None:
    """Few rows, constant and dependent columns, ridge: all results, bit for bit."""
    with way(name):
        assert_solves(*table, fit_intercept=fit_intercept, alpha=alpha)


@given(tables(numbers=any_numbers, max_rows=6), st.booleans(), ways)
@settings(max_examples=150)
def test_exponents_of_any_size(table: Table, fit_intercept: bool, name: str) -> None:
    """From subnormals to 1e308; what is beyond float64 is so in all ways."""
    with way(name):
        assert_solves(*table, fit_intercept=fit_intercept)


@pytest.mark.parametrize("p", [25, 40])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_more_columns(p: int, fit_intercept: bool) -> None:
    """More than are solved in fractions: full mantissas, unlike scales, one dependent column."""
    rng = np.random.default_rng(p)
    X = rng.normal(size=(2 * p, p)) * np.logspace(-200, 200, p)
    y = rng.normal(size=2 * p)
    assert_same(X, y, fit_intercept=fit_intercept)
    X[:, 7] = X[:, 3] * 4
    assert_same(X[:, :30], y, fit_intercept=fit_intercept)


def test_more_columns_than_rows() -> None:
    """Least norm for 12 rows of 30 columns, and of the same rows twice."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 30)).round(3), rng.normal(size=12)
    assert_same(X, y)
    assert_same(np.vstack([X, X]), np.append(y, y + 1))


@pytest.mark.parametrize("name", WAYS)
def test_columns_nearly_dependent(name: str) -> None:
    """A share of noise down to the last bits; then the rank is still exact."""
    rng = np.random.default_rng(3)
    for noise in (1e-4, 1e-8, 1e-12):
        X = rng.normal(size=(20, 3))
        X = np.column_stack([X, X.sum(axis=1) + noise * rng.normal(size=20)])
        with way(name):
            assert_solves(X, rng.normal(size=20))
    X = np.ones((6, 2)) * np.arange(6.0)[:, None]
    X[5, 1] = np.nextafter(5, 6)
    with way(name):
        assert_solves(X, np.arange(6.0) ** 2)


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("low", [2**53 + 1, 2**53 + 3, -(2**53) - 5])
def test_a_coefficient_that_is_a_tie(low: int, name: str) -> None:
    """A slope halfway between two float64, and one that differs from it by one part in 2**200."""
    tie = Fraction(low)
    X = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    y = np.array([float(low - 1), float(low + 1), 1.0, 3.0])
    with way(name):
        solution = solve(Moments.from_arrays(X, y), fit_intercept=False)
        assert solution.coefficients == (float(tie), 1.0)
        X, y = np.vstack([X, [2.0**-100, 0.0]]), np.append(y, 0.0)
        assert_solves(X, y, fit_intercept=False)


@pytest.mark.parametrize("name", WAYS)
def test_zeros(name: str) -> None:
    """Coefficients, errors, RSS and a partial slope that are exactly zero."""
    X = np.array([[a, b, c] for a in (-1.0, 1.0) for b in (-1.0, 1.0) for c in (0.0, 1.0, 3.0)])
    with way(name):
        assert_solves(X, X[:, 0] / 4)
        assert_solves(X * 3, X[:, 2])  # a third is no float64
        assert_solves(X, np.ones(12) / 3)
        assert_solves(X, X[:, 0] * X[:, 1])


def test_the_float64_inverse_decides_usual_cases() -> None:
    """Neither balls nor fractions are needed for the coefficients and scores of usual data."""
    rng = np.random.default_rng(9)
    X, y = rng.normal(size=(50, 25)), rng.normal(size=50)
    expected = LeastSquares(X, y)
    with (
        patch.object(NormalEquations, "solution", None),
        patch.object(NormalEquations, "_solve_in_balls", None),
    ):
        solution = solve(Moments.from_arrays(X, y))
        for name in RESULTS:
            assert is_same(getattr(solution, name), getattr(expected, name)), name


def test_a_good_fit_of_least_norm_needs_one_precision() -> None:
    """RSS has as many digits as the weights, though c - b x loses forty: one inverse is enough."""
    rng = np.random.default_rng(6)
    X = np.round(rng.normal(size=(80, 30)) * 1e6)
    X[:, 20] = X[:, 3] - X[:, 5]
    y = np.round(X @ np.arange(30.0), 1) + rng.normal(size=80).round(6)
    solution = solve(Moments.from_arrays(X, y))
    assert is_same(solution.standard_errors, LeastSquares(X, y).standard_errors)
    found = solution.equations._estimates
    assert [estimate.precision for estimate in found] == [192]
    assert found[0].rss.rel_accuracy_bits() > 150


def test_dependent_columns_are_rejected_before_they_are_solved() -> None:
    """The rank is enough to say no."""
    rng = np.random.default_rng(4)
    X = rng.integers(0, 9, (60, 30)).astype(float)
    X[:, 20] = X[:, 3] - X[:, 5]
    train = Moments.from_arrays(X, rng.normal(size=60))
    moments = TrainTestMoments(tuple(f"x{j}" for j in range(30)), "y", train, train)
    columns = [Column(name) for name in moments.names]
    solve_now = Mock(side_effect=AssertionError("solved"))
    with (
        patch.object(NormalEquations, "solution", property(solve_now)),
        patch.object(NormalEquations, "estimates", solve_now),
        pytest.raises(DataError, match="other columns\\): x20; drop"),
    ):
        _solve(moments, columns, allow_collinear=False, exactly=False)
    solution, notes = _solve(moments, columns, allow_collinear=True, exactly=False)
    assert (type(solution), notes) == (Solution, ())


def test_the_sign_of_a_zero_is_that_of_the_exact_value() -> None:
    """A ball about zero, narrower than the smallest float64, does not decide the sign."""
    rng = np.random.default_rng(0)
    X = rng.integers(-9, 9, (40, 29)).astype(float)
    y = rng.integers(-9, 9, 40) * 2.0**-60
    far = np.full((40, 1), 2.0**1000)  # once with each sign: its coefficient is zero
    rows = np.vstack([np.hstack([X, far]), np.hstack([X, -far])])
    solution = solve(Moments.from_arrays(rows, np.hstack([y, y])))
    assert solution.coefficients[-1] == 0.0
    assert math.copysign(1.0, solution.coefficients[-1]) == 1.0
