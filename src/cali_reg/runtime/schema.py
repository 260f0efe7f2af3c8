"""Columns of a table, and the features that they become in a model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from cali_reg.errors import DataError
from cali_reg.runtime.cell_parser import is_missing, option_for, parse_category, parse_number
from cali_reg.runtime.messages import did_you_mean

_MOST_NAMES = 12  # in a message


class Column(NamedTuple):
    """A column that a model reads: numeric, or categorical.

    Attributes
    ----------
    name : str
        The name in the header.
    levels : tuple of str, optional
        The categories of a categorical column, which is encoded one-hot: one feature for each
        level but the first, the baseline. None for a numeric column.
    as_text : bool
        Whether numbers among the categories are text, so that 10 and 10.0 are two of them.
    not_missing : tuple of str
        Texts that are categories here, though they stand for a missing value elsewhere: ``NA``.
    missing : tuple of str
        Further texts and numbers that stand for a missing value here, such as ``?`` and ``-999``.
    """

    name: str
    levels: tuple[str, ...] | None = None
    as_text: bool = False
    not_missing: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features that the column becomes."""
        if self.levels is None:
            return (self.name,)
        return tuple(f"{self.name}={level}" for level in self.levels[1:])

    def is_missing(self, text: str) -> bool:
        """Tell whether a cell of this column stands for a missing value.

        Parameters
        ----------
        text : str
        """
        if is_missing(text):
            return text.strip() not in self.not_missing
        return bool(self.missing) and self._is_marked(text.strip())

    def _is_marked(self, text: str) -> bool:
        """Tell whether a text is one of `missing`; a number is, however it is written."""
        return text in self.missing or parse_number(text) in self.missing_numbers

    @property
    def missing_numbers(self) -> frozenset[float]:
        """The numbers that stand for a missing value."""
        found = map(parse_number, self.missing)
        return frozenset(number for number in found if number is not None)

    def category(self, text: str) -> str:
        """Return the category that a cell of this column stands for.

        Parameters
        ----------
        text : str
        """
        return parse_category(text, as_text=self.as_text)

    def to_dict(self) -> dict[str, Any]:
        """Return the column as JSON stores it: without what is as usual."""
        levels = None if self.levels is None else list(self.levels)
        content: dict[str, Any] = {"name": self.name, "levels": levels}
        if self.as_text:
            content["as_text"] = True
        if self.not_missing:
            content["not_missing"] = list(self.not_missing)
        if self.missing:
            content["missing"] = list(self.missing)
        return content

    def invalid_value(self, found: str) -> str:
        """Return the error message for a value that has no meaning in this column.

        Parameters
        ----------
        found : str
            The value, as text.
        """
        holds = f"column {self.name!r} holds {found[:40]!r}"
        if self.levels is None:
            option = option_for(found)
            advice = f" ({option})" if option else ""
            return f"{holds}; expected a finite number: fix or drop the row{advice}"
        return (
            f"{holds}, a category not seen in training; expected one of"
            f" {format_quoted(self.levels)}: fix or drop the row (`predict --unseen baseline` takes"
            " it as the baseline)"
        )

    def unseen_level(self, found: str) -> str:
        """Return the message about an unseen category that is predicted as the baseline.

        Parameters
        ----------
        found : str
            The category, as text.
        """
        baseline = format_quoted((self.levels or ())[:1])
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


def categorical(columns: Iterable[Column]) -> tuple[Column, ...]:
    """Return the categorical columns among some.

    Parameters
    ----------
    columns : iterable of Column
    """
    return tuple(column for column in columns if column.levels is not None)


class LevelIndex:
    """Finds the levels that the cells of a categorical column stand for.

    Parameters
    ----------
    column : Column

    Attributes
    ----------
    texts : tuple of str
        The levels.
    """

    def __init__(self, column: Column) -> None:
        self.texts = column.levels or ()
        self._column = column
        self._indices = {level: k for k, level in enumerate(self.texts)}

    def find(self, text: str) -> int | None:
        """Return the index of the level that a cell stands for.

        Parameters
        ----------
        text : str

        Returns
        -------
        int or None
            -1 for a category that is not one of the levels; None for a missing value.
        """
        index = self._indices.get(text)  # the usual case
        if index is None and not self._column.is_missing(text):
            index = self._indices.get(self._column.category(text), -1)
        return index


def read_column(content: dict[str, Any]) -> Column:
    """Return a column from JSON.

    Parameters
    ----------
    content : dict
        As `Column.to_dict` returns it.

    Raises
    ------
    TypeError, KeyError
        For anything else.
    """
    levels = content["levels"]
    column = Column(
        content["name"],
        None if levels is None else tuple(levels),
        content.get("as_text") is True,
        tuple(content.get("not_missing", ())),
        tuple(content.get("missing", ())),
    )
    texts = [column.name, *(column.levels or ()), *column.not_missing, *column.missing]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a column name or category is not a string")
    if column.to_dict() != content:
        raise TypeError(f"column {column.name!r} has unexpected fields")
    return column


def feature_names(columns: Iterable[Column]) -> tuple[str, ...]:
    """Return the names of the features of some columns, in order.

    Parameters
    ----------
    columns : iterable of Column
    """
    return tuple(feature for column in columns for feature in column.features)


def baselines_of(columns: Iterable[Column]) -> list[tuple[int, str]]:
    """Return the baseline of each categorical column: how many features precede it, and its name.

    Parameters
    ----------
    columns : iterable of Column
    """
    found, n_features = [], 0
    for column in columns:
        if column.levels:
            found.append((n_features, f"{column.name}={column.levels[0]}"))
        n_features += len(column.features)
    return found


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
        f"{where}: column {name!r} is missing{did_you_mean(name, found)}"
        f" (found: {format_names(found)}); rename or add it"
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

    Returns
    -------
    str
        The names, separated by commas, and how many more there are.
    """
    printable = (name if name.isprintable() else repr(name) for name in names[:_MOST_NAMES])
    return _join([name[:40] for name in printable], len(names))


def format_quoted(texts: Sequence[str]) -> str:
    """Return texts, such as categories, in quotes; else as `format_names`.

    Parameters
    ----------
    texts : sequence of str
    """
    return _join([repr(text[:40]) for text in texts[:_MOST_NAMES]], len(texts))


def _join(shown: Sequence[str], n_names: int) -> str:
    rest = f" … and {n_names - len(shown)} more" if n_names > len(shown) else ""
    return (", ".join(shown) or "nothing") + rest
