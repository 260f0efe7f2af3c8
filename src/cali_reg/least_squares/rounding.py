"""Rounding once: from rational numbers, their roots and balls to the nearest float64.

A ball is a number with a bound on its error, as FLINT's Arb computes with (Johansson, IEEE
Transactions on Computers 66, 2017).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

import flint

from cali_reg.errors import DataError

_Value = TypeVar("_Value")
_Rounded = TypeVar("_Rounded")

IMPOSSIBLE = "a sum of squares is negative: no rows have these moments; compute them from the rows"


def power_of_two(exponent: int) -> flint.fmpq:
    """Return ``2**exponent``, exactly.

    Parameters
    ----------
    exponent : int
    """
    return flint.fmpq(2) ** exponent


def to_float(value: flint.fmpq) -> float:
    """Return the float64 nearest to a rational number, ties to even.

    Parameters
    ----------
    value : fmpq

    Returns
    -------
    float

    Raises
    ------
    OverflowError
        If the nearest would be 2**1024 or more in size.

    Examples
    --------
    >>> to_float(flint.fmpq(1, 10))
    0.1
    """
    return int(value.p) / int(value.q)  # Python rounds a quotient of integers correctly


def sqrt_to_float(value: flint.fmpq) -> float:
    """Return the float64 nearest to the square root of a rational number, ties to even.

    Parameters
    ----------
    value : fmpq
        A sum of squares.

    Returns
    -------
    float

    Raises
    ------
    DataError
        If `value` is negative: only invented moments have such sums of squares.
    OverflowError
        If the nearest would be 2**1024 or more.

    Examples
    --------
    >>> sqrt_to_float(flint.fmpq(2))
    1.4142135623730951
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


def exact_sqrt(value: flint.fmpq) -> flint.fmpq | None:
    """Return the square root of a rational number, None if it is not rational.

    Parameters
    ----------
    value : fmpq
        Zero or above.

    Examples
    --------
    >>> exact_sqrt(flint.fmpq(4, 9)), exact_sqrt(flint.fmpq(2))
    (2/3, None)
    """
    roots = [math.isqrt(int(value.p)), math.isqrt(int(value.q))]
    root = flint.fmpq(*roots)
    return root if root * root == value else None


def ball_to_float(ball: flint.arb) -> float | None:
    """Return the float64 that every number in a ball rounds to.

    Parameters
    ----------
    ball : arb

    Returns
    -------
    float or None
        None if the numbers in the ball do not all round to the same float64.

    Raises
    ------
    OverflowError
        If all of them are beyond float64.
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


def round_balls(balls: Sequence[flint.arb]) -> tuple[float, ...] | None:
    """Return all balls rounded, with 0.0 for -0.0; None if one of them is too wide.

    Parameters
    ----------
    balls : sequence of arb
    """
    values = [ball_to_float(ball) for ball in balls]
    return None if None in values else tuple(v + 0.0 for v in values if v is not None)


def round_or_raise(rounding: Callable[[_Value], _Rounded], value: _Value, what: str) -> _Rounded:
    """Return ``rounding(value)``, with a clear error if the result is beyond float64.

    Parameters
    ----------
    rounding : callable
        A function of this module, or one that calls them.
    value : object
        Its argument.
    what : str
        What is rounded, for the message.

    Returns
    -------
    float, or what `rounding` returns

    Raises
    ------
    DataError
        If `rounding` raises OverflowError.
    """
    try:
        return rounding(value)
    except OverflowError:
        raise DataError(
            f"{what} is beyond float64, at least 2**1024 in size; scale the column or the target"
        ) from None


def round_each(
    passes: Iterator[list[flint.arb]], size: int, exactly: Callable[[int], float | None]
) -> list[float | None]:
    """Round each of some numbers from the first ball that decides, or exactly.

    Parameters
    ----------
    passes : iterator of lists of arb
        Balls of all numbers, smaller each time.
    size : int
        How many numbers there are.
    exactly : callable
        Return a number, rounded, by its index; None for one that is not algebraic, of which the
        middle of the last ball is taken: none is known that is as near to two float64.

    Returns
    -------
    list of float or None
        None for a number that is beyond float64.
    """
    found: list[float | None] = [None] * size
    undecided, last = list(range(size)), list[flint.arb]()
    for last in passes:
        undecided = [k for k in undecided if not _decide(found, k, partial(ball_to_float, last[k]))]
        if not undecided:
            break
    for k in undecided:
        if not _decide(found, k, partial(exactly, k)):
            found[k] = float(last[k].mid())
    return found


def _decide(found: list[float | None], k: int, rounded: Callable[[], float | None]) -> bool:
    """Set number k, to None if it is beyond float64; tell whether it is decided."""
    try:
        value = rounded()
    except OverflowError:
        return True
    found[k] = None if value is None else value + 0.0
    return value is not None


def _to_float_or_infinity(value: flint.fmpq) -> float:
    try:
        return to_float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
