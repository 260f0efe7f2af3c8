"""Rounding once: from rational numbers, their roots and balls to the nearest float64."""

from __future__ import annotations

import math

import flint

from cali_reg.errors import DataError


def power_of_two(exponent: int) -> flint.fmpq:
    """Return ``2**exponent``, exactly."""
    return flint.fmpq(2) ** exponent


def to_float(value: flint.fmpq) -> float:
    """Return the float64 nearest to `value`, ties to even. Raises OverflowError beyond float64."""
    return int(value.p) / int(value.q)  # Python rounds a quotient of integers correctly


def sqrt_to_float(value: flint.fmpq) -> float:
    """Return the float64 nearest to the square root of `value`, ties to even.

    Raises DataError for a negative sum of squares: only moments that were made up have one.
    """
    if value < 0:
        raise DataError("a sum of squares is negative: no rows have these moments; make them anew")
    numerator, denominator = int(value.p), int(value.q)
    # an integer root of at least 64 bits; one more bit says whether anything was cut off
    shift = max(0, 130 - numerator.bit_length() + denominator.bit_length()) // 2
    quotient, remainder = divmod(numerator << (2 * shift), denominator)
    root = math.isqrt(quotient)
    inexact = remainder != 0 or root * root != quotient
    return (2 * root + inexact) / (1 << (shift + 1))


def ball_to_float(ball: flint.arb) -> float | None:
    """Return the float64 that every number in `ball` rounds to; None if they differ."""
    if not ball.is_finite():
        return None
    low, high = (
        to_float(flint.fmpq(mantissa) * power_of_two(int(exponent)))
        for mantissa, exponent in (ball.lower().man_exp(), ball.upper().man_exp())
    )
    return low if low == high else None
