"""Find columns that depend on others up to the rounding of their values.

``total = net + ship`` in cents is exact in decimals, but not in float64: 0.1 + 0.2 is not 0.3. The
columns are then independent, exactly, and coefficients of 1e12 and more fit the roundings.

Column k counts as dependent if what the columns before it leave of it, r = x_k + c_j x_j + ... (the
constant included), is as small as roundings: ``|r| <= 4 u (|x_k| + |c_j x_j| + ...)`` with u =
2**-53 and Euclidean norms about zero. This is decided from the exact moments, so it is a property
of the data. Columns found dependent are left out of those before the next ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import flint
import numpy as np

from cali_reg.least_squares.exact_gram import UNIT
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.normal_equations import NormalEquations

_ROUNDINGS = 4 * 2.0**-53
_SURE = 1e-4  # of a column's size that is left of it: float64 can tell this from roundings
_MARGIN = 1e6  # more than that, relative to roundings


def find_rounding_dependent(
    moments: Moments, exactly_dependent: Sequence[int] = (), *, fit_intercept: bool = True
) -> tuple[int, ...]:
    """Return the columns that depend on columns to their left up to roundings, but not exactly.

    Parameters
    ----------
    moments : Moments
        Of the training rows.
    exactly_dependent : sequence of int
        The columns that are exactly dependent, as `Solution.dependent` has them.
    fit_intercept : bool, default=True
        Whether a constant is one of the columns.

    Returns
    -------
    tuple of int
        Indices of features, ascending.

    Examples
    --------
    >>> net, ship = [0.1, 1.2, 3.3, 0.7, 2.9], [0.2, 0.3, 0.1, 1.1, 0.4]
    >>> rows = [[n, s, n + s] for n, s in zip(net, ship)]
    >>> find_rounding_dependent(Moments.from_arrays(rows, [1.0, 2.0, 3.0, 5.0, 4.0]))
    (2,)
    """
    columns = [j for j in range(moments.n_features) if j not in exactly_dependent]
    found = []
    while columns and not _is_surely_independent(moments.select(columns), fit_intercept):
        k = _first_dependent(moments.select(columns), fit_intercept)
        if k is None:
            break
        found.append(columns.pop(k))
    return tuple(sorted(found))


def _is_surely_independent(moments: Moments, fit_intercept: bool) -> bool:
    """Tell in float64 that no column is dependent; False if that takes exact arithmetic."""
    first = 0 if fit_intercept else 1
    sums = moments.sums[first:-1, first:-1].tolist()
    # each sum as a float64 and a power of two: float64 alone holds only small powers
    shifts = np.array([[max(value.bit_length() - 60, 0) for value in row] for row in sums])
    pairs = zip(sums, shifts.tolist(), strict=True)
    values = np.array([[float(v >> s) for v, s in zip(*rows, strict=True)] for rows in pairs])
    sizes, halves = np.sqrt(values.diagonal()), shifts.diagonal() / 2
    if not sizes.all():
        return False
    gram = values / np.outer(sizes, sizes) * np.exp2(shifts - np.add.outer(halves, halves))
    try:
        inverse = np.linalg.inv(np.linalg.cholesky(gram))
    except np.linalg.LinAlgError:
        return False
    left = 1 / inverse.diagonal()  # of each column, relative to its size
    terms = np.abs(inverse).sum(axis=1) * left
    return bool((left > _SURE).all() and (left > _MARGIN * _ROUNDINGS * terms).all())


def _first_dependent(moments: Moments, fit_intercept: bool) -> int | None:
    """Return the first column that is dependent up to roundings, of exactly independent ones."""
    equations = NormalEquations(moments, fit_intercept=fit_intercept, alpha=flint.fmpq(0))
    undecided = list(range(moments.n_features))
    dependent = []
    for rows in equations.inverse_cholesky_balls():
        norms, means = _norms_and_means(moments, fit_intercept)
        left = []
        for k in undecided:
            decision = _is_dependent(rows[k], norms, means)
            if decision is None:
                left.append(k)
            elif decision:
                dependent.append(k)
        undecided = left
        if not undecided or (dependent and min(dependent) < min(undecided)):
            break
    # what no precision can decide is as small as roundings can be
    return min([*dependent, *undecided], default=None)


def _norms_and_means(
    moments: Moments, fit_intercept: bool
) -> tuple[list[flint.arb], list[flint.arb]]:
    """Return the norms of 1 and of the features, and the features' means (zero without 1)."""
    sums = moments.sums
    unit = flint.arb(2) ** (UNIT // 2)
    norms = [flint.arb(int(sums[j, j])).sqrt() * unit for j in range(len(sums) - 1)]
    if not fit_intercept:
        return norms, [flint.arb(0)] * moments.n_features
    means = [flint.arb(flint.fmpq(int(s), int(sums[0, 0]))) for s in sums[0, 1:-1]]
    return norms, means


def _is_dependent(
    row: Sequence[flint.arb], norms: Sequence[flint.arb], means: Sequence[flint.arb]
) -> bool | None:
    """Decide for the last column of a row of L⁻¹; None if this precision cannot.

    The row divided by its last entry d holds the c_j, and 1 / |d| is the norm of what is left.
    """
    terms = sum((abs(v) * norm for v, norm in zip(row, norms[1:], strict=False)), flint.arb(0))
    constant = sum((v * mean for v, mean in zip(row, means, strict=False)), flint.arb(0))
    limit = _ROUNDINGS * (terms + abs(constant) * norms[0])
    if limit > 1:
        return True
    return False if limit < 1 else None
