"""Read the rows to predict in batches, and report the invalid ones to the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import compress, islice
from pathlib import Path

import numpy as np
import pyarrow as pa

from cali_reg.data.dataset import open_dataset
from cali_reg.data.feature_encoding import EncodedBatch, Values, encode, feature_columns
from cali_reg.data.files import File, Source
from cali_reg.data.formats.base import Fragment, mask_array
from cali_reg.data.missing_values import Mask
from cali_reg.data.prefetch import prefetch
from cali_reg.data.readers import BATCH_SIZE, Batch, read
from cali_reg.errors import DataError, UsageError
from cali_reg.runtime.atomic_files import is_same_file
from cali_reg.runtime.reading.options import Reading
from cali_reg.runtime.row_validator import NO_ROWS, Noted, RowLog, RowValidator, outside_range
from cali_reg.runtime.schema import Column


@dataclass(frozen=True)
class PredictionBatch:
    """Some rows of a file to write.

    Attributes
    ----------
    file : File
    values : sequence of arrays of shape (n_rows,)
        One for each column of the model, as in `EncodedBatch`: numbers, or indices of levels.
    kept : sequence of pyarrow.Array
        The columns to copy to the output.
    numbers : sequence of int
        The rows' numbers in the file, from 1.
    valid : array of shape (n_rows,), optional
        A mask of the rows to predict, where others stay blank; None if all are predicted.
    """

    file: File
    values: Sequence[Values]
    kept: Sequence[pa.Array]
    numbers: Sequence[int]
    valid: Mask | None = None

    def take(self, rows: Mask) -> PredictionBatch:
        """Return a batch with some of the rows.

        Parameters
        ----------
        rows : array of shape (n_rows,)
            A mask, true for the rows to take.
        """
        return PredictionBatch(
            self.file,
            [cells[rows] for cells in self.values],
            [_take(array, rows) for array in self.kept],
            list(compress(self.numbers, rows.tolist())),
        )


def read_batches(
    paths: Sequence[Source],
    validator: RowValidator,
    keep: Sequence[str],
    log: RowLog,
    reading: Reading,
    out: Path | None = None,
) -> Iterator[PredictionBatch]:
    """Yield the rows of files to write: the valid ones, and with ``on_error="blank"`` the others.

    Parameters
    ----------
    paths : sequence of Source
        Files, wildcards, folders and URLs, or rows in memory.
    validator : RowValidator
        Checks the rows.
    keep : sequence of str
        Names of the columns to copy to the output.
    log : RowLog
        Counts the rows, and raises an error for invalid ones or reports them.
    reading : Reading
        How the files are read.
    out : Path, optional
        The file that is written, which must not be one of those to read.

    Raises
    ------
    UsageError
        If `out` is one of the files, and for a file that is named twice.
    DataError
        For files that cannot be read or have no rows and, if the log stops at it, for the first
        invalid row, after the rows before it.
    """
    dataset = open_dataset(paths, reading, csv_types=False)
    for fragment in dataset.fragments:
        file = fragment.file
        if out is not None and file.is_local and is_same_file(out, file.path):
            raise UsageError(f"--out {out}: this is an input file; name another")
    dataset.check(validator.columns)
    dataset.check_names(keep)
    for fragment in dataset.fragments:
        n_rows = 0
        for batch, kept in _read(fragment, validator.columns, keep):
            n_rows += len(batch.numbers)
            yield from _rows_to_write(encode_for(validator, batch), kept, validator, log)
        if fragment.file.has_cells and not n_rows:
            raise DataError(
                f"{fragment.file.name}: no rows; expected a header and at least one row"
            )
    dataset.check_unchanged()
    log.reading_notes = dataset.reading_notes


def encode_for(validator: RowValidator, batch: Batch) -> EncodedBatch:
    """Encode a batch of the columns of a validator.

    Parameters
    ----------
    validator : RowValidator
    batch : Batch
        With an array for each column of the validator.

    Returns
    -------
    EncodedBatch
    """
    return encode(batch, validator.columns, unseen=validator.unseen)


def _read(
    fragment: Fragment, columns: Sequence[Column], keep: Sequence[str]
) -> Iterator[tuple[Batch, list[pa.Array]]]:
    """Yield batches of the model's columns, and the columns to keep."""
    if fragment.file.has_cells:  # kept as text, as the file has it
        wanted = [*columns, *(Column(name, ()) for name in keep)]
        positions = [len(columns) + k for k in range(len(keep))]
    else:
        names = [column.name for column in columns]
        names += [name for name in keep if name not in names]
        others = names[len(columns) :]
        wanted = [*columns, *(Column(k, () if k in fragment.keys else None) for k in others)]
        positions = [names.index(name) for name in keep]
    for batch in prefetch(read(fragment, wanted, BATCH_SIZE)):
        arrays = batch.arrays[: len(columns)]
        kept = [batch.arrays[k] for k in positions]
        yield Batch(batch.file, arrays, batch.numbers, batch.problems), kept


def _rows_to_write(
    encoded: EncodedBatch, kept: Sequence[pa.Array], validator: RowValidator, log: RowLog
) -> Iterator[PredictionBatch]:
    """Yield the rows to write, then pass what is wrong with the invalid ones to the log."""
    values = encoded.values
    describe = partial(_describe_outside, validator, values)
    outside, problems = _outside(validator, values), encoded.row_problems()
    if outside is not None and validator.outside == "error":
        for row in np.flatnonzero(outside).tolist():
            problems.setdefault(row, describe(row))
    valid = np.ones(encoded.n_rows, bool)
    valid[list(problems)] = False
    if problems and log.on_error == "stop":
        valid[min(problems) :] = False
    where, unseen = encoded.batch.where, _taken_as_baseline(encoded)
    log.accept(
        int(valid.sum()),
        outside=_noted(outside, valid, lambda row: f"{where(row)}: {describe(row)}"),
        unseen=_noted(unseen, valid, lambda row: f"{where(row)}: {_describe_unseen(encoded, row)}"),
    )
    rows = PredictionBatch(encoded.batch.file, values, kept, encoded.batch.numbers)
    if problems and log.on_error == "blank":
        yield replace(rows, valid=valid)
    else:
        yield rows.take(valid) if problems else rows
    for row in sorted(problems):
        log.reject(f"{where(row)}: {problems[row]}")


def _take(array: pa.Array, rows: Mask) -> pa.Array:
    """Return some rows of a column, which may have any type."""
    try:
        return array.filter(mask_array(rows))
    except pa.ArrowNotImplementedError:  # for a view of text, as polars writes it
        ends = np.flatnonzero(np.diff(rows, prepend=False, append=False)).tolist()
        runs = [array.slice(i, j - i) for i, j in zip(ends[::2], ends[1::2], strict=True)]
        return pa.concat_arrays(runs or [array.slice(0, 0)])


def _noted(rows: Mask | None, valid: Mask, describe: Callable[[int], str]) -> Noted:
    """Return how many of the valid rows are among `rows`, and the message about the first."""
    found = [] if rows is None else np.flatnonzero(rows & valid).tolist()
    return Noted(len(found), describe(found[0])) if found else NO_ROWS


def _taken_as_baseline(encoded: EncodedBatch) -> Mask | None:
    """Return which rows have an unseen category taken as the baseline; None if there is none."""
    masks = list(encoded.as_baseline.values())
    return np.logical_or.reduce(masks) if masks else None


def _describe_unseen(encoded: EncodedBatch, row: int) -> str:
    k = min(k for k, mask in encoded.as_baseline.items() if mask[row])
    return encoded.columns[k].unseen_level(encoded.category(k, row))


def _outside(validator: RowValidator, values: Sequence[Values]) -> Mask | None:
    """Return which rows are outside the training ranges; None if there is none."""
    outside = None
    features = iter(validator.features)
    for column, cells in zip(validator.columns, values, strict=True):
        if column.levels is None:
            feature = next(features)
            low, high = feature.minimum, feature.maximum
            if low <= cells.min() and cells.max() <= high:
                continue
            rows = (cells < low) | (cells > high)
        else:
            places = range(1, len(column.levels))
            limits = [(f.minimum, f.maximum) for f in islice(features, len(places))]
            # with the level, without it: both are usual in training
            unusual = [k for k, found in zip(places, limits, strict=True) if found != (0.0, 1.0)]
            if not unusual:
                continue
            rows = np.zeros(len(cells), bool)
            for k in unusual:
                low, high = limits[k - 1]
                rows |= np.where(cells == k, not low <= 1.0 <= high, not low <= 0.0 <= high)
        outside = rows if outside is None else outside | rows
    return outside


def _describe_outside(validator: RowValidator, values: Sequence[Values], row: int) -> str:
    one = [cells[row : row + 1] for cells in values]
    found = (float(cells[0]) for cells in feature_columns(one, validator.columns))
    for feature, value in zip(validator.features, found, strict=True):
        if not feature.minimum <= value <= feature.maximum:
            return outside_range(feature, value)
    raise ValueError(row)
