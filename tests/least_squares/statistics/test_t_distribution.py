"""Student's t: quantiles are proven to six digits, p-values to ten."""

import math
from fractions import Fraction

import flint
import numpy as np
import pytest
from intervals import interval_of

from cali_reg.least_squares.solution import LEVELS
from cali_reg.least_squares.statistics.t_distribution import two_sided_p_value, two_sided_quantile


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
@pytest.mark.parametrize("t", [0.0, 1e-3, 0.5, 1.0, 1.96, 4.0, 30.0])
def test_p_values_agree_with_flint(degrees_of_freedom: int, t: float) -> None:
    """Both signs of t give the probability outside of [-t, t], to ten digits."""
    with flint.ctx.workprec(200):
        expected = float(outside(flint.fmpq(*t.as_integer_ratio()), degrees_of_freedom))
    for value in (t, -t):
        found = two_sided_p_value(degrees_of_freedom, value)
        assert found == pytest.approx(expected, rel=1e-10, abs=1e-300)


@pytest.mark.parametrize("degrees_of_freedom", [1, 5, 1000])
@pytest.mark.parametrize("level", [0.05, 0.5, 0.9, 0.99])
def test_quantiles_and_p_values_are_inverse(degrees_of_freedom: int, level: float) -> None:
    """Outside of the quantile lies what the level leaves, to the quantile's six digits."""
    t = two_sided_quantile(degrees_of_freedom, level)
    assert two_sided_p_value(degrees_of_freedom, t) == pytest.approx(1 - level, rel=1e-4)
