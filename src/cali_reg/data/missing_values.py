"""Missing values: which rows have one, and what training does about them.

A row with a missing value in any column that training reads never reaches the sums: `drop_missing`
leaves it out, for each batch, and `MissingValues` counts it. With ``--missing drop`` that is all.
With ``--missing error`` `MissingValues.require_none` then raises an error that says how many there
are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt

from cali_reg.errors import DataError
from cali_reg.runtime.schema import Column, format_names

_FEW_NAMES = 5  # columns that a message lists

Mask = npt.NDArray[np.bool_]  # (n_rows,)
Values = npt.NDArray[Any]  # (n_rows,), of one column


def rows_with_missing(masks: Mapping[int, Mask], n_rows: int) -> Mask:
    """Return which rows have a missing value in any column.

    Parameters
    ----------
    masks : mapping of int to array of shape (n_rows,)
        For some columns, by index, which rows have a missing value.
    n_rows : int

    Returns
    -------
    array of shape (n_rows,)
        Of bool.
    """
    rows = np.zeros(n_rows, dtype=bool)
    for mask in masks.values():
        rows |= mask
    return rows


def drop_missing(values: Sequence[Values], has_missing: Mask) -> list[Values]:
    """Return the values of the rows without missing values.

    Parameters
    ----------
    values : sequence of arrays of shape (n_rows,)
        One for each column.
    has_missing : array of shape (n_rows,)
        Which rows have a missing value.

    Returns
    -------
    list of arrays
    """
    return [cells[~has_missing] for cells in values]


@dataclass(frozen=True)
class MissingValues:
    """How many values are missing in some rows; ``a + b`` is that of the rows of both.

    Attributes
    ----------
    by_column : tuple of int
        Number of missing values of each column.
    n_rows : int
        Number of rows with a missing value.
    first : (file name, row number), optional
        The first such row, in the order of file names.
    alone : tuple of int
        For each column, the number of rows in which it is the only one with a missing value.
    """

    by_column: tuple[int, ...]
    n_rows: int = 0
    first: tuple[str, int] | None = None
    alone: tuple[int, ...] = ()

    def __add__(self, other: MissingValues) -> MissingValues:
        rows = [row for row in (self.first, other.first) if row]
        return MissingValues(
            tuple(a + b for a, b in zip(self.by_column, other.by_column, strict=True)),
            self.n_rows + other.n_rows,
            min(rows, default=None),
            tuple(a + b for a, b in zip_longest(self.alone, other.alone, fillvalue=0)),
        )

    def cost_of_dropping(self, n_rows: int) -> str:
        """Say how many rows are lost without those that have a missing value.

        Parameters
        ----------
        n_rows : int
            Number of all rows.

        Returns
        -------
        str
        """
        return f"leaves out {self.n_rows} of {n_rows} rows"

    def cost_without_columns(self, names: Sequence[str]) -> str:
        """Say how many rows have a missing value still if some columns are left out.

        Parameters
        ----------
        names : sequence of str
            The columns that may be left out: the first ones that `by_column` counts.

        Returns
        -------
        str
            Of the column that saves most rows alone, and of all of them; empty if none saves any.
        """
        found = [k for k in range(len(names)) if self.by_column[k]]
        if not found or not self.alone:
            return ""
        costs = []
        best = max(found, key=lambda k: self.alone[k])
        if len(found) > 1 and self.alone[best]:
            costs.append(f"{self.n_rows - self.alone[best]} with --exclude {_quoted(names[best])}")
        rest = self.n_rows - sum(self.alone[k] for k in found)
        if len(found) == 1:
            costs.append(f"{rest or 'none'} with --exclude {_quoted(names[best])}")
        elif len(found) == sum(map(bool, self.by_column)) and len(found) <= _FEW_NAMES:
            costs.append(f"none with --exclude {','.join(_quoted(names[k]) for k in found)}")
        return ", ".join(costs)

    def require_rows_left(self, features: Sequence[str], target: str) -> None:
        """Raise DataError if missing values are why no row is left.

        Parameters
        ----------
        features : sequence of str
            Names of the columns to predict from, the first that `by_column` counts.
        target : str
            Name of the next one.
        """
        if not self.n_rows:
            return
        counts = dict(zip([*features, target], self.by_column, strict=False))
        empty = [name for name, count in counts.items() if count == self.n_rows]
        found = format_names([f"{name} {count}" for name, count in counts.items() if count])
        advice = "fill some in, or leave columns out with --features"
        if target in empty:
            advice = "the target has no values; name another --target"
        elif empty:
            advice = f"leave out what has no values with --features: {format_names(empty)}"
        raise DataError(
            f"no row is left: each of the {self.n_rows} rows has a missing value ({found});"
            f" {advice}"
        )

    def require_none(self, columns: Sequence[Column], advice: str) -> None:
        """Raise DataError if a value is missing.

        Parameters
        ----------
        columns : sequence of Column
            The columns that `by_column` counts, in this order.
        advice : str
            What to do, for the message.
        """
        if self.first is None:
            return
        counts = [
            f"{column.name} {count}"
            for column, count in zip(columns, self.by_column, strict=True)
            if count
        ]
        path, row = self.first
        raise DataError(
            f"rows with missing values: {self.n_rows} ({format_names(counts)}); the first is row"
            f" {row} of {path}: {advice}"
        )


def _quoted(name: str) -> str:
    """Return a name as a list separated by commas has it."""
    return f'"{name}"' if "," in name else name
