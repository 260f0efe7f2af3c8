"""Python's integers from float64 values, and from sums of products of slices in int64."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.object_]  # Python integers

_HALF = 32  # bits of the lower half of an int64


def to_digits(
    gram: npt.NDArray[np.int64], counts: list[int], bits: int
) -> list[npt.NDArray[np.int64]]:
    """Return the sums as digits, the lowest first, in the order of depth.

    Digit m counts multiples of ``2**(m * bits)``, and may be negative. The products of slices
    k and l of two columns belong to k + l; their halves, so that twelve cannot overflow, to
    that digit and the next.

    Parameters
    ----------
    gram : ndarray of shape (n_slices, n_slices)
        Sums of products of slices in its upper triangle, below 2**63 in size: those of the last
        slices of all columns, then of the last but one, and so on.
    counts : list of int
        How many columns have a first slice, a second one, and so on; at most twelve.
    bits : int
        Of a slice, below 32.

    Returns
    -------
    list of ndarrays of shape (n_columns, n_columns)
    """
    size, depth = counts[0], len(counts)
    digits = [np.zeros((size, size), dtype=np.int64) for _ in range(2 * depth)]
    ends = np.cumsum(counts).tolist()
    for k, n in enumerate(counts):
        for other in range(k, depth):
            m = counts[other]
            block = gram[ends[k] - n : ends[k], ends[other] - m : ends[other]]
            if k == other:
                block = np.triu(block) + np.triu(block, 1).T
            high, low = block >> _HALF, block & ((1 << _HALF) - 1)
            for half, digit in ((low, k + other), (high << (_HALF - bits), k + other + 1)):
                digits[digit][:n, :m] += half
                if k != other:
                    digits[digit][:m, :n] += half.T
    return digits


def from_digits(digits: list[npt.NDArray[np.int64]], bits: int) -> Integers:
    """Return ``sum(digits[m] * 2**(m * bits))``, by as few Python integers as can be.

    Parameters
    ----------
    digits : list of ndarrays
        They are overwritten.
    bits : int

    Returns
    -------
    ndarray
        Python integers.
    """
    for digit, following in itertools.pairwise(digits):
        np.add(following, digit >> bits, out=following)
        np.bitwise_and(digit, (1 << bits) - 1, out=digit)
    # all but the last are now from 0 to 2**bits: two of them make a word
    *pairs, last = digits
    total = last.astype(object)
    total <<= len(pairs) * bits
    for m in range(0, len(pairs), 2):
        word = pairs[m]
        if m + 1 < len(pairs):
            word += pairs[m + 1] << bits
        total += word.astype(object) << (m * bits)
    return total


def sum_products(rows: npt.NDArray[np.float64], unit_exponent: int) -> Integers:
    """Sum up products by Python's integers alone: slow, but for any finite float64.

    Parameters
    ----------
    rows : ndarray of shape (n_columns, n_rows)
    unit_exponent : int
        The sums are in units of its power of two.

    Returns
    -------
    ndarray of shape (n_columns, n_columns)
    """
    mantissas, exponents = np.frexp(rows)
    integers = np.ldexp(mantissas, 53).astype(np.int64).astype(object)
    lowest = exponents.min(axis=1, keepdims=True)
    values = integers << (exponents - lowest).astype(object)
    unit = (lowest + lowest.T - 2 * 53 - unit_exponent).astype(object)
    # for values below 2**-1022 `unit` may be negative; the bits that it shifts out are zeros
    products: Integers = ((values @ values.T) << (unit + 200)) >> 200
    return products
