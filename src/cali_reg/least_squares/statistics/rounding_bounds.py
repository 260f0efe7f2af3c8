"""Proven bounds on what the float64 roundings of predictions change.

A prediction is ``((b + w0 x0) + w1 x1) + ...`` with one rounding per operation. With p features a
term meets at most p + 1 of them, so the result is off by at most
``g (|b| + |w0 x0| + |w1 x1| + ...)`` with ``g = (p + 1) u / (1 - (p + 1) u)`` and u = 2**-53
(Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1), plus the smallest
float64 for each product that underflows. Everything here is rational, and rounded up at the end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from cali_reg.least_squares.exact_gram import UNIT
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.statistics.scores import residual_sums, total_sum_of_squares

_UNIT_ROUNDOFF = Fraction(1, 2**53)
_SMALLEST = Fraction(1, 2**1074)
_LARGEST = Fraction(2) ** 1023  # well below the largest float64


def prediction_rounding_bound(
    intercept: float, coefficients: Sequence[float], ranges: Sequence[tuple[float, float]]
) -> float | None:
    """Return by how much the roundings of a prediction can change it, at most.

    Parameters
    ----------
    intercept : float
        b.
    coefficients : sequence of n_features floats
        w.
    ranges : sequence of (minimum, maximum)
        Of each feature: the bound holds for inputs inside of them.

    Returns
    -------
    float or None
        In units of the target, rounded up. None if a prediction may overflow.

    Examples
    --------
    >>> prediction_rounding_bound(1.0, [2.0], [(-1.0, 3.0)])
    1.5543122344752196e-15
    """
    sizes = [abs(Fraction(intercept))]
    for weight, limits in zip(coefficients, ranges, strict=True):
        sizes.append(abs(Fraction(weight)) * max(abs(Fraction(limit)) for limit in limits))
    if sum(sizes) > _LARGEST:
        return None
    p = len(coefficients)
    return round_up(relative_error(p + 1) * sum(sizes) + p * _SMALLEST)


def r2_rounding_bound(
    moments: Moments, coefficients: Sequence[float], intercept: float
) -> float | None:
    """Return by how much R² of the float64 predictions can differ from that of the exact ones.

    With d the root of the sum of the squared rounding errors, RSS changes by at most
    ``2 d sqrt(RSS) + d**2``; and d is at most ``g (|b| sqrt(n) + |w0| sqrt(sum of x0**2) + ...)``,
    by Minkowski's inequality. All of it is in the moments.

    Parameters
    ----------
    moments : Moments
        Of the rows that are scored.
    coefficients : sequence of n_features floats
    intercept : float

    Returns
    -------
    float or None
        Rounded up. None where R² is undefined, and if a prediction may overflow.
    """
    n = moments.n_samples
    if n < 2 or (tss := total_sum_of_squares(moments)) == 0:
        return None
    squares = [Fraction(int(value), 2**-UNIT) for value in moments.sums.diagonal()[:-1]]
    weights = [abs(Fraction(weight)) for weight in (intercept, *coefficients)]
    size = sum(w * _sqrt_up(square) for w, square in zip(weights, squares, strict=True))
    if size > _LARGEST:
        return None
    p = len(coefficients)
    d = relative_error(p + 1) * size + p * _SMALLEST * _sqrt_up(Fraction(n))
    rss, _ = residual_sums(moments, coefficients, intercept)
    change = 2 * d * _sqrt_up(Fraction(int(rss.p), int(rss.q))) + d * d
    bound = change / Fraction(int(tss.p), int(tss.q))
    return None if bound > _LARGEST else round_up(bound)


def relative_error(n_operations: int) -> Fraction:
    """Bound the relative error of some roundings one after another.

    Parameters
    ----------
    n_operations : int

    Returns
    -------
    Fraction
        ``n u / (1 - n u)``, g for the p + 1 operations of a prediction.
    """
    return n_operations * _UNIT_ROUNDOFF / (1 - n_operations * _UNIT_ROUNDOFF)


def round_up(value: Fraction) -> float:
    """Return the smallest float64 that is not below a number.

    Parameters
    ----------
    value : Fraction
    """
    nearest = float(value)
    return nearest if nearest >= value else math.nextafter(nearest, math.inf)


def _sqrt_up(value: Fraction) -> Fraction:
    """Return a number that is not below the square root of `value`, and very close to it."""
    # scaled so that the integer root has at least 64 bits
    bits = value.numerator.bit_length() - value.denominator.bit_length()
    shift = max(0, 130 - bits) // 2
    quotient = (value.numerator << (2 * shift)) // value.denominator
    return Fraction(math.isqrt(quotient) + 1, 2**shift)
