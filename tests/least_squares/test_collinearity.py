"""Columns that depend on others up to roundings are found, and ordinary ones are not."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from random_tables import Table

from cali_reg import ExactLinearRegression
from cali_reg.errors import CollinearityWarning
from cali_reg.least_squares.collinearity import find_rounding_dependent
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.projected_solution import ProjectedSolution
from cali_reg.least_squares.solution import solve
from cali_reg.least_squares.statistics.rounding_bounds import r2_rounding_bound

N = 200


def random_rows(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return two columns of cents, and one of random numbers."""
    rng = np.random.default_rng(seed)
    net, ship = rng.integers(0, 9999, (2, N)) / 100
    return net, ship, rng.normal(size=N)


def found(*columns: np.ndarray, fit_intercept: bool = True) -> tuple[int, ...]:
    """Return the columns found in a table."""
    X = np.column_stack(columns)
    moments = Moments.from_arrays(X, np.arange(len(X)))
    exact = solve(moments, fit_intercept=fit_intercept).dependent
    return find_rounding_dependent(moments, exact, fit_intercept=fit_intercept)


def test_sums_and_differences_of_decimals() -> None:
    """The last of the columns that belong together is found, wherever it stands."""
    net, ship, z = random_rows()
    assert found(net, ship, net + ship, z) == (2,)
    assert found(net + ship, z, ship, net) == (3,)
    assert found(z, net, z * 0.1, ship, net - ship, ship / 3) == (2, 4, 5)
    assert found(net, net * 1.1 + 7) == (1,)


@pytest.mark.parametrize("decimals", [1, 2, 3])
@pytest.mark.parametrize("base", [0.0, 1.7e9, 1e12])
def test_large_offsets(decimals: int, base: float) -> None:
    """Epoch seconds: what is left is tiny beside the values, and not beside their spread."""
    rng = np.random.default_rng(decimals)
    start = np.round(base + rng.uniform(0, 1e6, N), decimals)
    duration = np.round(rng.uniform(0, 500, N), decimals)
    assert found(start, duration, start + duration) == (2,)
    end = start + duration + np.round(rng.normal(size=N), 3)
    assert found(start, duration, end) == ()


def test_without_an_intercept() -> None:
    """The constant counts only where there is one."""
    net, ship, _ = random_rows()
    assert found(net, net * 1.1 + 7, fit_intercept=False) == ()
    assert found(net, ship, net + ship, fit_intercept=False) == (2,)
    nearly_constant = 0.1 + np.arange(N) % 2 * 1e-17
    assert found(nearly_constant, net) == (0,)
    assert found(nearly_constant, net, fit_intercept=False) == ()


@pytest.mark.parametrize("noise", [1e-3, 1e-6, 1e-9])
def test_small_differences_are_information(noise: float) -> None:
    """A column that differs from another by more than roundings is a column of its own."""
    net, ship, z = random_rows()
    assert found(net, ship, net + ship + noise * z) == ()


def test_wide_tables() -> None:
    """Many columns, some of which depend on many: each is found, and no other."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 40))
    X[:, 30] = X[:, :30].sum(axis=1)
    X[:, 35] = X[:, 3] - X[:, 34] / 3
    assert found(*X.T) == (30, 35)
    assert found(*rng.normal(size=(40, N))) == ()


def test_order_of_rows_does_not_matter() -> None:
    """It is a property of the moments."""
    net, ship, z = random_rows()
    order = np.random.default_rng(1).permutation(N)
    columns = (net, ship, net + ship, z)
    assert found(*(column[order] for column in columns)) == found(*columns)


def test_the_estimator_warns() -> None:
    """A warning of its own class names the columns; with a penalty there is none."""
    net, ship, z = random_rows()
    X, y = np.column_stack([net, ship, net + ship]), z
    with pytest.warns(CollinearityWarning, match=r"rounding of their values: x2; their"):
        ExactLinearRegression().fit(X, y)
    ExactLinearRegression(alpha=1.0).fit(X, y)
    ExactLinearRegression().fit(X[:, :2], y)


def projected(X: np.ndarray, y: np.ndarray, dependent: list[int]) -> Table:
    """Return weights and errors of the least-norm solution, by NumPy, on rounded-off columns."""
    centered, target = X - X.mean(axis=0), y - y.mean()
    weights = np.linalg.lstsq(centered, target, rcond=1e-11)[0]
    inverse = np.linalg.pinv(centered.T @ centered, rcond=1e-11)
    left = target - centered @ weights
    df = len(y) - (X.shape[1] - len(dependent)) - 1
    variance = left @ left / df
    errors = np.sqrt(variance * inverse.diagonal())
    error = np.sqrt(variance * (1 / len(y) + X.mean(axis=0) @ inverse @ X.mean(axis=0)))
    return (
        np.append(weights, y.mean() - X.mean(axis=0) @ weights),
        np.append(errors, error),
    )


def test_projected_solution_is_that_of_least_norm() -> None:
    """Weights and errors are NumPy's for a rank that ignores roundings; rank is exact."""
    net, ship, z = random_rows()
    X = np.column_stack([net, ship, net + ship, z, 2 * z])
    y = 0.3 * net + z + np.random.default_rng(2).normal(size=N)
    solution = ProjectedSolution(Moments.from_arrays(X, y), list("abcde"), [2, 4])
    weights, errors = projected(X, y, [2, 4])
    found_weights = [*solution.coefficients, solution.intercept]
    found_errors = [*solution.standard_errors, solution.intercept_standard_error]
    np.testing.assert_allclose(found_weights, weights, rtol=1e-10)
    np.testing.assert_allclose(found_errors, errors, rtol=1e-9)
    assert (solution.rank, solution.degrees_of_freedom) == (3, N - 4)


def test_projected_solution_is_exact_for_exact_dependence() -> None:
    """Where nothing is rounded, it is `solve` of the same columns, to the last bit."""
    rng = np.random.default_rng(3)
    X = rng.integers(-9, 9, (50, 3)).astype(float)
    X = np.column_stack([X, X @ [1.0, -2.0, 3.0], X[:, 0] / 2])
    moments = Moments.from_arrays(X, rng.normal(size=50))
    expected = solve(moments)
    solution = ProjectedSolution(moments, list("abcde"), [3, 4])
    assert solution.coefficients == expected.coefficients
    assert solution.intercept == expected.intercept
    assert solution.standard_errors == expected.standard_errors
    assert solution.intercept_standard_error == expected.intercept_standard_error


def test_projection_keeps_predictions_accurate() -> None:
    """The exact solution loses its digits in float64; the projected one does not."""
    net, ship, z = random_rows()
    X = np.column_stack([net, ship, net + ship])
    moments = Moments.from_arrays(X, net + z)
    exact = solve(moments)
    projected_weights = ProjectedSolution(moments, list("abc"), [2])
    bounds = [
        r2_rounding_bound(moments, solution.coefficients, solution.intercept)
        for solution in (exact, projected_weights)
    ]
    assert bounds[0] is not None
    assert bounds[1] is not None
    assert bounds[0] > 1e-6
    assert bounds[1] < 1e-12


def test_threshold_is_that_of_rational_arithmetic() -> None:
    """One column and a constant: the decision is that of fractions, near the threshold, too."""
    decisions = set()
    for k in range(40):
        x = np.array([1.0, 1.0 + (1 + k) * 2.0**-51, 1.0, 1.0 + 2.0**-52 * k])
        values = list(map(Fraction, x.tolist()))
        mean = sum(values, Fraction(0)) / len(values)
        left = sum(((v - mean) ** 2 for v in values), Fraction(0))
        norms = float(sum(v * v for v in values)) ** 0.5, float(mean) * 2.0
        limit = 4 * 2.0**-53 * sum(norms)
        assert abs(float(left) ** 0.5 / limit - 1) > 1e-9  # far enough to compare in float64
        expected = (0,) if float(left) ** 0.5 <= limit else ()
        moments = Moments.from_arrays(x[:, None], np.arange(4.0))
        assert find_rounding_dependent(moments, solve(moments).dependent) == expected
        decisions.add(expected)
    assert decisions == {(), (0,)}
