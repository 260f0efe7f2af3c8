"""The grid of one coefficient: all its values, their order from a center, and their codes."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cali_reg.quantization.code_grid import CodeGrid

WEIGHTS = st.floats(-100, 100).filter(lambda w: w == 0.0 or abs(w) > 1e-3)


def all_values(bits: int) -> list[int]:
    """Return all multiples of the unit: each step at each of three exponents."""
    steps = range(-(1 << (bits - 1)), 1 << (bits - 1))
    return sorted({step << shift for step in steps for shift in range(3)})


CENTERS = st.integers(-12_800, 12_800).map(lambda k: k / 64)  # with distances without a rounding


@given(WEIGHTS, st.integers(256, 511), st.integers(2, 6), CENTERS)
def test_outward_is_the_order_of_distances(weight: float, scale: int, bits: int, x: float) -> None:
    """Every value once, by its distance from the center; of two as near, the smaller first.

    Only the first of all, the nearest, may be either of two.
    """
    found = list(CodeGrid(weight, scale, bits).outward(x))
    distances = [abs(t - x) for t in found]
    assert sorted(found) == (all_values(bits) if weight else [0])
    assert distances == sorted(distances)
    ties = [k for k in range(2, len(found)) if distances[k - 1] == distances[k]]
    assert all(found[k - 1] < found[k] for k in ties)


@pytest.mark.parametrize("bits", [2, 3, 8])
def test_neighbors(bits: int) -> None:
    """Below and above a value are its neighbors in the sorted list; beyond the ends is nothing."""
    grid, values = CodeGrid(1.0, 300, bits), all_values(bits)
    assert [grid.above(t) for t in values] == [*values[1:], None]
    assert [grid.below(t) for t in values] == [None, *values[:-1]]
    assert [grid.nearest(float(t)) for t in values] == values


@given(WEIGHTS, st.integers(256, 511), st.integers(2, 8))
def test_codes_stand_for_their_values(weight: float, scale: int, bits: int) -> None:
    """A code is a step that fits its bits, at the smallest exponent that gives the value."""
    grid = CodeGrid(weight, scale, bits)
    half = 1 << (bits - 1)
    for t in grid.outward(0.0):
        exponent, step = grid.code(t)
        value = Fraction(scale, 256) * Fraction(2) ** exponent * step
        assert value == t * Fraction(grid.unit)
        assert -half <= step < half
        assert exponent == grid.exponent - 1 or not -half <= 2 * step < half


@given(WEIGHTS.filter(bool), st.integers(256, 511), st.integers(2, 16))
def test_the_exponent_suits_the_weight(weight: float, scale: int, bits: int) -> None:
    """At the middle exponent the weight is between half of the steps' range and all of it."""
    grid = CodeGrid(weight, scale, bits)
    steps = abs(Fraction(weight)) / (Fraction(scale, 256) * Fraction(2) ** grid.exponent)
    assert Fraction(1 << (bits - 1), 2) <= steps < 1 << (bits - 1)
