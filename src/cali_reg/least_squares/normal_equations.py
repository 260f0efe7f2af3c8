"""The normal equations of least squares in integers, and their exact solution."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import flint
import numpy as np

from cali_reg.least_squares.exact_gram import UNIT
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.rounding import power_of_two
from cali_reg.least_squares.solvers.integers import Integers

_PRECISIONS = [128 << step for step in range(8)]  # bits; a ball still too wide then holds a tie
_NO_ZEROS = 1 << 20  # how many trailing zeros 0 is said to have


class NormalEquations:
    """The equations ``A w = b`` in integers, where column j of [X, y] has the unit ``2**units[j]``.

    ``A[i, j] * 2**(units[i] + units[j]) / divisor`` is the sum of x_i x_j about the means, or
    about zero without an intercept; `b` holds the sums of x_i y, `c` is that of y y (Seber & Lee,
    Linear Regression Analysis, 2003, chapter 3).

    Parameters
    ----------
    moments : Moments
        Of at least one row.
    fit_intercept : bool
    alpha : fmpq
        Ridge penalty on the squared weights, zero or above.

    Attributes
    ----------
    n_samples : int
    fit_intercept : bool
    solution : fmpq_mat of shape (n_features, 1)
        The weights of least norm, in units of ``2**(units[-1] - units[j])``.
    rank : int
    dependent : tuple of int
        Columns that are constant (zero without an intercept), or a linear combination of
        columns to their left.
    """

    def __init__(self, moments: Moments, *, fit_intercept: bool, alpha: flint.fmpq) -> None:
        self.n_samples = moments.n_samples
        self.fit_intercept = fit_intercept
        self._sums, self._common = _without_common_power(moments.sums)
        self._set_units(_column_units(self._sums))
        self.rank, self.dependent = moments.n_features, tuple[int, ...]()
        self._basis: flint.fmpz_mat | None = None  # of the range of A, if A is singular
        try:
            matrix = self._penalized(alpha)
            self.solution = matrix.solve(type(matrix)(self._b))
        except ZeroDivisionError:
            self._find_basis()
            self.solution = self._inverse() * self._b
        if alpha != 0 and self._a.rank() < self.rank:
            self._find_pivots()

    @property
    def rss(self) -> flint.fmpq:
        """Residual sum of squares."""
        row = self.solution.transpose()
        rss = self._c - 2 * (row * self._b)[0, 0] + (row * self._a * self.solution)[0, 0]
        scaled: flint.fmpq = rss * power_of_two(2 * self._units[-1]) / self._divisor
        return scaled

    @property
    def weights(self) -> list[flint.fmpq]:
        """The features' coefficients."""
        _, *units, y = self._units
        pairs = zip(self.solution.entries(), units, strict=True)
        return [weight * power_of_two(y - unit) for weight, unit in pairs]

    @property
    def intercept(self) -> flint.fmpq:
        """Mean of the target less the weighted means of the features."""
        if not self.fit_intercept:
            return flint.fmpq(0)
        mean = flint.fmpq(self._integers[0, -1], self._integers[0, 0])
        rest = mean - (self._means * self.solution)[0, 0]
        intercept: flint.fmpq = rest * power_of_two(self._units[-1] - self._units[0])
        return intercept

    def inverse_balls(self) -> flint.arb_mat | None:
        """Enclose the inverse of the features' sums of products, at the precision set.

        Returns
        -------
        arb_mat of shape (n_features, n_features), or None
            None if the precision is too low to tell that there is an inverse.
        """
        try:
            inverse = flint.arb_mat(self._a).inv()
        except ZeroDivisionError:
            return None
        units = [power_of_two(-unit) for unit in self._units[1:-1]]
        for i, unit in enumerate(units):
            for j, other in enumerate(units):
                inverse[i, j] *= unit * other * self._divisor
        return inverse

    def variance_factors(self) -> list[flint.fmpq]:
        """Return the variances of the weights if the residual variance is 1, exactly.

        Returns
        -------
        list of fmpq
            One for each weight and, with an intercept, one for it at the end.
        """
        return self._factors(self._inverse())

    def variance_factor_balls(self) -> Iterator[list[flint.arb]]:
        """Enclose `variance_factors` in balls, more closely each time.

        Yields
        ------
        list of arb
            While it is used, FLINT's precision is that of these balls. Nothing for dependent
            columns.
        """
        for precision in _PRECISIONS if self._basis is None else []:
            with flint.ctx.workprec(precision):
                try:
                    inverse = flint.arb_mat(self._a).inv()
                except ZeroDivisionError:
                    continue  # singular, for all that this precision can tell
                yield self._factors(inverse)

    def inverse_cholesky_balls(self) -> Iterator[list[list[flint.arb]]]:
        """Enclose the rows of L⁻¹ in balls, more closely each time.

        L is the Cholesky factor: lower triangular, and L Lᵀ is the matrix of the features' sums of
        products.

        Yields
        ------
        list of lists of arb
            Row k has k + 1 entries. While it is used, FLINT's precision is that of these balls.
        """
        for precision in _PRECISIONS[:4]:  # beyond, `inverse_cholesky_row` is as fast
            with flint.ctx.workprec(precision):
                roots = [flint.arb(square).sqrt() for square in self._scales]
                rows = _inverse_cholesky(flint.arb_mat(self._a))
                yield [[v * root for v, root in zip(row, roots, strict=False)] for row in rows]

    def inverse_cholesky_row(self, k: int) -> list[tuple[flint.fmpq, flint.fmpq]]:
        """Return row k of L⁻¹, exactly.

        Parameters
        ----------
        k : int

        Returns
        -------
        list of k + 1 pairs of fmpq
            A pair (v, s) means ``v * sqrt(s)``.

        Raises
        ------
        ZeroDivisionError
            For moments that no rows have.
        """
        leading = flint.fmpz_mat([row[: k + 1] for row in self._a.tolist()[: k + 1]])
        unit = flint.fmpz_mat([[int(i == k)] for i in range(k + 1)])
        last = leading.solve(unit).entries()  # the last column of the inverse, L⁻¹[k] * L⁻¹[k, k]
        return [(v, scale / last[-1]) for v, scale in zip(last, self._scales, strict=False)]

    def _set_units(self, zeros: list[int]) -> None:
        """Write the equations in integers; the unit of column j of the sums is ``2**zeros[j]``."""
        self._units = [zero + self._common for zero in zeros]
        self._integers = _divided(self._sums, zeros)
        self._divisor = self._integers[0, 0] if self.fit_intercept else 1
        products = self._products().tolist()
        self._a = flint.fmpz_mat([row[:-1] for row in products[:-1]])
        self._b = flint.fmpz_mat([[row[-1]] for row in products[:-1]])
        self._c = flint.fmpz(products[-1][-1])

    def _products(self) -> Integers:
        """Return the products of [X, y] about the means, or about zero, times the divisor."""
        first = self._integers[0, 1:]
        products: Integers = self._integers[1:, 1:] * self._divisor
        return products - first[:, None] * first if self.fit_intercept else products

    def _penalized(self, alpha: flint.fmpq) -> Any:
        if alpha == 0:
            return self._a
        penalized = flint.fmpq_mat(self._a)
        for j, unit in enumerate(self._units[1:-1]):
            penalized[j, j] += alpha * self._divisor * power_of_two(-2 * unit)
        return penalized

    def _find_pivots(self) -> list[int]:
        """Find the rank and the dependent columns; return the others."""
        echelon, _, self.rank = self._a.rref()
        size = echelon.ncols()
        pivots = [next(j for j in range(size) if echelon[i, j]) for i in range(self.rank)]
        self.dependent = tuple(j for j in range(size) if j not in pivots)
        return pivots

    def _find_basis(self) -> None:
        """Find independent columns that span A's range."""
        pivots, size = self._find_pivots(), self._a.ncols()
        one, *zeros, y = _column_units(self._sums)
        self._set_units([one, *[min(zeros)] * size, y])  # a norm needs one unit for all
        self._basis = flint.fmpz_mat([[self._a[i, j] for j in pivots] for i in range(size)])

    def _inverse(self) -> Any:
        """Return the inverse of A or, of a singular A, the Moore-Penrose inverse."""
        if self._basis is None:
            return self._a.inv()
        if self.rank == 0:
            return flint.fmpq_mat(self._a)
        rows = self._basis.transpose()
        middle: Any = (rows * self._a * self._basis).inv()
        return self._basis * middle * rows

    def _factors(self, inverse: Any) -> list[Any]:
        factors = [inverse[j, j] * scale for j, scale in enumerate(self._scales)]
        if self.fit_intercept:
            means = type(inverse)(self._means)
            spread = (means * inverse * means.transpose())[0, 0]
            scale = power_of_two(-2 * self._units[0]) * self._divisor
            factors.append(spread * scale + flint.fmpq(1, self.n_samples))
        return factors

    @property
    def _scales(self) -> list[flint.fmpq]:
        """Factors from the diagonal of A⁻¹ to that of the inverse of the sums of products."""
        return [power_of_two(-2 * unit) * self._divisor for unit in self._units[1:-1]]

    @property
    def _means(self) -> flint.fmpq_mat:
        """Means of the features, each in its unit over that of 1: (1, n_features)."""
        row = self._integers[0, 1:-1].tolist()
        return flint.fmpq_mat([[flint.fmpq(total, self._integers[0, 0]) for total in row]])


def _inverse_cholesky(matrix: flint.arb_mat) -> list[list[flint.arb]]:
    """Return the rows of L⁻¹ for ``matrix == L Lᵀ``, by halves, so that FLINT mostly multiplies."""
    size = matrix.nrows()
    if size == 1:
        return [[1 / matrix[0, 0].sqrt()]]
    half, rows = size // 2, matrix.tolist()
    top = _inverse_cholesky(flint.arb_mat([row[:half] for row in rows[:half]]))
    upper = _lower_triangle(top)
    side = upper * flint.arb_mat([row[half:] for row in rows[:half]])  # of Lᵀ, on the right
    rest = flint.arb_mat([row[half:] for row in rows[half:]]) - side.transpose() * side
    bottom = _inverse_cholesky(rest)
    left = -_lower_triangle(bottom) * (side.transpose() * upper)
    return top + [a + b for a, b in zip(left.tolist(), bottom, strict=True)]


def _lower_triangle(rows: list[list[flint.arb]]) -> flint.arb_mat:
    return flint.arb_mat([row + [0] * (len(rows) - len(row)) for row in rows])


def _without_common_power(sums: Integers) -> tuple[Integers, int]:
    """Return integers `small` and an exponent e with ``small * 4**e == sums * 2**UNIT``."""
    half = _trailing_zeros(int(np.bitwise_or.reduce(sums, axis=None))) // 2
    return sums >> (2 * half), half + UNIT // 2


def _divided(sums: Integers, exponents: list[int]) -> Integers:
    """Return ``sums[i, j] / 2**(exponents[i] + exponents[j])``, which are integers."""
    lowest = min(0, *exponents)
    shifts = np.array(exponents, dtype=object) - lowest  # none is negative
    divided: Integers = (sums << (-2 * lowest)) >> (shifts[:, None] + shifts)
    return divided


def _column_units(sums: Integers) -> list[int]:
    """Return exponents z such that 2**(z[i] + z[j]) divides sums[i, j], nearly the largest."""
    zeros = [[_trailing_zeros(value) for value in row] for row in sums.tolist()]
    units = [row[j] // 2 if row[j] < _NO_ZEROS else 0 for j, row in enumerate(zeros)]
    for j, row in enumerate(zeros):
        units[j] -= max(0, units[j] + max(unit - z for unit, z in zip(units, row, strict=True)))
    return units


def _trailing_zeros(value: int) -> int:
    return (value & -value).bit_length() - 1 if value else _NO_ZEROS
