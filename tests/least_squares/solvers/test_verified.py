"""Bounds from a float64 inverse: they hold for every matrix, and say when they do not."""

from collections.abc import Iterable
from typing import Any

import flint
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cali_reg.least_squares.solvers import verified
from cali_reg.least_squares.solvers.verified import Bounds, VerifiedSolver


def gram(rows: Any) -> Any:
    """Return the products of the columns of a matrix of integers, in Python's integers."""
    columns = np.array(rows, dtype=object)
    return columns.T @ columns


def exact(matrix: Any, right: Any) -> list[flint.fmpq]:
    """Return the solution in fractions."""
    column = flint.fmpz_mat([[v] for v in right.tolist()])
    solution: list[flint.fmpq] = flint.fmpz_mat(matrix.tolist()).solve(column).entries()
    return solution


def off(bounds: Bounds, solution: list[flint.fmpq]) -> list[flint.fmpq]:
    """Return how far each entry is from the center, over the radius."""
    radius = flint.fmpq(0) if bounds.radius is None else flint.fmpq(2) ** bounds.radius
    triples = zip(bounds.mantissas, bounds.exponents, solution, strict=True)
    distances = [abs(x / flint.fmpq(2) ** e - m) for m, e, x in triples]
    return [d if radius == 0 else d / radius for d in distances]


matrices = st.integers(1, 6).flatmap(
    lambda n: st.tuples(
        st.lists(
            st.lists(st.integers(-(2**60), 2**60), min_size=n, max_size=n),
            min_size=n,
            max_size=n + 3,
        ),
        st.lists(st.integers(-(2**200), 2**200), min_size=n, max_size=n),
        st.lists(st.sampled_from([0, 1, 40, 900, 1100]), min_size=n, max_size=n),
        st.sampled_from([0, 3, 45, 58]),
    )
)


@given(matrices)
@settings(max_examples=300)
def test_bounds_hold(case: Any) -> None:
    """Columns of unlike scales, nearly equal columns: the solution is inside, ever more closely."""
    rows, right, scales, close = case
    columns = np.array(rows, dtype=object)
    columns[:, 1:] = (columns[:, 1:] >> close) + columns[:, :1]
    columns <<= np.array(scales, dtype=object)
    matrix, right = gram(columns), np.array(right, dtype=object)
    solver = VerifiedSolver(matrix)
    if not solver.is_regular:
        return
    solution = exact(matrix, right)  # raises if the matrix is singular
    radii = []
    for bounds in solver.bounds(right):
        assert max(off(bounds, solution)) <= (bounds.radius is not None)
        radii.append(bounds)
    if radii[-1].radius is not None:
        size = max(abs(m).bit_length() for m in radii[-1].mantissas)
        assert size - radii[-1].radius > 300


def test_singular_matrices_are_never_regular() -> None:
    """No matrix without an inverse passes, whatever its entries round to."""
    rng = np.random.default_rng(0)
    for n in (2, 3, 10, 40):
        for bits in (3, 30, 62):
            columns = rng.integers(-(2**bits), 2**bits, (n + 5, n)).astype(object)
            columns[:, -1] = columns[:, :-1] @ rng.integers(-3, 4, n - 1).astype(object)
            assert not VerifiedSolver(gram(columns)).is_regular


@pytest.mark.parametrize("matrix", [[[0]], [[-1]], [[1, 2**3000], [2**3000, 1]], [[4, 4], [4, 4]]])
def test_what_is_no_sum_of_products(matrix: Any) -> None:
    """Zero and negative diagonals, entries beyond float64: not regular, and no error."""
    assert not VerifiedSolver(np.array(matrix, dtype=object)).is_regular


def test_roundings_of_the_entries_count() -> None:
    """2**60 + 1 rounds to 2**60: the matrices beside the rounded one have the bounds, too."""
    rounded = np.array([[2**60, 2**59], [2**59, 2**60]], dtype=object)
    bound = VerifiedSolver(rounded)._alpha
    assert 0 < bound < 1e-13  # for this matrix the float64 inverse is nearly exact
    inverse = VerifiedSolver(rounded)._inverse
    for change in (-127, 127):  # each entry is off by at most 2 u of its size
        near = rounded + np.array([[change, -change], [-change, change]], dtype=object) // 2
        fractions = [[flint.fmpq(int(v), 2**62) for v in row] for row in near.tolist()]
        approximate = [[flint.fmpq(*v.as_integer_ratio()) for v in row] for row in inverse.tolist()]
        unit = flint.fmpq_mat([[1, 0], [0, 1]])
        left = unit - flint.fmpq_mat(approximate) * flint.fmpq_mat(fractions)
        sizes = [sum((abs(left[i, j]) for j in range(2)), flint.fmpq(0)) for i in range(2)]
        assert max(float(int(s.p) / int(s.q)) for s in sizes) <= bound


def worst_alpha(matrix: Any) -> float:
    """Return the exact norm of I - R A for the float64 inverse R that a solver found."""
    solver = VerifiedSolver(matrix)
    scales = solver._scales.tolist()
    n = len(scales)
    inverse = [[flint.fmpq(*v.as_integer_ratio()) for v in row] for row in solver._inverse.tolist()]
    scaled = [
        [flint.fmpq(matrix[i, j]) / flint.fmpq(2) ** (scales[i] + scales[j]) for j in range(n)]
        for i in range(n)
    ]
    left = flint.fmpq_mat(inverse) * flint.fmpq_mat(scaled)
    sums = [sum((abs(left[i, j] - int(i == j)) for j in range(n)), flint.fmpq(0)) for i in range(n)]
    return max(int(s.p) / int(s.q) for s in sums)


def test_alpha_is_a_bound() -> None:
    """From well to ill-conditioned, the exact norm is below the bound; not below what is computed.

    The second shows that the terms of the roundings are needed.
    """
    rng = np.random.default_rng(1)
    without = 0
    for close in (*range(0, 26, 2),) * 3:
        columns = rng.integers(-(2**60), 2**60, (12, 6)).astype(object)
        columns[:, 1:] = (columns[:, 1:] >> close) + columns[:, :1]
        matrix = gram(columns)
        norm = worst_alpha(matrix)
        assert norm <= VerifiedSolver(matrix)._alpha
        without += norm > _computed_alpha(matrix)
    assert without > 5


def _computed_alpha(matrix: Any) -> float:
    """Return the norm of I - R A as float64 computes it."""
    diagonal = matrix.diagonal().tolist()
    scales = np.array([(v.bit_length() + 1) // 2 for v in diagonal])
    scaled = verified._scaled(matrix, np.add.outer(scales, scales))
    left = np.linalg.inv(scaled) @ scaled - np.eye(len(scaled))
    return float(np.abs(left).sum(axis=1).max())


def test_an_exact_solution_ends_the_search() -> None:
    """Zero, and a solution of short binary fractions, are found exactly."""
    rng = np.random.default_rng(2)
    matrix = gram(rng.integers(-99, 99, (60, 40)).astype(object))
    weights = rng.integers(-9, 9, 40).astype(object)
    for wanted in (weights, weights * 0):
        last = list(VerifiedSolver(matrix * 8).bounds(matrix @ wanted))[-1]
        assert last.radius is None
        assert off(last, [flint.fmpq(int(w), 8) for w in wanted]) == [0] * 40


@given(st.integers(0, 2**32 - 1), st.integers(0, 24))
@settings(max_examples=30)
def test_larger_systems(seed: int, close: int) -> None:
    """Thirty columns; solutions of sizes that differ by many powers of two."""
    rng = np.random.default_rng(seed)
    columns = rng.integers(-(2**40), 2**40, (50, 30)).astype(object)
    columns[:, 1:] = (columns[:, 1:] >> close) + columns[:, :1]
    matrix = gram(columns)
    right = matrix @ (rng.integers(1, 9, 30).astype(object) << np.arange(30).astype(object) * 5)
    right[3] += 1
    solver = VerifiedSolver(matrix)
    assume(solver.is_regular)
    solution = exact(matrix, right)
    for bounds in solver.bounds(right):
        assert max(off(bounds, solution)) <= 1


def diagonal_is_bounded(seed: int, close: int, n: int, entries: Iterable[int]) -> bool:
    """Compare entries of the diagonal of an inverse with fractions; False if there is none.

    The columns are of unlike scales.
    """
    rng = np.random.default_rng(seed)
    columns = rng.integers(-(2**40), 2**40, (n + 9, n)).astype(object)
    columns[:, 1:] = (columns[:, 1:] >> close) + columns[:, :1]
    columns <<= rng.integers(0, 99, n).astype(object)
    matrix = gram(columns)
    solver = VerifiedSolver(matrix)
    if not solver.is_regular:
        return False
    found = list(solver.inverse_diagonal())
    assert len(found) == n
    for j in entries:
        mantissa, radius, exponent = found[j]
        entry = exact(matrix, np.eye(n, dtype=object)[j])[j]
        assert abs(entry / flint.fmpq(2) ** exponent - mantissa) <= flint.fmpq(2) ** radius
        assert close > 4 or abs(mantissa).bit_length() - radius > 64
    return True


@given(st.integers(0, 2**32 - 1), st.integers(0, 24), st.sampled_from([1, 3, 9]))
@settings(max_examples=60)
def test_the_diagonal_of_the_inverse(seed: int, close: int, n: int) -> None:
    """Each entry is inside of its bounds, which are narrow; in parts of four columns, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verified, "_COLUMNS", 4)
        assume(diagonal_is_bounded(seed, close, n, range(n)))


@pytest.mark.parametrize("close", [0, 8])
def test_the_diagonal_of_a_large_inverse(close: int) -> None:
    """So large that it has two parts: at the ends of both."""
    assert diagonal_is_bounded(7, close, 70, (0, 63, 64, 69))
