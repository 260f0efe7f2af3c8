"""Columns of a table, and the features that they become in a model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cali_reg.errors import DataError


class Column(NamedTuple):
    """A column that a model reads: numeric, or categorical.

    Attributes
    ----------
    name : str
        The name in the header.
    levels : tuple of str, optional
        The categories of a categorical column, which is encoded one-hot: one feature for each
        level but the first, the baseline. None for a numeric column.
    """

    name: str
    levels: tuple[str, ...] | None = None

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features that the column becomes."""
        if self.levels is None:
            return (self.name,)
        return tuple(f"{self.name}={level}" for level in self.levels[1:])

    def invalid_value(self, found: str) -> str:
        """Return the error message for a value that has no meaning in this column.

        Parameters
        ----------
        found : str
            The value, as text.
        """
        holds = f"column {self.name!r} holds {found[:40]!r}"
        if self.levels is None:
            return f"{holds}; expected a finite number: fix or drop the row"
        return (
            f"{holds}, a category not seen in training; expected one of"
            f" {format_names(self.levels)}: fix or drop the row (`predict --unseen baseline` takes"
            " it as the baseline)"
        )

    def unseen_level(self, found: str) -> str:
        """Return the message about an unseen category that is predicted as the baseline.

        Parameters
        ----------
        found : str
            The category, as text.
        """
        baseline = format_names((self.levels or ())[:1])
        return f"column {self.name!r} holds {found[:40]!r}; the baseline is {baseline}"

    def inexact_value(self, found: int) -> str:
        """Return the error message for an integer that float64 cannot hold exactly.

        Parameters
        ----------
        found : int
        """
        return (
            f"column {self.name!r} holds {found}, which float64 cannot hold exactly: round it, or"
            " drop the row"
        )

    def missing_value(self) -> str:
        """Return the error message for a row without a value in this column."""
        expected = "a number" if self.levels is None else "a category"
        return f"column {self.name!r} has no value; expected {expected}: fix or drop the row"


def feature_names(columns: Iterable[Column]) -> tuple[str, ...]:
    """Return the names of the features of some columns, in order.

    Parameters
    ----------
    columns : iterable of Column
    """
    return tuple(feature for column in columns for feature in column.features)


def find_duplicate(names: Iterable[str]) -> str | None:
    """Return the first name that appears for the second time; None if all are different.

    Parameters
    ----------
    names : iterable of str
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def missing_column(where: str, name: str, found: Sequence[str]) -> DataError:
    """Return the error for a column that a table does not have.

    Parameters
    ----------
    where : str
        Name of the table's file.
    name : str
        Name of the column.
    found : sequence of str
        Names of the columns that the table has.
    """
    return DataError(
        f"{where}: column {name!r} is missing (found: {format_names(found)}); rename or add it"
    )


def duplicate_column(where: str, name: str) -> DataError:
    """Return the error for a column name that appears twice in a table.

    Parameters
    ----------
    where : str
        Name of the table's file.
    name : str
        Name of the column.
    """
    return DataError(f"{where}: column {name!r} appears twice; rename one of them")


def format_names(names: Sequence[str]) -> str:
    """Return names for a message of one line: at most 12, each at most 40 characters long.

    Parameters
    ----------
    names : sequence of str
    """
    printable = (name if name.isprintable() else repr(name) for name in names[:12])
    text = ", ".join(name[:40] for name in printable) or "nothing"
    return text + (", ..." if len(names) > 12 else "")
