"""Proven bounds on the solution of a system of integers, from an approximate inverse in float64.

With R an approximate inverse of the matrix A, ``alpha >= |I - R A|`` (the largest sum of a row) and
``alpha < 1``, A is regular, and an approximation v of the solution of ``A x = b`` is off by at most
``|R (b - A v)| / (1 - alpha)`` in each entry (Rump, Verification methods, Acta Numerica 19, 2010,
section 10). What the roundings in alpha and in R (b - A v) can amount to is added to the bounds, in
whatever order and with whatever instructions BLAS adds (Higham, Accuracy and Stability of
Numerical Algorithms, 2002, section 3.5). The residual b - A v is exact: A, b and v are integers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import flint
import numpy as np
import numpy.typing as npt

from cali_reg.least_squares.rounding import power_of_two
from cali_reg.least_squares.solvers.integers import Integers

Floats = npt.NDArray[np.float64]

_U = 2.0**-53
_TINY = 2.0**-800  # more than what is lost below the smallest float64 in a term
_LARGE = 900  # an integer is scaled by this power of two in float64, by more in integers
_MOST = 2.0**-8  # of alpha: each step gains at least so much
_BITS = 50  # of a correction, at most
_COLUMNS = 64  # of a matrix product, which no signal interrupts
_STEPS = 48  # at most
_MOST_BITS = 640  # of a solution: what they do not decide, as an exact zero, is solved exactly


class Bounds(NamedTuple):
    """Bounds on a solution: entry j is ``(mantissas[j] ± 2**radius) * 2**exponents[j]``.

    Attributes
    ----------
    mantissas : list of int
    radius : int or None
        None if the solution is exact.
    exponents : list of int
    """

    mantissas: list[int]
    radius: int | None
    exponents: list[int]

    def has_digits(self, bits: int) -> bool:
        """Tell whether the largest entry is known to so many bits.

        Parameters
        ----------
        bits : int

        Returns
        -------
        bool
        """
        size = max(map(int.bit_length, self.mantissas))
        return self.radius is None or size - self.radius > bits


class VerifiedSolver:
    """Solve systems with one matrix of integers, with proven bounds.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Python integers; symmetric.

    Attributes
    ----------
    is_regular : bool
        Whether the matrix is proven to have an inverse, and `bounds` can be used. False says
        nothing: the matrix may only be too ill-conditioned.
    """

    def __init__(self, matrix: Integers) -> None:
        self._matrix = matrix
        self._alpha = math.inf
        diagonal = matrix.diagonal().tolist()
        if min(diagonal) > 0:  # else it is not a matrix of sums of products
            # powers of two that scale the diagonal to numbers from 1/4 to 1
            self._scales = np.array([(v.bit_length() + 1) // 2 for v in diagonal])
            self._alpha = self._invert()
        self.is_regular = self._alpha < _MOST

    def _invert(self) -> float:
        """Compute R; return the bound alpha, infinite if there is none."""
        try:
            scaled = _scaled(self._matrix, np.add.outer(self._scales, self._scales))
            self._inverse: npt.NDArray[Any] = np.linalg.inv(scaled)
        except (OverflowError, np.linalg.LinAlgError):
            return math.inf
        sizes = np.abs(self._inverse)
        self._norm = float(sizes.sum(axis=1).max())
        if not self._norm < 1 / _U:
            return math.inf
        n = len(scaled)
        left = self._inverse @ scaled
        left[np.diag_indices(n)] -= 1.0
        computed = float(np.abs(left).sum(axis=1).max())
        # of the product, of the scaled entries, and of the subtraction: each with room to spare
        self._relative = 4 * (n + 4) * _U
        of_terms = float((sizes @ np.abs(scaled).sum(axis=1)).max())
        roundings = self._relative * (of_terms + computed + 1) + n * n * (self._norm + 1) * _TINY
        return (computed + roundings) * (1 + self._relative)

    def bounds(self, right: Integers) -> Iterator[Bounds]:
        """Bound the solution of ``A x = right``, more closely each time.

        Parameters
        ----------
        right : ndarray of shape (n,)
            Python integers.

        Yields
        ------
        Bounds
            An exact solution is the last one.
        """
        # entry j of the solution is (values[j] +- 2**radius) * 2**(-bits - scales[j]), and
        # `residual` is right - A x, times 2**(bits + top)
        top = int(self._scales.max())
        shifts = (top - self._scales).astype(object)
        values, residual, bits = np.zeros_like(right), right << top, 0
        # fewer bits than are right: then a solution of few bits is met exactly
        digits = min(_BITS, -math.frexp(self._alpha)[1] - 2)
        for step in range(_STEPS):
            if not residual.any():
                yield Bounds(values.tolist(), None, (-bits - self._scales).tolist())
                return
            correction, radius = self._correct(residual)
            if step:
                found = Bounds(values.tolist(), radius - top, (-bits - self._scales).tolist())
                yield found
                if found.has_digits(_MOST_BITS):
                    return
            missing = digits - radius + top
            more = max(0, missing)
            change = _to_integers(correction, missing - top) << (more - missing)
            values = (values << more) + change
            residual = (residual << more) - self._matrix @ (change << shifts)
            bits += more

    def inverse_diagonal(self) -> Iterator[tuple[int, int, int]]:
        """Bound the diagonal of the inverse, about twice as closely as R.

        With r column j of R and g the exact residual of ``A r = e_j``, entry j is
        ``r_j + rᵀ g + gᵀ A⁻¹ g``, and the last term is at most ``|g|_1 |R| |g|_∞ / (1 - alpha)``.

        Yields
        ------
        mantissa, radius, exponent : int
            Of each entry: ``(mantissa ± 2**radius) * 2**exponent``.
        """
        n, top = len(self._scales), int(self._scales.max())
        shifts = (top - self._scales).astype(object)
        for start in range(0, n, _COLUMNS):
            indices = range(start, min(start + _COLUMNS, n))
            part, residuals, bits = self._inverse_columns(indices)
            for k, j in enumerate(indices):
                residual = residuals[:, k]
                sizes = np.abs(_scaled(residual, self._scales + (top + bits))) + _TINY
                error = self._product_bound(float(sizes.sum()), float(sizes.max()))
                mantissa = (part[j, k] << (2 * top + bits)) + part[:, k] @ (residual << shifts)
                exponent = -2 * (top + bits)
                own = -2 * int(self._scales[j])
                yield mantissa, math.frexp(error)[1] - exponent, exponent + own

    def inverse_block(self, indices: Sequence[int]) -> flint.arb_mat:
        """Enclose rows and columns of the inverse, as `inverse_diagonal` does, in balls.

        Entry (i, j) is ``r_j[i] + r_iᵀ g_j + g_iᵀ A⁻¹ g_j``.

        Parameters
        ----------
        indices : sequence of int
            Of the rows and columns, k of them.

        Returns
        -------
        arb_mat of shape (k, k)
            At the precision set.
        """
        top = int(self._scales.max())
        shifts = (top - self._scales).astype(object)
        parts, residuals = [], []
        one_norm = largest = 0.0
        for start in range(0, len(indices), _COLUMNS):
            part, residual, bits = self._inverse_columns(indices[start : start + _COLUMNS])
            units = np.broadcast_to((self._scales + (top + bits))[:, None], residual.shape)
            sizes = np.abs(_scaled(residual, units)) + _TINY
            one_norm = max(one_norm, float(sizes.sum(axis=0).max()))
            largest = max(largest, float(sizes.max()))
            parts.append(part)
            residuals.append(residual << shifts[:, None])
        columns, left = np.hstack(parts), np.hstack(residuals)
        product: Any = flint.fmpz_mat(columns.T.tolist()) * flint.fmpz_mat(left.tolist())
        exponent = -2 * (top + bits)
        error = self._product_bound(one_norm, largest)
        radius = flint.arb(0, (1, math.frexp(error)[1]))
        block = flint.arb_mat(len(indices), len(indices))
        for i, row in enumerate(indices):
            for j, column in enumerate(indices):
                mantissa = (int(columns[row, j]) << (2 * top + bits)) + int(product[i, j])
                own = -int(self._scales[row] + self._scales[column])
                middle = flint.arb(mantissa) * power_of_two(exponent)
                block[i, j] = (middle + radius) * power_of_two(own)
        return block

    def _inverse_columns(self, indices: Sequence[int]) -> tuple[Integers, Integers, int]:
        """Return columns of R and their exact residuals, as integers, and the bits of the former.

        The units are ``2**-bits``, and ``2**(-top - bits - scales[i])`` for row i of the residuals.
        """
        top = int(self._scales.max())
        shifts = (top - self._scales).astype(object)
        bits = 61 - math.frexp(float(np.abs(self._inverse).max()))[1]
        columns = _to_integers((self._inverse[:, indices], 0), bits)
        product = self._integers * flint.fmpz_mat((columns << shifts[:, None]).tolist())
        residuals = -np.array([[int(v) for v in row] for row in product.tolist()], dtype=object)
        for k, j in enumerate(indices):
            residuals[j, k] += 1 << (top + bits + int(self._scales[j]))
        return columns, residuals, bits

    @cached_property
    def _integers(self) -> Any:
        return flint.fmpz_mat(self._matrix.tolist())

    def _product_bound(self, one_norm: float, largest: float) -> float:
        """Bound ``gᵀ Ã⁻¹ h`` for the scaled matrix, from the norms of g and h."""
        error = one_norm * self._norm * largest / (1 - self._alpha)
        return error * (1 + self._relative) ** 4 + _TINY

    def _correct(self, residual: Integers) -> tuple[tuple[Floats, int], int]:
        """Return R times the scaled residual, in float64 times a power of two, which it has.

        And an exponent whose power of two bounds what is left, in the same unit.
        """
        sizes = [abs(v).bit_length() - s for v, s in zip(residual, self._scales, strict=True) if v]
        exponent = int(max(sizes))
        scaled = _scaled(residual, self._scales + exponent)
        correction = self._inverse @ scaled
        size = float(np.abs(correction).max())
        roundings = self._relative * self._norm * float(np.abs(scaled).max())
        tiny = len(residual) * (self._norm + 1) * _TINY
        error = (size + roundings + tiny) / (1 - self._alpha) * (1 + self._relative)
        return (correction, exponent), math.frexp(error)[1] + exponent


def _scaled(values: Integers, shifts: npt.NDArray[np.int64]) -> Floats:
    """Return ``values * 2**-shifts`` in float64.

    An entry v is off by at most ``2 u abs(v) + 2**-800``. OverflowError is raised if it is large.
    """
    excess = shifts - _LARGE
    if excess.max() > 0:
        values = values >> np.maximum(excess, 0).astype(object)
    return np.ldexp(values.astype(np.float64), -np.minimum(shifts, _LARGE))


def _to_integers(values: tuple[Floats, int], exponent: int) -> Integers:
    """Return floats times a power of two, times another one, rounded to integers below 2**63."""
    floats, own = values
    return np.rint(np.ldexp(floats, own + exponent)).astype(np.int64).astype(object)
