"""Stored models: they predict rows, data frames and files, and show themselves.

Only the standard library is imported until more is needed: one row is predicted without.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, overload

from cali_reg.api.inputs import Data, python_words, reading_fields, sources
from cali_reg.errors import DataWarning, UsageError
from cali_reg.runtime.messages import text_table
from cali_reg.runtime.model import LinearModel
from cali_reg.runtime.predictor import Predictor
from cali_reg.runtime.schema import baselines_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Values = npt.NDArray[np.float64]


class Model(Predictor):
    """A stored model: it predicts one row, data frames and files, and shows itself.

    `load_model` returns it, and explains its parameters.

    Examples
    --------
    >>> from cali_reg import load_model
    >>> model = load_model("artifacts")  # doctest: +SKIP
    >>> model.predict({"rooms": 4.5, "area": 120.0, "town": "Bern"})  # doctest: +SKIP
    845.17
    """

    @property
    def target(self) -> str:
        """Name of the column that is predicted."""
        return self.model.target

    @property
    def intercept(self) -> float:
        """The intercept, in units of the target."""
        return self.model.intercept

    @property
    def coefficients(self) -> dict[str, float]:
        """The coefficient of each feature; that of a category is named ``column=category``."""
        return dict(zip(self.model.names, self.model.coefficients, strict=True))

    @property
    def scores(self) -> dict[str, dict[str, float | None]]:
        """``train`` and ``test``, the held-out rows: n_samples, r2, rmse, bias."""
        return self.model.scores

    @overload
    def predict(self, data: Mapping[str, Any]) -> float: ...

    @overload
    def predict(self, data: Data) -> Values: ...

    def predict(self, data: Mapping[str, Any] | Data) -> float | Values:
        """Predict one row, or all rows of a data frame or of files.

        Parameters
        ----------
        data : mapping, data frame, path or sequence of paths
            For one row a mapping with a value for each column of the model; else as in `train`.
            Further columns, such as the target, do not matter.

        Returns
        -------
        float, or ndarray of shape (n_rows,)
            In units of the target, in the order of the rows. One row and a frame with it give the
            same bits.

        Raises
        ------
        DataError
            For a row that is not valid, for missing columns, and for files that cannot be read.
        UsageError
            For a file that is named twice, and for what is neither a row, nor a frame, nor paths.

        Warns
        -----
        DataWarning
            About rows outside the training ranges, and about categories not seen in training that
            are taken as the baseline. One row alone gets no warning: see `predict_checked`.
        """
        if isinstance(data, Mapping):
            return super().predict(data)
        return _predict(self, data)[:, 0]

    def predict_interval(self, data: Data, level: float = 0.95) -> Values:
        """Return the prediction intervals of the rows of a data frame or of files.

        Parameters
        ----------
        data : data frame, path or sequence of paths
            As for `predict`.
        level : float, default=0.95
            The confidence level, one of those that the model stores.

        Returns
        -------
        ndarray of shape (n_rows, 2)
            The lower and the upper bound, in units of the target.

        Raises
        ------
        DataError
            As `predict` does.
        UsageError
            If the model has no such interval, and as `predict` does.

        Warns
        -----
        DataWarning
            As `predict` does.
        """
        precision = "float64" if self.used is self.model else "uint8"
        if precision != "float64":
            raise UsageError("prediction intervals need precision='float64'; codes have none")
        validator = self.validator
        predictor = Predictor(
            self.model,
            interval=level,
            unseen=validator.unseen,
            outside=validator.outside,
            reading=self.reading._asdict(),
        )
        return _predict(predictor, data)[:, 1:]

    def __repr__(self) -> str:
        from cali_reg.report import tables

        return f"{type(self).__name__} of {self.target}\n{tables.trained(self._result).rstrip()}"

    def _repr_html_(self) -> str:
        """Return the same for a notebook."""
        from cali_reg.report import html

        return html.trained(self._result)

    @property
    def _result(self) -> Any:
        """What the reports are made of."""
        return _Stored(self.model)


def load_model(
    folder: Path | str,
    *,
    precision: str = "float64",
    interval: float | None = None,
    unseen: str = "error",
    outside: str = "note",
    reading: Mapping[str, Any] = MappingProxyType({}),
) -> Model:
    """Load a trained model from its folder.

    Nothing is unpickled: a file from elsewhere cannot run code. One row is predicted with the
    standard library alone.

    Parameters
    ----------
    folder : Path or str
        The model's folder, such as ``artifacts``.
    precision : {"float64", "uint8"}, default="float64"
        Which model predicts: that of the coefficients, or that of the codes.
    interval : float, optional
        Confidence level of the prediction intervals that `Model.predict_checked` returns, one of
        those that the model stores; by default none.
    unseen : {"error", "baseline"}, default="error"
        How to treat categories not seen in training.
    outside : {"note", "error"}, default="note"
        How to treat values outside the training ranges.
    reading : mapping of str to value, optional
        How files are read, where that differs from the training; as for `train`.

    Returns
    -------
    Model

    Raises
    ------
    ArtifactError
        If a file is missing, cannot be read, or belongs to another model.
    FormatError
        If a file is damaged.
    UsageError
        For an argument that is not one of its choices, and if the model has no such interval.
    """
    with python_words():
        return Model(
            folder,
            precision=precision,
            interval=interval,
            unseen=unseen,
            outside=outside,
            reading=reading_fields(reading),
        )


def _predict(predictor: Predictor, data: Data) -> Values:
    """Return the predictions of all rows and, with an interval, their bounds, as columns."""
    from cali_reg.jobs.predict import predict_arrays

    with python_words():
        values, log = predict_arrays(sources("data", data), predictor)
    for note in (*log.reading_notes, *log.notes):
        warnings.warn(note, DataWarning, stacklevel=3)
    return values


@dataclass(frozen=True)
class _Stored:
    """A stored model in place of a training: its errors are those of ``model.json``."""

    model: LinearModel
    notes: tuple[str, ...] = ()

    def summary(self, level: float = 0.95, *, details: bool = False) -> _StoredSummary:
        return _StoredSummary(self.model, level)


class _StoredSummary:
    """The coefficients with the errors that ``model.json`` holds: none of the intercept."""

    def __init__(self, model: LinearModel, level: float) -> None:
        from cali_reg.least_squares.statistics import summary
        from cali_reg.least_squares.statistics.coefficient_tests import stored_row

        n_rows = int(model.scores["train"]["n_samples"] or 0)
        df = n_rows - model.rank - model.fit_intercept
        rows = [
            stored_row(feature.name, feature.coefficient, feature.standard_error, df, level)
            for feature in model.features
        ]
        if model.fit_intercept:
            rows.insert(0, stored_row("(intercept)", model.intercept, None, df, level))
        self._part = summary.coefficient_part(
            rows, level, baselines_of(model.columns), has_intercept=model.fit_intercept
        )

    def __str__(self) -> str:
        return text_table(*self._part)

    def _repr_html_(self) -> str:
        from cali_reg.least_squares.statistics.summary import html_table

        return html_table(*self._part)
