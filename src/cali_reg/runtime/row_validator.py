"""Check rows before they are predicted, turn them into features, and count invalid ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from cali_reg.errors import DataError
from cali_reg.runtime.cell_parser import parse_cell, plain_number
from cali_reg.runtime.messages import print_error, print_notes
from cali_reg.runtime.model import Feature
from cali_reg.runtime.schema import Column, LevelIndex, missing_column

Parse = Callable[[str], float | None]  # returns the number that a cell stands for


class ValidRow(NamedTuple):
    """The features of a valid row, and what to note about it.

    Attributes
    ----------
    features : list of n_features floats
        In the order of the model.
    outside : tuple of str
        A message for each feature outside its training range.
    unseen : tuple of str
        A message for each category not seen in training that was taken as the baseline.
    """

    features: list[float]
    outside: tuple[str, ...]
    unseen: tuple[str, ...] = ()


class RowValidator:
    """Checks rows against a model's columns and training ranges.

    Parameters
    ----------
    columns : sequence of Column
        The columns that the model reads.
    features : sequence of Feature
        The model's features, with their training ranges.
    unseen : {"error", "baseline"}, default="error"
        How to treat categories not seen in training.
    outside : {"note", "error"}, default="note"
        How to treat values outside the training ranges.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        features: Sequence[Feature],
        *,
        unseen: str = "error",
        outside: str = "note",
    ) -> None:
        self.columns, self.features = columns, features
        self.unseen, self.outside = unseen, outside
        self._levels = [None if column.levels is None else LevelIndex(column) for column in columns]

    def validate(self, row: Mapping[str, Any], parse: Parse = parse_cell) -> ValidRow:
        """Return the features of one row.

        Parameters
        ----------
        row : mapping of str to value
            A value for each column of the model; others are ignored. A numeric column takes a
            number, true or false, or text as a CSV cell has it; a categorical column takes text,
            a number, or true or false.
        parse : callable, optional
            Returns the number that a text stands for, or None; by default `parse_cell`.

        Returns
        -------
        ValidRow

        Raises
        ------
        DataError
            For a column without a value; for a value that is not valid in its column; and, with
            ``outside="error"``, for one outside its training range. The message names the column.
        """
        features: list[float] = []
        unseen: list[str] = []
        for column, levels in zip(self.columns, self._levels, strict=True):
            if column.name not in row:
                raise missing_column("row", column.name, list(map(str, row)))
            value = row[column.name]
            if levels is None:
                features.append(_number(column, value, parse))
            else:
                text = _category(column, value)
                level = levels.find(text)
                if level is None:
                    raise DataError(column.missing_value())
                if level < 0:
                    unseen.append(self._unseen_level(column, text))
                features += _one_hot(column, level)
        outside = tuple(
            outside_range(feature, value)
            for feature, value in zip(self.features, features, strict=True)
            if not feature.minimum <= value <= feature.maximum
        )
        if outside and self.outside == "error":
            raise DataError(outside[0])
        return ValidRow(features, outside, tuple(unseen))

    def _unseen_level(self, column: Column, level: str) -> str:
        if self.unseen == "error":
            raise DataError(column.invalid_value(level))
        return column.unseen_level(level)


class Noted(NamedTuple):
    """Valid rows to note.

    Attributes
    ----------
    n_rows : int
        How many they are.
    first : str
        The message about the first of them.
    """

    n_rows: int = 0
    first: str = ""

    def __add__(self, others: Noted) -> Noted:  # type: ignore[override]
        """Return these rows and others that follow them."""
        return Noted(self.n_rows + others.n_rows, self.first or others.first)


NO_ROWS = Noted()


class RowLog:
    """Counts rows; lists the invalid ones on standard error, or stops at the first.

    Parameters
    ----------
    on_error : {"stop", "skip", "blank"}, default="stop"
        What to do at an invalid row: raise DataError, or report it and continue.

    Attributes
    ----------
    n_valid, n_skipped : int
        Number of valid rows, and of invalid rows without a prediction.
    outside, unseen : Noted
        Valid rows outside the training ranges, and with categories not seen in training.
    reading_notes : tuple of str
        What a first look at the files has found.
    """

    def __init__(self, on_error: str = "stop") -> None:
        self.on_error = on_error
        self.n_valid = self.n_skipped = 0
        self.outside = self.unseen = NO_ROWS
        self.reading_notes: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int:
        """Number of rows, the invalid ones included."""
        return self.n_valid + self.n_skipped

    def reject(self, problem: str) -> None:
        """Count an invalid row and print what is wrong with it.

        Parameters
        ----------
        problem : str
            The file, the row, and what is wrong with it.

        Raises
        ------
        DataError
            With ``on_error="stop"``.
        """
        if self.on_error == "stop":
            raise DataError(problem)
        self.n_skipped += 1
        print_error("cali-reg predict", problem)

    def accept(self, n_rows: int = 1, *, outside: Noted = NO_ROWS, unseen: Noted = NO_ROWS) -> None:
        """Count valid rows, and those to note.

        Parameters
        ----------
        n_rows : int, default=1
            Number of valid rows.
        outside, unseen : Noted
            Those outside the training ranges, and those with categories not seen in training.
        """
        self.n_valid += n_rows
        self.outside += outside
        self.unseen += unseen

    @property
    def notes(self) -> tuple[str, ...]:
        """How many rows are outside the training ranges, or have categories not seen there."""
        return tuple(
            f"{noted.n_rows} of {self.n_valid} predicted rows {what}; the first is {noted.first}"
            for noted, what in (
                (self.outside, "are outside the training ranges"),
                (self.unseen, "have categories not seen in training, taken as the baseline"),
            )
            if noted.n_rows
        )

    def print_summary(self) -> None:
        """Print to standard error how files were read, and how many rows were noted or skipped."""
        print_notes("cali-reg predict", self.reading_notes)
        for note in self.notes:
            print_error("cali-reg predict", note, is_note=True)
        if self.n_skipped:
            counts = f"{self.n_skipped} of {self.n_rows} rows"
            is_blank = self.on_error == "blank"
            print_error(
                "cali-reg predict", f"left {counts} blank" if is_blank else f"skipped {counts}"
            )


def outside_range(feature: Feature, value: float) -> str:
    """Return the message about a value outside its feature's training range.

    Parameters
    ----------
    feature : Feature
    value : float
    """
    found, low, high = value + 0.0, feature.minimum, feature.maximum  # -0.0 is 0.0, as in training
    return f"column {feature.name!r} holds {found!r}; the training rows have {low!r} to {high!r}"


def _one_hot(column: Column, level: int) -> list[float]:
    """Return a feature for each level but the first, the baseline."""
    values = [0.0] * (len(column.levels or ()) - 1)
    if level > 0:
        values[level - 1] = 1.0
    return values


def _number(column: Column, value: Any, parse: Parse) -> float:
    value = _plain(value)
    if isinstance(value, str):
        number = parse(value)
        if number is None:
            is_missing = column.is_missing(value)
            raise DataError(column.missing_value() if is_missing else column.invalid_value(value))
        return _not_missing(column, number)
    if value is None:
        raise DataError(column.missing_value())
    try:
        number = math.inf if isinstance(value, bytes | bytearray) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.inf
    if math.isnan(number):  # missing, as it is in Parquet files
        raise DataError(column.missing_value())
    if math.isinf(number):
        raise DataError(column.invalid_value(_text(value)))
    if isinstance(value, int) and int(number) != value:
        raise DataError(column.inexact_value(value))
    return _not_missing(column, number)


def _not_missing(column: Column, number: float) -> float:
    """Return a number, unless it stands for a missing value in this column."""
    if column.missing and number in column.missing_numbers:
        raise DataError(column.missing_value())
    return number


def _category(column: Column, value: Any) -> str:
    """Return the text of a category, as a file would have it."""
    plain = _plain(value)
    if plain is None or (isinstance(plain, float) and math.isnan(plain)):
        raise DataError(column.missing_value())
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, float):
        return plain_number(str(value))
    if not isinstance(plain, str | int):
        raise DataError(
            f"column {column.name!r} holds {str(value)[:40]!r}; expected text, a number, or true"
            " or false, as for any categorical column: convert it"
        )
    return _text(plain)


def _text(value: Any) -> str:
    """Return a value as text, also an integer of more digits than Python writes."""
    try:
        return str(value)
    except ValueError:
        return f"an integer of {value.bit_length()} bits"


def _plain(value: Any) -> Any:
    """Return Python's own value for a scalar of NumPy and the like."""
    try:
        return value.item()
    except (AttributeError, TypeError, ValueError):
        return value
