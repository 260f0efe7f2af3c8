"""Quantization: coefficients to integer codes, with a contract on what that costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import flint

from cali_reg.errors import DataError, GateError
from cali_reg.export.joblib_file import plain_joblib_bytes
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.moments_file import TrainTestMoments
from cali_reg.least_squares.rounding import to_float
from cali_reg.least_squares.statistics.scores import Scores, r2_loss, score
from cali_reg.quantization.change_bound import Blocks, change_bound, largest_change
from cali_reg.quantization.closest_vector import Closest, closest
from cali_reg.runtime import artifacts
from cali_reg.runtime.model import LinearModel, QuantizedModel

WIDTHS = range(2, 17)  # bits of a code
MEASURED = "max_change_measured"  # in a contract, where the training rows were available
_LARGEST = 2.0**1000  # above it, or below its inverse, float64 may not hold what a code stands for


@dataclass(frozen=True)
class Quantized:
    """The result of quantizing.

    Attributes
    ----------
    model : QuantizedModel
        With its contract.
    before, after : Scores
        Of the float64 model and of the quantized one, on the held-out rows; on the training rows
        where the held-out rows determine no R², so that the training rows decide.
    rows : {"held-out", "training"}
        Which of these rows were scored.
    files : dict of bytes
        The artifacts to write, by file name; the two joblib files come first.
    """

    model: QuantizedModel
    before: Scores
    after: Scores
    files: dict[str, bytes]
    rows: str = "held-out"


def quantize(
    model: LinearModel, moments: TrainTestMoments, bits: int = 8, *, blocks: Blocks | None = None
) -> Quantized:
    """Quantize to the codes that change the predictions of the training rows least.

    Parameters
    ----------
    model : LinearModel
    moments : TrainTestMoments
        Of the model's training and held-out rows.
    bits : int, default=8
        Of a code, 2 to 16.
    blocks : callable, optional
        Returns the training rows in blocks of shape (n_rows, n_features), each time it is called:
        the largest change of a prediction is then measured, too.

    Returns
    -------
    Quantized

    Raises
    ------
    DataError
        For a coefficient above 2**1000 or below 2**-1000 in size; for predictions inside the
        training ranges that can be beyond float64; and as `score` does.
    """
    try:
        return _quantize(model, moments, bits, blocks)
    except OverflowError:
        raise _beyond_float64() from None


def _beyond_float64() -> DataError:
    return DataError(
        "predictions inside the training ranges can be beyond float64: no contract can bound"
        " their change; scale the target and the columns, train, and quantize again"
    )


def _quantize(
    model: LinearModel, moments: TrainTestMoments, bits: int, blocks: Blocks | None
) -> Quantized:
    """Do what `quantize` does; OverflowError if a number of the contract is beyond float64."""
    gram = _normalized_gram(moments.train, fit_intercept=model.fit_intercept)
    found = closest(gram, _checked(model.coefficients), bits)
    quantized = _with_codes(found, bits, model, moments.train)
    exports = _exports(quantized)
    contract: dict[str, Any] = {
        "r2_loss_train": _loss(moments.train, model, quantized),
        "r2_loss_test": _loss(moments.test, model, quantized),
        "r2_gap": to_float(found.loss - found.bound),
        "max_change_bound": change_bound(model, quantized),
        "bytes": {
            artifacts.MODEL: len(model.to_json()),
            **{name: len(data) for name, data in exports.items()},
        },
    }
    quantized = quantized._replace(contract=contract)
    is_decided_by_test = contract["r2_loss_test"] is not None
    scored = moments.test if is_decided_by_test else moments.train
    before, after = (score(scored, m.coefficients, m.intercept) for m in (model, quantized))
    files = {**exports, artifacts.QUANTIZED: quantized.to_json()}
    rows = "held-out" if is_decided_by_test else "training"
    result = Quantized(quantized, before, after, files, rows)
    return result if blocks is None else _measured(result, model, blocks)


def with_measured_change(result: Quantized, change: float) -> Quantized:
    """Return the result with the largest change of a prediction in its contract.

    Parameters
    ----------
    result : Quantized
    change : float
        Over the training rows, in target units.
    """
    codes = result.model._replace(contract={**result.model.contract, MEASURED: change})
    files = {**result.files, artifacts.QUANTIZED: codes.to_json()}
    return replace(result, model=codes, files=files)


def _measured(result: Quantized, model: LinearModel, blocks: Blocks) -> Quantized:
    change = largest_change(model, result.model, blocks())
    if not math.isfinite(change):
        raise _beyond_float64()
    return with_measured_change(result, change)


def narrowest(
    model: LinearModel,
    moments: TrainTestMoments,
    max_change: float,
    *,
    blocks: Blocks | None = None,
) -> Quantized:
    """Quantize to the fewest bits that keep the proven bound on changes.

    Parameters
    ----------
    model : LinearModel
    moments : TrainTestMoments
        Of the model's training and held-out rows.
    max_change : float
        The most that any prediction inside the training ranges may change by, in target units.
    blocks : callable, optional
        As in `quantize`.

    Returns
    -------
    Quantized

    Raises
    ------
    GateError
        If 16 bits are not enough.
    DataError
        As `quantize` does.
    """
    for bits in WIDTHS:
        result = quantize(model, moments, bits)
        if result.model.contract["max_change_bound"] <= max_change:
            return result if blocks is None else _measured(result, model, blocks)
    bound = result.model.contract["max_change_bound"]
    raise GateError(
        f"even {WIDTHS[-1]} bits may change a prediction by {bound:.6g}, more than --max-change"
        f" {max_change:g}; the artifacts were left as they are"
    )


def _normalized_gram(train: Moments, *, fit_intercept: bool) -> flint.fmpq_mat:
    """Return the quadratic form of the loss in R², (p, p): sums of products over TSS.

    They are about the means with an intercept, which follows the coefficients; else about zero.
    """
    sums = train.sums.tolist()
    first, size = sums[0], len(sums)
    total = first[0] * sums[-1][-1] - first[-1] ** 2
    features = range(1, size - 1)
    means = first if fit_intercept else [0] * size
    rows = [[first[0] * sums[i][j] - means[i] * means[j] for j in features] for i in features]
    return flint.fmpq_mat([[flint.fmpq(value, total or 1) for value in row] for row in rows])


def _checked(weights: Sequence[float]) -> Sequence[float]:
    if any(weight and not 1 / _LARGEST < abs(weight) < _LARGEST for weight in weights):
        raise DataError(
            "a coefficient is above 2**1000 or below 2**-1000 in size; scale its column and train"
        )
    return weights


def _with_codes(found: Closest, bits: int, model: LinearModel, train: Moments) -> QuantizedModel:
    """Return the model of the codes found, its intercept, if any, refitted in closed form."""
    zero_point = 1 << (bits - 1)
    quantized = QuantizedModel(
        bits=bits,
        zero_point=zero_point,
        scale=found.scale,
        exponents=found.exponents,
        codes=tuple(step + zero_point for step in found.steps),
        intercept=model.intercept,
        model_fingerprint=model.fingerprint,
        contract={},
    )
    if not model.fit_intercept:
        return quantized
    return quantized._replace(intercept=_refit_intercept(quantized.coefficients, train))


def _refit_intercept(coefficients: Sequence[float], train: Moments) -> float:
    """Return the mean of the target less the weighted means of the features, rounded once."""
    *means, target = (train.mean(column) for column in range(train.n_features + 1))
    pairs = zip(coefficients, means, strict=True)
    return float(target - sum(Fraction(w) * mean for w, mean in pairs))


def _loss(moments: Moments, model: LinearModel, quantized: QuantizedModel) -> float | None:
    """Return the loss of R²; None where it is undefined."""
    pairs = [(m.coefficients, m.intercept) for m in (model, quantized)]
    loss = r2_loss(moments, *pairs)
    return None if math.isnan(loss) else loss


def _exports(quantized: QuantizedModel) -> dict[str, bytes]:
    """Return the two joblib files: the codes, and the numbers that turn them into values."""
    codes = bytes(quantized.codes) if quantized.bits <= 8 else quantized.codes
    parameters = (
        quantized.scale,
        quantized.zero_point,
        quantized.exponents,
        quantized.intercept,
    )
    return {
        artifacts.QUANT_PARAMS: plain_joblib_bytes(codes),
        artifacts.SCALE: plain_joblib_bytes(parameters),
    }
