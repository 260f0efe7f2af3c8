"""Summaries: all that training keeps of some rows. They add up, in any order, to the same bits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from cali_reg.batches import Part, Progress, ahead, read
from cali_reg.columns import Column, features_of
from cali_reg.content_split import ContentSplit, Words, word_of_text
from cali_reg.encoding import Encoded, Values, encode
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
    """The rows of a batch that lack no value, each with its hash and group.

    `blocks` are those of each group: (1, features, target), (n_features + 2, n_rows).
    """

    encoded: Encoded
    hashes: Words
    groups: Groups
    blocks: list[Block]


class Splitter:
    """Splits batches into groups."""

    def __init__(self, layout: Layout) -> None:
        self._columns, self._split, self._height = layout.columns, layout.split, layout.height
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
        groups = self._split.groups(hashes)
        blocks = [self._block(values, groups == k) for k in range(self._split.n_folds + 1)]
        return SplitRows(encoded, hashes, groups, blocks)

    def _block(self, values: list[Values], rows: npt.NDArray[np.bool_]) -> Block:
        members = np.flatnonzero(rows)
        block = np.empty((self._height, len(members)))
        block[0] = 1.0
        unfilled = iter(block[1:])
        for column, cells in zip(self._columns, values, strict=True):
            if column.levels is None:
                np.take(cells, members, out=next(unfilled), mode="clip")
            else:
                codes = cells[members]
                for level in range(1, len(column.levels)):
                    next(unfilled)[:] = codes == level
        return block


def _without_minus_zero(values: Values) -> Values:
    """Return numbers with 0.0 for -0.0, which is the same number; those above zero as they are."""
    return values + 0.0 if values.min(initial=1.0) <= 0.0 else values


class Summarizer:
    """Adds up rows of a layout."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._sums = [_Sum(layout.height) for _ in range(layout.split.n_folds + 1)]
        self._samples: list[Sample] = []
        self._missing = [0] * len(layout.columns)
        self._n_dropped = 0
        self._first_missing: tuple[str, int] | None = None

    def add(self, rows: SplitRows) -> None:
        """Add a batch; rows that lack a value are counted."""
        self._count_missing(rows.encoded)
        for total, block in zip(self._sums, rows.blocks, strict=True):
            total.add(block)
        if rows.blocks[0].size:
            self._keep_samples(rows.hashes[rows.groups == 0], rows.blocks[0][1:-1])

    def summary(self) -> Summary:
        """Return the summary of all rows added."""
        training = self._sums[1:] or [_Sum(self._layout.height)]
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

    def add(self, block: Block) -> None:
        """Add rows."""
        start, n_rows = 0, block.shape[1]
        while start < n_rows:
            n = min(n_rows - start, self._block.shape[1] - self._n_rows)
            self._block[:, self._n_rows : self._n_rows + n] = block[:, start : start + n]
            self._n_rows, start = self._n_rows + n, start + n
            if self._n_rows == self._block.shape[1]:
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
