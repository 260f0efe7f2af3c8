"""The reference is judged too: by cases that can be checked by hand."""

from fractions import Fraction

import numpy as np
import pytest
from reference import LeastSquares, nearest, nearest_root, sums


def test_nearest_breaks_ties_to_even() -> None:
    """Midpoints go to the even neighbor; a hair more or less decides otherwise."""
    ulp, hair = Fraction(1, 2**52), Fraction(1, 2**300)
    assert nearest(1 + ulp / 2) == 1.0
    assert nearest(1 + ulp / 2 + hair) == 1 + 2**-52
    assert nearest(1 + 3 * ulp / 2) == 1 + 2**-51
    assert nearest(1 + 3 * ulp / 2 - hair) == 1 + 2**-52
    assert nearest(Fraction(3, 2**1075)) == 2**-1073
    assert nearest(Fraction(1, 2**1075)) == 0.0
    with pytest.raises(OverflowError):
        nearest(Fraction(2**1024 - 2**970))


def test_nearest_root_breaks_ties_to_even() -> None:
    """The root of a midpoint's square goes to the even neighbor."""
    midpoint = 1 + Fraction(3, 2**53)
    assert nearest_root(midpoint**2) == 1 + 2**-51
    assert nearest_root(midpoint**2 - Fraction(1, 2**300)) == 1 + 2**-52
    assert nearest_root(Fraction(2)) == 1.4142135623730951
    assert nearest_root(Fraction(4) ** -1074) == 5e-324


def test_sums_of_a_table_worked_by_hand() -> None:
    """Two rows: counts, sums and products, in units of 2**-2148."""
    table = sums(np.array([[0.5], [2.0]]), np.array([3.0, -1.0]))
    expected = [[2.0, 2.5, 2.0], [2.5, 4.25, -0.5], [2.0, -0.5, 10.0]]
    assert [[Fraction(v, 2**2148) for v in row] for row in table] == expected


def test_least_squares_worked_by_hand() -> None:
    """The line through (0, 0), (1, 1), (2, 4) is 2x - 1/3, with RSS 2/3 and variance 2/3."""
    fit = LeastSquares(np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 4.0]))
    assert (fit.coefficients, fit.intercept) == ((2.0,), -1 / 3)
    assert fit.residual_variance == 2 / 3
    assert fit.standard_errors == (nearest_root(Fraction(1, 3)),)
    assert fit.intercept_standard_error == nearest_root(Fraction(2, 3) * Fraction(5, 6) * 2 / 2)
    assert fit.r2 == nearest(1 - Fraction(2, 3) / Fraction(26, 3))


def test_least_norm_worked_by_hand() -> None:
    """Of all w with w1 + 2 w2 = 5 the least norm has w = (1, 2)."""
    X = np.array([[1.0, 2.0], [2.0, 4.0], [0.0, 0.0]])
    fit = LeastSquares(X, np.array([5.0, 10.0, 0.0]))
    assert (fit.coefficients, fit.rank, fit.dependent) == ((1.0, 2.0), 1, (1,))
