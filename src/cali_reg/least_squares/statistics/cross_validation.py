"""Cross-validation from the moments of folds, without another look at their rows."""

from __future__ import annotations

from collections.abc import Sequence

from cali_reg.errors import UsageError
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.solution import solve
from cali_reg.least_squares.statistics.scores import Scores, score


def cross_validate(folds: Sequence[Moments], names: Sequence[str]) -> list[Scores]:
    """Score each fold by the model of the others, from one pass over the rows.

    The moments of all rows but a fold's are those of all rows less the fold's.
    """
    if not all(fold.n_samples for fold in folds):
        raise UsageError(f"--cv is {len(folds)}, and a fold has no row; use fewer folds")
    total = sum(folds[1:], start=folds[0])
    solutions = [solve(total - fold, names=names) for fold in folds]
    return [
        score(fold, solution.coefficients, solution.intercept)
        for fold, solution in zip(folds, solutions, strict=True)
    ]
