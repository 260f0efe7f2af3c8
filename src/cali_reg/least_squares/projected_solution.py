"""The solution of least norm with some columns replaced by their projections on the others.

Columns that depend on others up to roundings (see `collinearity`) are taken as what they stand for:
column d becomes ``a_d0 + a_d1 x_1 + ...``, its exact projection on the columns before it that stay.
With A the rows a_d, b the weights of the columns that stay, and G = (I + A Aᵀ)⁻¹, the weights of
least norm with the same predictions are ``b - Aᵀ G A b`` for those, and A times them for the
others (Woodbury). All is rational; errors come from balls of rising precision.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

import flint
import numpy as np

from cali_reg.least_squares.inverse import exact_inverse_block, inverse_blocks
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.normal_equations import NormalEquations
from cali_reg.least_squares.rounding import (
    ball_to_float,
    round_or_raise,
    sqrt_to_float,
    to_float,
)


class ProjectedSolution:
    """Least squares with dependent columns replaced by their projections.

    It has what `Solution` has of the weights; there is no interval.

    Parameters
    ----------
    moments : Moments
        Of the training rows.
    names : sequence of n_features strings
        The features' names, for error messages.
    dependent : sequence of int
        The columns to replace, ascending; the others must be independent.
    fit_intercept : bool, default=True
        Whether there is an intercept; without one columns are projected on no constant either.

    Attributes
    ----------
    coefficients : tuple of n_features floats
        Correctly rounded.
    intercept : float
    rank : int
        Number of columns that stay.
    dependent : tuple of int
    degrees_of_freedom : int
        n_samples - rank, minus one for an intercept.
    interval : None

    Raises
    ------
    DataError
        If a coefficient is beyond float64.
    """

    interval = None
    is_penalized = False

    def __init__(
        self,
        moments: Moments,
        names: Sequence[str],
        dependent: Sequence[int],
        *,
        fit_intercept: bool = True,
    ) -> None:
        self.fit_intercept = fit_intercept
        self.dependent = tuple(dependent)
        self._kept = [j for j in range(moments.n_features) if j not in self.dependent]
        self.rank = len(self._kept)
        self.degrees_of_freedom = moments.n_samples - self.rank - fit_intercept
        self.moments = moments
        self._equations = _equations(moments.select(self._kept), fit_intercept=fit_intercept)
        self._shrink, self._projected = self._maps()
        weights = self._expand(flint.fmpq_mat([[w] for w in self._equations.weights]))
        self._weights = weights
        self.coefficients = tuple(
            round_or_raise(to_float, weight, f"the coefficient of column {name!r}")
            for weight, name in zip(weights, names, strict=True)
        )
        self._intercept = self._exact_intercept(weights)
        self.intercept = round_or_raise(to_float, self._intercept, "the intercept")

    @property
    def standard_errors(self) -> tuple[float, ...]:
        """Standard errors of the coefficients; NaN without residual degrees of freedom."""
        return self._errors[: self.moments.n_features]

    @property
    def intercept_standard_error(self) -> float:
        """Standard error of the intercept; NaN without one or residual degrees of freedom."""
        return self._errors[-1] if self.fit_intercept else math.nan

    def _exact_intercept(self, weights: Sequence[flint.fmpq]) -> flint.fmpq:
        if not self.fit_intercept:
            return flint.fmpq(0)
        target = _fraction(self.moments.mean(self.moments.n_features))
        pairs = zip(weights, self._means, strict=True)
        return target - sum((w * mean for w, mean in pairs), flint.fmpq(0))

    @cached_property
    def _means(self) -> list[flint.fmpq]:
        return [_fraction(self.moments.mean(j)) for j in range(self.moments.n_features)]

    def _maps(self) -> tuple[flint.fmpq_mat, flint.fmpq_mat]:
        """Return I - Aᵀ G A and G A: from b to the weights of the columns that stay, and others.

        The latter are A (I - Aᵀ G A), which is the same, as G is the inverse of I + A Aᵀ.
        """
        size, rows = len(self._kept), []
        for column in self.dependent:
            before = [j for j in self._kept if j < column]
            weights = self._projection(before, column)
            rows.append([*weights, *[flint.fmpq(0)] * (size - len(weights))])
        project = flint.fmpq_mat(rows)
        inner = (_identity(len(rows)) + project * project.transpose()).inv()
        projected = inner * project
        return _identity(size) - project.transpose() * projected, projected

    def _projection(self, before: Sequence[int], column: int) -> list[flint.fmpq]:
        """Return the weights of a column's exact projection on others (and the constant)."""
        if not before:
            return []
        kept = [0, *(j + 1 for j in before), column + 1]
        moments = Moments(self.moments.sums[np.ix_(kept, kept)])
        return _equations(moments, fit_intercept=self.fit_intercept).weights

    def _expand(self, kept: flint.fmpq_mat) -> list[flint.fmpq]:
        """Return the weights of all columns, from those with the same predictions of the kept."""
        values = dict(zip(self._kept, (self._shrink * kept).entries(), strict=True))
        values |= dict(zip(self.dependent, (self._projected * kept).entries(), strict=True))
        return [values[j] for j in range(self.moments.n_features)]

    @property
    def equations(self) -> NormalEquations:
        """The normal equations of the columns that stay."""
        return self._equations

    @cached_property
    def exact_rss(self) -> flint.fmpq:
        """Residual sum of squares, exactly."""
        return self._equations.rss

    @property
    def exact_weights(self) -> list[flint.fmpq]:
        """The coefficients and the intercept, exactly."""
        return [*self._weights, *([self._intercept] if self.fit_intercept else [])]

    def rss_ball(self) -> flint.arb:
        """Return RSS in a ball that is small for the precision set."""
        return flint.arb(self.exact_rss)

    def weight_balls(self) -> list[flint.arb]:
        """Return `exact_weights` in balls that are small for the precision set."""
        return [flint.arb(weight) for weight in self.exact_weights]

    def is_rss_zero(self) -> bool:
        """Tell whether all residuals are zero, exactly."""
        return bool(self.exact_rss == 0)

    def variance_factors(self) -> list[flint.fmpq]:
        """Return the variances of `exact_weights` for a residual variance of 1, exactly."""
        rows, extra = self._expansion
        inverse = exact_inverse_block(self._equations, range(self.rank))
        return _factors(flint.fmpq_mat(rows), inverse, extra)

    def variance_factor_balls(self) -> Iterator[list[flint.arb]]:
        """Enclose `variance_factors` in balls, more closely each time.

        Yields
        ------
        list of arb
            While it is used, FLINT's precision is that of these balls.
        """
        rows, extra = self._expansion
        matrix = flint.fmpq_mat(rows)
        for (inverse,) in inverse_blocks(self._equations, [range(self.rank)]):
            yield _factors(flint.arb_mat(matrix), inverse, extra)

    @cached_property
    def _errors(self) -> tuple[float, ...]:
        size = self.moments.n_features + self.fit_intercept
        if self.degrees_of_freedom <= 0:
            return (math.nan,) * size
        variance = self.exact_rss / self.degrees_of_freedom
        if variance == 0:
            return (0.0,) * size
        return round_or_raise(self._round_errors, variance, "a standard error")

    def _round_errors(self, variance: flint.fmpq) -> tuple[float, ...]:
        """Round the errors: the roots of the diagonal of s² P C⁻¹ Pᵀ, and the intercept's."""
        for factors in self.variance_factor_balls():
            errors = [ball_to_float((factor * variance).sqrt()) for factor in factors]
            if None not in errors:
                return tuple(error for error in errors if error is not None)
        return tuple(sqrt_to_float(factor * variance) for factor in self.variance_factors())

    @cached_property
    def _expansion(self) -> tuple[list[list[flint.fmpq]], list[flint.fmpq]]:
        """The rows of P with that of the intercept, and what is added to their variances."""
        rows = [self._expand_row(j) for j in range(self.moments.n_features)]
        extra = [flint.fmpq(0)] * len(rows)
        if self.fit_intercept:
            rows.append((flint.fmpq_mat([self._means]) * flint.fmpq_mat(rows)).entries())
            extra.append(flint.fmpq(1, self.moments.n_samples))
        return rows, extra

    def _expand_row(self, j: int) -> list[flint.fmpq]:
        """Return row j of P, which takes the weights of the kept columns to all."""
        if j in self.dependent:
            rows, i = self._projected, self.dependent.index(j)
        else:
            rows, i = self._shrink, self._kept.index(j)
        return [rows[i, k] for k in range(self.rank)]


def _factors(rows: Any, inverse: Any, extra: Sequence[flint.fmpq]) -> list[Any]:
    """Return the diagonal of ``rows inverse rowsᵀ``, plus `extra`."""
    products, size = rows * inverse, range(inverse.nrows())
    return [
        sum((products[i, k] * rows[i, k] for k in size), type(products[0, 0])(add))
        for i, add in enumerate(extra)
    ]


def _equations(moments: Moments, *, fit_intercept: bool) -> NormalEquations:
    return NormalEquations(moments, fit_intercept=fit_intercept, alpha=flint.fmpq(0))


def _identity(size: int) -> flint.fmpq_mat:
    return flint.fmpq_mat([[int(i == j) for j in range(size)] for i in range(size)])


def _fraction(value: Fraction) -> flint.fmpq:
    return flint.fmpq(value.numerator, value.denominator)
