"""Split the rows of batches into held-out rows and folds of the training rows."""

from __future__ import annotations

from dataclasses import dataclass

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
        The target last.
    split : ContentSplit
    n_sample_rows : int
        Number of held-out rows to keep as samples.
    """

    columns: tuple[Column, ...]
    split: ContentSplit
    n_sample_rows: int

    @property
    def height(self) -> int:
        """Number of rows of a block: a constant 1, the features, the target."""
        return 1 + len(feature_names(self.columns))


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
        self._columns, self._split = layout.columns, layout.split
        self._words = [
            None if c.levels is None else np.array([word_of_text(v) for v in c.levels], np.uint64)
            for c in layout.columns
        ]

    def split(self, encoded: EncodedBatch) -> SplitRows:
        """Split the rows of a batch that have no missing values.

        Parameters
        ----------
        encoded : EncodedBatch
            Of the columns of the layout.

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
        words = [
            cells.view(np.uint64) if levels is None else levels[cells]
            for levels, cells in zip(self._words, values, strict=True)
        ]
        hashes = self._split.hashes(words)
        return SplitRows(encoded, self._columns, values, hashes, self._split.members(hashes))
