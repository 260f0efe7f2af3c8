"""How much quantizing can change a prediction: a proven bound, and the change on given rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from cali_reg.least_squares.predictions import predict
from cali_reg.runtime.model import LinearModel, QuantizedModel

Rows = Iterable[npt.NDArray[np.float64]]  # blocks of (n_rows, n_features)
Blocks = Callable[[], Rows]  # yields them again each time it is called

_ROUNDING = Fraction(1, 2**53)  # half the distance from 1 to the next float64, relative


def change_bound(model: LinearModel, quantized: QuantizedModel) -> float:
    """Bound how much quantizing changes the prediction of any row inside the training ranges.

    The change is a linear function of the row, so it is largest in a corner of the box of ranges;
    that is computed exactly. What the roundings of both predictions can add is bounded by the sizes
    of their terms (Higham, Accuracy and Stability of Numerical Algorithms, 2002, chapter 3).

    Parameters
    ----------
    model : LinearModel
    quantized : QuantizedModel
        Of the same features.

    Returns
    -------
    float
        In target units, rounded up.
    """
    low = high = Fraction(model.intercept) - Fraction(quantized.intercept)
    rounding = Fraction(0)
    n_operations = 2 * len(model.features)
    for m in (model, quantized):
        sizes = [abs(Fraction(m.intercept))]
        for weight, feature in zip(m.coefficients, model.features, strict=True):
            sizes.append(abs(Fraction(weight)) * _largest_size(feature.minimum, feature.maximum))
        rounding += sum(sizes) * n_operations * _ROUNDING / (1 - n_operations * _ROUNDING)
    for after, feature in zip(quantized.coefficients, model.features, strict=True):
        change = Fraction(feature.coefficient) - Fraction(after)
        ends = change * Fraction(feature.minimum), change * Fraction(feature.maximum)
        low, high = low + min(ends), high + max(ends)
    bound = max(-low, high) + rounding
    nearest = float(bound)
    return nearest if nearest >= bound else math.nextafter(nearest, math.inf)


def largest_change(model: LinearModel, quantized: QuantizedModel, rows: Rows) -> float:
    """Return the largest change of a prediction over some rows.

    Parameters
    ----------
    model : LinearModel
    quantized : QuantizedModel
        Of the same features.
    rows : iterable of ndarrays of shape (n_rows, n_features)

    Returns
    -------
    float
        In target units; 0.0 without rows.
    """
    largest = 0.0
    for X in rows:
        before, after = (predict(X, m.coefficients, m.intercept) for m in (model, quantized))
        largest = max(largest, float(np.abs(before - after).max(initial=0.0)))
    return largest


def _largest_size(minimum: float, maximum: float) -> Fraction:
    return max(abs(Fraction(minimum)), abs(Fraction(maximum)))
