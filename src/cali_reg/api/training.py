"""Train on files or data frames."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from cali_reg.api.inputs import (
    Data,
    check_choice,
    check_count,
    check_numbers,
    column_names,
    confidence_levels,
    in_python,
    python_words,
    reading_fields,
    sources,
)
from cali_reg.api.model import Model
from cali_reg.errors import DataWarning, UsageError
from cali_reg.runtime.reading.options import USUAL

if TYPE_CHECKING:
    from cali_reg.jobs.fit import Trained
    from cali_reg.least_squares.statistics.scores import Scores
    from cali_reg.least_squares.statistics.summary import Summary


class TrainedModel(Model):
    """A model as `train` returns it: it can be saved, too.

    Parameters
    ----------
    result : Trained
        What the training has made.
    folds : sequence of Scores
        Of the cross-validation; empty without one.

    Attributes
    ----------
    notes : tuple of str
        What `train` has warned of.
    cross_validation : tuple of Scores
        Of each fold of the training rows, by the model of the others; empty without ``cv``.
    """

    def __init__(self, result: Trained, folds: Sequence[Scores] = ()) -> None:
        super().__init__(result.model)
        self._trained = result
        self.notes = result.notes
        self.cross_validation = tuple(folds)

    def save(self, folder: Path | str) -> None:
        """Write the model's files: the bytes that ``cali-reg train`` writes for these rows.

        Parameters
        ----------
        folder : Path or str
            Created if it does not exist. `load_model` and all commands read it.

        Raises
        ------
        ArtifactError
            If a file cannot be written; the folder is then as it was.
        """
        from cali_reg.runtime.atomic_files import write_files

        write_files(Path(folder), self._trained.files)

    def summary(self, level: float = 0.95, *, details: bool = False) -> Summary:
        """Return the regression table of the training rows.

        Parameters
        ----------
        level : float, default=0.95
            Of the confidence intervals of coefficients, between 0 and 1.
        details : bool, default=False
            Whether to compute the inflation of variances and the condition number, too.

        Returns
        -------
        Summary
            It prints as text; notebooks show it as HTML; ``to_dict()`` has the numbers.

        Raises
        ------
        DataError
            For a level that is not between 0 and 1.
        """
        return self._trained.summary(level, details=details)

    @property
    def _result(self) -> Any:
        return self._trained


def train(
    data: Data,
    *,
    target: str,
    features: Sequence[str] | None = None,
    exclude: Sequence[str] = (),
    max_levels: int = 50,
    strict: bool = False,
    categorical: Sequence[str] = (),
    baselines: Mapping[str, str] | None = None,
    not_missing: Mapping[str, Sequence[str]] | None = None,
    missing: Literal["error", "drop"] = "error",
    on_error: Literal["stop", "skip"] = "stop",
    reading: Mapping[str, Any] = MappingProxyType({}),
    test_data: Data | None = None,
    test_size: float = 0.2,
    seed: int = 42,
    cv: int = 0,
    min_r2: float | None = None,
    allow_collinear: bool = False,
    fit_intercept: bool = True,
    levels: Sequence[float] | None = None,
    store_intervals: bool = False,
    n_sample_rows: int = 5,
) -> TrainedModel:
    """Train a model on a data frame or on files, as ``cali-reg train`` does, bit for bit.

    Parameters
    ----------
    data : data frame, path or sequence of paths
        The rows. A frame is anything with ``__arrow_c_stream__``, such as a DataFrame of pandas or
        polars or a PyArrow table, and is not copied. Paths are files, wildcards, folders and URLs.
    target : str
        The column to predict.
    features : sequence of str, optional
        The columns to predict from; by default a plan is made, which says for each column what it
        is used for, or why it is left out. The model shows it.
    exclude : sequence of str, default=()
        Columns that the plan leaves out.
    max_levels : int, default=50
        Columns of text with more categories are left out, unless `categorical` names them.
    strict : bool, default=False
        Make no plan: use all columns, and raise an error for those that are no features.
    categorical : sequence of str, default=()
        Further categorical columns; each is encoded one-hot.
    baselines : mapping of str to str, optional
        The baselines of some categorical columns; by default the first category in order.
    not_missing : mapping of str to sequence of str, optional
        For some categorical columns, texts such as ``NA`` that are categories there.
    missing : {"error", "drop"}, default="error"
        Whether rows with missing values are an error, or left out.
    on_error : {"stop", "skip"}, default="stop"
        Whether a row that is invalid for another reason is an error, or left out.
    reading : mapping of str to value, optional
        How files are read, where a first look cannot find it, and which values are missing in files
        and frames: some of ``separator``, ``decimal``, ``encoding``, ``skip_lines``, ``comment``,
        ``names``, ``ignored``, ``escape``, ``missing`` and ``not_missing``, as the options of
        ``cali-reg train``, such as ``{"separator": ";", "missing": ["?"]}``.
    test_data : data frame, path or sequence of paths, optional
        The held-out rows; all rows of `data` are then training rows.
    test_size : float, default=0.2
        Fraction of the rows to hold out; 0 trains on all rows. The values of a row decide, with
        `seed`, on which side it is: no order matters.
    seed : int, default=42
        Of the split, 0 to 2**32 - 1.
    cv : int, default=0
        Number of folds of a cross-validation on the training rows, 2 to 100; 0 for none.
    min_r2 : float, optional
        The lowest R² on the held-out rows that passes; by default any passes.
    allow_collinear : bool, default=False
        Accept collinear columns, with the solution of least norm.
    fit_intercept : bool, default=True
        Whether the model has an intercept; without one it is zero.
    levels : sequence of float, optional
        Confidence levels of the prediction intervals to store, for any number of features; by
        default 0.5, 0.8, 0.9, 0.95, 0.98, 0.99 and 0.999.
    store_intervals : bool, default=False
        Store what prediction intervals need for more than 200 features, too.
    n_sample_rows : int, default=5
        Number of held-out rows to keep in the model.

    Returns
    -------
    TrainedModel

    Raises
    ------
    DataError
        For rows and columns that cannot be used; the message names them. It is a ValueError.
    UsageError
        For arguments that have no meaning, or do not fit together.
    GateError
        If `min_r2` is given, and R² on the held-out rows is undefined or can be below it.

    Warns
    -----
    DataWarning
        For each note about the rows, which `TrainedModel.notes` holds, too.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from cali_reg import train
    >>> area = [float(k * 37 % 61 + 40) for k in range(60)]
    >>> rooms = [k % 5 + 1 for k in range(60)]
    >>> price = [3 * a + 20 * r for a, r in zip(area, rooms)]
    >>> model = train(pa.table({"area": area, "rooms": rooms, "price": price}), target="price")
    >>> {name: round(value, 2) for name, value in model.coefficients.items()}
    {'area': 3.0, 'rooms': 20.0}
    >>> model.predict(pa.table({"area": [50.0, 70.0], "rooms": [2, 3]})).round(1).tolist()
    [190.0, 270.0]
    """
    from cali_reg.jobs.train import train as fit
    from cali_reg.jobs.training_data.file_data import FileData
    from cali_reg.jobs.training_data.file_options import FileOptions
    from cali_reg.least_squares.statistics.cross_validation import cross_validate

    encoded = column_names("categorical", categorical)
    check_numbers(test_size, seed, cv, n_sample_rows)
    if not test_size and test_data is None and min_r2 is not None:
        raise UsageError("test_size is 0, so no row is held out and min_r2 cannot be checked")
    check_count("max_levels", max_levels, 1)
    if (exclude or max_levels != 50) and (strict or features is not None):
        raise UsageError(
            "exclude and max_levels change the plan; there is none with features or strict"
        )
    check_choice("missing", missing, "error", "drop")
    check_choice("on_error", on_error, "stop", "skip")
    for name, columns in (("baselines", baselines), ("not_missing", not_missing)):
        if other := next((column for column in columns or () if column not in encoded), None):
            raise UsageError(f"{name}: column {other!r} is not one of categorical; name it there")
    levels = None if levels is None else confidence_levels(levels)
    with python_words():
        how = USUAL.updated(reading_fields(reading))
    rows = FileData(
        FileOptions(
            data=sources("data", data),
            target=column_names("target", [target])[0],
            features=None if features is None else column_names("features", features),
            categorical=encoded,
            exclude=column_names("exclude", exclude),
            max_levels=int(max_levels),
            strict=bool(strict),
            allow_collinear=bool(allow_collinear),
            fit_intercept=bool(fit_intercept),
            baselines=dict(baselines or {}),
            not_missing={column: sorted(texts) for column, texts in (not_missing or {}).items()},
            test_data=() if test_data is None else sources("test_data", test_data),
            test_size=float(test_size),
            seed=int(seed),
            missing=missing,
            on_error=on_error,
            reading=how,
            n_sample_rows=int(n_sample_rows),
            n_folds=int(cv) or 1,
        )
    )
    folds: Sequence[Scores] = ()
    with python_words():
        result = fit(
            rows,
            min_r2=min_r2,
            allow_collinear=allow_collinear,
            store_intervals=store_intervals or levels is not None,
            levels=levels,
            fit_intercept=fit_intercept,
        )
        if cv:
            folds = cross_validate(
                rows.summary().folds,
                result.model.names,
                result.projected,
                fit_intercept=fit_intercept,
            )
    for note in result.notes:
        warnings.warn(in_python(note), DataWarning, stacklevel=2)
    return TrainedModel(result, folds)
