"""Exact least squares: from moments to coefficients, errors and scores, each rounded once.

Everything is rational arithmetic on the integers that `Moments` holds; FLINT does the linear
algebra. A result is rounded to the nearest float64, ties to even, at the very end, so it depends on
the data and on nothing else. The formulas are those of Seber & Lee, Linear Regression Analysis
(2003), chapter 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from numbers import Real
from typing import Any

import flint

from cali_reg.errors import DataError
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.normal_equations import NormalEquations
from cali_reg.least_squares.rounding import (
    IMPOSSIBLE,
    ball_to_float,
    round_or_raise,
    sqrt_to_float,
    to_float,
)
from cali_reg.least_squares.statistics.scores import (
    r_squared,
    sum_of_squares,
    total_sum_of_squares,
)
from cali_reg.least_squares.statistics.t_distribution import two_sided_quantile
from cali_reg.runtime.prediction_interval import Interval

LEVELS = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999)  # of the stored prediction intervals


def solve(
    moments: Moments,
    *,
    fit_intercept: bool = True,
    alpha: float = 0.0,
    names: Sequence[str] | None = None,
) -> Solution:
    """Minimize ``sum((y - b - X w)**2) + alpha * sum(w**2)`` over w and b, exactly.

    If several w reach the minimum (linearly dependent columns), the result is the one of least
    norm, as in scikit-learn's LinearRegression.

    Parameters
    ----------
    moments : Moments
        Of the training rows.
    fit_intercept : bool, default=True
        Whether there is an intercept b; without one it is zero.
    alpha : float, default=0.0
        Ridge penalty; the intercept has none.
    names : sequence of n_features strings, optional
        The features' names for error messages; default: x0, x1, ...

    Returns
    -------
    Solution

    Raises
    ------
    DataError
        If there are no rows or no features, if `alpha` is negative or not finite, or if a
        coefficient is beyond float64.

    Examples
    --------
    >>> solution = solve(Moments.from_arrays([[0.0], [1.0], [2.0]], [0.0, 1.0, 4.0]))
    >>> solution.coefficients, solution.intercept, solution.standard_errors
    ((2.0,), -0.3333333333333333, (0.5773502691896257,))
    """
    if moments.n_samples == 0:
        raise DataError("no rows to fit; expected at least one: check the data and its filters")
    if not isinstance(alpha, Real) or not 0 <= alpha < math.inf:
        raise DataError(f"alpha is {alpha!r}; expected a finite number, zero or above")
    if moments.n_features == 0:
        raise DataError("no columns to fit; expected at least one feature")
    if names is None:
        names = [f"x{j}" for j in range(moments.n_features)]
    return Solution(moments, list(names), fit_intercept, float(alpha))


class Solution:
    """The least-squares solution, as `solve` returns it.

    Every float is correctly rounded, and NaN where it is undefined. Coefficients are computed at
    once, everything else when it is first read; DataError is raised if it is beyond float64.

    Parameters
    ----------
    moments, names, fit_intercept, alpha
        As in `solve`.

    Attributes
    ----------
    coefficients : tuple of n_features floats
    intercept : float
        0.0 without an intercept.
    rank : int
        Rank of the features about their means (about zero without an intercept), exactly.
    dependent : tuple of int
        Indices of the columns that are constant (zero without an intercept), or a linear
        combination of columns to their left.
    degrees_of_freedom : int
        n_samples - rank, minus one for an intercept.
    r2, r2_uncentered, adjusted_r2, rmse : float
        Scores on the training rows. `r2` is about the mean of the target, with an intercept or
        without; `r2_uncentered` is about zero.
    residual_variance, residual_standard_deviation : float
    standard_errors : tuple of n_features floats
    intercept_standard_error : float
    interval : Interval or None
        What prediction intervals need.
    """

    def __init__(
        self, moments: Moments, names: list[str], fit_intercept: bool, alpha: float
    ) -> None:
        self._arguments = (moments, names, fit_intercept, alpha)
        self._moments = moments
        penalty = flint.fmpq(*alpha.as_integer_ratio())
        equations = NormalEquations(moments, fit_intercept=fit_intercept, alpha=penalty)
        self._equations = equations
        self.rank, self.dependent = equations.rank, equations.dependent
        self.coefficients = tuple(
            round_or_raise(to_float, weight, f"the coefficient of column {name!r}")
            for weight, name in zip(equations.weights, names, strict=True)
        )
        self.intercept = round_or_raise(to_float, equations.intercept, "the intercept")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments  # FLINT's numbers cannot be pickled

    @cached_property
    def degrees_of_freedom(self) -> int:
        """Number of rows minus the number of parameters that they determine."""
        return self._equations.n_samples - self.rank - self._equations.fit_intercept

    @cached_property
    def r2(self) -> float:
        """Coefficient of determination, 1 - RSS / TSS, with TSS about the mean, as scikit-learn.

        Without an intercept, too: it can then be below zero, also on the training rows.
        """
        return r_squared(self._rss, total_sum_of_squares(self._moments), self._equations.n_samples)

    @cached_property
    def r2_uncentered(self) -> float:
        """1 - RSS / (sum of the squared targets); NaN if all targets are zero.

        This is the R² that R, Stata, statsmodels and NIST print for a fit without an intercept.
        """
        squares = sum_of_squares(self._moments)
        return math.nan if squares == 0 else to_float(1 - self._rss / squares)

    @cached_property
    def adjusted_r2(self) -> float:
        """1 - (RSS / degrees of freedom) / (TSS / (n - 1)); NaN without degrees of freedom."""
        n, tss = self._equations.n_samples, total_sum_of_squares(self._moments)
        if self.degrees_of_freedom <= 0 or tss == 0:
            return math.nan
        return to_float(1 - self._rss * (n - 1) / (tss * self.degrees_of_freedom))

    @cached_property
    def rmse(self) -> float:
        """Root of RSS / n, in target units."""
        return sqrt_to_float(self._rss / self._equations.n_samples)

    @cached_property
    def residual_variance(self) -> float:
        """RSS / degrees of freedom; NaN without degrees of freedom."""
        variance, what = self._variance, "the residual variance"
        return math.nan if variance is None else round_or_raise(to_float, variance, what)

    @cached_property
    def residual_standard_deviation(self) -> float:
        """Root of the residual variance, in target units."""
        variance, what = self._variance, "the residual standard deviation"
        return math.nan if variance is None else round_or_raise(sqrt_to_float, variance, what)

    @property
    def standard_errors(self) -> tuple[float, ...]:
        """Standard errors of the coefficients; NaN with a penalty or without degrees of freedom.

        With dependent columns they are those of the solution of least norm.
        """
        return self._errors[: len(self.coefficients)]

    @property
    def intercept_standard_error(self) -> float:
        """Standard error of the intercept; NaN where `standard_errors` are, and without one."""
        return self._errors[-1] if self._equations.fit_intercept else math.nan

    @cached_property
    def interval(self) -> Interval | None:
        """What prediction intervals need, for the levels `LEVELS`.

        None with a penalty, without an intercept, for dependent columns, and without degrees of
        freedom.
        """
        equations, df = self._equations, self.degrees_of_freedom
        if self._arguments[-1] or not equations.fit_intercept or self.dependent or df <= 0:
            return None
        what = "an entry of the features' inverse Cholesky factor"
        return Interval(
            df,
            self.residual_standard_deviation,
            tuple(float(self._moments.mean(j)) for j in range(self._moments.n_features)),
            round_or_raise(_round_inverse_cholesky, equations, what),
            tuple((level, two_sided_quantile(df, level)) for level in LEVELS),
        )

    @cached_property
    def _rss(self) -> flint.fmpq:
        return self._equations.rss

    @cached_property
    def _variance(self) -> flint.fmpq | None:
        df = self.degrees_of_freedom
        return self._rss / df if df > 0 else None

    @cached_property
    def _errors(self) -> tuple[float, ...]:
        """Standard errors of the coefficients and of the intercept."""
        variance, size = self._variance, len(self.coefficients) + self._equations.fit_intercept
        if variance is None or self._arguments[-1]:
            return (math.nan,) * size
        if variance == 0:
            return (0.0,) * size
        return round_or_raise(self._round_errors, variance, "a standard error")

    def _round_errors(self, variance: flint.fmpq) -> tuple[float, ...]:
        for balls in self._equations.variance_factor_balls():
            roots = _round_balls([(ball * variance).sqrt() for ball in balls])
            if roots is not None:
                return roots
        return tuple(sqrt_to_float(variance * f) for f in self._equations.variance_factors())


def _round_inverse_cholesky(equations: NormalEquations) -> tuple[tuple[float, ...], ...]:
    """Round the rows of the inverse Cholesky factor: from balls or, for ties, exactly."""
    rows: list[tuple[float, ...] | None] = [None] * equations.rank
    for balls in equations.inverse_cholesky_balls():
        rows = [_round_balls(row) for row in balls]
        if None not in rows:
            break
    return tuple(row or _round_row(equations, k) for k, row in enumerate(rows))


def _round_balls(balls: Sequence[flint.arb]) -> tuple[float, ...] | None:
    """Round all balls, with 0.0 for -0.0; None if one of them is too wide."""
    values = [ball_to_float(ball) for ball in balls]
    return None if None in values else tuple(v + 0.0 for v in values if v is not None)


def _round_row(equations: NormalEquations, k: int) -> tuple[float, ...]:
    try:
        pairs = equations.inverse_cholesky_row(k)
    except ZeroDivisionError:
        raise DataError(IMPOSSIBLE) from None
    roots = [(v, sqrt_to_float(v * v * square)) for v, square in pairs]
    return tuple((-root if v < 0 else root) + 0.0 for v, root in roots)
