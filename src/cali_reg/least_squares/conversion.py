"""Conversion of any numeric table to float64: decimals are rounded to the nearest, nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from cali_reg.errors import DataError

MAX_INTEGER = 2**53  # up to here every integer is a float64
_NO_NUMBER = "it is not a number; convert it, or drop the row or the column"
_NO_FLOAT64 = "no float64 equals it; round, scale or drop it"


def exact_float64(
    values: npt.NDArray[Any], names: Sequence[str], first_row: int = 1
) -> npt.NDArray[Any]:
    """Return an array that is equal to another and casts to float64 without a rounding.

    A `Decimal` becomes the nearest float64, as the same digits in a CSV file do.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
    names : sequence of n_columns strings
        For error messages.
    first_row : int, default=1
        The number of the first row, for error messages.

    Returns
    -------
    ndarray of shape (n_rows, n_columns)
        `values` itself, or an array of float64.

    Raises
    ------
    DataError
        For what is not a number, and for a number that no float64 equals. The message names its
        column and row.

    Examples
    --------
    >>> exact_float64(np.array([[2**53, 0.5]], dtype=object), ["a", "b"]).tolist()
    [[9007199254740992.0, 0.5]]
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
            raise _error(names[column], first_row + row, value, _NO_NUMBER)
        if _is_rounded(value, number):
            raise _error(names[column], first_row + row, value, _NO_FLOAT64)
        converted[row, column] = number
    return converted


def check_table(table: Any) -> None:
    """Raise an error for numbers that the conversion of a table to one array would round.

    NumPy makes float64 of a list of numbers, and of columns of several types. So values that are
    not in an array of their own type are checked before the conversion. What is not a number is
    ignored here: `exact_float64` rejects it. A `Decimal` may be rounded.

    Parameters
    ----------
    table : array-like or data frame
        Of one or two dimensions.

    Raises
    ------
    DataError
        For a masked value, and for a number that no float64 equals. The message names its column
        and row.
    """
    if isinstance(table, np.ma.MaskedArray) and table.mask.any():
        raise DataError("an array holds masked values; expected numbers: drop or fill such rows")
    for name, column in _columns(table):
        if not _is_float64_already(column):
            for row, value in enumerate(column, start=1):
                number = _to_float(value)
                if number is not None and _is_rounded(value, number):
                    raise _error(name, row, value, _NO_FLOAT64)


def strip_names(table: Any) -> Any:
    """Return a data frame without blanks around the names of its columns.

    Parameters
    ----------
    table : array-like or data frame
        Other than a frame, and with names without blanks, it is returned as it is.
    """
    names = getattr(table, "column_names", getattr(table, "columns", ()))
    if not any(isinstance(name, str) and name != name.strip() for name in names):
        return table
    stripped = [name.strip() if isinstance(name, str) else name for name in names]
    if hasattr(table, "rename_columns"):  # Arrow
        return table.rename_columns(stripped)
    table = table.copy(deep=False) if hasattr(table, "iloc") else table.clone()
    table.columns = stripped
    return table


def _columns(table: Any) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    if hasattr(table, "columns") and hasattr(table, "__getitem__"):
        names = getattr(table, "column_names", table.columns)  # in Arrow `columns` are the arrays
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
        return bool(values.max() <= MAX_INTEGER and values.min() >= -MAX_INTEGER)
    return kind == "b" or (kind in "iuf" and size <= 8)


def _to_float(value: Any) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return math.inf
    except (TypeError, ValueError):
        return None


def _is_rounded(value: Any, number: float) -> bool:
    """Tell whether `number` differs from `value`: Python compares numbers exactly.

    Decimals may differ, as decimal numbers in text do, if they are within the range of float64.
    """
    if isinstance(value, Decimal):
        return math.isinf(number) and not value.is_infinite()
    if isinstance(value, np.integer):
        value = int(value)  # NumPy compares its integers with floats as floats
    return not (math.isnan(number) or isinstance(value, str)) and bool(number != value)


def _error(name: str, row: int, value: Any, why: str) -> DataError:
    return DataError(f"column {name!r} holds {value!s:.40} (row {row}): {why}")
