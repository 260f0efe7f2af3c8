"""Survey some columns of files: facts about their cells, read as text, in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from operator import add

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cali_reg.data.columns.facts import Facts, facts_of
from cali_reg.data.formats.base import Fragment
from cali_reg.data.prefetch import run_workers
from cali_reg.data.readers import Batch, Progress, read
from cali_reg.errors import DataError
from cali_reg.runtime.reading.dialect import Dialect
from cali_reg.runtime.schema import Column


@dataclass(frozen=True)
class Survey:
    """Facts about some columns; ``a + b`` is that of the rows of both.

    Attributes
    ----------
    facts : dict of str to Facts
        By the names of the columns.
    """

    facts: Mapping[str, Facts] = field(default_factory=dict)

    def __add__(self, other: Survey) -> Survey:
        return Survey({name: facts + other.facts[name] for name, facts in self.facts.items()})


def survey(
    fragments: Iterable[Fragment],
    columns: Sequence[Column],
    keys: frozenset[str],
    batch_size: int,
    progress: Progress = lambda n_rows: None,
    *,
    n_threads: int | None = None,
    skips: bool = False,
) -> Survey:
    """Survey the rows of some fragments.

    Parameters
    ----------
    fragments : iterable of Fragment
    columns : sequence of Column
        Categorical ones without levels, so that they are read as text.
    keys : frozenset of str
        The names of columns that look like identifiers.
    batch_size : int
        Number of rows to read at once.
    progress : callable, optional
        Called with the number of rows read since the last call.
    n_threads : int, optional
        As in `run_workers`.
    skips : bool, default=False
        Whether to skip what is no row.

    Returns
    -------
    Survey

    Raises
    ------
    DataError
        For files that cannot be read, and for the first row that is none.
    """

    def batches() -> Iterator[tuple[Dialect, Batch]]:
        for fragment in fragments:
            for batch in read(fragment, columns, batch_size):
                if batch.problems and not skips:
                    row = min(batch.problems)
                    raise DataError(f"{batch.where(row)}: {batch.problems[row].message}")
                yield fragment.dialect, batch
                progress(len(batch.numbers))

    surveyors = run_workers(batches(), partial(_Surveyor, columns, keys), n_threads)
    return reduce(add, (surveyor.survey for surveyor in surveyors))


class _Surveyor:
    """Adds up the facts about batches of rows."""

    def __init__(self, columns: Sequence[Column], keys: frozenset[str]) -> None:
        self._columns, self._keys = columns, keys
        self.survey = Survey({column.name: Facts() for column in columns})

    def add(self, item: tuple[Dialect, Batch]) -> None:
        """Add the rows of a batch."""
        dialect, batch = item
        self.survey += Survey(
            {
                column.name: _facts(batch, array, column, column.name in self._keys, dialect)
                for column, array in zip(self._columns, batch.arrays, strict=True)
            }
        )


def _facts(batch: Batch, array: pa.Array, column: Column, is_key: bool, dialect: Dialect) -> Facts:
    cells = array.dictionary_encode()
    texts = cells.dictionary.to_pylist()
    indices = np.from_dlpack(pc.fill_null(cells.indices, len(texts)))
    counts = np.bincount(indices, minlength=len(texts) + 1)
    places = np.zeros(len(texts) + 1, np.intp)
    places[indices[::-1]] = np.arange(len(indices))[::-1]  # the first row of each
    here = [k for k, text in enumerate(texts) if not column.is_missing(text)]
    found = facts_of(
        [texts[k] for k in here],
        [int(counts[k]) for k in here],
        [batch.numbers[int(places[k])] for k in here],
        batch.file.name,
        is_key=is_key,
        dialect=dialect,
    )
    return found + Facts(missing=len(array) - found.n_rows)
