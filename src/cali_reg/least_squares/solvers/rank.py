"""Which columns of a symmetric matrix of integers are independent, exactly and fast."""

from __future__ import annotations

from typing import Any

import flint

_PRIME = 18446744073709551557  # the largest below 2**64
_SMALL = 1 << 30  # numerators and denominators of which one residue is enough


def independent_columns(matrix: flint.fmpz_mat, largest_rank: int) -> list[int]:
    """Return the columns that are no linear combination of columns to their left.

    Columns that are independent modulo a prime are independent. That the others depend on them is
    proven, too: by the largest possible rank or by vectors that the matrix takes to zero. Such a
    vector is usually simple, 1, -1 and 0 say, and then read off from the elimination modulo the
    prime. Where it is not, the elimination is repeated with integers.

    Parameters
    ----------
    matrix : fmpz_mat
    largest_rank : int
        More is known to be impossible.

    Returns
    -------
    list of int
        Indices, ascending.

    Examples
    --------
    >>> independent_columns(flint.fmpz_mat([[1, 2, 0], [2, 4, 0], [0, 0, 3]]), 3)
    [0, 2]
    """
    size = matrix.ncols()
    echelon, rank = flint.nmod_mat(matrix, _PRIME).rref()
    pivots = _pivots(echelon, rank)
    if rank == size:
        return pivots
    # columns to the right of as many independent ones as there can be need no proof
    end = size if rank < largest_rank else max(pivots, default=0)
    others = sorted(set(range(end)).difference(pivots))
    if not others or _are_dependent(matrix, echelon, pivots, others):
        return pivots
    exact, _, rank = matrix.rref()
    return _pivots(exact, rank)


def _pivots(echelon: Any, rank: int) -> list[int]:
    size = echelon.ncols()
    return [next(j for j in range(i, size) if echelon[i, j] != 0) for i in range(rank)]


def _are_dependent(matrix: Any, echelon: Any, pivots: list[int], others: list[int]) -> bool:
    """Tell whether small fractions that the elimination suggests prove the dependence."""
    vectors = flint.fmpz_mat(matrix.ncols(), len(others))
    for k, column in enumerate(others):
        fractions = []
        for i in range(len(pivots)):
            fraction = _small_fraction(int(echelon[i, column]))
            if fraction is None:
                return False
            fractions.append(fraction)
        common = flint.fmpz(1)
        for _, denominator in fractions:
            common = common.lcm(denominator)
        vectors[column, k] = -common
        for pivot, (numerator, denominator) in zip(pivots, fractions, strict=True):
            vectors[pivot, k] = numerator * (common // denominator)
    product = matrix * vectors
    return not any(product.entries())


def _small_fraction(residue: int) -> tuple[int, int] | None:
    """Return the small numerator and denominator whose quotient has this residue, if any."""
    # Euclid's algorithm, stopped halfway (Wang, A p-adic algorithm, 1981)
    before, after = (_PRIME, 0), (residue, 1)
    while after[0] >= _SMALL:
        quotient = before[0] // after[0]
        rest = before[0] - quotient * after[0], before[1] - quotient * after[1]
        before, after = after, rest
    numerator, denominator = after
    if abs(denominator) >= _SMALL:
        return None
    return (numerator, denominator) if denominator > 0 else (-numerator, -denominator)
