"""Rows that are not valid: left out with ``--on-error skip``, and counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # summaries are read without Arrow, too
    from cali_reg.data.readers import Batch


@dataclass(frozen=True)
class SkippedRows:
    """Invalid rows that were left out; ``a + b`` is those of both.

    Attributes
    ----------
    n_rows : int
    first : (file name, row number, problem), optional
        The first of them, in the order of file names.
    """

    n_rows: int = 0
    first: tuple[str, int, str] | None = None

    def __add__(self, other: SkippedRows) -> SkippedRows:
        rows = [row for row in (self.first, other.first) if row]
        return SkippedRows(self.n_rows + other.n_rows, min(rows, default=None))

    def notes(self, n_rows: int) -> tuple[str, ...]:
        """Return the note about them; none if there are none.

        Parameters
        ----------
        n_rows : int
            Number of all rows.
        """
        if self.first is None:
            return ()
        name, number, problem = self.first
        note = f"skipped {self.n_rows} of {n_rows} rows that are not valid; the first is"
        return (f"{note} {name}: row {number}: {problem}",)


NONE_SKIPPED = SkippedRows()


def skip_rows(batch: Batch, problems: Mapping[int, str]) -> tuple[Batch, SkippedRows]:
    """Leave some rows of a batch out.

    Parameters
    ----------
    batch : Batch
    problems : mapping of int to str
        What is wrong with them, by their indices in the batch; at least one.

    Returns
    -------
    Batch, SkippedRows
        The other rows, which have no problem, and those left out.
    """
    valid = np.ones(len(batch.numbers), bool)
    valid[list(problems)] = False
    first = min(problems)
    skipped = SkippedRows(len(problems), (batch.file.name, batch.numbers[first], problems[first]))
    return batch.take(valid), skipped
