"""LinearModel and QuantizedModel: the stored models, and how they predict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from cali_reg.errors import FormatError
from cali_reg.runtime import fingerprinted_json
from cali_reg.runtime.cell_parser import MISSING
from cali_reg.runtime.prediction_interval import Interval, IntervalAboutZero, to_floats
from cali_reg.runtime.reading.options import USUAL, Reading, read_reading
from cali_reg.runtime.schema import Column, feature_names, read_column

VERSIONS = (1, 2)  # of model.json that can be read; the last one is written


def predict_row(intercept: float, coefficients: Sequence[float], row: Sequence[float]) -> float:
    """Return ``((b + w0 x0) + w1 x1) + ...``, left to right, with one rounding per operation.

    This order defines the bits of a prediction: Python, NumPy and C give the same.

    Parameters
    ----------
    intercept : float
        b, in units of the target.
    coefficients : sequence of n_features floats
        w.
    row : sequence of n_features floats
        x.

    Returns
    -------
    float
        In units of the target.
    """
    prediction = intercept
    for coefficient, value in zip(coefficients, row, strict=True):
        prediction += coefficient * value
    return prediction


class Feature(NamedTuple):
    """One feature of a model: its coefficient, standard error and training range.

    Attributes
    ----------
    name : str
    coefficient : float
        In units of the target per unit of the feature.
    standard_error : float or None
        Of the coefficient; None if undefined.
    minimum, maximum : float
        The training range: of the values in the training rows.
    """

    name: str
    coefficient: float
    standard_error: float | None
    minimum: float
    maximum: float


class LinearModel(NamedTuple):
    """A linear regression as ``model.json`` holds it.

    Attributes
    ----------
    target : str
        Name of the predicted column.
    columns : tuple of Column
        The columns to read, in order. A categorical column becomes several features.
    intercept : float
        In units of the target.
    features : tuple of Feature
        In the order of prediction.
    rank : int
        Rank of the training data, centered if there is an intercept.
    ranges : {"exact", "outer"}
        Training ranges are ``outer`` after rows were removed: the true ones may be narrower.
    scores : dict of dict
        ``train`` and ``test``: n_samples, r2, rmse, bias (None where undefined), and r2_uncentered
        without an intercept.
    samples : tuple of rows
        Some held-out rows, for a first prediction without the data.
    source : dict
        The provenance: where the rows came from, and how they were split.
    moments_fingerprint : str
        Fingerprint of the ``moments.json`` of the same training.
    interval : Interval or None
        None where prediction intervals are undefined: for collinear columns, and without
        residual degrees of freedom.
    fit_intercept : bool
        False for a model without an intercept, which is then stored as 0.0.
    rounding_bound : float or None
        How much the roundings of a prediction can change it, at most, for inputs inside the
        training ranges, in units of the target. None if the exact prediction can be beyond float64,
        and in version 1.
    reading : Reading
        How the files of rows are read, as far as the user has said it.
    plan : dict or None
        What each column of the table is used for, and why others are left out. None for the
        embedded data, where the columns were named, and in version 1.
    version : {1, 2}
        Version of the format.
    fingerprint : str
        SHA-256 of the model; empty before it is written.
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
    moments_fingerprint: str
    interval: Interval | None = None
    rounding_bound: float | None = None
    fit_intercept: bool = True
    reading: Reading = USUAL
    plan: dict[str, Any] | None = None
    version: int = VERSIONS[-1]
    fingerprint: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(feature.name for feature in self.features)

    @property
    def coefficients(self) -> tuple[float, ...]:
        """Coefficients of the features, in units of the target per unit of the feature."""
        return tuple(feature.coefficient for feature in self.features)

    def predict(self, row: Sequence[float]) -> float:
        """Predict one row.

        Parameters
        ----------
        row : sequence of n_features floats
            The features, in order.

        Returns
        -------
        float
            In units of the target.
        """
        return predict_row(self.intercept, self.coefficients, row)

    def dump(self) -> tuple[bytes, str]:
        """Return the bytes of ``model.json``, and their fingerprint."""
        content = self._asdict()
        del content["fingerprint"]
        content["moments"] = content.pop("moments_fingerprint")
        content["columns"] = [column.to_dict() for column in self.columns]
        content["features"] = [feature._asdict() for feature in self.features]
        content["interval"] = None if self.interval is None else self.interval._asdict()
        content["reading"] = self.reading.to_dict()
        del content["version"]
        if self.fit_intercept:  # as usual
            del content["fit_intercept"]
        if self.plan is None:
            del content["plan"]
        if self.version == 1:
            del content["rounding_bound"], content["reading"]
            content["columns"] = [{"name": c.name, "levels": c.levels} for c in self.columns]
        return fingerprinted_json.dump("model", self.version, content)

    def to_json(self) -> bytes:
        """Return the bytes of ``model.json``."""
        return self.dump()[0]

    @classmethod
    def from_json(cls, data: bytes, name: str = "model.json") -> LinearModel:
        """Read the bytes of ``model.json``.

        Parameters
        ----------
        data : bytes
        name : str, default="model.json"
            The file's name, for messages.

        Returns
        -------
        LinearModel

        Raises
        ------
        FormatError
            For anything that `to_json` did not write.
        """
        content = fingerprinted_json.load("model", VERSIONS, data, name)
        try:
            model = _read_model(content)
        except (TypeError, KeyError, AttributeError, ValueError, OverflowError) as error:
            raise _unexpected(name, error) from None
        return model


class QuantizedModel(NamedTuple):
    """Integer codes: coefficient j is ``scale/256 * 2**exponents[j] * (codes[j] - zero_point)``.

    Each coefficient is an integer of few bits times a power of two, and so an exact float64. The
    intercept stays a float64.

    Attributes
    ----------
    bits : int
        Width of a code, 2 to 16.
    zero_point : int
        The code of a coefficient of zero.
    scale : int
        256 to 511.
    exponents, codes : tuple of n_features ints
        Codes are at least 0 and below ``2**bits``.
    intercept : float
        In units of the target.
    model_fingerprint : str
        Fingerprint of the model that was quantized.
    contract : dict
        The accuracy contract: how much quantization changed, measured and proven.
    """

    bits: int
    zero_point: int
    scale: int
    exponents: tuple[int, ...]
    codes: tuple[int, ...]
    intercept: float
    model_fingerprint: str
    contract: dict[str, Any]

    @property
    def coefficients(self) -> tuple[float, ...]:
        """The coefficients that the codes stand for, exactly."""
        return tuple(
            math.ldexp(self.scale * (code - self.zero_point), exponent - 8)
            for code, exponent in zip(self.codes, self.exponents, strict=True)
        )

    def predict(self, row: Sequence[float]) -> float:
        """Predict one row.

        Parameters
        ----------
        row : sequence of n_features floats
            The features, in the order of the float64 model.

        Returns
        -------
        float
            In units of the target.
        """
        return predict_row(self.intercept, self.coefficients, row)

    def to_json(self) -> bytes:
        """Return the bytes of ``quantized.json``."""
        content = self._asdict()
        content["model"] = content.pop("model_fingerprint")
        return fingerprinted_json.dump("quantized", 1, content)[0]

    @classmethod
    def from_json(cls, data: bytes, name: str = "quantized.json") -> QuantizedModel:
        """Read the bytes of ``quantized.json``.

        Parameters
        ----------
        data : bytes
        name : str, default="quantized.json"
            The file's name, for messages.

        Returns
        -------
        QuantizedModel

        Raises
        ------
        FormatError
            For anything that `to_json` did not write.
        """
        content = fingerprinted_json.load("quantized", (1,), data, name)
        try:
            model = _read_quantized(content)
        except (TypeError, KeyError, ValueError, OverflowError) as error:
            raise _unexpected(name, error) from None
        return model


def _read_model(content: dict[str, Any]) -> LinearModel:
    """Build a model from JSON. Raises one of several errors for content that does not fit."""
    del content["format"]
    if content["version"] == 1 and not {"rounding_bound", "reading", "plan"}.isdisjoint(content):
        raise TypeError("version 1 has no rounding bound, no reading and no plan")
    bound = content.pop("rounding_bound") if content["version"] > 1 else None
    reading = read_reading(content.pop("reading")) if content["version"] > 1 else USUAL
    features = tuple(_feature(**feature) for feature in content.pop("features"))
    if not features:
        raise ValueError("it has no feature")
    columns = tuple(map(read_column, content.pop("columns")))
    if content["version"] == 1:
        columns = tuple(map(_of_version_1, columns))
    samples = tuple(to_floats(row, len(features)) for row in content.pop("samples"))
    interval, moments = content.pop("interval"), content.pop("moments")
    (intercept,) = to_floats([content.pop("intercept")])
    fit_intercept = _has_intercept(content, intercept)
    if interval is not None:
        kind = Interval if fit_intercept else IntervalAboutZero
        interval = kind.from_dict(interval, len(features))
    model = LinearModel(
        columns=columns,
        intercept=intercept,
        features=features,
        samples=samples,
        interval=interval,
        moments_fingerprint=moments,
        fit_intercept=fit_intercept,
        rounding_bound=None if bound is None else to_floats([bound])[0],
        reading=reading,
        **content,
    )
    if not isinstance(model.target, str) or model.names != feature_names(columns):
        raise TypeError("columns and features do not match")
    if not isinstance(model.source, dict) or not isinstance(content.get("plan", {}), dict):
        raise TypeError("source or plan is not an object")
    return model


def _has_intercept(content: dict[str, Any], intercept: float) -> bool:
    """Take the mark of a model without an intercept from its JSON."""
    if "fit_intercept" not in content:
        return True
    if content.pop("fit_intercept") is not False or content["version"] == 1 or intercept:
        raise ValueError("fit_intercept can only be false, with an intercept of 0.0")
    return False


def _read_quantized(content: dict[str, Any]) -> QuantizedModel:
    """Build codes from JSON. Raises one of several errors for content that does not fit."""
    del content["format"], content["version"], content["fingerprint"]
    codes, exponents = tuple(content.pop("codes")), tuple(content.pop("exponents"))
    fingerprint, (intercept,) = content.pop("model"), to_floats([content.pop("intercept")])
    model = QuantizedModel(
        codes=codes,
        exponents=exponents,
        intercept=intercept,
        model_fingerprint=fingerprint,
        **content,
    )
    integers = [*codes, *exponents, model.scale, model.zero_point, model.bits]
    if not all(type(value) is int for value in integers):
        raise TypeError("an integer is missing")
    if not isinstance(model.contract, dict):
        raise TypeError("contract is not an object")
    if not 2 <= model.bits <= 16 or not 256 <= model.scale <= 511:
        raise ValueError(f"bits {model.bits} or scale {model.scale} out of range")
    if not all(0 <= code < 1 << model.bits for code in (model.zero_point, *model.codes)):
        raise ValueError(f"a code does not fit {model.bits} bits")
    to_floats(model.coefficients, len(codes))
    return model


def _of_version_1(column: Column) -> Column:
    """Return a column of version 1: its categories are texts, and only an empty cell is missing."""
    if column.as_text or column.not_missing or column.missing:
        raise TypeError("version 1 has no kinds of categories")
    if column.levels is None:
        return column
    return column._replace(as_text=True, not_missing=tuple(filter(None, MISSING)))


def _feature(
    name: str, coefficient: Any, standard_error: Any, minimum: Any, maximum: Any
) -> Feature:
    coefficient, minimum, maximum = to_floats([coefficient, minimum, maximum])
    error = None if standard_error is None else to_floats([standard_error])[0]
    return Feature(name, coefficient, error, minimum, maximum)


def _unexpected(name: str, error: Exception) -> FormatError:
    return FormatError(f"{name}: unexpected content ({error}); create the file again")
