"""A quadratic form as a sum of squares, for a search that fixes one coordinate after another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import flint

from cali_reg.least_squares.rounding import to_float

MAX_PROVABLE = 64  # coordinates; wider forms are factorized in float64, and nothing is proven

_Rows = dict[int, dict[int, Any]]  # a square matrix by row and column, some of them left out


class QuadraticForm:
    """The form ``xᵀ G x`` as a sum of squares, by the factorization LDLᵀ with pivoting.

    Write i, k for places in the order of the pivots: coordinate i is feature ``order[i]``. There
    ``G = L D Lᵀ`` with a unit lower triangular L and a diagonal D (Golub & Van Loan, Matrix
    Computations, 2013, section 4.1), and so the form is
    ``sum(D[i] * (x[i] + sum(L[k][i] * x[k] for k > i))**2)``.

    The search fixes the last coordinate first. Each pivot is the least that is left, in units of
    its coordinate's step; so the last coordinates cost most, and have the fewest values to try.

    Parameters
    ----------
    gram : fmpq_mat of shape (n_features, n_features)
        G, symmetric and positive semidefinite.
    units : sequence of n_features floats
        The step of each coordinate's grid.

    Attributes
    ----------
    size : int
        n_features.
    order : list of int
        The features in the order of the pivots.
    d : list of float
        The diagonal of D, each rounded once and zero or above.
    l_columns : list of lists of float
        Column i of L below its diagonal: ``L[i + 1][i], L[i + 2][i], ...``, each rounded once.
    is_provable : bool
        Whether `reach` is finite: for regular forms of at most `MAX_PROVABLE` coordinates.
    reach : list of float
        No coordinate is larger than this times the root of the form's value.
    """

    def __init__(self, gram: flint.fmpq_mat, units: Sequence[float]) -> None:
        self.gram = gram
        self.size = len(units)
        self.order: list[int] = []
        self.d: list[float] = []
        self._factorize(units)
        self.is_provable = self.size <= MAX_PROVABLE and 0.0 not in self.d
        self.reach = [math.inf] * self.size
        if self.is_provable:
            inverse = gram.inv()
            self.reach = [math.sqrt(to_float(inverse[j, j])) for j in self.order]

    def _factorize(self, units: Sequence[float]) -> None:
        """Factorize exactly or, for wide forms, in (plain) float64."""
        convert = flint.fmpq if self.size <= MAX_PROVABLE else to_float
        every = range(self.size)
        rest: _Rows = {i: {j: convert(self.gram[i, j]) for j in every} for i in every}
        columns = []
        while rest:
            j = min(rest, key=lambda j: (_float(rest[j][j]) * units[j] * units[j], j))
            pivot, column = _eliminate(rest, j)
            self.order.append(j)
            self.d.append(max(0.0, _float(pivot)))
            columns.append(column)
        self.l_columns = [
            [_float(column[j]) for j in self.order[i + 1 :]] for i, column in enumerate(columns)
        ]

    def loss(self, values: Sequence[flint.fmpq]) -> flint.fmpq:
        """Return the exact value of the form.

        Parameters
        ----------
        values : sequence of n_features fmpq
            The vector x, in the order of the features and not of the pivots.

        Returns
        -------
        fmpq
        """
        vector = flint.fmpq_mat([[value] for value in values])
        return (vector.transpose() * self.gram * vector)[0, 0]


def _eliminate(rest: _Rows, j: int) -> tuple[Any, dict[int, Any]]:
    """Return the pivot j and its column of L; make `rest` the Schur complement."""
    row = rest.pop(j)
    pivot = row.pop(j)
    column = {k: value / pivot if pivot else pivot for k, value in row.items()}
    for other in rest.values():
        factor = other.pop(j)
        for k in other:
            other[k] -= factor * column[k]
    return pivot, column


def _float(value: flint.fmpq | float) -> float:
    return value if isinstance(value, float) else to_float(value)
