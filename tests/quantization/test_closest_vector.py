"""The search for codes: exact against brute force, never worse than rounding, and bounded."""

import itertools
from fractions import Fraction

import flint
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cali_reg.quantization import closest_vector
from cali_reg.quantization.closest_vector import Closest, closest

WEIGHTS = st.floats(-100, 100).filter(lambda w: w == 0.0 or abs(w) > 1e-3)
ENTRIES = st.lists(st.integers(-9, 9), min_size=16, max_size=16)


def gram(entries: list[int], size: int) -> list[list[Fraction]]:
    """Return a positive definite matrix: B Bᵀ + I / 16."""
    rows = [entries[4 * i : 4 * i + 4] for i in range(size)]
    return [
        [
            Fraction(sum(x * y for x, y in zip(a, b, strict=True))) + Fraction(a is b, 16)
            for b in rows
        ]
        for a in rows
    ]


def to_flint(matrix: list[list[Fraction]]) -> flint.fmpq_mat:
    """Return the same matrix as the library takes it."""
    return flint.fmpq_mat([[flint.fmpq(v.numerator, v.denominator) for v in r] for r in matrix])


def loss(matrix: list[list[Fraction]], deviations: list[Fraction]) -> Fraction:
    """Return the quadratic form."""
    pairs = itertools.product(range(len(deviations)), repeat=2)
    return sum((deviations[i] * matrix[i][j] * deviations[j] for i, j in pairs), Fraction(0))


def values(weight: float, scale: int, bits: int) -> set[Fraction]:
    """Return all values of a coefficient: each exponent of the three, with each step."""
    if weight == 0.0:
        return {Fraction(0)}
    half, s = 1 << (bits - 1), Fraction(scale, 256)
    own = next(e for e in range(-40, 40) if abs(Fraction(weight)) < half * s * Fraction(2) ** e)
    return {
        s * Fraction(2) ** e * step for e in (own - 1, own, own + 1) for step in range(-half, half)
    }


def found_values(found: Closest) -> list[Fraction]:
    """Return the coefficients that the codes stand for."""
    return [
        Fraction(found.scale, 256) * Fraction(2) ** exponent * step
        for exponent, step in zip(found.exponents, found.steps, strict=True)
    ]


def as_fraction(value: flint.fmpq) -> Fraction:
    """Convert from the library's rationals."""
    return Fraction(int(value.p), int(value.q))


def brute_force(matrix: list[list[Fraction]], weights: list[float], bits: int) -> Fraction:
    """Return the least loss over every scale, exponent and code."""
    exact = [Fraction(w) for w in weights]
    return min(
        loss(matrix, [v - w for v, w in zip(point, exact, strict=True)])
        for scale in closest_vector.SCALES
        for point in itertools.product(*(values(w, scale, bits) for w in weights))
    )


@settings(max_examples=8)
@given(ENTRIES, st.lists(WEIGHTS, min_size=2, max_size=3), st.integers(2, 3))
def test_optimum_equals_brute_force(entries: list[int], weights: list[float], bits: int) -> None:
    """No code of any scale and exponent has a smaller loss, and the search knows it."""
    lattice_scales = closest_vector.SCALES
    closest_vector.SCALES = range(256, 512, 51)  # brute force is slow
    try:
        matrix = gram(entries, len(weights))
        found = closest(to_flint(matrix), weights, bits)
        assert found.is_proven
        assert as_fraction(found.loss) == brute_force(matrix, weights, bits)
    finally:
        closest_vector.SCALES = lattice_scales


@settings(max_examples=4)
@given(ENTRIES, st.lists(WEIGHTS, min_size=4, max_size=4))
def test_optimum_of_four_coefficients(entries: list[int], weights: list[float]) -> None:
    """The same with four coefficients of two bits, at two scales."""
    lattice_scales = closest_vector.SCALES
    closest_vector.SCALES = range(300, 500, 150)
    try:
        matrix = gram(entries, 4)
        found = closest(to_flint(matrix), weights, 2)
        assert found.is_proven
        assert as_fraction(found.loss) == brute_force(matrix, weights, 2)
    finally:
        closest_vector.SCALES = lattice_scales


@settings(max_examples=20)
@given(ENTRIES, st.lists(WEIGHTS, min_size=1, max_size=4), st.integers(2, 16))
def test_loss_is_that_of_the_codes(entries: list[int], weights: list[float], bits: int) -> None:
    """The loss returned is exactly that of the codes returned, and all codes are allowed."""
    matrix = gram(entries, len(weights))
    found = closest(to_flint(matrix), weights, bits)
    deviations = [v - Fraction(w) for v, w in zip(found_values(found), weights, strict=True)]
    assert as_fraction(found.loss) == loss(matrix, deviations)
    assert all(-(1 << (bits - 1)) <= step < 1 << (bits - 1) for step in found.steps)
    assert found.scale in range(256, 512)


@settings(max_examples=20)
@given(ENTRIES, st.lists(WEIGHTS, min_size=1, max_size=4), st.integers(2, 12))
def test_never_worse_than_rounding_or_babai(
    entries: list[int], weights: list[float], bits: int
) -> None:
    """At every scale, rounding each coefficient to its nearest value is no better."""
    matrix = gram(entries, len(weights))
    found = closest(to_flint(matrix), weights, bits)
    babai = closest(to_flint(matrix), weights, bits, max_nodes=0)
    assert found.loss <= babai.loss
    exact = [Fraction(w) for w in weights]
    for scale in (256, 300, 511):
        nearest = [min((abs(v - w), v) for v in values(float(w), scale, bits))[1] for w in exact]
        rounded = loss(matrix, [v - w for v, w in zip(nearest, exact, strict=True)])
        assert as_fraction(found.loss) <= rounded


@settings(max_examples=25)
@given(ENTRIES, st.lists(WEIGHTS, min_size=4, max_size=4), st.integers(0, 300))
def test_a_stopped_search_bounds_what_it_left(
    entries: list[int], weights: list[float], max_nodes: int
) -> None:
    """With few branches allowed, the bound still holds for the optimum."""
    matrix = to_flint(gram(entries, 4))
    best = closest(matrix, weights, 6)
    stopped = closest(matrix, weights, 6, max_nodes=max_nodes)
    assert best.is_proven
    assert stopped.bound <= best.loss <= stopped.loss
    assert stopped.nodes <= max_nodes


def test_singular_forms_are_not_called_proven() -> None:
    """With dependent columns there is an answer, but no proof."""
    found = closest(flint.fmpq_mat([[1, 2], [2, 4]]), [1.3, 0.7], 8)
    assert not found.is_proven
    assert found.bound == 0


def test_zero_weights_stay_zero() -> None:
    """A coefficient of zero has the step zero, and an exact code model costs nothing."""
    found = closest(flint.fmpq_mat([[2, 1], [1, 2]]), [0.0, 1.5], 8)
    assert found.steps[0] == 0
    assert found.loss == 0
    assert found.is_proven


@pytest.mark.parametrize("weight", [5e-324, -1e-310, 1e-300, 2.0**999])
def test_weights_of_any_size(weight: float) -> None:
    """Tiny and huge coefficients get codes, too."""
    found = closest(flint.fmpq_mat([[1]]), [weight], 8)
    (value,) = found_values(found)
    assert abs(value - Fraction(weight)) <= abs(Fraction(weight)) / 128
    assert found.is_proven


def test_wide_forms_give_an_answer_with_its_gap() -> None:
    """With 70 coefficients nothing is proven, and the bound says so."""
    size = 70
    matrix = [
        [Fraction(1, 1 + abs(i - j)) + 3 * (i == j) for j in range(size)] for i in range(size)
    ]
    weights = [(-1) ** i * (1 + i * 0.37) for i in range(size)]
    found = closest(to_flint(matrix), weights, 8, max_nodes=500)
    babai = closest(to_flint(matrix), weights, 8, max_nodes=0)
    assert not found.is_proven
    assert found.loss <= babai.loss
    assert found.bound == 0


def test_babai_alone_is_not_called_proven() -> None:
    """Where rounding one coordinate after another falls short, the bound shows it."""
    size = 16
    matrix = to_flint([[Fraction(1, 1 + abs(i - j)) for j in range(size)] for i in range(size)])
    weights = [(-1) ** (i * i // 3) * (0.37 + 0.61 * i) for i in range(size)]
    best = closest(matrix, weights, 3)
    babai = closest(matrix, weights, 3, max_nodes=0)
    assert best.is_proven
    assert best.loss < babai.loss
    assert not babai.is_proven
    assert babai.bound <= best.loss
