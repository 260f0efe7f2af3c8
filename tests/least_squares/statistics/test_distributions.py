"""Student's t, F and chi-squared: stored quantiles have six digits, all else is rounded once."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import flint
import numpy as np
import pytest
from intervals import interval_of
from reference import nearest

from cali_reg.least_squares.solution import LEVELS
from cali_reg.least_squares.statistics.distributions import (
    chi2_p_value,
    chi2_quantile,
    chi2_tail,
    f_p_value,
    f_quantile,
    f_tail,
    t_quantile,
    two_sided_p_value,
    two_sided_quantile,
)


def outside(t: flint.fmpq, degrees_of_freedom: int) -> flint.arb:
    """Return the probability outside of [-t, t], proven: I(df / 2, 1 / 2; df / (df + t**2))."""
    df = flint.fmpq(degrees_of_freedom)
    return flint.arb(df / (df + t**2)).beta_lower(df / 2, flint.fmpq(1, 2), regularized=True)


@pytest.mark.parametrize("n", [3, 4, 5, 10, 31, 103, 1002, 16_000, 10**6])
def test_quantiles_are_proven_to_six_digits(n: int) -> None:
    """Half a unit of the sixth digit less is too little, half a unit more too much."""
    y = np.zeros(n)
    y[0] = 1.0
    interval = interval_of(np.arange(float(n))[:, None], y)
    assert [level for level, _ in interval.quantiles] == list(LEVELS)
    with flint.ctx.workprec(200):
        for level, quantile in interval.quantiles:
            t = flint.fmpq(*Fraction(str(quantile)).as_integer_ratio())
            half = flint.fmpq(10) ** (math.floor(math.log10(quantile)) - 5) / 2
            exact = flint.fmpq(*Fraction(str(level)).as_integer_ratio())
            assert 1 - outside(t - half, n - 2) < exact < 1 - outside(t + half, n - 2)


@pytest.mark.parametrize("degrees_of_freedom", [1, 2, 3, 8, 29, 101, 1000, 10**6])
@pytest.mark.parametrize("t", [0.0, 1e-3, 0.5, 1.0, 1.96, 4.0, 30.0, 38.0, 39.0, 1e9])
def test_p_values_are_correctly_rounded(degrees_of_freedom: int, t: float) -> None:
    """Both signs of t give the probability outside of [-t, t]; those of 1e-323 are subnormal."""
    with flint.ctx.workprec(300):
        exact = outside(flint.fmpq(*t.as_integer_ratio()), degrees_of_freedom).mid().man_exp()
    mantissa, exponent = (int(part) for part in exact)
    expected = 0.0 if exponent < -5000 else nearest(Fraction(mantissa) * Fraction(2) ** exponent)
    for value in (t, -t):
        assert two_sided_p_value(degrees_of_freedom, value) == expected


@pytest.mark.parametrize("f", [0.0, 1e-9, 0.3, 1.0, 2.5, 80.0, 1e6])
def test_f_agrees_with_closed_forms(f: float) -> None:
    """With two degrees of freedom in the numerator P is a power; of one and n it is that of t."""
    for n in (1, 2, 7, 40, 1001):
        expected = (1 + 2 * f / n) ** (-n / 2)
        assert f_p_value(2, n, f) == pytest.approx(expected, rel=1e-12)
        assert f_p_value(1, n, f) == pytest.approx(two_sided_p_value(n, math.sqrt(f)), rel=1e-12)
        swapped = 1.0 if f == 0 else f_p_value(n, 2, 1 / f)
        assert f_p_value(2, n, f) + swapped == pytest.approx(1.0 + (f == 0), rel=1e-15)


@pytest.mark.parametrize("x", [0.0, 1e-9, 0.3, 1.0, 2.5, 80.0, 1480.0, 1e6])
def test_chi_squared_agrees_with_closed_forms(x: float) -> None:
    """With 1 and 2 degrees of freedom P is erfc and exp, and two more add a Poisson term."""
    half = x / 2
    assert chi2_p_value(1, x) == pytest.approx(math.erfc(math.sqrt(half)), rel=1e-12)
    assert chi2_p_value(2, x) == pytest.approx(math.exp(-half), rel=1e-12)
    assert chi2_p_value(4, x) == pytest.approx(math.exp(-half) * (1 + half), rel=1e-12)


def test_quantiles_of_extreme_probabilities() -> None:
    """Next to 0 and 1, too; Cauchy's distribution has them in closed form."""
    assert t_quantile(1, 1e-300) == pytest.approx(math.pi / 2 * 1e-300, rel=1e-15)
    assert t_quantile(1, 1 - 2**-53) == pytest.approx(2 / math.pi / 1e-16, rel=1e-2)
    assert f_quantile(2, 2, 1e-300) == pytest.approx(1e-300, rel=1e-15)
    assert chi2_quantile(2, 1e-300) == pytest.approx(2e-300, rel=1e-15)
    assert chi2_quantile(1, 1e-300) == 0.0  # 1e-600


@pytest.mark.parametrize("probability", [1e-6, 0.05, 0.5, 0.95, 0.999, 1 - 1e-9])
@pytest.mark.parametrize("n", [1, 2, 3, 30, 1000, 10**6])
def test_quantiles_are_correctly_rounded(n: int, probability: float) -> None:
    """What the decimal leaves of 1 lies outside of a number nearer to the quantile than others."""
    left = 1 - Fraction(str(probability))
    outside = flint.fmpq(left.numerator, left.denominator)
    tails: dict[float, Callable[[Any], Any]] = {
        t_quantile(n, probability): lambda t: f_tail(1, n, t * t),
        f_quantile(3, n, probability): lambda f: f_tail(3, n, f),
        f_quantile(n, 5, probability): lambda f: f_tail(n, 5, f),
        chi2_quantile(min(n, 1000), probability): lambda x: chi2_tail(min(n, 1000), x),
    }
    for quantile, tail in tails.items():
        exact = flint.fmpq(*quantile.as_integer_ratio())
        for other in (math.nextafter(quantile, 0), math.nextafter(quantile, math.inf)):
            middle = (exact + flint.fmpq(*other.as_integer_ratio())) / 2
            with flint.ctx.workprec(300):
                p = tail(flint.arb(middle))
                assert p > outside if other < quantile else p < outside


@pytest.mark.parametrize("degrees_of_freedom", [1, 5, 1000])
@pytest.mark.parametrize("level", [0.05, 0.5, 0.9, 0.99])
def test_quantiles_and_p_values_are_inverse(degrees_of_freedom: int, level: float) -> None:
    """Outside of the quantile lies what the level leaves, to the quantile's six digits."""
    t = two_sided_quantile(degrees_of_freedom, level)
    assert two_sided_p_value(degrees_of_freedom, t) == pytest.approx(1 - level, rel=1e-4)
