"""The statistics of some rows that training needs. They add up; then come the levels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from cali_reg.data.columns.spellings import Spellings
from cali_reg.data.missing_values import MissingValues
from cali_reg.data.skipped_rows import NONE_SKIPPED, SkippedRows
from cali_reg.data.summaries.level_sums import GroupSums, feature_ranges
from cali_reg.least_squares.exact_gram import UNIT
from cali_reg.least_squares.moments import Moments
from cali_reg.runtime.schema import Column, LevelIndex, categorical, format_quoted

SampleRow = tuple[int, tuple[float | str, ...]]  # a row's hash, and its values


@dataclass(frozen=True)
class PartialSummary:
    """What training keeps of some rows by their categories, before it is known which are levels.

    ``a + b`` is that of the rows of both.

    Attributes
    ----------
    groups : tuple of GroupSums
        Sums of the held-out rows, then those of each fold of the training rows.
    minima, maxima : array of shape (n_numeric,)
        Of the columns of numbers in the training rows; infinite if there are none.
    lowest, highest : array of shape (n_numeric,)
        The same in all rows.
    samples : tuple of (hash, values)
        The held-out rows with the smallest hashes, in ascending order.
    missing : MissingValues
        Of all rows; those with missing values are in nothing else.
    n_sample_rows : int
        Number of sample rows to keep.
    spellings : tuple of Spellings
        What the files hold, for each categorical column.
    skipped : SkippedRows
        Invalid rows, which are in nothing else.
    """

    groups: tuple[GroupSums, ...]
    minima: npt.NDArray[np.float64]
    maxima: npt.NDArray[np.float64]
    lowest: npt.NDArray[np.float64]
    highest: npt.NDArray[np.float64]
    samples: tuple[SampleRow, ...]
    missing: MissingValues
    n_sample_rows: int
    spellings: tuple[Spellings, ...]
    skipped: SkippedRows = NONE_SKIPPED

    def __add__(self, other: PartialSummary) -> PartialSummary:
        return PartialSummary(
            tuple(a + b for a, b in zip(self.groups, other.groups, strict=True)),
            np.minimum(self.minima, other.minima),
            np.maximum(self.maxima, other.maxima),
            np.minimum(self.lowest, other.lowest),
            np.maximum(self.highest, other.highest),
            tuple(sorted(self.samples + other.samples)[: self.n_sample_rows]),
            self.missing + other.missing,
            self.n_sample_rows,
            tuple(a + b for a, b in zip(self.spellings, other.spellings, strict=True)),
            skipped=self.skipped + other.skipped,
        )

    @property
    def n_rows(self) -> int:
        """Number of rows, those that are left out included."""
        complete = sum(int(group.gram[0, 0]) >> -UNIT for group in self.groups)
        return complete + self.missing.n_rows + self.skipped.n_rows

    def training_counts(self, c: int) -> Counter[str]:
        """Return how many training rows have each text of a categorical column.

        Parameters
        ----------
        c : int
            The index of the column among the categorical ones.
        """
        return sum((Counter(group.counts(c)) for group in self.groups[1:]), Counter())

    def with_levels(
        self, columns: Sequence[Column], *, unseen_in: str = "held-out rows"
    ) -> Summary:
        """Return the statistics of the features.

        Parameters
        ----------
        columns : sequence of Column
            The columns to predict from, with their levels. A category that is none of these, as
            only held-out rows may have, counts as the baseline.
        unseen_in : {"held-out rows", "rows"}, default="held-out rows"
            Of which rows such categories are noted.
        """
        numeric = list(zip(self.minima.tolist(), self.maxima.tolist(), strict=True))
        indexes = {column.name: LevelIndex(column) for column in categorical(columns)}
        unseen = {}
        for c, (name, index) in enumerate(indexes.items()):
            counts = Counter(self.groups[0].counts(c))
            if unseen_in == "rows":
                counts += self.training_counts(c)
            unseen[name] = {text: n for text, n in counts.items() if index.find(text) == -1}
        return Summary(
            tuple(group.moments(columns) for group in self.groups),
            feature_ranges(columns, numeric, self.groups[1:]),
            tuple(_features(columns, indexes, values) for _, values in self.samples),
            self.missing,
            unseen,
            unseen_in,
            self.skipped,
            self.n_rows,
        )


@dataclass(frozen=True)
class Summary:
    """What training keeps of some rows.

    Attributes
    ----------
    groups : tuple of Moments
        Moments of the held-out rows, then those of each fold of the training rows.
    ranges : list of (minimum, maximum)
        Of each feature over the training rows; infinite if there are none.
    sample_rows : tuple of rows
        The features of the held-out rows with the smallest hashes.
    missing : MissingValues
        Of all rows; those with missing values are in nothing else.
    unseen : dict of dict
        For each categorical column, the categories that are none of its levels, and in how many
        rows.
    unseen_in : {"held-out rows", "rows"}
        Of which rows these are.
    skipped : SkippedRows
        Invalid rows, which are in nothing else.
    n_rows : int
        Number of rows, those that are left out included.
    """

    groups: tuple[Moments, ...]
    ranges: list[tuple[float, float]]
    sample_rows: tuple[tuple[float, ...], ...]
    missing: MissingValues
    unseen: dict[str, dict[str, int]] = field(default_factory=dict)
    unseen_in: str = "held-out rows"
    skipped: SkippedRows = NONE_SKIPPED
    n_rows: int = 0

    @property
    def folds(self) -> tuple[Moments, ...]:
        """Moments of each fold of the training rows."""
        return self.groups[1:]

    @property
    def test(self) -> Moments:
        """Moments of the held-out rows."""
        return self.groups[0]

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes about rows that were skipped, and about categories that are no levels."""
        what, treated = "that no training row has", "scored as"
        if self.unseen_in == "rows":
            what, treated = "not seen in training", "taken as"
        unseen = (
            f"{self.unseen_in} with a category of {name!r} {what}: {sum(counts.values())}"
            f" ({format_quoted(sorted(counts))}); they are {treated} the baseline"
            for name, counts in self.unseen.items()
            if counts
        )
        return (*self.skipped.notes(self.n_rows), *unseen)

    @cached_property
    def train(self) -> Moments:
        """Moments of the training rows."""
        return sum(self.groups[2:], start=self.groups[1])


def _features(
    columns: Sequence[Column], indexes: Mapping[str, LevelIndex], values: Sequence[float | str]
) -> tuple[float, ...]:
    """Return the features of a row of numbers and texts."""
    features: list[float] = []
    for column, value in zip(columns, values, strict=True):
        if isinstance(value, str):
            level = indexes[column.name].find(value)
            features += [float(k == level) for k in range(1, len(column.levels or ()))]
        else:
            features.append(value)
    return tuple(features)
