"""How much quantizing can change a prediction: a proven bound, and the change on given rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from cali_reg.least_squares.predictions import predict
from cali_reg.least_squares.statistics.rounding_bounds import relative_error, round_up
from cali_reg.runtime.model import LinearModel, QuantizedModel

Rows = Iterable[npt.NDArray[np.float64]]  # blocks of (n_rows, n_features)
Blocks = Callable[[], Rows]  # yields them again each time it is called


def change_bound(model: LinearModel, quantized: QuantizedModel) -> float:
    """Bound how much quantizing changes the prediction of any row inside the training ranges.

    The change is a linear function of the row, so it is largest in a corner: where each numeric
    column is at an end of its range, and each categorical column at one of its levels. That is
    computed exactly. What the roundings of both predictions can add is bounded by the sizes of
    their terms (Higham, Accuracy and Stability of Numerical Algorithms, 2002, chapter 3).

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
    models = [
        (Fraction(m.intercept), [Fraction(weight) for weight in m.coefficients])
        for m in (model, quantized)
    ]
    (b, before), (c, after) = models
    changes = [w - v for w, v in zip(before, after, strict=True)]
    low = high = b - c
    terms = abs(b) + abs(c)
    for ends in _extreme_inputs(model):
        low += min(changes[j] * x for j, x in ends)
        high += max(changes[j] * x for j, x in ends)
        terms += sum(max(abs(weights[j] * x) for j, x in ends) for _, weights in models)
    return round_up(max(-low, high) + terms * relative_error(2 * len(model.features)))


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
        In target units; 0.0 without rows. Infinite or NaN if a prediction is beyond float64.
    """
    largest = 0.0
    with np.errstate(all="ignore"):  # what overflows is infinite, as in `predict_row`
        for X in rows:
            before, after = (predict(X, m.coefficients, m.intercept) for m in (model, quantized))
            change = float(np.abs(before - after).max(initial=0.0))
            largest = change if change != change else max(largest, change)  # NaN stays
    return largest


def _extreme_inputs(model: LinearModel) -> Iterator[list[tuple[int, Fraction]]]:
    """Yield for each column its extreme inputs: a feature, and its value; the others are zero."""
    first = 0
    for column in model.columns:
        positions = range(first, first + len(column.features))
        first = positions.stop
        if column.levels is None or model.version == 1:  # whose codes have the bound of their time
            for j in positions:
                feature = model.features[j]
                yield [(j, Fraction(feature.minimum)), (j, Fraction(feature.maximum))]
        elif positions:
            yield _levels(model, positions)


def _levels(model: LinearModel, positions: range) -> list[tuple[int, Fraction]]:
    """Return the levels of a column that training rows may have: one at a time."""
    always = [j for j in positions if model.features[j].minimum > 0]
    if always:  # in every row: no other level, nor the baseline
        return [(always[0], Fraction(1))]
    found = [(j, Fraction(1)) for j in positions if model.features[j].maximum > 0]
    return [(positions[0], Fraction(0)), *found]
