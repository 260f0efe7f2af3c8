"""Summarize the rows of files: one pass, several threads, bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial, reduce
from operator import add

import numpy as np
from threadpoolctl import threadpool_limits

from cali_reg.data.columns.spellings import Spellings
from cali_reg.data.feature_encoding import EncodedBatch
from cali_reg.data.formats.base import Fragment
from cali_reg.data.missing_values import MissingValues
from cali_reg.data.prefetch import run_workers
from cali_reg.data.readers import Batch, Progress, read
from cali_reg.data.skipped_rows import NONE_SKIPPED
from cali_reg.data.summaries.level_sums import GroupSums, LevelSums
from cali_reg.data.summaries.splitter import Layout, SplitRows, Splitter
from cali_reg.data.summaries.summary import PartialSummary, SampleRow
from cali_reg.least_squares.exact_gram import GramAccumulator, Rows, Workspace, rows_per_block


def summarize(
    fragments: Iterable[Fragment],
    layout: Layout,
    batch_size: int,
    progress: Progress = lambda n_rows: None,
    *,
    n_threads: int | None = None,
) -> PartialSummary:
    """Summarize the rows of some fragments.

    Parameters
    ----------
    fragments : iterable of Fragment
    layout : Layout
    batch_size : int
        Number of rows to read at once.
    progress : callable, optional
        Called with the number of rows read since the last call.
    n_threads : int, optional
        As in `run_workers`.

    Returns
    -------
    PartialSummary

    Raises
    ------
    DataError
        For files that cannot be read, and for the first invalid row.
    """

    def batches() -> Iterator[Batch]:
        for fragment in fragments:
            for batch in read(fragment, layout.read_columns, batch_size):
                yield batch
                progress(len(batch.numbers))

    _keep_freed_memory()
    # BLAS's own threads gain nothing on products as small as these
    with threadpool_limits(1, user_api="blas"):
        summarizers = run_workers(batches(), partial(Summarizer, layout), n_threads)
        return reduce(add, (summarizer.summary() for summarizer in summarizers))


def _keep_freed_memory() -> None:
    """Free so much at once that glibc no longer returns what less is freed (see mallopt(3)).

    The arrays of a batch then take the place of the last one's, without 100,000 page faults.
    """
    np.empty(31 << 20, dtype=np.uint8)


class Summarizer:
    """Adds up batches of rows.

    Parameters
    ----------
    layout : Layout
    """

    def __init__(self, layout: Layout) -> None:
        self._layout, self._splitter = layout, Splitter(layout)
        workspace = Workspace()
        self._sums = [_Sum(layout, workspace) for _ in range(layout.split.n_folds + 1)]
        self._samples: list[SampleRow] = []
        self._missing = MissingValues((0,) * len(layout.read_columns))
        self._skipped = NONE_SKIPPED
        self._spellings = [Spellings() for _ in layout.categorical]

    def add(self, batch: Batch) -> None:
        """Add the rows of a batch; those with missing values are only counted.

        Parameters
        ----------
        batch : Batch
            With the columns of the layout.

        Raises
        ------
        DataError
            For the first invalid row.
        """
        rows = self._splitter.split(batch)
        self._skipped += rows.skipped
        self._count_missing(rows.encoded)
        self._note_spellings(rows)
        n_texts = [len(v.texts) for v in rows.vocabularies.values()]
        for total, members in zip(self._sums, rows.members, strict=True):
            total.add(rows, members, n_texts)
        self._keep_samples(rows)

    def summary(self) -> PartialSummary:
        """Return the summary of all rows added."""
        training = self._sums[1:] or [_Sum(self._layout, Workspace())]
        texts = [vocabulary.texts for vocabulary in self._splitter.vocabularies.values()]
        return PartialSummary(
            tuple(group.total(texts) for group in self._sums),
            np.min([group.accumulator.minima for group in training], axis=0)[1:-1],
            np.max([group.accumulator.maxima for group in training], axis=0)[1:-1],
            np.min([group.accumulator.minima for group in self._sums], axis=0)[1:-1],
            np.max([group.accumulator.maxima for group in self._sums], axis=0)[1:-1],
            tuple(self._samples),
            self._missing,
            self._layout.n_sample_rows,
            tuple(self._spellings),
            skipped=self._skipped,
        )

    def _keep_samples(self, rows: SplitRows) -> None:
        n, held_out = self._layout.n_sample_rows, rows.members[0]
        if n == 0:
            return
        if len(self._samples) == n:  # only held-out rows have hashes as small as these
            held_out = np.flatnonzero(rows.hashes <= self._samples[-1][0])
        if not len(held_out):
            return
        first = held_out[np.argsort(rows.hashes[held_out], kind="stable")[:n]]
        samples = zip(rows.hashes[first].tolist(), rows.records(first), strict=True)
        self._samples = sorted([*self._samples, *samples])[:n]

    def _count_missing(self, encoded: EncodedBatch) -> None:
        if encoded.missing:
            self._missing += count_missing(encoded)

    def _note_spellings(self, rows: SplitRows) -> None:
        for c, (k, vocabulary) in enumerate(rows.vocabularies.items()):
            if len(rows.values[k]) and not vocabulary.is_known:
                texts = [vocabulary.texts[code] for code in np.unique(rows.values[k]).tolist()]
                batch = rows.encoded.batch
                source = batch.sources[k]
                self._spellings[c] += Spellings(
                    {source: frozenset(texts)}, {source: batch.file.name}
                )


def count_missing(encoded: EncodedBatch) -> MissingValues:
    """Count the missing values of a batch that has some.

    Parameters
    ----------
    encoded : EncodedBatch

    Returns
    -------
    MissingValues
    """
    rows, batch = encoded.has_missing, encoded.batch
    is_alone = np.sum(list(encoded.missing.values()), axis=0) == 1
    masks = [encoded.missing.get(k) for k in range(len(encoded.columns))]
    return MissingValues(
        tuple(0 if mask is None else int(mask.sum()) for mask in masks),
        int(rows.sum()),
        (batch.file.name, batch.numbers[int(np.argmax(rows))]),
        tuple(0 if mask is None else int((mask & is_alone).sum()) for mask in masks),
    )


class _Sum:
    """Copies rows into blocks, and adds up the exact products of each block."""

    def __init__(self, layout: Layout, workspace: Workspace) -> None:
        height, n_categorical = layout.height, len(layout.categorical)
        self.accumulator = GramAccumulator(height, workspace)
        self._levels = LevelSums(height, n_categorical)
        # twice the best size for one thread: longer calls wait less for Python's lock
        self._block = np.ones((height, 2 * rows_per_block(height)))
        self._codes = np.zeros((n_categorical, self._block.shape[1]), dtype=np.intp)
        self._n_texts: Sequence[int] = ()
        self._n_rows = 0

    def add(self, rows: SplitRows, members: Rows, n_texts: Sequence[int]) -> None:
        """Add some of the rows, whose codes are below `n_texts`."""
        self._n_texts = n_texts
        while len(members):
            end = min(self._n_rows + len(members), self._block.shape[1])
            n = end - self._n_rows
            place = slice(self._n_rows, end)
            rows.take(members[:n], self._block[1:, place])
            for line, codes in zip(self._codes, rows.codes(members[:n]), strict=True):
                line[place] = codes
            members, self._n_rows = members[n:], end
            if end == self._block.shape[1]:
                self._flush()

    def total(self, texts: Sequence[Sequence[str]]) -> GroupSums:
        """Return the sums of all rows added, whose codes stand for `texts`."""
        if self._n_rows:
            self._flush()
        return self._levels.total(self.accumulator.total(), texts)

    def _flush(self) -> None:
        block, codes = self._block[:, : self._n_rows], self._codes[:, : self._n_rows]
        self.accumulator.add(block)
        self._levels.add(block, list(codes), self._n_texts)
        self._n_rows = 0
