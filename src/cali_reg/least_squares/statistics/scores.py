"""Scores of a linear model on the rows of some moments, each rounded once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import flint
import numpy as np

from cali_reg.errors import DataError
from cali_reg.least_squares.exact_gram import UNIT
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.rounding import power_of_two, round_or_raise, sqrt_to_float, to_float


@dataclass(frozen=True)
class Scores:
    """How well a model predicts the rows of some moments; each value is rounded once.

    `r2` is 1 - RSS / TSS (for a constant target 1.0 or 0.0, as in scikit-learn; NaN for fewer
    than two rows), `rmse` the root of RSS / n, `bias` the mean of prediction - target.
    """

    n_samples: int
    r2: float
    rmse: float
    bias: float


def score(moments: Moments, coefficients: Sequence[float], intercept: float) -> Scores:
    """Score the model ``intercept + X @ coefficients``, taken exactly, on any rows' moments.

    Raises
    ------
    DataError
        Without a row, for another number of features, or for a score beyond float64.
    """
    n = moments.n_samples
    rss, errors = _residual_sums(moments, coefficients, intercept)
    rmse = round_or_raise(sqrt_to_float, rss / n, "the RMSE")
    bias = round_or_raise(to_float, errors / n, "the bias")
    return Scores(n, r_squared(rss, total_sum_of_squares(moments), n), rmse, bias)


def r2_loss(
    moments: Moments, before: tuple[Sequence[float], float], after: tuple[Sequence[float], float]
) -> float:
    """Return by how much R² falls from one (coefficients, intercept) to another, rounded once.

    NaN where R² is undefined: for a constant target, as it is with one row.
    """
    rss = [_residual_sums(moments, *model)[0] for model in (before, after)]
    tss = total_sum_of_squares(moments)
    if tss == 0:
        return math.nan
    return round_or_raise(to_float, (rss[1] - rss[0]) / tss, "the loss of R²")


def r_squared(rss: flint.fmpq, tss: flint.fmpq, n_samples: int) -> float:
    """Return ``1 - rss / tss``, rounded once; 1.0 or 0.0 if `tss` is zero, NaN below two rows."""
    if n_samples < 2:
        return math.nan
    if tss == 0:
        return 1.0 if rss == 0 else 0.0
    return round_or_raise(to_float, 1 - rss / tss, "R2")


def total_sum_of_squares(moments: Moments) -> flint.fmpq:
    """Return the total sum of squares about the target's mean."""
    sums = moments.sums
    centered = int(sums[0, 0] * sums[-1, -1] - sums[0, -1] ** 2)
    return flint.fmpq(centered, int(sums[0, 0])) * power_of_two(UNIT)


def _residual_sums(
    moments: Moments, coefficients: Sequence[float], intercept: float
) -> tuple[flint.fmpq, flint.fmpq]:
    """Return the sums of the squared errors and of the errors, prediction - target, exactly."""
    n = moments.n_samples
    if len(coefficients) != moments.n_features or n == 0:
        raise DataError(
            f"{len(coefficients)} coefficients cannot be scored on {n} rows of"
            f" {moments.n_features} features; expected a coefficient for each and at least a row"
        )
    if not all(math.isfinite(w) for w in (intercept, *coefficients)):
        raise DataError("a coefficient is NaN or infinite; expected finite numbers: fit again")
    ratios = [float(w).as_integer_ratio() for w in (intercept, *coefficients, -1.0)]
    unit = max(denominator for _, denominator in ratios)  # all are powers of two
    vector = np.array([num * (unit // den) for num, den in ratios], dtype=object)
    sums = moments.sums  # the error of a row z = (1, x, y) is z @ vector / unit
    scale = power_of_two(UNIT)
    rss = flint.fmpq(int(vector @ sums @ vector), unit**2) * scale
    return rss, flint.fmpq(int(vector @ sums[0]), unit) * scale
