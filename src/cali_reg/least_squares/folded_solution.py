"""A solution in which some levels of categorical columns are folded into the baseline.

Where a one-hot column is a combination of others (each canton has one town, or no row is left of a
level), its coefficient can be any number: others make up for it. Zero is chosen, as for the
baseline, and the other columns keep their errors and intervals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from cali_reg.least_squares.projected_solution import ProjectedSolution
from cali_reg.least_squares.solution import Solution
from cali_reg.runtime.prediction_interval import Interval


class FoldedSolution:
    """The solution of some columns, with zeros for the others.

    Parameters
    ----------
    solution : Solution or ProjectedSolution
        Of the columns that are kept.
    kept : sequence of int
        Their indices among all columns, in ascending order.
    n_features : int
        Number of all columns.

    Attributes
    ----------
    coefficients : tuple of n_features floats
        0.0 for a folded column.
    standard_errors : tuple of n_features floats
        NaN for a folded column.
    intercept, intercept_standard_error : float
    rank, degrees_of_freedom : int
    dependent : tuple of int
        The columns, folded ones aside, that depend on those to their left.
    interval : Interval or None
        With rows of zeros for folded columns.
    inner : Solution or ProjectedSolution
        Of the columns that are kept.
    kept : list of int
        Their indices.
    """

    def __init__(
        self, solution: Solution | ProjectedSolution, kept: Sequence[int], n_features: int
    ) -> None:
        self.kept, self._n_features = list(kept), n_features
        self.inner = solution
        self.intercept, self.rank = solution.intercept, solution.rank
        self.degrees_of_freedom = solution.degrees_of_freedom
        self.dependent = tuple(self.kept[j] for j in solution.dependent)
        self.coefficients = self._spread(solution.coefficients, 0.0)

    @property
    def standard_errors(self) -> tuple[float, ...]:
        """Standard errors of the coefficients; NaN for a folded column."""
        return self._spread(self.inner.standard_errors, math.nan)

    @property
    def intercept_standard_error(self) -> float:
        """Standard error of the intercept."""
        return self.inner.intercept_standard_error

    @property
    def interval(self) -> Interval | None:
        """What prediction intervals need."""
        interval = self.inner.interval
        if interval is None:
            return None
        rows = [(0.0,) * (k + 1) for k in range(self._n_features)]
        for row, k in zip(interval.inverse_cholesky, self.kept, strict=True):
            values = [0.0] * (k + 1)
            for value, j in zip(row, self.kept, strict=False):  # row k has k + 1 entries
                values[j] = value
            rows[k] = tuple(values)
        means = self._spread(interval.means, 0.0)
        return interval._replace(means=means, inverse_cholesky=tuple(rows))

    def _spread(self, values: Sequence[float], other: float) -> tuple[float, ...]:
        """Return a value for each column: `other` for those that are folded."""
        spread = [other] * self._n_features
        for value, j in zip(values, self.kept, strict=True):
            spread[j] = value
        return tuple(spread)
