"""Independent columns: the elimination modulo a prime agrees with that in integers."""

from typing import Any
from unittest.mock import patch

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cali_reg.least_squares.solvers import rank
from cali_reg.least_squares.solvers.rank import independent_columns


def products(columns: Any) -> flint.fmpz_mat:
    """Return the products of the columns."""
    rows = np.array(columns, dtype=object)
    return flint.fmpz_mat((rows.T @ rows).tolist())


def by_integers(matrix: flint.fmpz_mat) -> list[int]:
    """Return the pivots of the exact elimination."""
    echelon, _, size = matrix.rref()
    n = matrix.ncols()
    return [next(j for j in range(n) if echelon[i, j] != 0) for i in range(size)]


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 40]))
@settings(max_examples=200)
def test_any_matrix(seed: int, n_rows: int, n_columns: int, bits: int) -> None:
    """Wide and tall, with zero, equal and combined columns; small primes are unlucky often."""
    rng = np.random.default_rng(seed)
    columns = rng.integers(-(2**bits), 2**bits + 1, (n_rows, n_columns)).astype(object)
    for j in range(1, n_columns):
        kind = rng.integers(0, 4)
        if kind == 0:
            columns[:, j] = columns[:, :j] @ rng.integers(-2, 3, j).astype(object)
    matrix = products(columns)
    expected = by_integers(matrix)
    for largest in (n_columns, min(n_rows, n_columns)):
        assert independent_columns(matrix, largest) == expected
    with patch.object(rank, "_SMALL", 2):
        assert independent_columns(matrix, n_columns) == expected


@pytest.mark.parametrize("prime", [2, 3, 5, 7])
def test_unlucky_primes_are_noticed(prime: int) -> None:
    """A column that depends on others modulo the prime alone is independent."""
    matrix = flint.fmpz_mat([[prime, 0, 0], [0, 1, 0], [0, 0, 5 * prime]])
    with patch.multiple(rank, _PRIME=prime, _SMALL=2):
        assert independent_columns(matrix, 3) == [0, 1, 2]


def test_fractions_are_read_off_one_residue() -> None:
    """Numerators and denominators below 2**30, of both signs; others have none."""
    prime = rank._PRIME
    for numerator, denominator in [(0, 1), (1, 1), (-1, 1), (-7, 3), (2**30 - 1, 2**30 - 3)]:
        residue = numerator * pow(denominator, -1, prime) % prime
        assert rank._small_fraction(residue) == (numerator, denominator)
