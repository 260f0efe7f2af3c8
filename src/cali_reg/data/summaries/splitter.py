"""Split the rows of batches into held-out rows and folds of the training rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cali_reg.data.content_split import ContentSplit, Words, word_of_text
from cali_reg.data.feature_encoding import EncodedBatch, Values, feature_columns
from cali_reg.least_squares.exact_gram import Block, Rows
from cali_reg.runtime.schema import Column, feature_names


@dataclass(frozen=True)
class Layout:
    """Which columns are read, and how the rows are split.

    Attributes
    ----------
    columns : tuple of Column
        Those of the model, the target last.
    split : ContentSplit
    n_sample_rows : int
        How many held-out rows to keep as samples.
    keys : tuple of Column
        The columns whose values decide the split, by default `columns`. Those that are categorical
        have no levels: any text is a category.
    """

    columns: tuple[Column, ...]
    split: ContentSplit
    n_sample_rows: int
    keys: tuple[Column, ...] = ()

    @cached_property
    def read_columns(self) -> tuple[Column, ...]:
        """The columns to read: those of the model, then those that only the split needs."""
        known = {_identity(column) for column in self.columns}
        return (*self.columns, *(key for key in self.keys if _identity(key) not in known))

    @cached_property
    def key_positions(self) -> list[int]:
        """Where the keys are among `read_columns`."""
        positions = {_identity(column): k for k, column in enumerate(self.read_columns)}
        return [positions[_identity(key)] for key in self.keys or self.columns]

    @property
    def height(self) -> int:
        """Number of rows of a block: a constant 1, the features, the target."""
        return 1 + len(feature_names(self.columns))


def _identity(column: Column) -> Column:
    """Return what makes two columns the same to the split: all but their levels."""
    return column._replace(levels=None if column.levels is None else ())


@dataclass(frozen=True)
class SplitRows:
    """The rows of a batch without missing values, with their hashes.

    Attributes
    ----------
    encoded : EncodedBatch
        The rows before they were split.
    columns : tuple of Column
        The target last.
    values : list of arrays of shape (n_rows,)
        One for each column, as in `EncodedBatch`, with 0.0 for -0.0.
    hashes : array of shape (n_rows,)
    members : list of arrays
        The indices of the held-out rows, then those of each fold.
    """

    encoded: EncodedBatch
    columns: tuple[Column, ...]
    values: list[Values]
    hashes: Words
    members: list[Rows]

    def take(self, rows: Rows, out: Block) -> None:
        """Copy the features and the target of some rows.

        Parameters
        ----------
        rows : array of indices
        out : array of shape (n_features + 1, len(rows))
            Where to write them, the target last.
        """
        unfilled = iter(out)
        for column, cells in zip(self.columns, self.values, strict=True):
            if column.levels is None:
                cells.take(rows, out=next(unfilled), mode="clip")
            else:
                for feature in feature_columns([cells[rows]], [column]):
                    next(unfilled)[:] = feature

    def features(self, rows: Rows) -> Block:
        """Return the features of some rows.

        Parameters
        ----------
        rows : array of indices

        Returns
        -------
        array of shape (n_features, len(rows))
        """
        block = np.empty((len(feature_names(self.columns)), len(rows)))
        self.take(rows, block)
        return block[:-1]


class Splitter:
    """Splits the rows of batches.

    Parameters
    ----------
    layout : Layout
    """

    def __init__(self, layout: Layout) -> None:
        self._layout, self._split = layout, layout.split
        self._words = [
            np.array([word_of_text(v) for v in c.levels], np.uint64) if c.levels else None
            for c in layout.read_columns
        ]

    def split(self, encoded: EncodedBatch) -> SplitRows:
        """Split the rows of a batch that have no missing values.

        Parameters
        ----------
        encoded : EncodedBatch
            Of the columns that the layout reads.

        Returns
        -------
        SplitRows

        Raises
        ------
        DataError
            For the first row with another problem.
        """
        values = [
            cells + 0.0 if k in encoded.minus_zeros else cells  # 0.0 for -0.0, the same number
            for k, cells in enumerate(encoded.drop_missing())
        ]
        words = [self._words_of(k, values[k], encoded) for k in self._layout.key_positions]
        hashes = self._split.hashes(words)
        columns = self._layout.columns
        return SplitRows(
            encoded, columns, values[: len(columns)], hashes, self._split.members(hashes)
        )

    def _words_of(self, k: int, cells: Values, encoded: EncodedBatch) -> Words:
        """Return the words that stand for the values of a column."""
        if encoded.columns[k].levels is None:
            numbers: Words = cells.view(np.uint64)
            return numbers
        levels = self._words[k]
        if levels is not None:
            return levels[cells]
        texts = encoded.batch.arrays[k].to_pylist()
        category = encoded.columns[k].category
        known = {text: word_of_text(category(text)) for text in set(texts) if text}
        words = np.array([known.get(text, 0) for text in texts], np.uint64)
        return words[~encoded.has_missing]
