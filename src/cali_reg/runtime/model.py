"""LinearModel and QuantizedModel: what is stored, and how it predicts. Standard library only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from cali_reg.errors import FormatError
from cali_reg.runtime import fingerprinted_json
from cali_reg.runtime.prediction_interval import Interval
from cali_reg.runtime.schema import Column, features_of

TYPE_CHECKING = False  # see __init__.py
if TYPE_CHECKING:
    from typing import Any


def predict_row(intercept: float, coefficients: Sequence[float], row: Sequence[float]) -> float:
    """Return ``((b + w0 x0) + w1 x1) + ...``, left to right, with one rounding an operation.

    This order defines a prediction: NumPy by columns, C and this give the same bits.
    """
    prediction = intercept
    for coefficient, value in zip(coefficients, row, strict=True):
        prediction += coefficient * value
    return prediction


@dataclass(frozen=True)
class Feature:
    """One column: its coefficient, standard error (None if undefined) and training range."""

    name: str
    coefficient: float
    standard_error: float | None
    minimum: float
    maximum: float


@dataclass(frozen=True)
class LinearModel:
    """A linear regression as ``model.json`` holds it.

    Attributes
    ----------
    target : str
    columns : tuple of Column
        What it reads, in order; text becomes several features.
    intercept : float
    features : tuple of Feature, in the order of prediction
    rank : int
    ranges : str
        ``exact``, or ``outer`` once rows have been removed: a bound that may be too wide.
    scores : dict of dict
        ``train`` and ``test``: n_samples, r2, rmse, bias (None where undefined).
    samples : tuple of rows
        Held-out rows for a first prediction without the data.
    source : dict
        Where the rows came from, and how they were split.
    moments : str
        Fingerprint of the ``moments.json`` that belongs to it.
    interval : Interval
        None where prediction intervals are undefined: for dependent columns, and without
        degrees of freedom.
    fingerprint : str
        Of the model itself; empty before it is written.
    """

    target: str
    columns: tuple[Column, ...]
    intercept: float
    features: tuple[Feature, ...]
    rank: int
    ranges: str
    scores: dict[str, dict[str, float | None]]
    samples: tuple[tuple[float, ...], ...]
    source: dict[str, Any]
    moments: str
    interval: Interval | None = None
    fingerprint: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(feature.name for feature in self.features)

    @property
    def coefficients(self) -> tuple[float, ...]:
        """Coefficients of the features."""
        return tuple(feature.coefficient for feature in self.features)

    def predict(self, row: Sequence[float]) -> float:
        """Predict one row of n_features values, in target units."""
        return predict_row(self.intercept, self.coefficients, row)

    def to_json(self) -> bytes:
        """Return the bytes of ``model.json``."""
        content = asdict(self)
        del content["fingerprint"]
        return fingerprinted_json.dump("model", 1, content)

    @classmethod
    def from_json(cls, data: bytes, name: str = "model.json") -> LinearModel:
        """Read ``model.json``. Raises FormatError for anything that `to_json` did not write."""
        content = fingerprinted_json.load("model", 1, data, name)
        try:
            del content["format"], content["version"]
            features = tuple(Feature(**feature) for feature in content.pop("features"))
            columns = tuple(_column(**column) for column in content.pop("columns"))
            samples = tuple(tuple(row) for row in content.pop("samples"))
            interval = content.pop("interval")
            if interval is not None:
                interval = Interval.from_dict(interval, len(features))
            model = cls(
                columns=columns, features=features, samples=samples, interval=interval, **content
            )
            if not isinstance(model.target, str) or model.names != features_of(columns):
                raise TypeError("its columns are not those of its features")
            if not isinstance(model.source, dict):
                raise TypeError("the source is no object")
            _check_numbers([model.intercept, *model.coefficients], name)
            _check_numbers([v for f in features for v in (f.minimum, f.maximum)], name)
            for row in samples:
                _check_numbers(row, name, len(features))
        except FormatError:
            raise
        except (TypeError, KeyError, AttributeError, ValueError, OverflowError) as error:
            raise FormatError(f"{name}: unexpected content ({error}); make the file anew") from None
        return model


@dataclass(frozen=True)
class QuantizedModel:
    """Integer codes: coefficient j is ``scale/256 * 2**exponents[j] * (codes[j] - zero_point)``.

    All of a coefficient's factors are integers or powers of two, and few enough bits, so that
    it is an exact float64. The intercept stays a float64.

    Attributes
    ----------
    bits : int
    zero_point : int
    scale : int, 256 to 511
    exponents, codes : tuple of int
    intercept : float
    model : str
        Fingerprint of the model that was quantized.
    contract : dict
        What quantizing cost, at most: see ``docs/explanation/quantization.md``.
    """

    bits: int
    zero_point: int
    scale: int
    exponents: tuple[int, ...]
    codes: tuple[int, ...]
    intercept: float
    model: str
    contract: dict[str, Any]

    @property
    def coefficients(self) -> tuple[float, ...]:
        """The dequantized coefficients, exactly."""
        return tuple(
            math.ldexp(self.scale * (code - self.zero_point), exponent - 8)
            for code, exponent in zip(self.codes, self.exponents, strict=True)
        )

    def predict(self, row: Sequence[float]) -> float:
        """Predict one row of n_features values, in target units."""
        return predict_row(self.intercept, self.coefficients, row)

    def to_json(self) -> bytes:
        """Return the bytes of ``quantized.json``."""
        return fingerprinted_json.dump("quantized", 1, asdict(self))

    @classmethod
    def from_json(cls, data: bytes, name: str = "quantized.json") -> QuantizedModel:
        """Read ``quantized.json``. Raises FormatError for what `to_json` did not write."""
        content = fingerprinted_json.load("quantized", 1, data, name)
        try:
            del content["format"], content["version"], content["fingerprint"]
            codes, exponents = tuple(content.pop("codes")), tuple(content.pop("exponents"))
            model = cls(codes=codes, exponents=exponents, **content)
            _check_numbers([model.intercept], name)
            _check_integers([*codes, *exponents, model.scale, model.zero_point, model.bits], name)
            if not isinstance(model.contract, dict):
                raise TypeError("the contract is no object")
            _check_codes(model)
            _check_numbers(model.coefficients, name, len(codes))
        except FormatError:
            raise
        except (TypeError, KeyError, ValueError, OverflowError) as error:
            raise FormatError(f"{name}: unexpected content ({error}); make the file anew") from None
        return model


def _column(name: object, levels: object) -> Column:
    texts = [name, *(levels if isinstance(levels, list) else [])]
    if not all(isinstance(text, str) for text in texts) or not isinstance(levels, list | None):
        raise TypeError("a name is no text")
    return Column(str(name), None if levels is None else tuple(levels))


def _check_numbers(values: Sequence[Any], name: str, count: int | None = None) -> None:
    if count not in (None, len(values)) or not all(
        type(value) in (int, float) and math.isfinite(value) for value in values
    ):
        raise FormatError(f"{name}: numbers are missing or not finite; make the file anew")


def _check_codes(model: QuantizedModel) -> None:
    if not 2 <= model.bits <= 16 or not 256 <= model.scale <= 511:
        raise ValueError(f"bits {model.bits}, scale {model.scale}")
    if not all(0 <= code < 1 << model.bits for code in (model.zero_point, *model.codes)):
        raise ValueError(f"codes beyond {model.bits} bits")


def _check_integers(values: Sequence[Any], name: str) -> None:
    if not all(type(value) is int for value in values):
        raise FormatError(f"{name}: integers are missing; make the file anew")
