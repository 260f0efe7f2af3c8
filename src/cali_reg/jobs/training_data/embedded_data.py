"""California Housing, the embedded data set, as training data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cali_reg.data import california_housing
from cali_reg.data.california_housing import Table
from cali_reg.data.missing_values import MissingValues
from cali_reg.data.summaries.summary import Summary
from cali_reg.errors import UsageError
from cali_reg.jobs.training_data.base import EMBEDDED, Block
from cali_reg.least_squares.moments import Moments
from cali_reg.runtime.model import LinearModel
from cali_reg.runtime.reading.options import USUAL, Reading
from cali_reg.runtime.schema import Column


@dataclass(frozen=True)
class EmbeddedData:
    """California Housing, split as scikit-learn's ``train_test_split`` does.

    Parameters
    ----------
    test_size : float, default=0.2
        Fraction of the rows to hold out, below 1; with 0 no row is held out.
    seed : int, default=42
        Of the split and of the folds, 0 to 2**32 - 1.
    n_sample_rows : int, default=5
        Number of held-out rows to keep as samples.
    n_folds : int, default=1
        Number of folds of the training rows, those of scikit-learn's
        ``KFold(n_folds, shuffle=True, random_state=seed)``; 1 for no folds.
    """

    test_size: float = 0.2
    seed: int = 42
    n_sample_rows: int = 5
    n_folds: int = 1

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns to predict from: the features of California Housing."""
        return tuple(map(Column, california_housing.FEATURES))

    @property
    def target(self) -> str:
        """Name of the column to predict, the median house value."""
        return california_housing.TARGET

    @property
    def plan(self) -> None:
        """The column plan: none, as the columns are known."""
        return None

    @property
    def notes(self) -> tuple[str, ...]:
        """What to tell the user about the rows: nothing."""
        return ()

    @cached_property
    def split(self) -> tuple[Table, Table]:
        """The training rows and the held-out rows.

        Raises
        ------
        UsageError
            If no training row is left.
        """
        table = california_housing.california_housing()
        return california_housing.split(table, self.test_size, self.seed)

    def summary(self) -> Summary:
        """Return the statistics of the training rows and of the held-out rows.

        Raises
        ------
        UsageError
            If no training row is left, or there are more folds than rows.
        """
        return self._summary

    def blocks(self) -> Iterator[Block]:
        """Yield the features of the training rows, (n_rows, n_features), in one block."""
        yield self.split[0].X

    @property
    def reading(self) -> Reading:
        """As usual: there are no files."""
        return USUAL

    def provenance(self) -> dict[str, Any]:
        """Return the provenance of the rows, the field ``source`` of ``model.json``."""
        split = {"seed": self.seed, "test_size": self.test_size}
        return {"data": EMBEDDED, "split": split}

    @cached_property
    def _summary(self) -> Summary:
        rows, held_out = self.split
        return summarize_tables(rows, held_out, self._folds(rows), self.n_sample_rows)

    def _folds(self, rows: Table) -> list[Any]:
        """Return the indices of the rows of each fold."""
        if self.n_folds == 1:
            return [slice(None)]
        if self.n_folds > len(rows.y):
            raise UsageError(
                f"--cv is {self.n_folds}; expected 2 to {len(rows.y)}, the number of rows"
            )
        from sklearn.model_selection import KFold

        splitter = KFold(self.n_folds, shuffle=True, random_state=self.seed)
        return [fold for _, fold in splitter.split(rows.X)]


def summarize_tables(
    rows: Table, held_out: Table, folds: Sequence[Any], n_sample_rows: int
) -> Summary:
    """Summarize tables in memory.

    Parameters
    ----------
    rows, held_out : Table
        The training rows and the held-out rows.
    folds : sequence of indices
        The training rows of each fold: an array of indices, or a slice.
    n_sample_rows : int
        Number of held-out rows to keep as samples: the first ones.

    Returns
    -------
    Summary
    """
    X = rows.X + 0.0  # turns -0.0 into 0.0: the ranges do not depend on the order of the rows
    samples = held_out.X[:n_sample_rows].tolist()
    return Summary(
        groups=(moments_of(held_out), *(moments_of(rows, fold) for fold in folds)),
        ranges=list(zip(X.min(axis=0).tolist(), X.max(axis=0).tolist(), strict=True)),
        sample_rows=tuple(map(tuple, samples)),
        missing=MissingValues((0,) * (len(rows.names) + 1)),
    )


def moments_of(table: Table, rows: Any = slice(None)) -> Moments:
    """Return the exact moments of a table's rows, or of some of them.

    Parameters
    ----------
    table : Table
    rows : array of indices or slice, optional
        The rows to add up; by default all.
    """
    return Moments.from_arrays(table.X[rows], table.y[rows], names=[*table.names, table.target])


def recorded_embedded_data(model: LinearModel) -> EmbeddedData | None:
    """Return the embedded data with a model's split; None if it was trained on other rows.

    Parameters
    ----------
    model : LinearModel
        Its provenance may be forged.
    """
    split = model.source.get("split")
    split = split if isinstance(split, dict) else {}
    test_size, seed = split.get("test_size"), split.get("seed")
    if type(test_size) is not float or type(seed) is not int:
        return None
    if not (0 <= test_size < 1 and 0 <= seed < 2**32):
        return None
    data = EmbeddedData(test_size, seed, len(model.samples))
    return data if model.source == data.provenance() else None
