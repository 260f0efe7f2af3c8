"""Rounding once: from rational numbers, their roots and balls to the nearest float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import flint

from cali_reg.errors import DataError

_Value = TypeVar("_Value")
_Rounded = TypeVar("_Rounded")

IMPOSSIBLE = "a sum of squares is negative: no rows have these moments; make them anew"


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
        raise DataError(IMPOSSIBLE)
    numerator, denominator = int(value.p), int(value.q)
    # an integer root of at least 64 bits; one more bit says whether anything was cut off
    shift = max(0, 130 - numerator.bit_length() + denominator.bit_length()) // 2
    quotient, remainder = divmod(numerator << (2 * shift), denominator)
    root = math.isqrt(quotient)
    inexact = remainder != 0 or root * root != quotient
    return (2 * root + inexact) / (1 << (shift + 1))


def ball_to_float(ball: flint.arb) -> float | None:
    """Return the float64 that every number in `ball` rounds to; None if they differ.

    Raises OverflowError if all are beyond float64.
    """
    if not ball.is_finite():
        return None
    low, high = (
        _to_float_or_infinity(flint.fmpq(mantissa) * power_of_two(int(exponent)))
        for mantissa, exponent in (ball.lower().man_exp(), ball.upper().man_exp())
    )
    if low != high:
        return None
    if math.isinf(low):
        raise OverflowError
    return low


def round_or_raise(rounding: Callable[[_Value], _Rounded], value: _Value, what: str) -> _Rounded:
    """Return ``rounding(value)``. Raises DataError that names `what` if it is beyond float64."""
    try:
        return rounding(value)
    except OverflowError:
        raise DataError(
            f"{what} is beyond float64, at least 2**1024 in size; scale the column or the target"
        ) from None


def _to_float_or_infinity(value: flint.fmpq) -> float:
    try:
        return to_float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
