"""Bounds on roundings: no float64 prediction, and no R² of such, is further off."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_tables import Table, mild_numbers, tables

from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.predictions import predict
from cali_reg.least_squares.statistics.rounding_bounds import (
    prediction_rounding_bound,
    r2_rounding_bound,
)

Model = tuple[tuple[float, ...], float]


def exact(row: list[float], coefficients: tuple[float, ...], intercept: float) -> Fraction:
    """Return the prediction of a row without roundings."""
    terms = (Fraction(w) * Fraction(x) for w, x in zip(coefficients, row, strict=True))
    return sum(terms, start=Fraction(intercept))


def exact_r2(y: list[float], predictions: list[Fraction]) -> Fraction:
    """Return R² in rational arithmetic."""
    target = list(map(Fraction, y))
    mean = sum(target, Fraction(0)) / len(target)
    rss = sum(((p - t) ** 2 for p, t in zip(predictions, target, strict=True)), Fraction(0))
    return 1 - rss / sum(((t - mean) ** 2 for t in target), Fraction(0))


def check(X: np.ndarray, y: np.ndarray, model: Model) -> None:
    """Compare both bounds with what the roundings of predictions do to some rows."""
    rounded = [Fraction(value) for value in predict(X, *model).tolist()]
    truth = [exact(row, *model) for row in X.tolist()]
    ranges = list(zip(X.min(axis=0).tolist(), X.max(axis=0).tolist(), strict=True))
    bound = prediction_rounding_bound(model[1], model[0], ranges)
    assert bound is not None
    assert max(abs(a - b) for a, b in zip(rounded, truth, strict=True)) <= Fraction(bound)
    r2_bound = r2_rounding_bound(Moments.from_arrays(X, y), *model)
    if len(y) < 2 or np.ptp(y) == 0:
        assert r2_bound is None
        return
    assert r2_bound is not None
    difference = exact_r2(y.tolist(), rounded) - exact_r2(y.tolist(), truth)
    assert abs(difference) <= Fraction(r2_bound)


@given(
    tables(numbers=mild_numbers, n_features=3),
    st.tuples(st.tuples(mild_numbers, mild_numbers, mild_numbers), mild_numbers),
)
def test_bounds_hold_for_any_model(table: Table, model: Model) -> None:
    """Rows and models of all sizes, whatever the roundings are."""
    check(*table, model)


@pytest.mark.parametrize("scale", [1.0, 1e12, 1e15])
def test_bounds_hold_where_terms_cancel(scale: float) -> None:
    """Huge coefficients of columns that nearly cancel: both bounds are large, and hold."""
    rng = np.random.default_rng(0)
    net, ship = rng.integers(0, 9999, (2, 300)) / 100
    X = np.column_stack([net, ship, net + ship])
    y = net + rng.normal(size=300)
    check(X, y, ((1 + scale, scale, -scale), 0.5))
    bound = r2_rounding_bound(Moments.from_arrays(X, y), (1 + scale, scale, -scale), 0.5)
    assert bound is not None
    assert scale * 1e-17 < bound < scale * 1e-14 * max(1.0, scale * 1e-14)


def test_bounds_are_close_to_what_happens() -> None:
    """For an ordinary model the bound is some units in the last place, not more."""
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(1000, 5)), (1.0, -2.0, 0.5, 3.0, 1.0)
    y = predict(X, w, 1.0) + rng.normal(size=1000)
    r2_bound = r2_rounding_bound(Moments.from_arrays(X, y), w, 1.0)
    assert r2_bound is not None
    assert 1e-16 < r2_bound < 1e-14


def test_predictions_that_may_overflow_have_no_bound() -> None:
    """Nothing is promised of a prediction that can be infinite."""
    assert prediction_rounding_bound(0.0, [1e200], [(0.0, 1e200)]) is None
    moments = Moments.from_arrays([[1e200], [2e200]], [0.0, 1.0])
    assert r2_rounding_bound(moments, [1e200], 0.0) is None


def test_undefined_r2_has_no_bound() -> None:
    """Neither has a constant target, nor a single row."""
    assert r2_rounding_bound(Moments.from_arrays([[1.0], [2.0]], [3.0, 3.0]), [1.0], 0.0) is None
    assert r2_rounding_bound(Moments.from_arrays([[1.0]], [3.0]), [1.0], 0.0) is None
