"""Exact least squares: sums, the solution, its standard errors and scores.

>>> from cali_reg.least_squares import Moments, score, solve
>>> moments = Moments.from_arrays([[0.0], [1.0], [2.0]], [0.0, 1.0, 4.0])
>>> solution = solve(moments)
>>> score(moments, solution.coefficients, solution.intercept).r2 == solution.r2
True
"""

from __future__ import annotations

from cali_reg import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cali_reg.least_squares.moments import Moments
    from cali_reg.least_squares.moments_file import TrainTestMoments
    from cali_reg.least_squares.predictions import half_widths, predict
    from cali_reg.least_squares.solution import Solution, solve
    from cali_reg.least_squares.statistics.cross_validation import cross_validate
    from cali_reg.least_squares.statistics.scores import Scores, score

__all__ = [
    "Moments",
    "Scores",
    "Solution",
    "TrainTestMoments",
    "cross_validate",
    "half_widths",
    "predict",
    "score",
    "solve",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Moments": "moments",
        "Scores": "statistics.scores",
        "Solution": "solution",
        "TrainTestMoments": "moments_file",
        "cross_validate": "statistics.cross_validation",
        "half_widths": "predictions",
        "predict": "predictions",
        "score": "statistics.scores",
        "solve": "solution",
    },
)
