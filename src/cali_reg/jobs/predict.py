"""Predict files of any size, batch after batch, with Arrow and NumPy.

Results and messages are those of `runtime.predictor.predict_rows`, which works row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cali_reg.data.feature_encoding import Values, feature_columns
from cali_reg.data.files import Source
from cali_reg.data.formats.base import mask_array, number_array
from cali_reg.data.prefetch import prefetch
from cali_reg.data.writers import TableWriter
from cali_reg.errors import DataError
from cali_reg.jobs.prediction_batches import PredictionBatch, read_batches
from cali_reg.least_squares.predictions import half_widths, predict_coded
from cali_reg.runtime.predictor import PredictOptions, Predictor
from cali_reg.runtime.row_validator import RowLog
from cali_reg.runtime.text_writer import TextWriter

_ROWS = 4096  # of which half-widths are computed at once
_Write = Callable[[PredictionBatch, Sequence[Values]], None]  # takes rows and their predictions


def predict_files(options: PredictOptions, predictor: Predictor) -> None:
    """Predict files; the next batch is read while one is predicted and written.

    Parameters
    ----------
    options : PredictOptions
    predictor : Predictor
        The one that `open_predictor` returns for `options`.

    Raises
    ------
    DataError
        For files that cannot be read or have no rows, and for invalid rows unless they are skipped.
    UsageError
        For a file that is named twice, and for an output that is an input.
    ArtifactError
        If the output cannot be written; an existing file is then unchanged.
    """
    log = RowLog(options.on_error)
    batches = read_batches(
        options.paths, predictor.validator, options.keep, log, predictor.reading, options.out
    )
    with _open_writer(options) as write:
        for batch in prefetch(batches):
            write(batch, _predict_valid(predictor, batch))
        if not log.n_rows:
            raise DataError(f"{options.paths[0]}: no rows; expected at least one")
    log.print_summary()


def predict_arrays(
    data: Sequence[Source], predictor: Predictor
) -> tuple[npt.NDArray[np.float64], RowLog]:
    """Predict files, or rows in memory, and keep the predictions in memory.

    Parameters
    ----------
    data : sequence of Source
    predictor : Predictor

    Returns
    -------
    values : array of shape (n_rows, n_outputs)
        The columns are those of `Predictor.outputs`.
    log : RowLog
        With what is to be noted about the rows.

    Raises
    ------
    DataError
        For files that cannot be read, and at the first invalid row.
    UsageError
        For a file that is named twice.
    """
    log = RowLog()
    batches = prefetch(read_batches(data, predictor.validator, (), log, predictor.reading))
    parts = [np.column_stack(_predict_valid(predictor, batch)) for batch in batches]
    return np.concatenate([np.empty((0, len(predictor.outputs))), *parts]), log


def _predict_valid(predictor: Predictor, batch: PredictionBatch) -> list[Values]:
    """Return the predicted columns, each (n_rows,), with NaN for rows that are not valid."""
    if batch.valid is None:
        return _predict(predictor, batch)
    columns = [np.full(len(batch.valid), np.nan) for _ in predictor.outputs]
    if batch.valid.any():
        rows = replace(batch, kept=(), valid=None).take(batch.valid)
        for column, values in zip(columns, _predict(predictor, rows), strict=True):
            column[batch.valid] = values
    return columns


def _predict(predictor: Predictor, batch: PredictionBatch) -> list[Values]:
    """Return the predicted columns, each (n_rows,)."""
    used, columns = predictor.used, predictor.validator.columns
    n_levels = [None if column.levels is None else len(column.levels) for column in columns]
    with np.errstate(all="ignore"):  # what overflows is infinite, as it is row by row
        prediction = predict_coded(batch.values, n_levels, used.coefficients, used.intercept)
        if predictor.interval is None:
            return [prediction]
        half_width = np.empty_like(prediction)
        for start in range(0, len(prediction), _ROWS):  # one-hot features take much memory
            some = [cells[start : start + _ROWS] for cells in batch.values]
            X = np.stack(list(feature_columns(some, columns)))
            half_width[start : start + _ROWS] = half_widths(X.T, *predictor.interval)
        return [prediction, prediction - half_width, prediction + half_width]


@contextmanager
def _open_writer(options: PredictOptions) -> Iterator[_Write]:
    copied, outputs = options.copied, options.outputs
    if options.out is not None and options.writes_table:
        with TableWriter.open(options.out, copied, outputs) as table:
            yield lambda batch, values: table.write(
                batch.file.name, _as_arrays(batch, values, row_numbers=options.row_numbers)
            )
    else:
        names, has_header = [*copied, *outputs], options.has_header
        with TextWriter.open(options.out, names, has_header=has_header) as text:
            yield lambda batch, values: _write_text(text, options, batch, values)


def _as_arrays(
    batch: PredictionBatch, values: Sequence[Values], *, row_numbers: bool
) -> list[pa.Array]:
    """Return the columns of a table: row numbers if asked for, those to keep, predictions."""
    arrays = list(map(number_array, values))
    if batch.valid is not None:
        null, valid = pa.nulls(len(batch.valid), pa.float64()), mask_array(batch.valid)
        arrays = [pc.if_else(valid, array, null) for array in arrays]
    if not row_numbers:
        return [*batch.kept, *arrays]
    numbers = pa.py_buffer(np.fromiter(batch.numbers, np.int64))
    column = pa.Array.from_buffers(pa.int64(), len(batch.numbers), [None, numbers])
    return [column, *batch.kept, *arrays]


def _write_text(
    text: TextWriter, options: PredictOptions, batch: PredictionBatch, values: Sequence[Values]
) -> None:
    columns: list[Sequence[Any]] = [column.tolist() for column in values]
    if options.copied or batch.valid is not None:
        kept = [
            _as_texts(name, array) for name, array in zip(options.keep, batch.kept, strict=True)
        ]
        if batch.valid is not None:
            valid = batch.valid.tolist()
            columns = [
                [value if is_valid else "" for value, is_valid in zip(column, valid, strict=True)]
                for column in columns
            ]
        numbers = [batch.numbers] * options.row_numbers
        text.write(list(zip(*numbers, *kept, *columns, strict=True)))
    elif columns[0]:  # no number needs quotes
        text.write_lines(
            map(",".join, zip(*(map(repr, column) for column in columns), strict=True))
        )


def _as_texts(name: str, array: pa.Array) -> list[Any]:
    """Return values that csv.writer writes as text: floats themselves, nothing for null."""
    if pa.types.is_float64(array.type):
        return list(array.to_pylist())
    try:
        return list(pc.cast(array, pa.string()).to_pylist())
    except pa.ArrowException:
        raise DataError(
            f"column {name!r} holds {array.type}, which cannot be written as text; write Parquet"
        ) from None
