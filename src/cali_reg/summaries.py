"""Summaries: all that training keeps of some rows. They add up, in any order, to the same bits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from cali_reg.batches import Part, Progress, ahead, read
from cali_reg.columns import Column, features_of
from cali_reg.content_split import ContentSplit, Words, word_of_text
from cali_reg.encoding import Encoded, Values, encode, features
from cali_reg.moments import Moments
from cali_reg.slices import Accumulator, Block, rows_per_block

Groups = npt.NDArray[np.intp]  # (n_rows,)
Sample = tuple[int, tuple[float, ...]]  # a row's hash and its features


@dataclass(frozen=True)
class Layout:
    """Which columns are read, the target's last, and how the rows are split."""

    columns: tuple[Column, ...]
    split: ContentSplit
    n_samples: int

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features."""
        return features_of(self.columns[:-1])


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
) -> Summary:
    """Summarize the rows of some parts of files, one batch read while another is added up."""
    splitter, summarizer = Splitter(layout), Summarizer(layout)
    batches = (batch for part in parts for batch in read(part, layout.columns, batch_size))
    # BLAS's own threads gain nothing on products as small as these, and reading needs a core
    with threadpool_limits(1, user_api="blas"):
        for rows in ahead(splitter(encode(batch, layout.columns)) for batch in batches):
            summarizer.add(rows)
            progress(len(rows.encoded.batch.numbers))
    return summarizer.summary()


@dataclass(frozen=True)
class SplitRows:
    """The rows of a batch that lack no value, each with its hash and group."""

    encoded: Encoded
    values: list[Values]
    hashes: Words
    groups: Groups


class Splitter:
    """Splits batches into groups."""

    def __init__(self, layout: Layout) -> None:
        self._split = layout.split
        self._words = [
            None if c.levels is None else np.array([word_of_text(v) for v in c.levels], np.uint64)
            for c in layout.columns
        ]

    def __call__(self, encoded: Encoded) -> SplitRows:
        """Split a batch. Raises DataError for the first row with a problem but a missing value."""
        values = [
            cells if levels is not None else _without_minus_zero(cells)
            for levels, cells in zip(self._words, encoded.complete(), strict=True)
        ]
        words = [
            cells.view(np.uint64) if levels is None else levels[cells]
            for levels, cells in zip(self._words, values, strict=True)
        ]
        hashes = self._split.hashes(words)
        return SplitRows(encoded, values, hashes, self._split.groups(hashes))


def _without_minus_zero(values: Values) -> Values:
    """Return numbers with 0.0 for -0.0, which is the same number; those above zero as they are."""
    return values + 0.0 if values.min(initial=1.0) <= 0.0 else values


class Blocks:
    """Lays rows out as blocks of (1, features, target)."""

    def __init__(self, layout: Layout) -> None:
        self._columns, height = layout.columns, len(layout.names) + 2
        self._block = np.ones((height, rows_per_block(height)))

    def of(self, rows: SplitRows) -> Iterator[tuple[Block, Words, Groups]]:
        """Yield blocks (n_features + 2, n_rows), hashes, groups; each overwrites the last."""
        n_rows, step = len(rows.hashes), self._block.shape[1]
        for start in range(0, n_rows, step):
            some = slice(start, min(start + step, n_rows))
            block = self._block[:, : some.stop - start]
            for row, feature in zip(
                block[1:], features(rows.values, self._columns, some), strict=True
            ):
                row[:] = feature
            yield block, rows.hashes[some], rows.groups[some]


class Summarizer:
    """Adds up rows of a layout."""

    def __init__(self, layout: Layout) -> None:
        self._layout, self._blocks = layout, Blocks(layout)
        height = len(layout.names) + 2
        self._sums = [_Sum(height) for _ in range(layout.split.n_folds + 1)]
        self._samples: list[Sample] = []
        self._missing = [0] * len(layout.columns)
        self._n_dropped = 0
        self._first_missing: tuple[str, int] | None = None

    def add(self, rows: SplitRows) -> None:
        """Add a batch; rows that lack a value are counted."""
        self._count_missing(rows.encoded)
        for block, hashes, groups in self._blocks.of(rows):
            for group, total in enumerate(self._sums):
                members = np.flatnonzero(groups == group)
                total.add(block, members)
                if group == 0 and members.size:
                    self._keep_samples(hashes[members], block[1:-1, members])

    def summary(self) -> Summary:
        """Return the summary of all rows added."""
        training = self._sums[1:] or [_Sum(len(self._layout.names) + 2)]
        return Summary(
            tuple(group.moments() for group in self._sums),
            np.min([group.minima for group in training], axis=0)[1:-1],
            np.max([group.maxima for group in training], axis=0)[1:-1],
            tuple(self._samples),
            tuple(self._missing),
            self._n_dropped,
            self._first_missing,
            self._layout.n_samples,
        )

    def _keep_samples(self, hashes: Words, X: Block) -> None:
        n = self._layout.n_samples
        if len(self._samples) == n and (n == 0 or hashes.min() > self._samples[-1][0]):
            return
        first = np.argsort(hashes, kind="stable")[:n]
        rows = zip(hashes[first].tolist(), map(tuple, X[:, first].T.tolist()), strict=True)
        self._samples = sorted([*self._samples, *rows])[:n]

    def _count_missing(self, encoded: Encoded) -> None:
        for place, rows in encoded.missing.items():
            self._missing[place] += int(rows.sum())
        if encoded.missing:
            rows = encoded.lacking
            self._n_dropped += int(rows.sum())
            number = encoded.batch.numbers[int(np.argmax(rows))]
            self._first_missing = self._first_missing or (encoded.batch.file.name, number)


class _Sum:
    """Collects rows into blocks, and adds those up."""

    def __init__(self, height: int) -> None:
        self._accumulator = Accumulator(height)
        self._block = np.empty((height, rows_per_block(height)))
        self._n_rows = 0
        self.minima, self.maxima = np.full(height, np.inf), np.full(height, -np.inf)

    def add(self, block: Block, members: npt.NDArray[np.intp]) -> None:
        """Add some rows of a block."""
        while members.size:
            stop = min(self._n_rows + members.size, self._block.shape[1])
            some, members = np.split(members, [stop - self._n_rows])
            np.take(block, some, axis=1, out=self._block[:, self._n_rows : stop], mode="clip")
            self._n_rows = stop
            if stop == self._block.shape[1]:
                self._flush()

    def moments(self) -> Moments:
        """Return the moments of all rows added."""
        if self._n_rows:
            self._flush()
        return Moments(self._accumulator.total())

    def _flush(self) -> None:
        rows = self._block[:, : self._n_rows]
        self._accumulator.add(rows)
        np.minimum(self.minima, rows.min(axis=1), out=self.minima)
        np.maximum(self.maxima, rows.max(axis=1), out=self.maxima)
        self._n_rows = 0
