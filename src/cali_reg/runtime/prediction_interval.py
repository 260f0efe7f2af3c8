"""Prediction intervals of a linear model."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from cali_reg.errors import UsageError


class Interval(NamedTuple):
    """The classical prediction interval of a row x: its prediction, plus and minus a half-width.

    The half-width is ``t s sqrt(1 + 1/n + (x - m)ᵀ C⁻¹ (x - m))``, with Student's quantile t and
    C the sums of products about the means m (Seber & Lee, Linear Regression Analysis, 2003,
    section 5.3). Stored are the rows of L⁻¹, where C = L Lᵀ (Cholesky): with w = L⁻¹ (x - m) the
    last term is a sum of squares, which no rounding can make negative.

    Attributes
    ----------
    degrees_of_freedom : int
        Training rows less features and intercept.
    residual_standard_deviation : float
        s, in units of the target.
    means : tuple of n_features floats
        m, the means of the features over the training rows.
    inverse_cholesky : tuple of n_features rows
        The lower triangle of L⁻¹: row k has k + 1 entries, the last one positive. The row and the
        column of a level that is folded into the baseline are zero.
    quantiles : tuple of (level, quantile)
        Two-sided quantiles of Student's t distribution, to six significant digits, for each
        confidence level.
    """

    degrees_of_freedom: int
    residual_standard_deviation: float
    means: tuple[float, ...]
    inverse_cholesky: tuple[tuple[float, ...], ...]
    quantiles: tuple[tuple[float, float], ...]

    @property
    def n_samples(self) -> int:
        """Number of training rows, n."""
        return self.degrees_of_freedom + sum(row[-1] > 0 for row in self.inverse_cholesky) + 1

    @property
    def constant(self) -> float:
        """The terms of the half-width's square that no row changes, over s: 1 + 1/n."""
        return 1.0 + 1.0 / self.n_samples

    def quantile(self, level: float) -> float:
        """Return Student's quantile for a confidence level.

        Parameters
        ----------
        level : float
            One of those that are stored, such as 0.95.

        Raises
        ------
        UsageError
            If the level is not stored.
        """
        for stored, quantile in self.quantiles:
            if stored == level:
                return quantile
        levels = ", ".join(str(stored) for stored, _ in self.quantiles)
        raise UsageError(
            f"no interval is stored for the confidence level {level}; expected one of {levels}"
        )

    def half_width(self, row: Sequence[float], level: float) -> float:
        """Return ``t (s sqrt(((1 + 1/n) + w0 w0) + w1 w1 + ...))``, left to right.

        Here ``w_k = (L⁻¹_k0 d0 + L⁻¹_k1 d1) + ...`` with d = x - m, left to right, too, and one
        rounding per operation. This order defines the bits of a half-width, as `predict_row`
        defines those of a prediction.

        Parameters
        ----------
        row : sequence of n_features floats
            x.
        level : float
            Confidence level, one of those that are stored.

        Returns
        -------
        float
            In units of the target.

        Raises
        ------
        UsageError
            If the level is not stored.
        """
        deviations = [value - mean for value, mean in zip(row, self.means, strict=True)]
        total = self.constant
        for weights in self.inverse_cholesky:
            w = 0.0
            for weight, deviation in zip(weights, deviations, strict=False):  # row k has k + 1
                w += weight * deviation
            total += w * w
        return self.quantile(level) * (self.residual_standard_deviation * math.sqrt(total))

    @classmethod
    def from_dict(cls, values: dict[str, Any], n_features: int) -> Interval:
        """Build an interval from its JSON values, and check it.

        Parameters
        ----------
        values : dict
            The attributes by name, with lists in place of tuples.
        n_features : int
            Number of features of the model.

        Returns
        -------
        Interval

        Raises
        ------
        KeyError, TypeError, ValueError, OverflowError
            For values that are not those of an interval for `n_features` features.
        """
        (deviation,) = to_floats([values["residual_standard_deviation"]])
        interval = cls(
            **values
            | {
                "residual_standard_deviation": deviation,
                "means": to_floats(values["means"]),
                "inverse_cholesky": tuple(map(to_floats, values["inverse_cholesky"])),
                "quantiles": tuple(map(to_floats, values["quantiles"])),
            }
        )
        _check_shape(interval, n_features)
        _check_values(interval)
        return interval


class IntervalAboutZero(Interval):
    """The interval of a model without an intercept.

    The half-width is ``t s sqrt(1 + xᵀ C⁻¹ x)``, with C the sums of products about zero: the means
    are zero, and the mean of the target has no error to add.
    """

    __slots__ = ()

    @property
    def n_samples(self) -> int:
        """Number of training rows, n."""
        return super().n_samples - 1

    @property
    def constant(self) -> float:
        """The terms of the half-width's square that no row changes, over s: 1."""
        return 1.0


def to_floats(values: Sequence[Any], count: int | None = None) -> tuple[float, ...]:
    """Return numbers of a JSON file as floats; other programs write ``-37`` for ``-37.0``.

    Parameters
    ----------
    values : sequence
    count : int, optional
        How many they must be.

    Returns
    -------
    tuple of float

    Raises
    ------
    ValueError
        For what is not a finite number that a float64 holds, and for another count.
    OverflowError
        For an integer beyond float64.
    """
    numbers = tuple(
        value if type(value) is float else float(value) if type(value) is int else math.nan
        for value in values
    )
    are_right = all(map(math.isfinite, numbers)) and numbers == tuple(values)
    if count not in (None, len(numbers)) or not are_right:
        raise ValueError("a number is missing or not finite")
    return numbers


def _check_shape(interval: Interval, n_features: int) -> None:
    sizes = [len(row) for row in interval.inverse_cholesky]
    if len(interval.means) != n_features or sizes != list(range(1, n_features + 1)):
        raise ValueError(f"the interval does not fit {n_features} features")
    if not interval.quantiles or any(len(pair) != 2 for pair in interval.quantiles):
        raise ValueError("the interval has no pairs of level and quantile")


def _check_values(interval: Interval) -> None:
    rows, pairs = interval.inverse_cholesky, interval.quantiles
    if type(interval.degrees_of_freedom) is not int or interval.degrees_of_freedom < 1:
        raise ValueError(f"the interval has {interval.degrees_of_freedom!r} degrees of freedom")
    if interval.residual_standard_deviation < 0 or not all(
        row[-1] > 0 or not any(row) for row in rows
    ):
        raise ValueError("a standard deviation or a diagonal entry of the interval is negative")
    levels, quantiles = zip(*pairs, strict=True)
    if not _is_ascending([0, *levels, 1]) or not _is_ascending([0, *quantiles]):
        raise ValueError("the levels of the interval are out of order")


def _is_ascending(values: Sequence[float]) -> bool:
    return all(low < high for low, high in itertools.pairwise(values))
