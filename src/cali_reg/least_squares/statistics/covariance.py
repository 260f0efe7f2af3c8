"""The covariance matrix of the coefficients, of which standard errors and tests are made.

What it is estimated from is its kind. A matrix is given in balls of rising precision, and as
rational numbers where no ball decides how to round.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import flint

from cali_reg.least_squares.inverse import Groups, exact_inverse_block, inverse_blocks
from cali_reg.least_squares.projected_solution import ProjectedSolution
from cali_reg.least_squares.solution import Solution


class Covariance(Protocol):
    """The covariance matrix of a solution's coefficients and, at the end, of its intercept."""

    @property
    def kind(self) -> str:
        """What it is estimated from, such as ``classical``."""

    @property
    def degrees_of_freedom(self) -> int:
        """Of Student's t and of the denominator of F: at least 1."""

    def variances(self) -> Iterator[list[flint.arb]]:
        """Yield balls of the diagonal at the precision that is set meanwhile, smaller each time."""

    def exact_variances(self) -> list[flint.fmpq]:
        """Return the diagonal, exactly."""

    def blocks(self, groups: Groups) -> Iterator[list[flint.arb_mat]]:
        """Yield the rows and columns of each group, as `variances` yields the diagonal.

        Parameters
        ----------
        groups : sequence of sequences of int
            Indices of features.
        """

    def exact_block(self, group: Sequence[int]) -> flint.fmpq_mat:
        """Return the rows and columns of a group, exactly.

        Parameters
        ----------
        group : sequence of int
        """


class ClassicalCovariance:
    """The residual variance times the inverse of the sums of products.

    It is true if errors are independent and have one variance.

    Parameters
    ----------
    solution : Solution or ProjectedSolution
        Without a penalty, and with residual degrees of freedom.
    """

    kind = "classical"

    def __init__(self, solution: Solution | ProjectedSolution) -> None:
        self._solution = solution
        self.degrees_of_freedom = solution.degrees_of_freedom

    def variances(self) -> Iterator[list[flint.arb]]:
        """Enclose the diagonal, more closely each time.

        Yields
        ------
        list of arb
            While it is used, FLINT's precision is that of these balls.
        """
        for factors in self._solution.variance_factor_balls():
            variance = self._solution.rss_ball() / self.degrees_of_freedom
            yield [factor * variance for factor in factors]

    def exact_variances(self) -> list[flint.fmpq]:
        """Return the diagonal, exactly."""
        variance = self._solution.exact_rss / self.degrees_of_freedom
        return [factor * variance for factor in self._solution.variance_factors()]

    def blocks(self, groups: Groups) -> Iterator[list[flint.arb_mat]]:
        """Enclose the rows and columns of each group, more closely each time.

        Parameters
        ----------
        groups : sequence of sequences of int
            Indices of features.

        Yields
        ------
        list of arb_mat
            While it is used, FLINT's precision is that of these balls.
        """
        for blocks in inverse_blocks(self._solution.equations, groups):
            variance = self._solution.rss_ball() / self.degrees_of_freedom
            yield [block * variance for block in blocks]

    def exact_block(self, group: Sequence[int]) -> flint.fmpq_mat:
        """Return the rows and columns of a group, exactly.

        Parameters
        ----------
        group : sequence of int
        """
        variance = self._solution.exact_rss / self.degrees_of_freedom
        block: flint.fmpq_mat = exact_inverse_block(self._solution.equations, group) * variance
        return block


def wald(estimates: Sequence[Any], covariance: Any, rows: Any = None) -> Any:
    """Return Wald's statistic of ``rows @ estimates == 0``, over the number of rows.

    That is ``(R w)ᵀ (R V Rᵀ)⁻¹ (R w) / k``, an F of k and the covariance's degrees of freedom
    (Greene, Econometric Analysis, 2018, section 5.3).

    Parameters
    ----------
    estimates : sequence of n arb or fmpq
        w.
    covariance : arb_mat or fmpq_mat of shape (n, n)
        V.
    rows : matrix of the same type and shape (k, n), optional
        R, of rank k; by default each estimate is tested to be zero.

    Returns
    -------
    arb or fmpq

    Raises
    ------
    ZeroDivisionError
        If the matrix is singular or, in balls, the precision too low.

    Examples
    --------
    >>> half = flint.fmpq(1, 2)
    >>> wald([half, half], flint.fmpq_mat([[half, 0], [0, half]]))
    1/2
    """
    column = type(covariance)([[value] for value in estimates])
    if rows is not None:
        column, covariance = rows * column, rows * covariance * rows.transpose()
    return (column.transpose() * covariance.solve(column))[0, 0] / column.nrows()
