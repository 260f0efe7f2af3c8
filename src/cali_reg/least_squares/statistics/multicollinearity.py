"""How near columns are to depend on one another: inflation of variances, condition number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import flint

from cali_reg.least_squares.exact_gram import UNIT
from cali_reg.least_squares.folded_solution import FoldedSolution
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.projected_solution import ProjectedSolution
from cali_reg.least_squares.rounding import power_of_two, round_each, to_float
from cali_reg.least_squares.solution import Solution
from cali_reg.least_squares.statistics.coefficient_tests import DEPENDENT, FOLDED
from cali_reg.least_squares.statistics.fit_statistics import PENALTY

MOST_FEATURES = 100  # whose condition number is computed: the time grows with their cube

_PRECISIONS = [256, 512, 1024, 2048]  # bits


@dataclass(frozen=True)
class Multicollinearity:
    """What the columns of a solution share, each number correctly rounded.

    Attributes
    ----------
    variance_inflation : tuple of n_features floats or None
        1 / (1 - R²) of each column's regression on the others (and, with an intercept, on the
        constant): by how much they increase the variance of its coefficient. None if undefined.
    condition_number : float or None
        Largest over smallest singular value of the columns, the constant among them if there is an
        intercept, each scaled to length 1 (Belsley, Kuh & Welsch, Regression Diagnostics, 1980).
        From about 30 on, coefficients depend on small changes of the data.
    reasons : dict of str to str
        Why a number is None, by the column's name or ``condition_number``.
    """

    variance_inflation: tuple[float | None, ...]
    condition_number: float | None
    reasons: dict[str, str]


def multicollinearity(
    solution: Solution | ProjectedSolution | FoldedSolution, names: Sequence[str]
) -> Multicollinearity:
    """Compute variance inflation factors and the condition number of scaled columns.

    Parameters
    ----------
    solution : Solution, ProjectedSolution or FoldedSolution
    names : sequence of n_features strings

    Returns
    -------
    Multicollinearity

    Examples
    --------
    >>> from cali_reg.least_squares import Moments, solve
    >>> X, y = [[0.0, 0.0], [1.0, 0.0], [2.0, 1.0], [3.0, 1.0]], [0.0, 1.0, 3.0, 2.0]
    >>> found = multicollinearity(solve(Moments.from_arrays(X, y)), ["a", "b"])
    >>> found.variance_inflation, found.condition_number
    ((5.0, 5.0), 7.871638179862555)
    """
    if isinstance(solution, FoldedSolution):
        inner = multicollinearity(solution.inner, [names[j] for j in solution.kept])
        factors = dict(zip(solution.kept, inner.variance_inflation, strict=True))
        folded = {name: FOLDED for j, name in enumerate(names) if j not in factors}
        return Multicollinearity(
            tuple(factors.get(j) for j in range(len(names))),
            inner.condition_number,
            inner.reasons | folded,
        )
    why = PENALTY if solution.is_penalized else DEPENDENT if solution.dependent else ""
    if why or isinstance(solution, ProjectedSolution):
        reasons = dict.fromkeys([*names, "condition_number"], why)
        return Multicollinearity((None,) * len(names), None, reasons)
    factors_found = tuple(_variance_inflation(solution))
    if len(names) > MOST_FEATURES:
        reasons = {"condition_number": f"it is computed for up to {MOST_FEATURES} features"}
        return Multicollinearity(factors_found, None, reasons)
    return Multicollinearity(factors_found, _condition_number(solution), {})


def _variance_inflation(solution: Solution) -> list[float | None]:
    """Return each diagonal entry of the sums of products, times that of their inverse."""
    squares = _squares(solution.moments, about_mean=solution.fit_intercept)

    def balls() -> Iterator[list[flint.arb]]:
        for factors in solution.variance_factor_balls():
            yield [factor * square for factor, square in zip(factors, squares, strict=False)]

    def exactly(j: int) -> float:
        return to_float(solution.variance_factors()[j] * squares[j])

    return round_each(balls(), len(squares), exactly)


def _squares(moments: Moments, *, about_mean: bool) -> list[flint.fmpq]:
    """Return the sum of squares of each feature, exactly."""
    sums, scale = moments.sums, power_of_two(UNIT)
    n = int(sums[0, 0])
    found = []
    for j in range(1, len(sums) - 1):
        square = flint.fmpq(int(sums[j, j]))
        if about_mean:
            square -= flint.fmpq(int(sums[0, j]) ** 2, n)
        found.append(square * scale)
    return found


def _condition_number(solution: Solution) -> float | None:
    """Return the root of the quotient of extreme eigenvalues of the scaled sums of products."""
    first = 0 if solution.fit_intercept else 1
    sums = solution.moments.sums[first:-1, first:-1].tolist()
    size = len(sums)

    def balls() -> Iterator[list[flint.arb]]:
        for precision in _PRECISIONS:
            with flint.ctx.workprec(precision):
                roots = [flint.arb(int(sums[j][j])).sqrt() for j in range(size)]
                scaled = flint.arb_mat(
                    [[sums[i][j] / (roots[i] * roots[j]) for j in range(size)] for i in range(size)]
                )
                try:
                    eigenvalues = [value.real for value in scaled.eig(multiple=True)]
                except ValueError:  # the precision is too low
                    continue
                yield [(_extreme(eigenvalues, 1) / _extreme(eigenvalues, -1)).sqrt()]

    return round_each(balls(), 1, lambda _: None)[0]


def _extreme(values: Sequence[flint.arb], sign: int) -> flint.arb:
    """Enclose the largest of some numbers or, for a sign of -1, the smallest."""
    found = sign * values[0]
    for value in values[1:]:
        found = found.max(sign * value)
    return sign * found
