"""Encode batches of rows: numbers as float64, categories as the indices of their levels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cali_reg.data.formats.base import Problem, mask_array, text_array
from cali_reg.data.missing_values import Mask, drop_missing, rows_with_missing
from cali_reg.data.readers import Batch
from cali_reg.errors import DataError
from cali_reg.least_squares.conversion import MAX_INTEGER
from cali_reg.runtime.schema import Column, LevelIndex

Values = npt.NDArray[Any]  # (n_rows,): float64, or of a categorical column the level's index, or -1


class Index(Protocol):
    """What gives the categories of a column their codes."""

    @property
    def texts(self) -> Sequence[str]:
        """What the codes from 0 on stand for."""

    def find(self, text: str) -> int | None:
        """Return the code of a cell, -1 for an unseen category, None for a missing value.

        Parameters
        ----------
        text : str
        """


_UNSEEN, _MISSING = -1, -2  # in place of a level's index
_INFINITY = np.array(np.inf).view(np.uint64)  # above are NaN and all of minus sign


@dataclass
class EncodedBatch:
    """The columns of some rows, and what is wrong with some of them.

    Attributes
    ----------
    batch : Batch
        The rows before they were encoded.
    columns : sequence of Column
    values : list of arrays of shape (n_rows,)
        One for each column: float64; or, of a categorical column, indices of its levels, -1 for any
        other category. Undefined for rows with a missing value or another problem.
    missing : dict of int to mask
        Which rows have a missing value, (n_rows,), by the indices of the columns that have any.
    unseen : dict of int to mask
        Which rows have a category that is not one of the levels, (n_rows,), by the indices of the
        columns that have any.
    as_baseline : dict of int to mask
        The same where such a category is valid, and encoded as the baseline.
    problems : dict of int to Problem
        What else is wrong with rows, by their indices in the batch.
    minus_zeros : set of int
        The indices of the only columns that may have -0.0.
    """

    batch: Batch
    columns: Sequence[Column]
    values: list[Values]
    missing: dict[int, Mask] = field(default_factory=dict)
    unseen: dict[int, Mask] = field(default_factory=dict)
    as_baseline: dict[int, Mask] = field(default_factory=dict)
    problems: dict[int, Problem] = field(default_factory=dict)
    minus_zeros: set[int] = field(default_factory=set)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.batch.numbers)

    @cached_property
    def has_missing(self) -> Mask:
        """Which rows have a missing value in any column, (n_rows,)."""
        return rows_with_missing(self.missing, self.n_rows)

    def drop_missing(self) -> list[Values]:
        """Return the values of the rows without missing values.

        Returns
        -------
        list of arrays of shape (n_rows_left,)
            One for each column.

        Raises
        ------
        DataError
            For the first row with another problem; an unknown category in a row that is dropped
            does not count.
        """
        problems = dict(self.problems)
        dropped = self.has_missing if self.missing else None
        for k, mask in self.unseen.items():
            for row in np.flatnonzero(mask if dropped is None else mask & ~dropped).tolist():
                problems.setdefault(row, self._unseen_category(k, row))
        if problems:
            row = min(problems)
            raise DataError(f"{self.batch.where(row)}: {problems[row].message}")
        return self.values if dropped is None else drop_missing(self.values, dropped)

    def row_problems(self) -> dict[int, str]:
        """Return what is wrong with the first invalid column of each invalid row.

        Returns
        -------
        dict of int to str
            Messages, by the indices of the rows in the batch.
        """
        found = dict(self.problems)
        for k in sorted({*self.missing, *self.unseen}):
            missing, unseen = self.missing.get(k), self.unseen.get(k)
            if missing is not None:
                _add(found, missing, lambda row, k=k: Problem(k, self.columns[k].missing_value()))
            if unseen is not None:
                _add(found, unseen, lambda row, k=k: self._unseen_category(k, row))
        return {row: problem.message for row, problem in found.items()}

    def _unseen_category(self, k: int, row: int) -> Problem:
        return Problem(k, self.columns[k].invalid_value(self.category(k, row)))

    def category(self, k: int, row: int) -> str:
        """Return the category of a row, as text.

        Parameters
        ----------
        k : int
            The index of a categorical column.
        row : int
            The index of the row in the batch.
        """
        return str(self.batch.arrays[k][row].as_py())


def _add(found: dict[int, Problem], mask: Mask, problem_of: Any) -> None:
    """Add the problems of one column, to rows without one or with one of a later column."""
    for row in np.flatnonzero(mask).tolist():
        problem = problem_of(row)
        if row not in found or problem.position < found[row].position:
            found[row] = problem


def encode(
    batch: Batch,
    columns: Sequence[Column],
    *,
    unseen: str = "error",
    indexes: Mapping[int, Index] | None = None,
) -> EncodedBatch:
    """Encode a batch.

    Decimals are rounded to the nearest float64, as numbers in CSV files are. An integer that
    float64 cannot hold exactly, and infinity, are problems. NaN is a missing value.

    Parameters
    ----------
    batch : Batch
        With an array for each of `columns`.
    columns : sequence of Column
    unseen : {"error", "baseline"}, default="error"
        How to treat categories that are not among the levels.
    indexes : mapping of int to Index, optional
        For some categorical columns, by their indices, what gives a category its code; by default
        the levels of the column.

    Returns
    -------
    EncodedBatch
    """
    encoded = EncodedBatch(batch, columns, [], problems=dict(batch.problems))
    for k, (column, array) in enumerate(zip(columns, batch.arrays, strict=True)):
        if column.levels is None:
            values, missing = _encode_numbers(array, k, encoded)
            if column.missing_numbers:
                marked = np.isin(values, list(column.missing_numbers))
                missing = marked if missing is None else missing | marked
        else:
            values = _encode_levels(array, (indexes or {}).get(k) or LevelIndex(column))
            missing, unknown = values == _MISSING, values == _UNSEEN
            if column.levels and unknown.any():  # without levels, any category is one
                (encoded.unseen if unseen == "error" else encoded.as_baseline)[k] = unknown
        encoded.values.append(values)
        if missing is not None and missing.any():
            encoded.missing[k] = missing
    return encoded


def feature_columns(
    values: Sequence[Values], columns: Sequence[Column]
) -> Iterator[npt.NDArray[np.float64]]:
    """Yield the features of some columns, one-hot for categorical ones.

    Parameters
    ----------
    values : sequence of arrays of shape (n_rows,)
        One for each column, as in `EncodedBatch`.
    columns : sequence of Column

    Yields
    ------
    array of shape (n_rows,)
        float64.
    """
    for column, cells in zip(columns, values, strict=True):
        if column.levels is None:
            yield cells
        else:
            yield from ((cells == k).astype(float) for k in range(1, len(column.levels)))


def _encode_numbers(array: pa.Array, k: int, encoded: EncodedBatch) -> tuple[Values, Mask | None]:
    values = _to_float64(array, k, encoded)
    if not len(values):
        return values, None
    if values.view(np.uint64).max() < _INFINITY:  # the usual case, and fast
        return values, None
    low, high = values.min(), values.max()
    if not (low > 0.0 or high < 0.0):  # NaN, too
        encoded.minus_zeros.add(k)
    if np.isfinite(low) and np.isfinite(high):
        return values, None
    for row in np.flatnonzero(np.isinf(values)).tolist():
        _note(encoded, row, k, encoded.columns[k].invalid_value(str(values[row])))
    return values, np.isnan(values)


def _note(encoded: EncodedBatch, row: int, k: int, message: str) -> None:
    """Note what is wrong with a row, unless something in an earlier column is."""
    encoded.problems.setdefault(row, Problem(k, message))


def _to_float64(array: pa.Array, k: int, encoded: EncodedBatch) -> Values:
    """Return float64, NaN where a value is null."""
    types, found = pa.types, array.type
    if types.is_decimal(found):
        array = pc.cast(pc.cast(array, pa.string()), pa.float64())
    elif types.is_boolean(found):
        array = pc.cast(pc.cast(array, pa.uint8()), pa.float64())
    elif types.is_int64(found) or types.is_uint64(found):
        _check_integers(array, k, encoded)
        array = pc.cast(array, pa.float64(), safe=False)
    elif not types.is_float64(found):
        array = pc.cast(array, pa.float64())
    return _to_numpy(array, math.nan)


def _to_numpy(array: pa.Array, null: float) -> Values:
    """Return the values of an array of numbers, with `null` for those that are null.

    Arrow's own to_numpy, and its functions of an array and a number, would import pandas.
    """
    if not array.null_count:
        values: Values = np.from_dlpack(array)
        return values
    buffers = [None, array.buffers()[1]]
    filled = pa.Array.from_buffers(array.type, len(array), buffers, offset=array.offset)
    is_null = np.from_dlpack(pc.cast(pc.is_null(array), pa.uint8()))
    return np.where(is_null, null, np.from_dlpack(filled))


def _check_integers(array: pa.Array, k: int, encoded: EncodedBatch) -> None:
    values = _to_numpy(array, 0)
    for row in np.flatnonzero((values > MAX_INTEGER) | (values < -MAX_INTEGER)).tolist():
        value = int(values[row])  # NumPy compares its integers with floats as floats
        if value != int(float(value)):
            _note(encoded, row, k, encoded.columns[k].inexact_value(value))


def _encode_levels(array: pa.Array, index: Index) -> Values:
    """Return the levels' indices, -1 for what is none of them, and -2 for a missing value."""
    codes = _to_numpy(pc.index_in(array, value_set=text_array(index.texts)), -1)
    codes = codes.astype(np.intp)
    others = codes < 0  # not written as a level is
    if others.any():
        spellings = array.filter(mask_array(others)).dictionary_encode()
        found = map(index.find, spellings.dictionary.to_pylist())
        found_codes = [_MISSING if code is None else code for code in found]
        indices = _to_numpy(spellings.indices, len(found_codes))
        codes[others] = np.array([*found_codes, _MISSING])[indices]  # null is missing, too
    return codes
