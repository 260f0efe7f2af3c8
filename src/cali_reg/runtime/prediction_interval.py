"""Interval: what the prediction intervals of a model need. Standard library only."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from cali_reg.errors import UsageError

TYPE_CHECKING = False  # see __init__.py
if TYPE_CHECKING:
    from typing import Any, Self


@dataclass(frozen=True)
class Interval:
    """The classical prediction interval of a row x: its prediction, plus and minus a half-width.

    ``t s sqrt(1 + 1/n + (x - m)ᵀ C⁻¹ (x - m))``, with Student's quantile t and C the sums of
    products about the means m (Seber & Lee, Linear Regression Analysis, 2003, section 5.3). Of
    C = L Lᵀ it is the rows of L⁻¹ that are stored: with w = L⁻¹ (x - m) the last term is a sum of
    squares, which no rounding can make negative.

    Attributes
    ----------
    degrees_of_freedom : int
    residual_standard_deviation : float, s
    means : tuple of n_features floats
    inverse_cholesky : tuple of n_features rows
        The lower triangle of L⁻¹: row k has k + 1 entries, the last above zero.
    quantiles : tuple of (level, quantile)
        Of Student's distribution, two-sided, to six significant digits.
    """

    degrees_of_freedom: int
    residual_standard_deviation: float
    means: tuple[float, ...]
    inverse_cholesky: tuple[tuple[float, ...], ...]
    quantiles: tuple[tuple[float, float], ...]

    @property
    def n_samples(self) -> int:
        """Number of training rows, n."""
        return self.degrees_of_freedom + len(self.means) + 1

    def quantile(self, level: float) -> float:
        """Return Student's quantile for a level. Raises UsageError for one that is not stored."""
        for stored, quantile in self.quantiles:
            if stored == level:
                return quantile
        levels = ", ".join(str(stored) for stored, _ in self.quantiles)
        raise UsageError(f"no interval is stored for the level {level}; expected one of {levels}")

    def half_width(self, row: Sequence[float], level: float) -> float:
        """Return ``t (s sqrt(((1 + 1/n) + w0 w0) + w1 w1 + ...))``, left to right.

        ``w_k = (L⁻¹_k0 d0 + L⁻¹_k1 d1) + ...`` with d = x - m, left to right, too; one rounding an
        operation. This order defines a half-width's bits, as `predict_row` does a prediction's.
        """
        deviations = [value - mean for value, mean in zip(row, self.means, strict=True)]
        total = 1.0 + 1.0 / self.n_samples
        for weights in self.inverse_cholesky:
            w = 0.0
            for weight, deviation in zip(weights, deviations, strict=False):  # a triangle
                w += weight * deviation
            total += w * w
        return self.quantile(level) * (self.residual_standard_deviation * math.sqrt(total))

    @classmethod
    def from_dict(cls, values: dict[str, Any], n_features: int) -> Self:
        """Read what ``dataclasses.asdict`` made.

        Raises KeyError, TypeError, ValueError or OverflowError for anything else.
        """
        interval = cls(
            **values
            | {
                "means": tuple(values["means"]),
                "inverse_cholesky": tuple(tuple(row) for row in values["inverse_cholesky"]),
                "quantiles": tuple(tuple(pair) for pair in values["quantiles"]),
            }
        )
        interval._check(n_features)
        return interval

    def _check(self, n_features: int) -> None:
        """Raise ValueError, or TypeError, for what no training stores."""
        self._check_sizes(n_features)
        self._check_numbers()
        self._check_signs()
        self._check_quantiles()

    def _check_sizes(self, n_features: int) -> None:
        rows, pairs = self.inverse_cholesky, self.quantiles
        sizes = [len(self.means), *map(len, rows), *map(len, pairs)]
        if sizes != [n_features, *range(1, n_features + 1), *[2] * len(pairs)]:
            raise ValueError(f"the interval does not fit {n_features} features")

    def _check_numbers(self) -> None:
        numbers = [self.residual_standard_deviation, *self.means]
        numbers += itertools.chain(*self.inverse_cholesky, *self.quantiles)
        if not all(type(value) in (int, float) and math.isfinite(value) for value in numbers):
            raise ValueError("a number of the interval is missing or not finite")

    def _check_signs(self) -> None:
        if type(self.degrees_of_freedom) is not int or self.degrees_of_freedom < 1:
            raise ValueError(f"the interval has {self.degrees_of_freedom!r} degrees of freedom")
        pivots = [row[-1] for row in self.inverse_cholesky]
        if self.residual_standard_deviation < 0 or not all(pivot > 0 for pivot in pivots):
            raise ValueError("a standard deviation or a pivot of the interval is negative")

    def _check_quantiles(self) -> None:
        levels = [level for level, _ in self.quantiles]
        quantiles = [quantile for _, quantile in self.quantiles]
        if not levels or not _is_ascending([0, *levels, 1]) or not _is_ascending([0, *quantiles]):
            raise ValueError("the levels of the interval are missing or out of order")


def _is_ascending(values: Sequence[float]) -> bool:
    return all(low < high for low, high in itertools.pairwise(values))
