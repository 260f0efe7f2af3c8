"""Datasets: the files that a command reads, and the columns that they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from cali_reg.data import files
from cali_reg.data.files import Source
from cali_reg.data.formats.base import Fragment
from cali_reg.data.listing import inputs
from cali_reg.data.readers import describe
from cali_reg.errors import DataError
from cali_reg.runtime.reading.options import USUAL, Reading
from cali_reg.runtime.schema import Column, duplicate_column, missing_column


@dataclass(frozen=True)
class Dataset:
    """The files that a command reads.

    Attributes
    ----------
    fragments : tuple of Fragment
        One for each file, at least one. The first one determines the columns and their order.
    """

    fragments: tuple[Fragment, ...]

    @property
    def n_rows(self) -> int | None:
        """Number of rows, estimated for CSV files; None if unknown."""
        counts = [fragment.n_rows for fragment in self.fragments]
        return None if None in counts else sum(count or 0 for count in counts)

    @property
    def name(self) -> str:
        """The first file's name, for messages."""
        return self.fragments[0].file.name

    @property
    def reading_notes(self) -> tuple[str, ...]:
        """What a first look has found in the first CSV file that is not as usual, in a line."""
        notes = (f.dialect.note(f.file.name) for f in self.fragments if f.dialect.found)
        return tuple(islice(notes, 1))

    def check(self, columns: Sequence[Column], advice: str = "convert it") -> None:
        """Check that every file has some columns, of types that can be used.

        Parameters
        ----------
        columns : sequence of Column
        advice : str, default="convert it"
            What to do about a column that is not numeric, for the message.

        Raises
        ------
        DataError
            For a column that is missing or appears twice, for one without levels that is not
            numeric, and for one with levels that holds dates, decimals, lists and the like.
        """
        first = self.fragments[0]
        for fragment in self.fragments:
            kinds = fragment.kinds
            for column in columns:
                _require_once(fragment, column.name, kinds)
                kind = kinds[column.name]
                if column.levels is not None and not fragment.holds_categories(column.name):
                    raise DataError(
                        f"{fragment.file.name}: column {column.name!r} holds"
                        f" {fragment.types[column.name]} values; expected text, integers, floats"
                        " or booleans, as for any categorical column: convert it"
                    )
                if column.levels is None and kind not in ("numbers", "nothing"):
                    expected = first.kinds.get(column.name)
                    other = f"; in {self.name} it holds {expected}" if expected != kind else ""
                    raise DataError(
                        f"{fragment.file.name}: column {column.name!r} holds {kind}{other};"
                        f" expected numbers: {advice}"
                    )

    def check_names(self, names: Sequence[str]) -> None:
        """Check that every file has some columns, of any type.

        Parameters
        ----------
        names : sequence of str

        Raises
        ------
        DataError
            For a column that is missing or appears twice.
        """
        for fragment in self.fragments:
            kinds = fragment.kinds
            for name in names:
                _require_once(fragment, name, kinds)

    def without_codes(self, names: Iterable[str]) -> Dataset:
        """Return the dataset with numbers with leading zeros, such as 007, as errors.

        Parameters
        ----------
        names : iterable of str
            The columns that must not hold them, in files such as CSV.
        """
        rejected = frozenset(names)
        return Dataset(tuple(replace(f, without_codes=rejected) for f in self.fragments))

    def check_unchanged(self) -> None:
        """Check that no local file has changed since it was found, also after it was read.

        Raises
        ------
        DataError
            For the first file that has changed or was deleted.
        """
        for fragment in self.fragments:
            if fragment.file.is_local:  # elsewhere each question takes a while
                files.check_unchanged(fragment.file)


def _require_once(fragment: Fragment, name: str, columns: Mapping[str, object]) -> None:
    if name not in columns:
        raise missing_column(fragment.file.name, name, list(columns))
    if name in fragment.duplicates:
        raise duplicate_column(fragment.file.name, name)


def open_dataset(
    paths: Sequence[Source], reading: Reading = USUAL, *, csv_types: bool = True
) -> Dataset:
    """Find the files that paths name, and their columns.

    Parameters
    ----------
    paths : sequence of Source
        Files, wildcards, folders and URLs, as `inputs.find` takes them.
    reading : Reading, optional
        What the user asks for about how they are read.
    csv_types : bool, default=True
        Whether to find the types of a CSV file's columns.

    Returns
    -------
    Dataset

    Raises
    ------
    DataError
        For a path without a file of a known format, and for a file that cannot be read.
    UsageError
        For a file that is named twice.
    """
    found = [replace(file, reading=reading) for file in inputs.find(paths)]
    with ThreadPoolExecutor() as threads:  # remote storage takes a while to answer
        return Dataset(tuple(threads.map(partial(describe, csv_types=csv_types), found)))
