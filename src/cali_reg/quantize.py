"""Quantization: a model and its moments to integer codes and what turns them into values."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from cali_reg import artifacts, split_moments
from cali_reg.dataset import Table
from cali_reg.model import LinearModel, QuantizedModel
from cali_reg.moments import Moments
from cali_reg.solve import Scores, score

BITS = 8
_SCALE = 256  # times 2**-8: one


@dataclass(frozen=True)
class Quantized:
    """A quantized model, both models' scores on the held-out rows, and the files to write."""

    model: QuantizedModel
    before: Scores
    after: Scores
    files: dict[str, bytes]


def quantize(folder: Path) -> Quantized:
    """Quantize the model in `folder` to uint8 codes."""
    model = artifacts.load_model(folder)
    moments = split_moments.load_for(model, folder)
    quantized = round_to_nearest(model, moments.train)
    before, after = (score(moments.test, m.coefficients, m.intercept) for m in (model, quantized))
    files = {
        artifacts.QUANT_PARAMS: _joblib(bytes(quantized.codes)),
        artifacts.SCALE: _joblib(
            (quantized.scale, quantized.zero_point, quantized.exponents, quantized.intercept)
        ),
        artifacts.QUANTIZED: quantized.to_json(),
    }
    return Quantized(quantized, before, after, files)


def round_to_nearest(model: LinearModel, train: Moments) -> QuantizedModel:
    """Round each coefficient to its nearest code, and refit the intercept.

    Each coefficient has a power of two of its own as its unit, since what a coefficient means
    depends on its feature's spread; a unit for all would leave nothing of the small ones.
    """
    zero_point = 1 << (BITS - 1)
    exponents = tuple(_exponent(w, zero_point - 1) for w in model.coefficients)
    pairs = zip(model.coefficients, exponents, strict=True)
    codes = tuple(round(math.ldexp(w, -e)) + zero_point for w, e in pairs)
    quantized = QuantizedModel(
        BITS, zero_point, _SCALE, exponents, codes, model.intercept, model.fingerprint
    )
    return replace(quantized, intercept=_refit_intercept(quantized.coefficients, train))


def largest_change(model: LinearModel, quantized: QuantizedModel, rows: Table) -> float:
    """Return the largest change of a prediction over some rows, in target units."""
    before, after = (_predict(m, rows) for m in (model, quantized))
    return float(np.abs(before - after).max())


def _predict(model: LinearModel | QuantizedModel, rows: Table) -> Any:
    prediction = np.full(len(rows.y), model.intercept)
    for weight, column in zip(model.coefficients, rows.X.T, strict=True):
        prediction += weight * column
    return prediction


def _exponent(weight: float, largest: int) -> int:
    """Return the least e for which weight / 2**e rounds to at most `largest` in size."""
    if weight == 0.0:
        return 0
    exponent = math.frexp(weight)[1] - largest.bit_length()
    return exponent + (abs(round(math.ldexp(weight, -exponent))) > largest)


def _refit_intercept(coefficients: tuple[float, ...], train: Moments) -> float:
    """Return the mean of the target less the weighted means of the features, rounded once."""
    *means, target = (train.mean(column) for column in range(train.n_features + 1))
    pairs = zip(coefficients, means, strict=True)
    return float(target - sum(Fraction(w) * mean for w, mean in pairs))


def _joblib(value: object) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(value, buffer)
    return buffer.getvalue()
