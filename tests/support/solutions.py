"""Compare a solution with the reference's."""

from typing import Any

from outcomes import BEYOND, outcome
from reference import RESULTS, LeastSquares, is_same

from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.solution import solve


def result(solution: Any, name: str) -> Any:
    """Return one result by name, or that it is beyond float64."""
    return outcome(lambda: getattr(solution, name))


def assert_solves(X: Any, y: Any, **options: Any) -> None:
    """Compare all results with the reference's."""
    expected = LeastSquares(X, y, **options)
    solution = outcome(lambda: solve(Moments.from_arrays(X, y), **options))
    if solution == BEYOND:
        assert BEYOND in (result(expected, "coefficients"), result(expected, "intercept"))
        return
    for name in RESULTS:
        assert is_same(result(solution, name), result(expected, name)), name
