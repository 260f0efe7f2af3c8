"""Predict rows with a stored model."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from cali_reg.errors import DataError, UsageError
from cali_reg.runtime import artifacts
from cali_reg.runtime.cell_parser import parse_cell
from cali_reg.runtime.model import LinearModel, QuantizedModel
from cali_reg.runtime.prediction_interval import Interval
from cali_reg.runtime.reading.csv_reader import CSV_SUFFIXES, CsvReader, open_csv, read_header
from cali_reg.runtime.reading.dialect import Dialect
from cali_reg.runtime.row_validator import NO_ROWS, Noted, Parse, RowLog, RowValidator
from cali_reg.runtime.schema import find_duplicate
from cali_reg.runtime.text_writer import TextWriter

TABLE_SUFFIXES = (".parquet", ".pq", ".arrow", ".feather")  # names of outputs that are not text
TEXT_SUFFIXES = (".csv", ".txt")  # those of text, as are names without an ending
ROW = "row"  # name of the column of row numbers

_CHOICES = {  # the same as those of the options
    "precision": ("float64", "uint8"),
    "unseen": ("error", "baseline"),
    "outside": ("note", "error"),
}
_SMALL = 1 << 20  # bytes: smaller files are predicted row by row, without loading NumPy


class PredictOptions(NamedTuple):
    """What to predict, and how: the options of ``cali-reg predict``.

    Attributes
    ----------
    artifacts : Path
        The model's folder.
    paths : sequence of str
        Files of rows, as paths, wildcards, folders or URLs; ``-`` is standard input.
    out : Path, optional
        The file to write; standard output by default.
    precision : {"float64", "uint8"}
        The model that predicts.
    interval : float, optional
        Confidence level of the prediction intervals.
    keep : sequence of str
        Columns to copy to the output.
    unseen : {"error", "baseline"}
        How to treat categories not seen in training.
    outside : {"note", "error"}
        How to treat values outside the training ranges.
    on_error : {"stop", "skip", "blank"}
        What to do at an invalid row: stop, leave it out, or write it without a prediction.
    name : str, optional
        Name of the predicted column, ``prediction`` by default. Text then has a header in any case.
    row_numbers : bool
        Whether to write the number of each row in its file.
    reading : mapping
        How to read the files, where that differs from the training: fields of `Reading`.
    """

    artifacts: Path
    paths: Sequence[str] = ()
    out: Path | None = None
    precision: str = "float64"
    interval: float | None = None
    keep: Sequence[str] = ()
    unseen: str = "error"
    outside: str = "note"
    on_error: str = "stop"
    name: str | None = None
    row_numbers: bool = False
    reading: Mapping[str, Any] = MappingProxyType({})

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the predicted columns."""
        return (self.name or "prediction", *(() if self.interval is None else ("lower", "upper")))

    @property
    def copied(self) -> tuple[str, ...]:
        """Names of the columns before the predicted ones."""
        return (*[ROW] * self.row_numbers, *self.keep)

    @property
    def has_header(self) -> bool:
        """Whether text has a header, though it may have one column only."""
        is_csv = self.out is not None and self.out.suffix.lower() == ".csv"
        return is_csv or self.name is not None

    @property
    def writes_table(self) -> bool:
        """Whether the output is Parquet or Arrow, not text."""
        return self.out is not None and self.out.suffix.lower() in TABLE_SUFFIXES

    @property
    def is_small(self) -> bool:
        """Whether the standard library is the fastest: standard input or small files, to text."""
        if self.writes_table:
            return False
        files = [path for path in self.paths if path != "-"]
        if not all(path.lower().endswith(CSV_SUFFIXES) and os.path.isfile(path) for path in files):  # noqa: PTH113
            return False
        return sum(map(os.path.getsize, files)) <= _SMALL


class Prediction(NamedTuple):
    """The prediction of one row, in units of the target.

    Attributes
    ----------
    values : tuple of float
        The prediction and, with an interval, its lower and upper bound.
    outside : tuple of str
        A message for each feature outside its training range.
    unseen : tuple of str
        A message for each category not seen in training that was taken as the baseline.
    """

    values: tuple[float, ...]
    outside: tuple[str, ...]
    unseen: tuple[str, ...] = ()


class Predictor:
    """A stored model that predicts rows, with the standard library only.

    Parameters
    ----------
    folder : Path, str or LinearModel
        The model's folder; or a float64 model that is in memory.
    precision : {"float64", "uint8"}, default="float64"
        Which model predicts: that of the coefficients, or that of the codes.
    interval : float, optional
        Confidence level of the prediction intervals, one of those that the model stores; by
        default none.
    unseen : {"error", "baseline"}, default="error"
        How to treat categories not seen in training.
    outside : {"note", "error"}, default="note"
        How to treat values outside the training ranges.
    reading : mapping of str to value, optional
        How files are read, where that differs from the training: fields of `Reading`.

    Attributes
    ----------
    model : LinearModel
        The float64 model.
    used : LinearModel or QuantizedModel
        The model that predicts.
    interval : tuple of (Interval, float), or None
        The stored interval and the confidence level, if there are prediction intervals.
    reading : Reading
        How files of rows are read.
    validator : RowValidator
        Checks the rows.
    outputs : tuple of str
        Names of the values of a prediction: ``prediction`` and, with an interval, ``lower`` and
        ``upper``.

    Raises
    ------
    ArtifactError
        If a file is missing, cannot be read, or belongs to another model.
    FormatError
        If a file is damaged.
    UsageError
        For an argument that is not one of its choices, and if the model has no such interval.
    """

    def __init__(
        self,
        folder: Path | str | LinearModel,
        *,
        precision: str = "float64",
        interval: float | None = None,
        unseen: str = "error",
        outside: str = "note",
        reading: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        for name, value in (("precision", precision), ("unseen", unseen), ("outside", outside)):
            if value not in _CHOICES[name]:
                raise UsageError(f"{name} is {value!r}; expected {' or '.join(_CHOICES[name])}")
        self.model, self.used = _load(folder, has_codes=precision != "float64")
        self.interval: tuple[Interval, float] | None = None
        self.outputs: tuple[str, ...] = ("prediction",)
        if interval is not None:
            where = "" if isinstance(folder, LinearModel) else f"{Path(folder)}{os.sep}"
            self.interval = _interval(where, self.model, precision, interval), interval
            self.outputs = ("prediction", "lower", "upper")
        self.reading = self.model.reading.updated(reading)
        columns = tuple(map(self.reading.with_marks, self.model.columns))
        self.validator = RowValidator(columns, self.model.features, unseen=unseen, outside=outside)

    def predict(self, row: Mapping[str, Any]) -> float:
        """Predict one row.

        Parameters
        ----------
        row : mapping of str to value
            A value for each column of the model, as `RowValidator.validate` takes it.

        Returns
        -------
        float
            In units of the target.

        Raises
        ------
        DataError
            For a row that is not valid.
        """
        return self.predict_checked(row).values[0]

    def predict_checked(self, row: Mapping[str, Any], parse: Parse = parse_cell) -> Prediction:
        """Predict one row, with its interval and notes.

        Parameters
        ----------
        row : mapping of str to value
            As for `predict`.
        parse : callable, optional
            As for `RowValidator.validate`.

        Returns
        -------
        Prediction

        Raises
        ------
        DataError
            For a row that is not valid.
        """
        valid = self.validator.validate(row, parse)
        prediction = self.used.predict(valid.features)
        if self.interval is None:
            return Prediction((prediction,), valid.outside, valid.unseen)
        interval, level = self.interval
        half_width = interval.half_width(valid.features, level)
        bounds = prediction - half_width, prediction + half_width
        return Prediction((prediction, *bounds), valid.outside, valid.unseen)


def load_model(
    folder: Path | str,
    *,
    precision: str = "float64",
    interval: float | None = None,
    unseen: str = "error",
    outside: str = "note",
) -> Predictor:
    """Load a trained model from its folder.

    Nothing is unpickled: a file from elsewhere cannot run code.

    Parameters
    ----------
    folder : Path or str
        The model's folder, such as ``artifacts``.
    precision : {"float64", "uint8"}, default="float64"
        Which model predicts: that of the coefficients, or that of the codes.
    interval : float, optional
        Confidence level of the prediction intervals that `Predictor.predict_checked` returns, one
        of those that the model stores; by default none.
    unseen : {"error", "baseline"}, default="error"
        How to treat categories not seen in training.
    outside : {"note", "error"}, default="note"
        How to treat values outside the training ranges.

    Returns
    -------
    Predictor

    Raises
    ------
    ArtifactError
        If a file is missing, cannot be read, or belongs to another model.
    FormatError
        If a file is damaged.
    UsageError
        For an argument that is not one of its choices, and if the model has no such interval.
    """
    return Predictor(folder, precision=precision, interval=interval, unseen=unseen, outside=outside)


def open_predictor(options: PredictOptions) -> Predictor:
    """Return the predictor that options ask for, after checks of the output's names.

    Parameters
    ----------
    options : PredictOptions

    Raises
    ------
    ArtifactError, FormatError, UsageError
        As `load_model` does; also UsageError for an output of an unknown format, an input or a file
        of the model, and for two columns of the output with one name.
    """
    predictor = Predictor(
        options.artifacts,
        precision=options.precision,
        interval=options.interval,
        unseen=options.unseen,
        outside=options.outside,
        reading=options.reading,
    )
    if options.out is not None:
        artifacts.require_output(options.out, options.artifacts, options.paths)
        _check_suffix(options.out)
    if duplicate := find_duplicate((*[ROW] * options.row_numbers, *options.outputs)):
        raise UsageError(f"--name {duplicate}: the output has this column already; choose another")
    for name in options.keep:
        if name in options.outputs or (options.row_numbers and name == ROW):
            raise UsageError(f"--keep {name}: the output has a column {name!r}; rename yours")
    if duplicate := find_duplicate(options.keep):
        raise UsageError(f"--keep {duplicate}: named twice; name it once")
    return predictor


def _check_suffix(out: Path) -> None:
    """Raise UsageError for an output whose name does not say in which format to write it."""
    suffix = out.suffix.lower()
    if suffix == ".gz":
        raise UsageError(
            f"{out}: compressed output is not supported; expected a name such as x.csv"
        )
    known = [*TEXT_SUFFIXES, *TABLE_SUFFIXES]
    if suffix not in ("", ".", *known):
        raise UsageError(
            f"--out {out}: not the name of a known format; expected one that ends in"
            f" {', '.join(known[:-1])} or {known[-1]}"
        )


def predict_rows(options: PredictOptions, predictor: Predictor) -> None:
    """Predict CSV files and standard input, row by row, and write text.

    Parameters
    ----------
    options : PredictOptions
    predictor : Predictor
        The one that `open_predictor` returns for `options`.

    Raises
    ------
    UsageError
        For inputs and outputs that require pyarrow.
    DataError
        For files that are not CSV or have no rows and, unless they are skipped, invalid rows. The
        rows before are written to standard output, none to a file.
    ArtifactError
        If the output cannot be written; an existing file is then unchanged.
    """
    if options.writes_table:
        raise UsageError(f"{options.out}: this format needs pyarrow; install it, or write .csv")
    log = RowLog(options.on_error)
    names = [*options.copied, *options.outputs]
    notes: list[str] = []  # about the first file that is not as usual
    with TextWriter.open(options.out, names, has_header=options.has_header) as writer:
        for path in options.paths:
            for values in _predict_csv(path, options, predictor, log, notes):
                writer.write([values])
    log.reading_notes = tuple(notes)
    log.print_summary()


def _predict_csv(
    path: str, options: PredictOptions, predictor: Predictor, log: RowLog, notes: list[str]
) -> Iterator[tuple[object, ...]]:
    """Yield the cells to write of each row that is not left out."""
    names = [column.name for column in predictor.model.columns]
    blank = ("",) * len(options.outputs) if options.on_error == "blank" else None
    with open_csv(path, predictor.reading) as (name, dialect, lines):
        if dialect.found and not notes:
            notes.append(dialect.note(name))
        wanted = [*names, *options.keep]
        reader = CsvReader(name, read_header(lines, name, dialect), wanted, dialect)
        for number, cells, problem in reader.read(lines):
            where = f"{name}: row {number}"
            values = _predict_cells(predictor, dialect, cells, problem, where, log) or blank
            if values is not None:
                kept = cells[len(names) :] if cells else [""] * len(options.keep)
                yield (*[number] * options.row_numbers, *kept, *values)
        reader.require_rows()


def _predict_cells(
    predictor: Predictor,
    dialect: Dialect,
    cells: Sequence[str] | None,
    problem: str,
    where: str,
    log: RowLog,
) -> tuple[float, ...] | None:
    """Predict the row of some cells; None if it is not valid, which the log is told."""
    if cells is None:
        log.reject(f"{where}: {problem}")
        return None
    row = {
        column.name: cell if column.levels is None else dialect.category(cell)
        for column, cell in zip(predictor.validator.columns, cells, strict=False)
    }
    try:
        prediction = predictor.predict_checked(row, dialect.parse)
    except DataError as error:
        log.reject(f"{where}: {error}")
        return None
    log.accept(outside=_noted(where, prediction.outside), unseen=_noted(where, prediction.unseen))
    return prediction.values


def _noted(where: str, messages: Sequence[str]) -> Noted:
    return Noted(1, f"{where}: {messages[0]}") if messages else NO_ROWS


def _load(
    folder: Path | str | LinearModel, *, has_codes: bool
) -> tuple[LinearModel, LinearModel | QuantizedModel]:
    """Return the float64 model, and the one that predicts."""
    if isinstance(folder, LinearModel):
        if has_codes:
            raise UsageError("precision is 'uint8'; the model has no codes: save and quantize it")
        return folder, folder
    codes = [artifacts.QUANTIZED] * has_codes
    files = artifacts.Snapshot(Path(folder), artifacts.MODEL, *codes)
    model = files.model()
    return model, files.quantized(model) if has_codes else model


def _interval(where: str, model: LinearModel, precision: str, level: float) -> Interval:
    if precision != "float64":
        raise UsageError("--interval needs --precision float64; the codes have no intervals")
    if model.interval is None:
        raise UsageError(
            f"{where}{artifacts.MODEL}: holds no prediction intervals, as its columns depend on"
            " each other, its rows are too few, or its features are more than 200 (`train"
            " --intervals` stores them then); leave --interval out"
        )
    model.interval.quantile(level)  # refuses a level that is not stored
    return model.interval
