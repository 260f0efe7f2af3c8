"""Predictions and half-widths of many rows at once, with the bits of one row at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cali_reg.runtime.prediction_interval import Interval

_BLOCK = 4096  # rows; their deviations stay in the cache


def predict(
    X: npt.NDArray[np.float64], coefficients: Sequence[float], intercept: float
) -> npt.NDArray[np.float64]:
    """Return ``((b + w0 x0) + w1 x1) + ...`` for each row of `X`, one rounding an operation."""
    return predict_columns(X.T, coefficients, intercept)


def predict_columns(
    columns: Sequence[npt.NDArray[np.float64]] | npt.NDArray[np.float64],
    coefficients: Sequence[float],
    intercept: float,
) -> npt.NDArray[np.float64]:
    """Return `predict` of rows whose columns are apart, each (n_rows,)."""
    prediction = np.full(len(columns[0]), intercept)
    product = np.empty_like(prediction)
    for weight, column in zip(coefficients, columns, strict=True):
        prediction += np.multiply(weight, column, out=product)
    return prediction


def half_widths(
    X: npt.NDArray[np.float64], interval: Interval, level: float
) -> npt.NDArray[np.float64]:
    """Return the bits of `Interval.half_width` for each row of `X`: (n_rows, n_features)."""
    quantile, means = interval.quantile(level), np.array(interval.means)
    found = np.empty(len(X))
    for start in range(0, len(X), _BLOCK):
        deviations = X[start : start + _BLOCK].T - means[:, None]
        total = np.full(deviations.shape[1], 1.0 + 1.0 / interval.n_samples)
        for k, weights in enumerate(interval.inverse_cholesky):
            w = predict(deviations[: k + 1].T, weights, 0.0)
            total += w * w
        block = interval.residual_standard_deviation * np.sqrt(total)
        found[start : start + _BLOCK] = quantile * block
    return found
