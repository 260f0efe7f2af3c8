"""Units of columns: the powers of two that make small integers of exact sums."""

from __future__ import annotations

from collections.abc import Sequence

import flint
import numpy as np

from cali_reg.least_squares.exact_gram import UNIT
from cali_reg.least_squares.rounding import power_of_two
from cali_reg.least_squares.solvers.integers import Integers

_NO_ZEROS = 1 << 20  # how many trailing zeros 0 is said to have


def without_common_power(sums: Integers) -> tuple[Integers, int]:
    """Return integers `small` and an exponent e with ``small * 4**e == sums * 2**UNIT``.

    Parameters
    ----------
    sums : ndarray
        In units of ``2**UNIT``.

    Returns
    -------
    small : ndarray
    exponent : int
    """
    half = _trailing_zeros(int(np.bitwise_or.reduce(sums, axis=None))) // 2
    return sums >> (2 * half), half + UNIT // 2


def divided(sums: Integers, exponents: list[int]) -> Integers:
    """Return ``sums[i, j] / 2**(exponents[i] + exponents[j])``, which are integers.

    Parameters
    ----------
    sums : ndarray of shape (n, n)
    exponents : list of int

    Returns
    -------
    ndarray of shape (n, n)
    """
    lowest = min(0, *exponents)
    shifts = np.array(exponents, dtype=object) - lowest  # none is negative
    quotients: Integers = (sums << (-2 * lowest)) >> (shifts[:, None] + shifts)
    return quotients


def column_units(sums: Integers) -> list[int]:
    """Return exponents z such that 2**(z[i] + z[j]) divides sums[i, j], nearly the largest.

    Parameters
    ----------
    sums : ndarray of shape (n, n)

    Returns
    -------
    list of int
    """
    zeros = [[_trailing_zeros(value) for value in row] for row in sums.tolist()]
    units = [row[j] // 2 if row[j] < _NO_ZEROS else 0 for j, row in enumerate(zeros)]
    for j, row in enumerate(zeros):
        units[j] -= max(0, units[j] + max(unit - z for unit, z in zip(units, row, strict=True)))
    return units


def add_to_diagonal(
    matrix: Integers, right: Integers, terms: Sequence[flint.fmpq]
) -> tuple[Integers, Integers]:
    """Return a system with binary fractions added to its diagonal, in integers.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
    right : ndarray of shape (n, 1)
    terms : sequence of fmpq

    Returns
    -------
    matrix, right : ndarray
        Both times the same power of two.
    """
    bits = max(int(term.q).bit_length() - 1 for term in terms)
    matrix, right = matrix << bits, right << bits
    for j, term in enumerate(terms):
        matrix[j, j] += int((term * power_of_two(bits)).p)
    return matrix, right


def _trailing_zeros(value: int) -> int:
    return (value & -value).bit_length() - 1 if value else _NO_ZEROS
