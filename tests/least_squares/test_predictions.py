"""Predictions and half-widths of many rows have the bits of one row at a time."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from intervals import interval_of, usual_rows
from random_tables import Table, any_numbers, mild_numbers, tables

from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.predictions import half_widths, predict, predict_coded, predict_columns
from cali_reg.least_squares.solution import LEVELS, solve
from cali_reg.runtime.model import predict_row


@given(tables(numbers=any_numbers), st.lists(any_numbers, min_size=5, max_size=5))
def test_predictions_have_the_bits_of_one_row_at_a_time(table: Table, model: list[float]) -> None:
    """Rows in one array, and columns in several, for numbers of any size."""
    X, coefficients, intercept = table[0], model[: table[0].shape[1]], model[-1]
    with np.errstate(all="ignore"):
        found = predict(X, coefficients, intercept)
        apart = predict_columns([column.copy() for column in X.T], coefficients, intercept)
    expected = np.array([predict_row(intercept, coefficients, row) for row in X.tolist()])
    np.testing.assert_array_equal(found, expected, strict=True)
    np.testing.assert_array_equal(apart, expected, strict=True)
    assert np.signbit(found).tolist() == np.signbit(expected).tolist()


ZEROS = st.sampled_from([0.0, -0.0, 1.0, -1.0])


@given(
    st.lists(st.one_of(st.none(), st.integers(1, 4)), min_size=1, max_size=4),
    st.data(),
    st.sampled_from([ZEROS, any_numbers]),
)
def test_codes_have_the_bits_of_one_hot_rows(
    n_levels: list[int | None], data: st.DataObject, numbers: st.SearchStrategy[float]
) -> None:
    """The zeros that are left out change nothing but the sign of zero, which is kept."""
    columns: list[np.ndarray[Any, Any]] = []
    features: list[np.ndarray[Any, Any]] = []
    for n in n_levels:
        if n is None:
            columns.append(data.draw(arrays(np.float64, 5, elements=numbers)))
            features.append(columns[-1])
        else:
            columns.append(data.draw(arrays(np.intp, 5, elements=st.integers(-2, n - 1))))
            features += [(columns[-1] == k).astype(float) for k in range(1, n)]
    coefficients = data.draw(
        st.lists(numbers, min_size=len(features), max_size=len(features)), label="coefficients"
    )
    intercept = data.draw(numbers, label="intercept")
    features = features or [np.zeros(5)]  # only columns of one level: the intercept is left
    coefficients = coefficients or [-0.0]
    with np.errstate(all="ignore"):
        found = predict_coded(columns, n_levels, coefficients, intercept)
        expected = predict_columns(features, coefficients, intercept)
    np.testing.assert_array_equal(found, expected, strict=True)
    assert np.signbit(found).tolist() == np.signbit(expected).tolist()


@given(st.data(), st.integers(1, 5))
def test_numpy_gives_the_same_bits(data: st.DataObject, p: int) -> None:
    """By columns and by rows, for numbers of any size: the same order of operations."""
    X, y = usual_rows(12, p, seed=p)
    interval = interval_of(X, y)
    rows = data.draw(arrays(np.float64, (4, p), elements=mild_numbers | any_numbers))
    level = data.draw(st.sampled_from(LEVELS))
    with np.errstate(all="ignore"):
        found = half_widths(np.vstack([X, rows]), interval, level)
    expected = [interval.half_width(row, level) for row in [*X.tolist(), *rows.tolist()]]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("order", ["C", "F"])
def test_numpy_gives_the_same_bits_in_blocks(order: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks and layouts change nothing."""
    X, y = usual_rows(1000, 6)
    interval = interval_of(X, y)
    expected = [interval.half_width(row, 0.9) for row in X.tolist()]
    monkeypatch.setattr("cali_reg.least_squares.predictions._BLOCK", 301)
    assert half_widths(np.array(X, order=order), interval, 0.9).tolist() == expected
    assert half_widths(X[:0], interval, 0.9).tolist() == []


def test_coverage() -> None:
    """A 95 % interval holds 95 % of new targets, over many small tables."""
    rng, covered = np.random.default_rng(0), []
    for _ in range(400):
        X, noise = rng.normal(size=(112, 3)) * [1, 10, 100], rng.normal(size=112)
        y = X @ [1.0, 2.0, 3.0] + noise
        solution = solve(Moments.from_arrays(X[:12], y[:12]))
        assert solution.interval is not None
        half = half_widths(X[12:], solution.interval, 0.95)
        missed = np.abs(predict(X[12:], solution.coefficients, solution.intercept) - y[12:])
        covered.append(float((missed <= half).mean()))
    error = float(np.std(covered)) / math.sqrt(len(covered))
    assert error < 0.005
    assert abs(float(np.mean(covered)) - 0.95) < 3 * error
