"""Exact least squares: from moments to coefficients, errors and scores, each rounded once.

Everything is rational arithmetic on the integers that `Moments` holds; FLINT does the linear
algebra. A result is rounded to the nearest float64, ties to even, at the very end, so it depends on
the data and on nothing else. The formulas are those of Seber & Lee, Linear Regression Analysis
(2003), chapter 3.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from numbers import Real
from typing import Any

import flint

from cali_reg.errors import DataError
from cali_reg.least_squares.inverse import round_inverse_cholesky
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.normal_equations import NormalEquations
from cali_reg.least_squares.rounding import (
    ball_to_float,
    round_balls,
    round_or_raise,
    sqrt_to_float,
    to_float,
)
from cali_reg.least_squares.solvers.balls import Estimate
from cali_reg.least_squares.statistics.distributions import two_sided_quantile
from cali_reg.least_squares.statistics.scores import (
    r_squared,
    sum_of_squares,
    total_sum_of_squares,
)
from cali_reg.runtime.prediction_interval import Interval, IntervalAboutZero

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
    if names is None:
        names = [f"x{j}" for j in range(moments.n_features)]
    solution = Solution(moments, list(names), fit_intercept, alpha)
    _ = solution.coefficients, solution.intercept  # raises what they raise
    return solution


def _check(moments: Moments, alpha: float) -> None:
    if moments.n_samples == 0:
        raise DataError("no rows to fit; expected at least one: check the data and its filters")
    if not isinstance(alpha, Real):
        found = f"{alpha!r:.40}, of type {type(alpha).__name__}"
    elif not 0 <= alpha <= sys.float_info.max:
        found = f"{alpha!r:.40}"
    else:
        found = ""
    if found:
        raise DataError(f"alpha is {found}; expected a finite number, zero or above")
    if moments.n_features == 0:
        raise DataError("no columns to fit; expected at least one feature")


class Solution:
    """The least-squares solution, as `solve` returns it; it raises what `solve` does.

    Every float is correctly rounded, and NaN where it is undefined. The rank is computed at once,
    everything else when it is first read; DataError is raised if it is beyond float64.

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
    moments : Moments
    equations : NormalEquations
    """

    def __init__(
        self, moments: Moments, names: list[str], fit_intercept: bool, alpha: float
    ) -> None:
        _check(moments, alpha)
        alpha = float(alpha)
        self._arguments = (moments, names, fit_intercept, alpha)
        self.moments = moments
        penalty = flint.fmpq(*alpha.as_integer_ratio())
        equations = NormalEquations(moments, fit_intercept=fit_intercept, alpha=penalty)
        self.equations = equations
        self.rank: int = equations.rank
        self.dependent: tuple[int, ...] = equations.dependent

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments  # FLINT's numbers cannot be pickled

    @cached_property
    def coefficients(self) -> tuple[float, ...]:
        """The features' weights."""
        return tuple(
            round_or_raise(self._round_weight, j, f"the coefficient of column {name!r}")
            for j, name in enumerate(self._arguments[1])
        )

    @cached_property
    def intercept(self) -> float:
        """0.0 without an intercept."""
        return round_or_raise(self._round_intercept, None, "the intercept")

    @cached_property
    def degrees_of_freedom(self) -> int:
        """Number of rows minus the number of parameters that they determine."""
        return self.equations.n_samples - self.rank - self.equations.fit_intercept

    @cached_property
    def r2(self) -> float:
        """Coefficient of determination, 1 - RSS / TSS, with TSS about the mean, as scikit-learn.

        Without an intercept, too: it can then be below zero, also on the training rows.
        """
        n, tss = self.equations.n_samples, total_sum_of_squares(self.moments)
        return self._from_rss(lambda rss: 1 - rss / tss, lambda rss: r_squared(rss, tss, n), tss)

    @cached_property
    def r2_uncentered(self) -> float:
        """1 - RSS / (sum of the squared targets); NaN if all targets are zero.

        This is the R² that R, Stata, statsmodels and NIST print for a fit without an intercept.
        """
        squares = sum_of_squares(self.moments)
        if squares == 0:
            return math.nan
        return self._from_rss(
            lambda rss: 1 - rss / squares, lambda rss: to_float(1 - rss / squares)
        )

    @cached_property
    def adjusted_r2(self) -> float:
        """1 - (RSS / degrees of freedom) / (TSS / (n - 1)); NaN without degrees of freedom."""
        n, tss = self.equations.n_samples, total_sum_of_squares(self.moments)
        if self.degrees_of_freedom <= 0 or tss == 0:
            return math.nan
        share = flint.fmpq(n - 1) / (tss * self.degrees_of_freedom)
        return self._from_rss(lambda rss: 1 - rss * share, lambda rss: to_float(1 - rss * share))

    @cached_property
    def rmse(self) -> float:
        """Root of RSS / n, in target units."""
        n = self.equations.n_samples
        return self._from_rss(lambda rss: (rss / n).sqrt(), lambda rss: sqrt_to_float(rss / n))

    @cached_property
    def residual_variance(self) -> float:
        """RSS / degrees of freedom; NaN without degrees of freedom."""
        df = self.degrees_of_freedom
        if df <= 0:
            return math.nan
        return round_or_raise(self._round_variance, df, "the residual variance")

    @cached_property
    def residual_standard_deviation(self) -> float:
        """Root of the residual variance, in target units."""
        df = self.degrees_of_freedom
        if df <= 0:
            return math.nan
        return round_or_raise(self._round_deviation, df, "the residual standard deviation")

    @property
    def standard_errors(self) -> tuple[float, ...]:
        """Standard errors of the coefficients; NaN with a penalty or without degrees of freedom.

        With dependent columns they are those of the solution of least norm.
        """
        return self._errors[: len(self.coefficients)]

    @property
    def intercept_standard_error(self) -> float:
        """Standard error of the intercept; NaN where `standard_errors` are, and without one."""
        return self._errors[-1] if self.equations.fit_intercept else math.nan

    @cached_property
    def interval(self) -> Interval | None:
        """What prediction intervals need, for the levels `LEVELS`.

        None with a penalty, for dependent columns, and without degrees of freedom.
        """
        equations, df = self.equations, self.degrees_of_freedom
        if self._arguments[-1] or self.dependent or df <= 0:
            return None
        what = "an entry of the features' inverse Cholesky factor"
        means = [0.0] * self.moments.n_features
        if equations.fit_intercept:
            means = [float(self.moments.mean(j)) for j in range(len(means))]
        return (Interval if equations.fit_intercept else IntervalAboutZero)(
            df,
            self.residual_standard_deviation,
            tuple(means),
            round_or_raise(round_inverse_cholesky, equations, what),
            tuple((level, two_sided_quantile(df, level)) for level in LEVELS),
        )

    @property
    def fit_intercept(self) -> bool:
        """Whether there is an intercept."""
        return bool(self.equations.fit_intercept)

    @property
    def is_penalized(self) -> bool:
        """Whether there is a ridge penalty."""
        return bool(self._arguments[-1])

    @property
    def exact_rss(self) -> flint.fmpq:
        """Residual sum of squares, exactly."""
        return self._rss

    @property
    def exact_weights(self) -> list[flint.fmpq]:
        """The features' coefficients and, with an intercept, this at the end, exactly."""
        return [*self._weights, *([self.equations.intercept] if self.fit_intercept else [])]

    def rss_ball(self) -> flint.arb:
        """Return RSS in a ball that is small for the precision set."""
        for estimate in self.equations.estimates():
            if estimate.rss.rel_accuracy_bits() >= flint.ctx.prec // 2:
                return estimate.rss
        return flint.arb(self._rss)

    def weight_balls(self) -> list[flint.arb]:
        """Return `exact_weights` in balls that are small for the precision set."""
        for estimate in self.equations.estimates():
            found = [*estimate.weights, *([estimate.intercept] if self.fit_intercept else [])]
            if min(ball.rel_accuracy_bits() for ball in found) >= flint.ctx.prec // 2:
                return found
        return [flint.arb(weight) for weight in self.exact_weights]

    def is_rss_zero(self) -> bool:
        """Tell whether all residuals are zero, exactly."""
        for estimate in self.equations.estimates():
            if not estimate.rss.contains(0) or estimate.rss.is_zero():
                return bool(estimate.rss.is_zero())
        return bool(self._rss == 0)

    def variance_factors(self) -> list[flint.fmpq]:
        """Return the variances of `exact_weights` for a residual variance of 1, exactly."""
        return self.equations.variance_factors()

    def variance_factor_balls(self) -> Iterator[list[flint.arb]]:
        """Yield `variance_factors` in balls, smaller each time."""
        yield from self.equations.variance_factor_balls()

    def _round_weight(self, j: int) -> float:
        rounded = self._by_balls(lambda estimate: estimate.weights[j])
        return to_float(self._weights[j]) if rounded is None else rounded

    def _round_intercept(self, _: None) -> float:
        rounded = self._by_balls(lambda estimate: estimate.intercept)
        return to_float(self.equations.intercept) if rounded is None else rounded

    def _round_variance(self, df: int) -> float:
        return self._from_rss(lambda rss: rss / df, lambda rss: to_float(rss / df))

    def _round_deviation(self, df: int) -> float:
        return self._from_rss(lambda rss: (rss / df).sqrt(), lambda rss: sqrt_to_float(rss / df))

    @cached_property
    def _weights(self) -> list[flint.fmpq]:
        return self.equations.weights

    @cached_property
    def _rss(self) -> flint.fmpq:
        return self.equations.rss

    def _from_rss(
        self,
        of_ball: Callable[[flint.arb], flint.arb],
        exactly: Callable[[flint.fmpq], float],
        unless_zero: flint.fmpq | None = None,
    ) -> float:
        """Round a function of RSS: from a ball or, where no ball decides, exactly."""
        rounded = None
        if unless_zero != 0 and self.equations.n_samples > 1:
            rounded = self._by_balls(lambda estimate: of_ball(estimate.rss))
        return exactly(self._rss) if rounded is None else rounded

    def _by_balls(self, of_estimate: Callable[[Estimate], flint.arb]) -> float | None:
        """Round a result from the first ball that decides; None if none does."""
        for estimate in self.equations.estimates():
            with flint.ctx.workprec(estimate.precision):
                ball = of_estimate(estimate)
                rounded = ball_to_float(ball)
            if rounded is not None and (rounded != 0 or ball.is_zero()):  # the sign of a zero
                return rounded
        return None

    @cached_property
    def _errors(self) -> tuple[float, ...]:
        """Standard errors of the coefficients and of the intercept."""
        size = len(self._arguments[1]) + self.equations.fit_intercept
        if self.degrees_of_freedom <= 0 or self._arguments[-1]:
            return (math.nan,) * size
        if self.is_rss_zero():
            return (0.0,) * size
        return round_or_raise(self._round_errors, self.degrees_of_freedom, "a standard error")

    def _round_errors(self, df: int) -> tuple[float, ...]:
        for balls in self.equations.variance_factor_balls():
            rss = self.rss_ball()
            roots = round_balls([(ball * rss / df).sqrt() for ball in balls])
            if roots is not None:
                return roots
        variance = self._rss / df
        return tuple(sqrt_to_float(variance * f) for f in self.equations.variance_factors())
