"""The factorization LDLᵀ: its factors give back the form, to the rounding of each entry."""

from fractions import Fraction

import flint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cali_reg.quantization.quadratic_form import MAX_PROVABLE, QuadraticForm

Matrix = list[list[Fraction]]


def gram(rows: list[list[int]]) -> flint.fmpq_mat:
    """Return B Bᵀ."""
    return flint.fmpq_mat(
        [[sum(x * y for x, y in zip(a, b, strict=True)) for b in rows] for a in rows]
    )


def entry(matrix: flint.fmpq_mat, i: int, j: int) -> float:
    """Return an entry that is a whole number."""
    return float(int(matrix[i, j].p))


def product(form: QuadraticForm) -> dict[tuple[int, int], Fraction]:
    """Return L D Lᵀ by pairs of features."""
    size = range(form.size)
    lower = [[Fraction(0)] * form.size for _ in size]
    for i, column in enumerate(form.l_columns):
        lower[i][i] = Fraction(1)
        for k, value in enumerate(column, start=i + 1):
            lower[k][i] = Fraction(value)
    return {
        (form.order[a], form.order[b]): sum(
            (lower[a][i] * Fraction(form.d[i]) * lower[b][i] for i in size), Fraction(0)
        )
        for a in size
        for b in size
    }


ROWS = st.integers(1, 6).flatmap(
    lambda n: st.lists(st.lists(st.integers(-9, 9), min_size=7, max_size=7), min_size=n, max_size=n)
)


@given(ROWS, st.lists(st.sampled_from([0.25, 1.0, 8.0]), min_size=6, max_size=6))
def test_the_factors_give_back_the_form(rows: list[list[int]], units: list[float]) -> None:
    """L D Lᵀ is G in the order of the pivots; singular forms are factorized, too."""
    matrix = gram(rows)
    form = QuadraticForm(matrix, units[: len(rows)])
    assert sorted(form.order) == list(range(len(rows)))
    largest = max(entry(matrix, i, i) for i in range(len(rows)))
    for (a, b), value in product(form).items():
        assert float(value) == pytest.approx(entry(matrix, a, b), abs=1e-13 * (largest + 1))


@given(ROWS)
def test_the_first_pivot_is_the_cheapest(rows: list[list[int]]) -> None:
    """In units of the steps; of equal ones the first feature."""
    matrix, units = gram(rows), [2.0**-j for j in range(len(rows))]
    form = QuadraticForm(matrix, units)
    costs = [entry(matrix, j, j) * units[j] ** 2 for j in range(len(rows))]
    assert form.order[0] == costs.index(min(costs))
    assert form.d[0] == entry(matrix, form.order[0], form.order[0])


def test_reach_bounds_each_coordinate() -> None:
    """For G = [[2, 1], [1, 2]] it is the root of the inverse's diagonal, sqrt(2 / 3)."""
    form = QuadraticForm(flint.fmpq_mat([[2, 1], [1, 2]]), [1.0, 1.0])
    assert form.is_provable
    assert form.reach == pytest.approx([(2 / 3) ** 0.5] * 2, rel=1e-15)


@pytest.mark.parametrize("size", [MAX_PROVABLE, MAX_PROVABLE + 1])
def test_wide_forms_are_not_provable(size: int) -> None:
    """They are factorized in float64, which proves nothing; so are singular forms."""
    matrix = flint.fmpq_mat([[int(i == j) + 1 for j in range(size)] for i in range(size)])
    form = QuadraticForm(matrix, [1.0] * size)
    assert form.is_provable == (size == MAX_PROVABLE)
    for (a, b), value in product(form).items():
        assert float(value) == pytest.approx(entry(matrix, a, b), abs=1e-12)
    singular = QuadraticForm(flint.fmpq_mat([[1, 1], [1, 1]]), [1.0, 1.0])
    assert not singular.is_provable


@given(ROWS, st.lists(st.fractions(-9, 9), min_size=6, max_size=6))
def test_loss_is_the_form(rows: list[list[int]], values: list[Fraction]) -> None:
    """The exact value of xᵀ B Bᵀ x is the sum of squares of Bᵀ x."""
    x = values[: len(rows)]
    form = QuadraticForm(gram(rows), [1.0] * len(rows))
    found = form.loss([flint.fmpq(v.numerator, v.denominator) for v in x])
    products = [map(Fraction.__mul__, x, map(Fraction, c)) for c in zip(*rows, strict=True)]
    expected = sum((sum(terms, Fraction(0)) ** 2 for terms in products), Fraction(0))
    assert Fraction(int(found.p), int(found.q)) == expected
