"""Scores: R2, RMSE and bias of any model on any rows, from rational arithmetic on the rows."""

import math
from functools import partial

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from outcomes import BEYOND, outcome
from random_tables import Table, any_numbers, mild_numbers, tables
from reference import Model, is_same, scores

from cali_reg.errors import DataError
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.solution import solve
from cali_reg.least_squares.statistics.scores import r2_loss, score

MAXIMUM = float(np.finfo(np.float64).max)


@given(tables(numbers=mild_numbers), st.lists(any_numbers, min_size=5, max_size=5))
def test_scores_of_any_model_on_any_rows(table: Table, model: list[float]) -> None:
    """R2, RMSE and bias of coefficients that come from anywhere."""
    X, y = table
    coefficients, intercept = model[: X.shape[1]], model[-1]
    expected = outcome(lambda: scores(X, y, coefficients, intercept))
    found = outcome(lambda: score(Moments.from_arrays(X, y), coefficients, intercept))
    if expected == BEYOND or found == BEYOND:
        assert found == expected
    else:
        assert found.n_samples == len(y)
        assert is_same((found.r2, found.rmse, found.bias), expected)


@given(
    tables(numbers=mild_numbers, n_features=2),
    st.tuples(st.tuples(any_numbers, any_numbers), any_numbers),
    st.tuples(st.tuples(mild_numbers, mild_numbers), mild_numbers),
)
def test_the_loss_of_r2_is_exact(table: Table, before: Model, after: Model) -> None:
    """The difference is rounded, not its terms: a loss far below an ulp of R2 is seen."""
    moments = Moments.from_arrays(*table)
    nearly = ((math.nextafter(after[0][0], 9.0), after[0][1]), after[1])
    for one, other in ((before, after), (after, nearly), (after, after)):
        found = outcome(partial(r2_loss, moments, one, other))
        wanted = outcome(partial(reference.r2_loss, *table, one, other))
        assert is_same(found, wanted)


def test_a_model_is_scored_on_rows_it_never_saw() -> None:
    """Scores are those of the float64 model, not of the exact solution."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), rng.normal(size=60)
    solution = solve(Moments.from_arrays(X[:40], y[:40]))
    found = score(Moments.from_arrays(X[40:], y[40:]), solution.coefficients, solution.intercept)
    expected = scores(X[40:], y[40:], solution.coefficients, solution.intercept)
    assert (found.r2, found.rmse, found.bias) == expected


@pytest.mark.parametrize(
    ("coefficients", "intercept", "why"),
    [
        ([1.0], 0.0, "1 coefficients cannot be scored on 2 rows of 2 features"),
        ([1.0, math.nan], 0.0, "NaN or infinite"),
        ([1.0, 1.0], math.inf, "NaN or infinite"),
        ([MAXIMUM, MAXIMUM], MAXIMUM, "the RMSE is beyond float64"),
    ],
)
def test_models_that_cannot_be_scored(
    coefficients: list[float], intercept: float, why: str
) -> None:
    """Another number of features, or no finite score."""
    with pytest.raises(DataError, match=why):
        score(Moments.from_arrays([[1.0, 2.0], [3.0, 5.0]], [1.0, 2.0]), coefficients, intercept)


@pytest.mark.parametrize(
    ("target", "prediction", "r2"), [(5.0, 5.0, 1.0), (0.1, 0.1, 1.0), (0.1, 0.2, 0.0)]
)
def test_constant_target_is_hit_or_missed(target: float, prediction: float, r2: float) -> None:
    """Where TSS is zero, R2 is 1 without errors and otherwise 0, as in scikit-learn."""
    moments = Moments.from_arrays([[1.0], [2.0], [4.0]], [target] * 3)
    assert score(moments, [0.0], prediction).r2 == r2
    assert math.isnan(r2_loss(moments, ([0.0], target), ([0.0], prediction)))


def test_undefined_scores_are_nan() -> None:
    """One row has no R2; its other scores are those of its error."""
    found = score(Moments.from_arrays([[1.0]], [3.0]), [1.0], 1.0)
    assert math.isnan(found.r2)
    assert (found.n_samples, found.rmse, found.bias) == (1, 1.0, -1.0)


def test_no_rows_cannot_be_scored() -> None:
    """The moments of no rows are moments, but there is nothing to predict."""
    with pytest.raises(DataError, match="on 0 rows"):
        score(Moments.from_arrays(np.empty((0, 1)), np.empty(0)), [1.0], 0.0)
