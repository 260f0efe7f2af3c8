"""Rounding once: ties, subnormals, overflow, roots, and balls that straddle a boundary."""

import sys
from fractions import Fraction

import flint
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_tables import any_numbers
from reference import nearest, nearest_root

from cali_reg.least_squares.rounding import ball_to_float, power_of_two, sqrt_to_float, to_float

HAIR = Fraction(1, 2**5000)
MAXIMUM = Fraction(sys.float_info.max)
HALF_ULP_OF_MAXIMUM = Fraction(2**970)

exponents = st.integers(-1200, 900)
scaled = st.builds(
    lambda p, q, e: Fraction(p, q) * Fraction(2) ** e,
    st.integers(-(2**70), 2**70),
    st.integers(1, 2**70),
    exponents,
)
midpoints = st.builds(
    lambda p, e: (2 * p + 1) * Fraction(2) ** max(e, -1075),
    st.integers(2**52, 2**53 - 1),
    exponents,
)
hairs = st.sampled_from([-HAIR, Fraction(0), HAIR])


def exact(value: Fraction) -> flint.fmpq:
    """Return the same number as FLINT's."""
    return flint.fmpq(value.numerator, value.denominator)


def rounded_ball(middle: Fraction, radius: Fraction) -> float | None:
    """Round the ball of this middle and radius, both dyadic, at a precision that holds them."""
    with flint.ctx.workprec(10_000):
        return ball_to_float(flint.arb(exact(middle), exact(radius)))


@given(st.one_of(scaled, midpoints), hairs)
def test_to_float_is_correctly_rounded(value: Fraction, hair: Fraction) -> None:
    """Any quotient, and any midpoint or what is next to it, goes to the nearest float64."""
    assert to_float(exact(value + hair)) == nearest(value + hair)
    assert to_float(exact(-value - hair)) == -nearest(value + hair)


@given(any_numbers)
def test_floats_are_left_alone(value: float) -> None:
    """A float64 rounds to itself, and is the root of its square."""
    assert to_float(exact(Fraction(value))) == value
    assert sqrt_to_float(exact(Fraction(value) ** 2)) == abs(value)


@given(st.one_of(scaled, midpoints), hairs)
def test_roots_are_correctly_rounded(value: Fraction, hair: Fraction) -> None:
    """Roots of any quotient, of squares of midpoints, and of what is next to them."""
    for square in (abs(value), value**2, max(value**2 + hair, HAIR)):
        assert sqrt_to_float(exact(square)) == nearest_root(square)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1 + Fraction(1, 2**53), 1.0),
        (1 + Fraction(3, 2**53), 1 + 2**-51),
        (1 + Fraction(1, 2**53) + HAIR, 1 + 2**-52),
        (1 + Fraction(3, 2**53) - HAIR, 1 + 2**-52),
        (1 - Fraction(1, 2**54), 1.0),
        (1 - Fraction(1, 2**54) - HAIR, 1 - 2**-53),
        (Fraction(1, 2**1075), 0.0),
        (Fraction(1, 2**1075) + HAIR, 5e-324),
        (Fraction(3, 2**1075), 1e-323),
        (Fraction(2**53 - 1, 2**1075), 2.0**-1022),
        (MAXIMUM + HALF_ULP_OF_MAXIMUM - HAIR, sys.float_info.max),
    ],
)
def test_ties_and_their_neighbors(value: Fraction, expected: float) -> None:
    """Half an ulp goes to even, also between binades and below the normal numbers."""
    assert to_float(exact(value)) == expected
    assert sqrt_to_float(exact(value**2)) == expected


def test_beyond_float64() -> None:
    """Half an ulp above the largest float64 there is nothing to round to."""
    with pytest.raises(OverflowError):
        to_float(exact(MAXIMUM + HALF_ULP_OF_MAXIMUM))
    with pytest.raises(OverflowError):
        to_float(exact(-MAXIMUM - HALF_ULP_OF_MAXIMUM))
    with pytest.raises(OverflowError):
        sqrt_to_float(exact((MAXIMUM + HALF_ULP_OF_MAXIMUM) ** 2))


def test_powers_of_two_are_exact() -> None:
    """Positive and negative exponents, beyond float64's."""
    assert power_of_two(3000) == 1 << 3000
    assert power_of_two(-3000) * (1 << 3000) == 1


def test_zero_has_the_root_zero() -> None:
    """No digits to shift by."""
    assert sqrt_to_float(flint.fmpq(0)) == 0.0


@given(st.one_of(scaled, midpoints), st.integers(40, 300))
def test_a_ball_rounds_as_its_ends_do(middle: Fraction, n_bits: int) -> None:
    """The ends decide: the one float64 they share, or None; FLINT's radius is rounded up."""
    dyadic = Fraction(round(middle * 2**1300), 2**1300)
    found = rounded_ball(dyadic, abs(dyadic) / 2**n_bits)
    inner, outer = abs(dyadic) / 2**n_bits, abs(dyadic) / 2 ** (n_bits - 1)
    if nearest(dyadic - inner) != nearest(dyadic + inner):
        assert found is None
    elif nearest(dyadic - outer) == nearest(dyadic + outer):
        assert found == nearest(dyadic)
    else:
        assert found in (None, nearest(dyadic))


def test_balls_that_straddle_a_tie() -> None:
    """However small, a ball with a midpoint inside does not say where to round."""
    tie = 1 + Fraction(1, 2**53)
    assert rounded_ball(tie, Fraction(1, 2**4000)) is None
    assert rounded_ball(tie - Fraction(1, 2**3998), Fraction(1, 2**4000)) == 1.0
    assert rounded_ball(tie + Fraction(1, 2**3998), Fraction(1, 2**4000)) == 1 + 2**-52
    assert rounded_ball(tie, Fraction(0)) == 1.0
    assert rounded_ball(Fraction(1), Fraction(1, 2**60)) == 1.0


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_balls_that_are_not_finite(value: str) -> None:
    """Nothing is known of them."""
    assert ball_to_float(flint.arb(value)) is None
    with flint.ctx.workprec(64):
        assert ball_to_float(flint.arb(1, 2).sqrt()) is None  # reaches below zero


def test_balls_that_reach_beyond_float64() -> None:
    """A ball that is too wide says nothing; one that lies beyond float64 says so."""
    wide = Fraction(2) ** 1030
    assert rounded_ball(Fraction(1), wide) is None
    assert rounded_ball(MAXIMUM + HALF_ULP_OF_MAXIMUM, Fraction(1)) is None
    for sign in (1, -1):
        with pytest.raises(OverflowError):
            rounded_ball(sign * wide, Fraction(1))
