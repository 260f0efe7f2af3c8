"""Conversion of any numeric table to float64 without a rounding."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cali_reg.errors import DataError

_MAX_INTEGER = 2**53  # up to here every integer is a float64


def exact_float64(
    values: npt.NDArray[Any], names: Sequence[str], first_row: int = 0
) -> npt.NDArray[Any]:
    """Return `values` (n_rows, n_columns), or an equal array that casts to float64 exactly.

    Raises DataError, naming the column and the row, for what no float64 equals.
    """
    if _is_float64_already(values):
        return values
    if values.dtype.kind not in "iufO":
        raise DataError(
            f"column {names[0]!r} holds {values.dtype} values; expected numbers: convert or drop it"
        )
    converted = np.empty(values.shape)
    for (row, column), value in np.ndenumerate(values):
        number = _to_float(value)
        if number is None:
            raise _error(names[column], first_row + row, value, "it is not a number")
        if _is_rounded(value, number):
            raise _error(names[column], first_row + row, value, "no float64 equals it")
        converted[row, column] = number
    return converted


def check_table(table: Any) -> None:
    """Refuse numbers that a table's conversion to one array would silently round.

    An array made of mixed columns, or of Python's numbers, is float64 throughout; so whatever
    is no array yet is looked at value by value. What is no number is for others to refuse.
    """
    if isinstance(table, np.ma.MaskedArray) and table.mask.any():
        raise DataError("an array holds masked values; expected numbers: drop or fill such rows")
    for name, column in _columns(table):
        if not _is_float64_already(column):
            for row, value in enumerate(column):
                number = _to_float(value)
                if number is not None and _is_rounded(value, number):
                    raise _error(name, row, value, "no float64 equals it")


def _columns(table: Any) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    if hasattr(table, "columns") and hasattr(table, "__getitem__"):
        names = getattr(table, "column_names", table.columns)  # Arrow's columns are no names
        named = table.items() if hasattr(table, "items") else ((n, table[n]) for n in names)
        yield from ((str(name), np.asarray(column)) for name, column in named)
    elif isinstance(table, list | tuple) or _kind(table) == "O":  # an array's, or a Series'
        rows = np.asarray(table, dtype=object)
        if rows.ndim == 1:
            yield "y", rows
        elif rows.ndim == 2:
            yield from ((f"x{j}", column) for j, column in enumerate(rows.T))


def _kind(table: Any) -> str | None:
    return getattr(getattr(table, "dtype", None), "kind", None)


def _is_float64_already(values: npt.NDArray[Any]) -> bool:
    """Tell from the type and the range alone that each value is a float64."""
    kind, size = values.dtype.kind, values.dtype.itemsize
    if kind in "iu" and size == 8 and values.size:
        return bool(values.max() <= _MAX_INTEGER and values.min() >= -_MAX_INTEGER)
    return kind == "b" or (kind in "iuf" and size <= 8)


def _to_float(value: Any) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return math.inf
    except (TypeError, ValueError):
        return None


def _is_rounded(value: Any, number: float) -> bool:
    """Tell whether `number` differs from `value`: Python compares numbers exactly."""
    if isinstance(value, np.integer):
        value = int(value)  # NumPy compares its integers with floats as floats
    return not (math.isnan(number) or isinstance(value, str)) and bool(number != value)


def _error(name: str, row: int, value: Any, why: str) -> DataError:
    return DataError(
        f"column {name!r} holds {value!s:.40} (row {row}): {why}; round, scale or drop it"
    )
