"""Split the rows of batches into held-out rows and folds of the training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cali_reg.data.content_split import ContentSplit, Words, word_of_text
from cali_reg.data.feature_encoding import EncodedBatch, Values, encode, feature_columns
from cali_reg.data.formats.base import Problem
from cali_reg.data.readers import Batch
from cali_reg.data.skipped_rows import NONE_SKIPPED, SkippedRows, skip_rows
from cali_reg.data.summaries.vocabulary import Vocabulary
from cali_reg.errors import DataError
from cali_reg.least_squares.exact_gram import Block, Rows
from cali_reg.runtime.cell_parser import parse_category
from cali_reg.runtime.schema import Column, categorical, feature_names


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
    on_error : {"stop", "skip"}
        What to do at an invalid row: raise an error, or leave it out. Missing values and unknown
        categories have their own treatment.
    unseen : {"error", "baseline"}
        How to treat training rows with a category that is none of the known levels.
    keys : tuple of Column
        The columns whose values decide the split, by default `columns`. Those that are categorical
        have no levels: any text is a category.
    """

    columns: tuple[Column, ...]
    split: ContentSplit
    n_sample_rows: int
    keys: tuple[Column, ...] = ()
    on_error: str = "stop"
    unseen: str = "error"

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

    @cached_property
    def height(self) -> int:
        """Number of rows of a block: a constant 1, the columns of numbers, the target."""
        return 1 + sum(column.levels is None for column in self.columns)

    @cached_property
    def categorical(self) -> tuple[Column, ...]:
        """The categorical columns of the model."""
        return categorical(self.columns)


def _identity(column: Column) -> Column:
    """Return what makes two columns the same to the split: all but how they name the levels."""
    return column._replace(levels=None if column.levels is None else (), as_text=False)


@dataclass(frozen=True)
class SplitRows:
    """The rows of a batch without missing values, with their hashes.

    Attributes
    ----------
    encoded : EncodedBatch
        The rows before they were split.
    columns : tuple of Column
        The target last.
    vocabularies : dict of int to Vocabulary
        What the codes of the categorical columns stand for, by the indices of the columns.
    values : list of arrays of shape (n_rows,)
        One for each column: float64, with 0.0 for -0.0; or codes of categories.
    hashes : array of shape (n_rows,)
    members : list of arrays
        The indices of the held-out rows, then those of each fold.
    skipped : SkippedRows
        Invalid rows that are in nothing else.
    """

    encoded: EncodedBatch
    columns: tuple[Column, ...]
    vocabularies: Mapping[int, Vocabulary]
    values: list[Values]
    hashes: Words
    members: list[Rows]
    skipped: SkippedRows = NONE_SKIPPED

    def take(self, rows: Rows, out: Block) -> None:
        """Copy the numbers and the target of some rows.

        Parameters
        ----------
        rows : array of indices
        out : array of shape (n_numeric + 1, len(rows))
            Where to write them, the target last.
        """
        unfilled = iter(out)
        for column, cells in zip(self.columns, self.values, strict=True):
            if column.levels is None:
                cells.take(rows, out=next(unfilled), mode="clip")

    def codes(self, rows: Rows) -> list[Values]:
        """Return the codes of the categories of some rows, for each categorical column.

        Parameters
        ----------
        rows : array of indices
        """
        return [self.values[k][rows] for k in self.vocabularies]

    def records(self, rows: Rows) -> list[tuple[float | str, ...]]:
        """Return the numbers and the texts of some rows, without the target.

        Parameters
        ----------
        rows : array of indices
        """
        columns: list[list[float | str]] = []
        for k, cells in enumerate(self.values[:-1]):
            found = cells[rows].tolist()
            if k in self.vocabularies:
                found = [self.vocabularies[k].texts[code] for code in found]
            columns.append(found)
        return list(zip(*columns, strict=True))

    def features(self, rows: Rows) -> Block:
        """Return the features of some rows; the levels must be known.

        Parameters
        ----------
        rows : array of indices

        Returns
        -------
        array of shape (n_features, len(rows))
            What is none of the levels is the baseline.
        """
        values = [cells[rows] for cells in self.values[:-1]]
        block = np.empty((len(feature_names(self.columns[:-1])), len(rows)))
        for line, feature in zip(block, feature_columns(values, self.columns[:-1]), strict=True):
            line[:] = feature
        return block


class Splitter:
    """Splits the rows of batches.

    Parameters
    ----------
    layout : Layout
    """

    def __init__(self, layout: Layout) -> None:
        self._layout, self._split = layout, layout.split
        self.vocabularies = {
            k: Vocabulary(column)
            for k, column in enumerate(layout.columns)
            if column.levels is not None
        }

    def split(self, batch: Batch) -> SplitRows:
        """Split the valid rows of a batch that have no missing values.

        Parameters
        ----------
        batch : Batch
            With the columns that the layout reads.

        Returns
        -------
        SplitRows

        Raises
        ------
        DataError
            For the first row with another problem, unless such rows are skipped; also if it is a
            training row whose category is none of the known levels.
        """
        is_skipping, skipped = self._layout.on_error == "skip", NONE_SKIPPED
        if is_skipping and batch.problems:  # their cells count for nothing
            batch, skipped = skip_rows(batch, _messages(batch.problems))
        encoded = self._encode(batch)
        if is_skipping and encoded.problems:
            batch, more = skip_rows(batch, _messages(encoded.problems))
            encoded, skipped = self._encode(batch), skipped + more
        if encoded.problems and min(encoded.problems):
            self.split(batch.head(min(encoded.problems)))  # rows before may have unknown categories
        values = [
            cells + 0.0 if k in encoded.minus_zeros else cells  # 0.0 for -0.0, the same number
            for k, cells in enumerate(encoded.drop_missing())
        ]
        words = [self._words_of(k, values[k], encoded) for k in self._layout.key_positions]
        hashes = self._split.hashes(words)
        members = self._split.members(hashes)
        if self._layout.unseen == "error":
            self._require_known(encoded, values, members[0])
        columns = self._layout.columns
        return SplitRows(
            encoded, columns, self.vocabularies, values[: len(columns)], hashes, members, skipped
        )

    def _encode(self, batch: Batch) -> EncodedBatch:
        return encode(batch, self._layout.read_columns, indexes=self.vocabularies)

    def _words_of(self, k: int, cells: Values, encoded: EncodedBatch) -> Words:
        """Return the words that stand for the values of a column."""
        if k in self.vocabularies:
            return self.vocabularies[k].words()[cells]
        if encoded.columns[k].levels is None:
            numbers: Words = cells.view(np.uint64)
            return numbers
        texts = encoded.batch.arrays[k].to_pylist()
        known = {text: word_of_text(parse_category(text)) for text in set(texts) if text}
        words = np.array([known.get(text, 0) for text in texts], np.uint64)
        return words[~encoded.has_missing]

    def _require_known(
        self, encoded: EncodedBatch, values: Sequence[Values], held_out: Rows
    ) -> None:
        """Raise DataError for the first training row with a category that is no known level."""
        found: list[tuple[int, int]] = []
        for k, vocabulary in self.vocabularies.items():
            if vocabulary.is_known and len(vocabulary.texts) > len(vocabulary.column.levels or ()):
                unseen = values[k] >= len(vocabulary.column.levels or ())
                unseen[held_out] = False
                found += [(row, k) for row in np.flatnonzero(unseen)[:1].tolist()]
        if found:
            place, k = min(found)
            row = int(np.flatnonzero(~encoded.has_missing)[place])
            message = encoded.columns[k].invalid_value(encoded.category(k, row))
            raise DataError(f"{encoded.batch.where(row)}: {message}")


def _messages(problems: Mapping[int, Problem]) -> dict[int, str]:
    return {row: problem.message for row, problem in problems.items()}
