"""Vectors and matrices of balls, as FLINT's Arb computes with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import flint

from cali_reg.least_squares.rounding import power_of_two
from cali_reg.least_squares.solvers.verified import Bounds


class Estimate(NamedTuple):
    """Balls that hold the results, with the precision to compute with them.

    Attributes
    ----------
    precision : int
        In bits.
    weights : list of arb
        The features' coefficients.
    intercept, rss : arb
        The intercept, and the residual sum of squares.
    """

    precision: int
    weights: list[flint.arb]
    intercept: flint.arb
    rss: flint.arb


def to_balls(bounds: Bounds) -> list[flint.arb]:
    """Return the balls that bounds say, at the precision set.

    Parameters
    ----------
    bounds : Bounds

    Returns
    -------
    list of arb
    """
    pairs = zip(bounds.mantissas, bounds.exponents, strict=True)
    return [to_ball(mantissa, bounds.radius, exponent) for mantissa, exponent in pairs]


def to_ball(mantissa: int, radius: int | None, exponent: int) -> flint.arb:
    """Return the ball ``(mantissa ± 2**radius) * 2**exponent``, at the precision set.

    Parameters
    ----------
    mantissa : int
    radius : int or None
        None for no radius.
    exponent : int

    Returns
    -------
    arb
    """
    return flint.arb(mantissa, 0 if radius is None else (1, radius)) * power_of_two(exponent)


def dot(numbers: Iterable[Any], balls: Sequence[flint.arb]) -> flint.arb:
    """Return the sum of products of rational numbers and balls, at the precision set.

    Parameters
    ----------
    numbers : iterable of int or fmpq
    balls : sequence of arb

    Returns
    -------
    arb
    """
    row = flint.arb_mat([[flint.arb(number) for number in numbers]])
    product: flint.arb = (row * flint.arb_mat([[ball] for ball in balls]))[0, 0]
    return product


def least_squares_sum(
    matrix: Any, right: Any, square: flint.fmpz, solution: Sequence[flint.arb]
) -> flint.arb:
    """Enclose ``square - rightᵀ x`` for the solution x of ``matrix x = right``.

    The difference loses digits where a fit is good. With m close to x, and r = right - matrix m, it
    is ``square - mᵀ (right + r) - rᵀ (x - m)``, whose last term is as small as a square.

    Parameters
    ----------
    matrix : fmpz_mat
        Symmetric.
    right : fmpz_mat of one column
    square : fmpz
    solution : sequence of arb
        At the precision set.

    Returns
    -------
    arb
    """
    with flint.ctx.workprec(3 * flint.ctx.prec):
        middle = flint.arb_mat([[x.mid()] for x in solution])
        rest: Any = flint.arb_mat(right) - flint.arb_mat(matrix) * middle
        near = dot((flint.arb_mat(right) + rest).entries(), middle.entries())
        left = [x - m for x, m in zip(solution, middle.entries(), strict=True)]
        total: flint.arb = square - near - dot(rest.entries(), left)
    return total


def inverse_cholesky(matrix: flint.arb_mat) -> list[list[flint.arb]]:
    """Return the rows of L⁻¹ for ``matrix == L Lᵀ``, by halves, so that FLINT mostly multiplies.

    Parameters
    ----------
    matrix : arb_mat

    Returns
    -------
    list of lists of arb
        Row k has k + 1 entries.
    """
    size = matrix.nrows()
    if size == 1:
        return [[1 / matrix[0, 0].sqrt()]]
    half, rows = size // 2, matrix.tolist()
    top = inverse_cholesky(flint.arb_mat([row[:half] for row in rows[:half]]))
    upper = _lower_triangle(top)
    side = upper * flint.arb_mat([row[half:] for row in rows[:half]])  # of Lᵀ, on the right
    rest = flint.arb_mat([row[half:] for row in rows[half:]]) - side.transpose() * side
    bottom = inverse_cholesky(rest)
    left = -_lower_triangle(bottom) * (side.transpose() * upper)
    return top + [a + b for a, b in zip(left.tolist(), bottom, strict=True)]


def _lower_triangle(rows: list[list[flint.arb]]) -> flint.arb_mat:
    return flint.arb_mat([row + [0] * (len(rows) - len(row)) for row in rows])
