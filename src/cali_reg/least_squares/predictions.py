"""Predictions and half-widths of many rows at once, with the same bits as row by row.

NumPy only: neither FLINT nor SciPy is imported, so that predicting a file starts fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cali_reg.runtime.prediction_interval import Interval

_BLOCK = 4096  # rows; their deviations stay in the cache


def predict(
    X: npt.NDArray[np.float64], coefficients: Sequence[float], intercept: float
) -> npt.NDArray[np.float64]:
    """Predict rows: ``((b + w0 x0) + w1 x1) + ...``, left to right, one rounding an operation.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        At least one feature.
    coefficients : sequence of n_features floats
    intercept : float

    Returns
    -------
    ndarray of shape (n_rows,)
        In target units, with the bits of `cali_reg.runtime.model.predict_row`.

    Examples
    --------
    >>> predict(np.array([[1.0, 2.0], [0.5, 0.0]]), [0.1, 10.0], 0.2)
    array([20.3 ,  0.25])
    """
    return predict_columns(X.T, coefficients, intercept)


def predict_columns(
    columns: Sequence[npt.NDArray[np.float64]] | npt.NDArray[np.float64],
    coefficients: Sequence[float],
    intercept: float,
) -> npt.NDArray[np.float64]:
    """Predict rows whose columns are separate arrays, as `predict` does.

    Parameters
    ----------
    columns : sequence of n_features ndarrays of shape (n_rows,)
        At least one.
    coefficients : sequence of n_features floats
    intercept : float

    Returns
    -------
    ndarray of shape (n_rows,)
        In target units.
    """
    prediction = np.full(len(columns[0]), intercept)
    product = np.empty_like(prediction)
    for weight, column in zip(coefficients, columns, strict=True):
        prediction += np.multiply(weight, column, out=product)
    return prediction


def predict_coded(
    columns: Sequence[npt.NDArray[Any]],
    n_levels: Sequence[int | None],
    coefficients: Sequence[float],
    intercept: float,
) -> npt.NDArray[np.float64]:
    """Predict rows of numbers and of codes, with the bits that `predict` has for one-hot rows.

    Of the terms of a categorical column all but one are zero. They change nothing, except that -0.0
    may become 0.0: rows whose sum is -0.0 are predicted from their one-hot features.

    Parameters
    ----------
    columns : sequence of ndarrays of shape (n_rows,)
        At least one: float64, or the indices of levels.
    n_levels : sequence of int or None
        For each column the number of its levels, the first of which is the baseline; None for
        numbers.
    coefficients : sequence of n_features floats
    intercept : float

    Returns
    -------
    ndarray of shape (n_rows,)
        In target units.
    """
    prediction = np.full(len(columns[0]), intercept)
    product = np.empty_like(prediction)
    start = 0
    for cells, n in zip(columns, n_levels, strict=True):
        if n is None:
            prediction += np.multiply(coefficients[start], cells, out=product)
            start += 1
            continue
        end = start + max(0, n - 1)
        if end == start:
            continue
        weights = np.array([0.0, *coefficients[start:end]])
        rows = np.flatnonzero((prediction == 0.0) & np.signbit(prediction))
        one_hot = [(cells[rows] == k).astype(float) for k in range(1, n)] if rows.size else []
        prediction += weights[np.maximum(cells, 0)]
        if rows.size:
            prediction[rows] = predict_columns(one_hot, weights[1:].tolist(), -0.0)
        start = end
    return prediction


def half_widths(
    X: npt.NDArray[np.float64], interval: Interval, level: float
) -> npt.NDArray[np.float64]:
    """Compute the half-width of each row's prediction interval.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    interval : Interval
        Of the model.
    level : float
        One of the levels that `interval` stores, such as 0.95.

    Returns
    -------
    ndarray of shape (n_rows,)
        In target units, with the bits of `Interval.half_width`, which has the formula.

    Raises
    ------
    UsageError
        If the level is not stored.
    """
    quantile, means = interval.quantile(level), np.array(interval.means)
    found = np.empty(len(X))
    for start in range(0, len(X), _BLOCK):
        deviations = X[start : start + _BLOCK].T - means[:, None]
        total = np.full(deviations.shape[1], interval.constant)
        for k, weights in enumerate(interval.inverse_cholesky):
            w = predict_columns(deviations[: k + 1], weights, 0.0)
            total += w * w
        block = interval.residual_standard_deviation * np.sqrt(total)
        found[start : start + _BLOCK] = quantile * block
    return found
