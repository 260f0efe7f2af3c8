"""Cross-validation: what the moments of folds give is what fitting each rest anew gives."""

import numpy as np
import pytest
import reference

from cali_reg.errors import UsageError
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.statistics.cross_validation import cross_validate


@pytest.mark.parametrize("n_folds", [2, 3, 5])
def test_each_fold_is_scored_by_the_model_of_the_others(n_folds: int) -> None:
    """A model of the rows outside of a fold, and its scores on those inside, by the reference."""
    rng = np.random.default_rng(n_folds)
    X = rng.normal(size=(30, 2))
    y = X @ [1.0, -2.0] + rng.normal(size=30)
    fold_of = np.arange(30) % n_folds
    folds = [Moments.from_arrays(X[fold_of == k], y[fold_of == k]) for k in range(n_folds)]
    for k, found in enumerate(cross_validate(folds, ["a", "b"])):
        inside, rest = fold_of == k, fold_of != k
        model = reference.LeastSquares(X[rest], y[rest])
        expected = reference.scores(X[inside], y[inside], model.coefficients, model.intercept)
        assert found.n_samples == inside.sum()
        assert (found.r2, found.rmse, found.bias) == expected


def test_a_fold_without_rows() -> None:
    """There is nothing to score: the message names the option."""
    rows = Moments.from_arrays([[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0])
    nothing = Moments.from_arrays(np.empty((0, 1)), np.empty(0))
    with pytest.raises(UsageError, match="--cv is 3, and a fold has no rows; use fewer folds"):
        cross_validate([rows, nothing, rows], ["a"])
