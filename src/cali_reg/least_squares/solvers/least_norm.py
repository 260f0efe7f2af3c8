"""The solution of least norm of a singular symmetric system, and the Moore-Penrose inverse.

With B the columns S of A, independent and spanning the others, A is ``B A[S, S]⁻¹ Bᵀ``, and
``Bᵀ B`` is regular. With ``W = B (Bᵀ B)⁻¹`` the Moore-Penrose inverse is ``W A[S, S] Wᵀ``, and the
solution of least norm of ``A w = b`` is ``W b[S]``, as b is in the range of A.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import flint

from cali_reg.least_squares.solvers.integers import Integers


class LeastNorm:
    """A singular symmetric matrix of integers, with a right side in its range.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Python integers, those of sums of products.
    right : ndarray of shape (n, 1)
    pivots : sequence of int
        Independent columns that span the others.
    """

    def __init__(self, matrix: Integers, right: Integers, pivots: Sequence[int]) -> None:
        self._matrix, self._right, self._pivots = matrix, right, list(pivots)
        self._last: tuple[int, Any] | None = None  # a precision, and W with that precision

    def solve(self) -> Any:
        """Return the solution, exactly: an fmpq_mat of shape (n, 1)."""
        if not self._pivots:
            return flint.fmpq_mat(flint.fmpz_mat(self._right.tolist())) * 0
        right: Integers = self._right[self._pivots]
        return self._basis * self._squared.solve(flint.fmpz_mat(right.tolist()))

    def solve_in_balls(self) -> list[flint.arb]:
        """Enclose the solution, at the precision set.

        Returns
        -------
        list of arb

        Raises
        ------
        ZeroDivisionError
            If the precision is too low.
        """
        right: Integers = self._right[self._pivots]
        solution: Any = self._w_in_balls() * flint.arb_mat(flint.fmpz_mat(right.tolist()))
        return list(solution.entries())

    def inverse(self) -> Any:
        """Return the Moore-Penrose inverse, exactly: an fmpq_mat of shape (n, n)."""
        if not self._pivots:
            return flint.fmpq_mat(flint.fmpz_mat(self._matrix.tolist()))  # zero
        w = self._basis * self._squared.inv()
        return w * self._square * w.transpose()

    def inverse_in_balls(self) -> flint.arb_mat:
        """Enclose the Moore-Penrose inverse, at the precision set.

        Returns
        -------
        arb_mat of shape (n, n)

        Raises
        ------
        ZeroDivisionError
            If the precision is too low.
        """
        if not self._pivots:
            return flint.arb_mat(flint.fmpz_mat(self._matrix.tolist()))  # zero
        w = self._w_in_balls()
        inverse: flint.arb_mat = w * flint.arb_mat(self._square) * w.transpose()
        return inverse

    def _w_in_balls(self) -> Any:
        if self._last is None or self._last[0] != flint.ctx.prec:
            w = flint.arb_mat(self._basis) * flint.arb_mat(self._squared).inv()
            self._last = flint.ctx.prec, w
        return self._last[1]

    @cached_property
    def _basis(self) -> Any:
        columns: Integers = self._matrix[:, self._pivots]
        return flint.fmpz_mat(columns.tolist())

    @cached_property
    def _squared(self) -> Any:
        return self._basis.transpose() * self._basis

    @cached_property
    def _square(self) -> Any:
        rows: Integers = self._matrix[self._pivots][:, self._pivots]
        return flint.fmpz_mat(rows.tolist())
