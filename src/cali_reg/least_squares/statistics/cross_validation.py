"""Cross-validation from the moments of folds, without reading their rows again."""

from __future__ import annotations

from collections.abc import Sequence

from cali_reg.errors import UsageError
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.projected_solution import ProjectedSolution
from cali_reg.least_squares.solution import Solution, solve
from cali_reg.least_squares.statistics.scores import Scores, score


def cross_validate(
    folds: Sequence[Moments],
    names: Sequence[str],
    projected: Sequence[int] = (),
    *,
    fit_intercept: bool = True,
) -> list[Scores]:
    """Score each fold with the model of all other folds.

    The moments of the other folds are those of all rows minus the fold's, so one pass over the
    rows is enough.

    Parameters
    ----------
    folds : sequence of Moments
        Of at least two folds, with the same columns.
    names : sequence of n_features strings
        The features' names, for error messages.
    projected : sequence of int
        Columns to replace by their projections, as `ProjectedSolution` does.
    fit_intercept : bool, default=True
        Whether the models have an intercept.

    Returns
    -------
    list of Scores
        One for each fold, in order.

    Raises
    ------
    UsageError
        If a fold has no rows.
    DataError
        If a coefficient or a score is beyond float64.

    Examples
    --------
    >>> folds = [Moments.from_arrays([[0.0], [k]], [1.0, k]) for k in (1.0, 2.0)]
    >>> [fold.rmse for fold in cross_validate(folds, ["x"])]
    [0.3535533905932738, 0.7071067811865476]
    """
    if not all(fold.n_samples for fold in folds):
        raise UsageError(f"--cv is {len(folds)}, and a fold has no rows; use fewer folds")
    total = sum(folds[1:], start=folds[0])
    solutions: list[Solution | ProjectedSolution] = [
        ProjectedSolution(total - fold, names, projected, fit_intercept=fit_intercept)
        if projected
        else solve(total - fold, names=names, fit_intercept=fit_intercept)
        for fold in folds
    ]
    return [
        score(fold, solution.coefficients, solution.intercept)
        for fold, solution in zip(folds, solutions, strict=True)
    ]
