"""Columns: what the cells of a table mean, and the features they become. Standard library only."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cali_reg.errors import DataError

# What the CSV world calls a number: float() would also take 1_000, ١٢, nan and infinity.
_NUMBER = re.compile(r"[ \t]*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t]*")
BOOLEANS = {"false": 0.0, "False": 0.0, "FALSE": 0.0, "true": 1.0, "True": 1.0, "TRUE": 1.0}
MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL")


@dataclass(frozen=True)
class Column:
    """A column that a model reads: numbers, or text that is one of some levels.

    Text is encoded one-hot: a feature for each of `levels` but the first, the baseline.
    """

    name: str
    levels: tuple[str, ...] | None = None

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features that it becomes."""
        if self.levels is None:
            return (self.name,)
        return tuple(f"{self.name}={level}" for level in self.levels[1:])

    def encode(self, cell: str, *, unseen: str = "error") -> list[float]:
        """Return a cell's features; an `unseen` level is an error, or taken as the baseline.

        Raises DataError, beginning with the column, for a cell that has no meaning.
        """
        if self.levels is None:
            number = parse_cell(cell)
            if number is None:
                raise DataError(self.complaint(cell))
            return [number]
        if cell not in self.levels and (unseen == "error" or not cell):
            raise DataError(self.complaint(cell))
        return [float(cell == level) for level in self.levels[1:]]

    def complaint(self, cell: str) -> str:
        """Say what is wrong with a cell that cannot be encoded."""
        missing = not cell if self.levels is not None else cell.strip() in MISSING
        found = "is empty" if not cell.strip() else f"holds {cell[:40]!r}"
        if self.levels is None:
            return f"column {self.name!r} {found}; expected a finite number: mend or drop the row"
        if missing:
            return f"column {self.name!r} {found}; expected a level: mend or drop the row"
        return (
            f"column {self.name!r} {found}, a level that training has not seen; expected one of"
            f" {shown(self.levels)}: mend or drop the row (`predict` can take it as the baseline)"
        )


def features_of(columns: Sequence[Column]) -> tuple[str, ...]:
    """Return the names of all features of some columns, in order."""
    return tuple(feature for column in columns for feature in column.features)


def parse_number(text: str) -> float | None:
    """Return the float64 nearest to a decimal number; None if the text is no finite one."""
    number = float(text) if _NUMBER.fullmatch(text) else math.inf
    return number if math.isfinite(number) else None


def parse_cell(text: str) -> float | None:
    """Return the value of a cell of numbers, where true is 1 and false 0; None if it has none."""
    number = parse_number(text)
    return BOOLEANS.get(text) if number is None else number


def shown(names: Sequence[str]) -> str:
    """Return names for a message of one line: a dozen at most, none too long."""
    printable = (name if name.isprintable() else repr(name) for name in names[:12])
    text = ", ".join(name[:40] for name in printable) or "nothing"
    return text + (", ..." if len(names) > 12 else "")
