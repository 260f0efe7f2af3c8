"""Predict files of any size, batch after batch, with Arrow and NumPy.

Results and messages are those of `runtime.predictor.predict_rows`, which works row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cali_reg.data.feature_encoding import Values, feature_columns
from cali_reg.data.formats.base import number_array
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
    batches = read_batches(options.paths, predictor.validator, options.keep, log, options.out)
    with _open_writer(options, predictor) as write:
        for batch in prefetch(batches):
            write(batch, _predict(predictor, batch))
        if not log.n_rows:
            raise DataError(f"{options.paths[0]}: no rows; expected at least one")
    log.print_summary()


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
def _open_writer(options: PredictOptions, predictor: Predictor) -> Iterator[_Write]:
    keep, outputs = options.keep, predictor.outputs
    if options.out is not None and options.writes_table:
        with TableWriter.open(options.out, keep, outputs) as table:
            yield lambda batch, values: table.write(
                batch.file.name, [*batch.kept, *map(number_array, values)]
            )
    else:
        with TextWriter.open(options.out, [*keep, *outputs]) as text:
            yield lambda batch, values: _write_text(text, keep, batch, values)


def _write_text(
    text: TextWriter, keep: Sequence[str], batch: PredictionBatch, values: Sequence[Values]
) -> None:
    columns = [column.tolist() for column in values]
    if keep:
        kept = [_as_texts(name, array) for name, array in zip(keep, batch.kept, strict=True)]
        text.write(list(zip(*kept, *columns, strict=True)))
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
