"""Batches of rows to float64 columns, each value exactly that of the file or refused."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cali_reg.data.readers import Batch
from cali_reg.errors import DataError
from cali_reg.runtime.schema import Column

Values = npt.NDArray[Any]  # (n_rows,): float64, or with levels the level's index, or -1
_INFINITY = np.array(np.inf).view(np.uint64)  # above are NaN and all of minus sign
_MAX_INTEGER = 2**53  # up to here every integer is a float64


@dataclass
class Encoded:
    """The columns of some rows, and what is wrong with some of them.

    `missing` tells of each column which rows lack it, if any does; `problems` says by row what
    else is wrong. The values of such rows mean nothing. Only the columns in `minus_zeros` may hold
    -0.0.
    """

    batch: Batch
    columns: Sequence[Column]
    values: list[Values]
    missing: dict[int, npt.NDArray[np.bool_]] = field(default_factory=dict)
    problems: dict[int, str] = field(default_factory=dict)
    minus_zeros: set[int] = field(default_factory=set)

    @property
    def lacking(self) -> npt.NDArray[np.bool_]:
        """Which rows lack the value of any column, (n_rows,)."""
        rows = np.zeros(len(self.values[0]), dtype=bool)
        for missing in self.missing.values():
            rows |= missing
        return rows

    def complete(self) -> list[Values]:
        """Return the values of the rows that lack none.

        Raises DataError for the first row that has another problem.
        """
        if self.problems:
            row = min(self.problems)
            raise DataError(f"{self.batch.where(row)}: {self.problems[row]}")
        if not self.missing:
            return self.values
        kept = ~self.lacking
        return [values[kept] for values in self.values]


def encode(batch: Batch, columns: Sequence[Column], *, unseen: str = "error") -> Encoded:
    """Encode a batch whose arrays are those of `columns`; a level that is new is a problem.

    Decimals are rounded to the nearest float64, as numbers in CSV files are. An integer that no
    float64 equals, and infinity, are problems. NaN is missing.
    """
    encoded = Encoded(batch, columns, [])
    for place, (column, array) in enumerate(zip(columns, batch.arrays, strict=True)):
        if column.levels is None:
            values, missing = _numbers(array, place, encoded)
        else:
            values, missing = _codes(array, column)
        encoded.values.append(values)
        if missing is not None and missing.any():
            encoded.missing[place] = missing
    if unseen == "error":
        _note_unseen(encoded)
    return encoded


def features(
    values: Sequence[Values], columns: Sequence[Column]
) -> Iterator[npt.NDArray[np.float64]]:
    """Yield each feature, (n_rows,)."""
    for column, cells in zip(columns, values, strict=True):
        if column.levels is None:
            yield cells
        else:
            yield from ((cells == k).astype(float) for k in range(1, len(column.levels)))


def _numbers(
    array: pa.Array, place: int, encoded: Encoded
) -> tuple[Values, npt.NDArray[np.bool_] | None]:
    column, problems = encoded.columns[place], encoded.problems
    values = _to_float64(array, column, problems)
    if values.view(np.uint64).max() < _INFINITY:  # quicker than what follows, and usual
        return values, None
    low, high = values.min(), values.max()
    if not (low > 0.0 or high < 0.0):  # NaN, too
        encoded.minus_zeros.add(place)
    if np.isfinite(low) and np.isfinite(high):
        return values, None
    infinite = np.isinf(values)
    for row in np.flatnonzero(infinite).tolist():
        problems.setdefault(row, column.complaint(str(values[row])))
    return values, np.isnan(values)


def _to_float64(array: pa.Array, column: Column, problems: dict[int, str]) -> Values:
    """Return float64, NaN where a value is null."""
    types, found = pa.types, array.type
    if types.is_decimal(found):
        array = pc.cast(pc.cast(array, pa.string()), pa.float64())
    elif types.is_boolean(found):
        array = pc.cast(pc.cast(array, pa.uint8()), pa.float64())
    elif types.is_int64(found) or types.is_uint64(found):
        _check_integers(array, column, problems)
        array = pc.cast(array, pa.float64(), safe=False)
    elif not types.is_float64(found):
        array = pc.cast(array, pa.float64())
    return _to_numpy(array, math.nan)


def _to_numpy(array: pa.Array, null: float) -> Values:
    """Return the values of an array of numbers; its own to_numpy would import pandas."""
    values: Values = np.from_dlpack(pc.fill_null(array, null) if array.null_count else array)
    return values


def _check_integers(array: pa.Array, column: Column, problems: dict[int, str]) -> None:
    values = _to_numpy(array, 0)
    for row in np.flatnonzero((values > _MAX_INTEGER) | (values < -_MAX_INTEGER)).tolist():
        value = int(values[row])  # NumPy compares its integers with floats as floats
        if value != int(float(value)):
            problems.setdefault(
                row,
                f"column {column.name!r} holds {value}, which no float64 equals: round it, or drop"
                " the row",
            )


def _codes(array: pa.Array, column: Column) -> tuple[Values, npt.NDArray[np.bool_]]:
    """Return the levels' indices, -1 for what is none of them, and which rows lack one."""
    levels = pa.array(column.levels or (), pa.string())
    codes = _to_numpy(pc.index_in(array, value_set=levels), -1).astype(np.intp)
    missing = _to_numpy(pc.equal(array, "").cast(pa.uint8()), 1).astype(bool)
    return codes, missing


def _note_unseen(encoded: Encoded) -> None:
    """Note the rows with a level that is new, but for those that lack a value anyway."""
    arrays = encoded.batch.arrays
    for column, array, values in zip(encoded.columns, arrays, encoded.values, strict=True):
        if column.levels is not None and values.min() < 0:
            for row in np.flatnonzero((values < 0) & ~encoded.lacking).tolist():
                encoded.problems.setdefault(row, column.complaint(array[row].as_py()))
