"""Summaries: all that training keeps of some rows. They add up, in any order, to the same bits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from cali_reg.data.content_split import ContentSplit, Words, word_of_text
from cali_reg.data.feature_encoding import Encoded, Values, encode, features
from cali_reg.data.prefetch import share
from cali_reg.data.readers import Batch, Part, Progress, read
from cali_reg.least_squares.exact_gram import (
    Block,
    GramAccumulator,
    Rows,
    Workspace,
    rows_per_block,
)
from cali_reg.least_squares.moments import Moments
from cali_reg.runtime.schema import Column, features_of

Sample = tuple[int, tuple[float, ...]]  # a row's hash and its features


@dataclass(frozen=True)
class Layout:
    """Which columns are read, the target's last, and how the rows are split."""

    columns: tuple[Column, ...]
    split: ContentSplit
    n_samples: int

    @property
    def height(self) -> int:
        """Rows of a block: 1, the features, the target."""
        return 1 + len(features_of(self.columns))


@dataclass(frozen=True)
class Summary:
    """What training keeps of some rows.

    Attributes
    ----------
    groups : tuple of Moments
        Those of the rows held out, then those of each fold of the training rows.
    minima, maxima : arrays of shape (n_features,)
        Of the training rows; infinite if there is none.
    samples : tuple of Sample
        Of the rows held out, those with the smallest hashes, in order.
    missing : tuple of int
        How many rows lack each column.
    n_dropped : int
        How many rows lack any.
    first_missing : (path, row), or None
    """

    groups: tuple[Moments, ...]
    minima: npt.NDArray[np.float64]
    maxima: npt.NDArray[np.float64]
    samples: tuple[Sample, ...]
    missing: tuple[int, ...]
    n_dropped: int
    first_missing: tuple[str, int] | None
    n_samples: int

    def __add__(self, other: Summary) -> Summary:
        places = [place for place in (self.first_missing, other.first_missing) if place]
        return Summary(
            tuple(a + b for a, b in zip(self.groups, other.groups, strict=True)),
            np.minimum(self.minima, other.minima),
            np.maximum(self.maxima, other.maxima),
            tuple(sorted(self.samples + other.samples)[: self.n_samples]),
            tuple(a + b for a, b in zip(self.missing, other.missing, strict=True)),
            self.n_dropped + other.n_dropped,
            min(places, default=None),
            self.n_samples,
        )

    @property
    def ranges(self) -> list[tuple[float, float]]:
        """Minimum and maximum of each feature over the training rows."""
        return list(zip(self.minima.tolist(), self.maxima.tolist(), strict=True))

    @property
    def test(self) -> Moments:
        """Moments of the rows held out."""
        return self.groups[0]

    @property
    def train(self) -> Moments:
        """Moments of the training rows."""
        return sum(self.groups[2:], start=self.groups[1])


def summarize(
    parts: Iterable[Part],
    layout: Layout,
    batch_size: int,
    progress: Progress = lambda n_rows: None,
    *,
    n_threads: int | None = None,
) -> Summary:
    """Summarize the rows of some parts of files, in several threads: by default, see `share`."""

    def batches() -> Iterator[Batch]:
        for part in parts:
            for batch in read(part, layout.columns, batch_size):
                yield batch
                progress(len(batch.numbers))

    def work(own: Iterator[Batch]) -> Summary:
        splitter, summarizer = Splitter(layout), Summarizer(layout)
        for batch in own:
            summarizer.add(splitter(encode(batch, layout.columns)))
        return summarizer.summary()

    _keep_freed_memory()
    # BLAS's own threads gain nothing on products as small as these
    with threadpool_limits(1, user_api="blas"):
        return reduce(add, share(batches(), work, n_threads))


def _keep_freed_memory() -> None:
    """Free so much at once that glibc no longer returns what less is freed (see mallopt(3)).

    One batch's arrays then take the place of the last one's, without 100,000 page faults.
    """
    np.empty(31 << 20, dtype=np.uint8)


@dataclass(frozen=True)
class SplitRows:
    """The rows of a batch that lack no value, with their hashes.

    `members` are the indices of the rows held out, then those of each fold.
    """

    encoded: Encoded
    columns: tuple[Column, ...]
    values: list[Values]
    hashes: Words
    members: list[Rows]

    def take(self, rows: Rows, out: Block) -> None:
        """Write some rows' features and target to `out`, (n_features + 1, n_rows)."""
        unfilled = iter(out)
        for column, cells in zip(self.columns, self.values, strict=True):
            if column.levels is None:
                cells.take(rows, out=next(unfilled), mode="clip")
            else:
                for feature in features([cells[rows]], [column]):
                    next(unfilled)[:] = feature

    def features(self, rows: Rows) -> Block:
        """Return some rows' features, (n_features, n_rows)."""
        block = np.empty((len(features_of(self.columns)), len(rows)))
        self.take(rows, block)
        return block[:-1]


class Splitter:
    """Splits batches into groups."""

    def __init__(self, layout: Layout) -> None:
        self._columns, self._split = layout.columns, layout.split
        self._words = [
            None if c.levels is None else np.array([word_of_text(v) for v in c.levels], np.uint64)
            for c in layout.columns
        ]

    def __call__(self, encoded: Encoded) -> SplitRows:
        """Split a batch. Raises DataError for the first row with a problem but a missing value."""
        values = [
            cells + 0.0 if place in encoded.minus_zeros else cells  # 0.0 for -0.0, the same number
            for place, cells in enumerate(encoded.complete())
        ]
        words = [
            cells.view(np.uint64) if levels is None else levels[cells]
            for levels, cells in zip(self._words, values, strict=True)
        ]
        hashes = self._split.hashes(words)
        return SplitRows(encoded, self._columns, values, hashes, self._split.members(hashes))


class Summarizer:
    """Adds up rows of a layout."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        workspace = Workspace()
        self._sums = [_Sum(layout.height, workspace) for _ in range(layout.split.n_folds + 1)]
        self._samples: list[Sample] = []
        self._missing = [0] * len(layout.columns)
        self._n_dropped = 0
        self._first_missing: tuple[str, int] | None = None

    def add(self, rows: SplitRows) -> None:
        """Add a batch; rows that lack a value are counted."""
        self._count_missing(rows.encoded)
        for total, members in zip(self._sums, rows.members, strict=True):
            total.add(rows, members)
        self._keep_samples(rows)

    def summary(self) -> Summary:
        """Return the summary of all rows added."""
        training = self._sums[1:] or [_Sum(self._layout.height, Workspace())]
        return Summary(
            tuple(group.moments() for group in self._sums),
            np.min([group.accumulator.minima for group in training], axis=0)[1:-1],
            np.max([group.accumulator.maxima for group in training], axis=0)[1:-1],
            tuple(self._samples),
            tuple(self._missing),
            self._n_dropped,
            self._first_missing,
            self._layout.n_samples,
        )

    def _keep_samples(self, rows: SplitRows) -> None:
        n, held_out = self._layout.n_samples, rows.members[0]
        if n == 0:
            return
        if len(self._samples) == n:  # as all hashes so small, these are of rows held out
            held_out = np.flatnonzero(rows.hashes <= self._samples[-1][0])
        if not len(held_out):
            return
        first = held_out[np.argsort(rows.hashes[held_out], kind="stable")[:n]]
        X = rows.features(first).T
        samples = zip(rows.hashes[first].tolist(), map(tuple, X.tolist()), strict=True)
        self._samples = sorted([*self._samples, *samples])[:n]

    def _count_missing(self, encoded: Encoded) -> None:
        for place, rows in encoded.missing.items():
            self._missing[place] += int(rows.sum())
        if encoded.missing:
            rows = encoded.lacking
            self._n_dropped += int(rows.sum())
            first = (encoded.batch.file.name, encoded.batch.numbers[int(np.argmax(rows))])
            self._first_missing = min(first, self._first_missing or first)


class _Sum:
    """Collects rows into blocks, and adds those up."""

    def __init__(self, height: int, workspace: Workspace) -> None:
        self.accumulator = GramAccumulator(height, workspace)
        # twice as many as one thread alone would like: longer calls wait less for Python's lock
        self._block = np.ones((height, 2 * rows_per_block(height)))
        self._n_rows = 0

    def add(self, rows: SplitRows, members: Rows) -> None:
        """Add some of the rows."""
        while len(members):
            end = min(self._n_rows + len(members), self._block.shape[1])
            n = end - self._n_rows
            rows.take(members[:n], self._block[1:, self._n_rows : end])
            members, self._n_rows = members[n:], end
            if end == self._block.shape[1]:
                self._flush()

    def moments(self) -> Moments:
        """Return the moments of all rows added."""
        if self._n_rows:
            self._flush()
        return Moments(self.accumulator.total())

    def _flush(self) -> None:
        self.accumulator.add(self._block[:, : self._n_rows])
        self._n_rows = 0
