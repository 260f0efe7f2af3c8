"""Summary: the statistics of some rows that training needs. Summaries add up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cali_reg.data.missing_values import MissingValues
from cali_reg.least_squares.moments import Moments

SampleRow = tuple[int, tuple[float, ...]]  # a row's hash, and its features


@dataclass(frozen=True)
class Summary:
    """What training keeps of some rows; ``a + b`` is the summary of the rows of both.

    Attributes
    ----------
    groups : tuple of Moments
        Moments of the held-out rows, then those of each fold of the training rows.
    minima, maxima : array of shape (n_features,)
        Of the features in the training rows; infinite if there are none.
    samples : tuple of (hash, features)
        The held-out rows with the smallest hashes, in ascending order.
    missing : MissingValues
        Of all rows; those with missing values are in nothing else.
    n_sample_rows : int
        Number of sample rows to keep.
    """

    groups: tuple[Moments, ...]
    minima: npt.NDArray[np.float64]
    maxima: npt.NDArray[np.float64]
    samples: tuple[SampleRow, ...]
    missing: MissingValues
    n_sample_rows: int

    def __add__(self, other: Summary) -> Summary:
        return Summary(
            tuple(a + b for a, b in zip(self.groups, other.groups, strict=True)),
            np.minimum(self.minima, other.minima),
            np.maximum(self.maxima, other.maxima),
            tuple(sorted(self.samples + other.samples)[: self.n_sample_rows]),
            self.missing + other.missing,
            self.n_sample_rows,
        )

    @property
    def ranges(self) -> list[tuple[float, float]]:
        """Minimum and maximum of each feature over the training rows."""
        return list(zip(self.minima.tolist(), self.maxima.tolist(), strict=True))

    @property
    def sample_rows(self) -> tuple[tuple[float, ...], ...]:
        """The features of the sample rows."""
        return tuple(row for _, row in self.samples)

    @property
    def folds(self) -> tuple[Moments, ...]:
        """Moments of each fold of the training rows."""
        return self.groups[1:]

    @property
    def test(self) -> Moments:
        """Moments of the held-out rows."""
        return self.groups[0]

    @property
    def train(self) -> Moments:
        """Moments of the training rows."""
        return sum(self.groups[2:], start=self.groups[1])
