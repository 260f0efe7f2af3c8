"""Scores of a linear model on the rows of some moments, each rounded once.

RSS is the residual sum of squares, TSS the total sum of squares about the target's mean.
"""

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
    """How well a model predicts some rows, each value correctly rounded.

    Attributes
    ----------
    n_samples : int
        Number of rows.
    r2 : float
        1 - RSS / TSS. For a constant target it is 1.0 or 0.0, as in scikit-learn; for fewer than
        two rows it is NaN.
    rmse : float
        Square root of RSS / n_samples, in target units.
    bias : float
        Mean of prediction - target, in target units.
    """

    n_samples: int
    r2: float
    rmse: float
    bias: float


def score(moments: Moments, coefficients: Sequence[float], intercept: float) -> Scores:
    """Score the model ``intercept + X @ coefficients`` on the rows of some moments.

    The predictions are taken exactly, without the roundings of `predict`.

    Parameters
    ----------
    moments : Moments
        Of the rows to predict; these need not be the training rows.
    coefficients : sequence of n_features floats
    intercept : float

    Returns
    -------
    Scores

    Raises
    ------
    DataError
        If there are no rows, if the number of coefficients is not that of the features, if a
        coefficient is NaN or infinite, or if a score is beyond float64.

    Examples
    --------
    >>> moments = Moments.from_arrays([[0.0], [1.0], [2.0]], [0.0, 1.0, 4.0])
    >>> score(moments, [2.0], -0.5)
    Scores(n_samples=3, r2=0.9134615384615384, rmse=0.5, bias=-0.16666666666666666)
    """
    n = moments.n_samples
    rss, errors = residual_sums(moments, coefficients, intercept)
    rmse = round_or_raise(sqrt_to_float, rss / n, "the RMSE")
    bias = round_or_raise(to_float, errors / n, "the bias")
    return Scores(n, r_squared(rss, total_sum_of_squares(moments), n), rmse, bias)


def score_or_undefined(moments: Moments, coefficients: Sequence[float], intercept: float) -> Scores:
    """Score a model as `score` does; without rows all scores are undefined, which is no error.

    Parameters
    ----------
    moments : Moments
        Of the rows to predict, if there are any.
    coefficients : sequence of n_features floats
    intercept : float

    Returns
    -------
    Scores
        NaN where undefined.

    Raises
    ------
    DataError
        As `score` does, but for no rows.
    """
    if not moments.n_samples:
        return Scores(0, math.nan, math.nan, math.nan)
    return score(moments, coefficients, intercept)


def r2_loss(
    moments: Moments, before: tuple[Sequence[float], float], after: tuple[Sequence[float], float]
) -> float:
    """Return R² of one model minus R² of another, as a single rounding of the exact difference.

    Parameters
    ----------
    moments : Moments
        Of the rows to predict.
    before, after : tuple of (coefficients, intercept)
        The two models.

    Returns
    -------
    float
        Above zero if R² falls. NaN where R² is undefined: for a constant target, a single row, and
        no rows.

    Raises
    ------
    DataError
        As `score` does, but for no rows.

    Examples
    --------
    >>> moments = Moments.from_arrays([[0.0], [1.0], [2.0]], [0.0, 1.0, 4.0])
    >>> r2_loss(moments, ([2.0], -0.5), ([2.0], -0.75))
    0.05048076923076923
    """
    if not moments.n_samples:
        return math.nan
    rss = [residual_sums(moments, *model)[0] for model in (before, after)]
    tss = total_sum_of_squares(moments)
    if tss == 0:
        return math.nan
    return round_or_raise(to_float, (rss[1] - rss[0]) / tss, "the loss of R²")


def r_squared(rss: flint.fmpq, tss: flint.fmpq, n_samples: int) -> float:
    """Return ``1 - rss / tss``, correctly rounded.

    Parameters
    ----------
    rss, tss : fmpq
        The exact sums of squares.
    n_samples : int
        Number of rows.

    Returns
    -------
    float
        NaN for fewer than two rows. If `tss` is zero: 1.0 if `rss` is zero, too, otherwise 0.0.

    Raises
    ------
    DataError
        If the value is beyond float64.
    """
    if n_samples < 2:
        return math.nan
    if tss == 0:
        return 1.0 if rss == 0 else 0.0
    return round_or_raise(to_float, 1 - rss / tss, "R2")


def r2_uncentered(moments: Moments, coefficients: Sequence[float], intercept: float) -> float:
    """Return ``1 - RSS / (sum of the squared targets)``, correctly rounded.

    Parameters
    ----------
    moments : Moments
        Of the rows to predict.
    coefficients : sequence of n_features floats
    intercept : float

    Returns
    -------
    float
        NaN without rows, and if all targets are zero.

    Raises
    ------
    DataError
        As `score` does, but for no rows.
    """
    squares = sum_of_squares(moments)
    if squares == 0:
        return math.nan
    rss, _ = residual_sums(moments, coefficients, intercept)
    return round_or_raise(to_float, 1 - rss / squares, "R2")


def total_sum_of_squares(moments: Moments) -> flint.fmpq:
    """Return the target's sum of squares about its mean, exactly.

    Parameters
    ----------
    moments : Moments
        Of at least one row.

    Returns
    -------
    fmpq
    """
    sums = moments.sums
    centered = int(sums[0, 0] * sums[-1, -1] - sums[0, -1] ** 2)
    return flint.fmpq(centered, int(sums[0, 0])) * power_of_two(UNIT)


def sum_of_squares(moments: Moments) -> flint.fmpq:
    """Return the target's sum of squares about zero, exactly.

    Parameters
    ----------
    moments : Moments
        Of the rows.
    """
    return int(moments.sums[-1, -1]) * power_of_two(UNIT)


def residual_sums(
    moments: Moments, coefficients: Sequence[float], intercept: float
) -> tuple[flint.fmpq, flint.fmpq]:
    """Return the sums of the squared errors and of the errors, prediction - target, exactly.

    Parameters
    ----------
    moments : Moments
        Of the rows to predict.
    coefficients : sequence of n_features floats
    intercept : float

    Returns
    -------
    squares, errors : fmpq

    Raises
    ------
    DataError
        As `score` does.
    """
    n = moments.n_samples
    if len(coefficients) != moments.n_features or n == 0:
        raise DataError(
            f"{len(coefficients)} coefficients cannot be scored on {n} rows of"
            f" {moments.n_features} features; expected a coefficient for each feature and at"
            " least one row"
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
