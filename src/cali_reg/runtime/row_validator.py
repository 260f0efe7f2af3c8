"""Screen: which rows are predicted, and what is said of the others. Standard library only."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cali_reg.errors import DataError
from cali_reg.runtime.csv_reader import Rows
from cali_reg.runtime.model import Feature
from cali_reg.runtime.schema import Column


@dataclass
class Screen:
    """Lets good rows pass and counts them all; bad ones stop it, or are listed and left out.

    Parameters
    ----------
    features : sequence of Feature
        Whose training ranges hold.
    unseen : str
        What a level is that training has not seen: an ``error``, or the ``baseline``.
    outside : str
        What happens to a row outside of the training ranges: a ``note``, or an ``error``.
    on_error : str
        ``stop`` or ``skip``.
    """

    features: Sequence[Feature]
    unseen: str = "error"
    outside: str = "note"
    on_error: str = "stop"
    n_rows: int = 0
    n_skipped: int = 0
    n_outside: int = 0
    first_outside: str = ""

    def passing(
        self, rows: Rows, lines: Iterable[str], columns: Sequence[Column]
    ) -> Iterator[tuple[list[float], list[str]]]:
        """Yield the features of good rows, and the cells of the columns that follow `columns`."""
        for number, cells in rows.read(lines, skipped=self.refuse):
            where = f"{rows.name}: row {number}"
            try:
                encoded = [
                    column.encode(cell, unseen=self.unseen)
                    for column, cell in zip(columns, cells, strict=False)
                ]
            except DataError as error:
                self.refuse(f"{where}: {error}")
                continue
            row = [value for values in encoded for value in values]
            if self._passes(where, row):
                yield row, cells[len(columns) :]

    def refuse(self, problem: str) -> None:
        """Raise a bad row's problem as DataError or, if such are skipped, list it."""
        if self.on_error == "stop":
            raise DataError(problem)
        self.n_rows += 1
        self.n_skipped += 1
        _say(problem)

    def accept(self, n_rows: int, n_outside: int = 0, first_outside: str = "") -> None:
        """Count good rows, and how many of them are outside of the training ranges."""
        self.n_rows += n_rows
        if n_outside and not self.n_outside:
            self.first_outside = first_outside
        self.n_outside += n_outside

    def conclude(self) -> None:
        """Say on standard error what was noted or skipped; nothing if all was well."""
        if self.n_outside:
            n_good = self.n_rows - self.n_skipped
            _say(
                f"{self.n_outside} of {n_good} rows predicted are outside of the training ranges;"
                f" the first is {self.first_outside}"
            )
        if self.n_skipped:
            _say(f"skipped {self.n_skipped} of {self.n_rows} rows")

    def _passes(self, where: str, row: Sequence[float]) -> bool:
        for feature, value in zip(self.features, row, strict=True):
            if not feature.minimum <= value <= feature.maximum:
                problem = f"{where}: {outside_of(feature, value)}"
                if self.outside == "error":
                    self.refuse(problem)
                    return False
                self.accept(1, 1, problem)
                return True
        self.accept(1)
        return True


def outside_of(feature: Feature, value: float) -> str:
    """Say that a value is outside of a feature's training range."""
    found, low, high = value + 0.0, feature.minimum, feature.maximum  # -0.0 is 0.0, as in training
    return f"column {feature.name!r} holds {found!r}; the training rows have {low!r} to {high!r}"


def _say(text: str) -> None:
    print(f"cali-reg predict: {text}", file=sys.stderr)
