"""Exact sums by level: a one-hot column is never made, its products are counts and sums.

The product of a level's column with itself or with the constant is the number of its rows; with a
column of numbers, the sum of that column over its rows; with a level of another categorical column,
the number of rows that have both.

A sum over some rows is exact in float64 if the values are integers of at most 2**38, times one
power of two, and the rows are at most 2**14.5. So each column is cut into such slices, as many as
its largest and its smallest bit need, and ``numpy.bincount`` adds them up for all levels at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import numpy.typing as npt

from cali_reg.least_squares.exact_gram import UNIT, Block
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.solvers.integers import Integers
from cali_reg.runtime.schema import Column, LevelIndex, categorical

Codes = npt.NDArray[np.intp]  # (n_rows,): which text a row has
Counts = npt.NDArray[np.int64]
Pairs = dict[tuple[int, int], tuple[Codes, Codes, Counts]]  # by two columns: texts, and their rows

_BITS = 38  # of a slice with its sign
_MOST_ROWS = 24_576  # of a block: 2**38 * 24576 < 2**53
_GRID = 16  # slices begin at multiples of 2**16: blocks share them
_FLUSH = 512  # blocks are added up in int64: 2**53 * 512 < 2**63
_DENSE = 1 << 16  # pairs of levels that are counted in a table


class LevelSums:
    """Adds up blocks of rows by the levels of their categorical columns.

    Parameters
    ----------
    n_columns : int
        Of a block: the constant 1, the columns of numbers, the target.
    n_categorical : int
        Number of categorical columns.
    """

    def __init__(self, n_columns: int, n_categorical: int) -> None:
        self._n_columns = n_columns
        self._slices: list[dict[int, npt.NDArray[np.int64]]] = [{} for _ in range(n_categorical)]
        self._totals: list[Integers] = [
            np.zeros((0, n_columns), dtype=object) for _ in range(n_categorical)
        ]
        self._pairs: Pairs = {}
        self._n_blocks = 0

    def add(self, block: Block, codes: Sequence[Codes], n_texts: Sequence[int]) -> None:
        """Add some rows.

        Parameters
        ----------
        block : array of shape (n_columns, n_rows)
            At most 24,576 rows of finite values.
        codes : sequence of arrays of shape (n_rows,)
            Of each categorical column.
        n_texts : sequence of int
            The largest code of each column, and one.
        """
        if not codes:
            return
        for j, values in enumerate(block):
            self._add_column(j, values, codes, n_texts)
        for c, d in combinations(range(len(codes)), 2):
            found = _count_pairs(codes[c], codes[d], n_texts[c], n_texts[d])
            self._pairs[c, d] = _add_pairs(self._pairs.get((c, d)), found)
        self._n_blocks += 1
        if self._n_blocks == _FLUSH:
            self._flush()

    def total(self, gram: Integers, texts: Sequence[Sequence[str]]) -> GroupSums:
        """Return the sums of all rows added.

        Parameters
        ----------
        gram : array of shape (n_columns, n_columns)
            The sums of products of the columns of the blocks, in units of ``2**UNIT``.
        texts : sequence of sequence of str
            What the codes of each categorical column stand for.
        """
        self._flush()
        sums = [
            _grown(total, len(t))[: len(t)] for total, t in zip(self._totals, texts, strict=True)
        ]
        return GroupSums(gram, tuple(map(tuple, texts)), tuple(sums), dict(self._pairs))

    def _add_column(
        self,
        j: int,
        values: npt.NDArray[np.float64],
        codes: Sequence[Codes],
        n_texts: Sequence[int],
    ) -> None:
        rest = values
        while (largest := max(rest.max(), -rest.min())) > 0.0:
            lowest = _lowest_bit(largest)
            integers = np.trunc(_scaled(rest, -lowest))  # of the highest bits
            for slices, code, n in zip(self._slices, codes, n_texts, strict=True):
                sums = slices.get(lowest)
                if sums is None or sums.shape[1] < n:
                    sums = slices[lowest] = _widened(sums, self._n_columns, n)
                sums[j, :n] += np.bincount(code, weights=integers, minlength=n).astype(np.int64)
            rest = rest - _scaled(integers, lowest)  # exact: only lower bits are left

    def _flush(self) -> None:
        """Move what has been added up in int64 into Python's integers."""
        for c, slices in enumerate(self._slices):
            for lowest, sums in slices.items():
                total = self._totals[c] = _grown(self._totals[c], sums.shape[1])
                total[: sums.shape[1]] += sums.T.astype(object) << (lowest - UNIT)
            slices.clear()
        self._n_blocks = 0


@dataclass(frozen=True)
class GroupSums:
    """The exact sums of some rows, by level; ``a + b`` is that of the rows of both.

    Attributes
    ----------
    gram : array of shape (n_columns, n_columns)
        Of the constant 1, the columns of numbers and the target: sums of the products of pairs, in
        units of ``2**UNIT``.
    texts : tuple of tuple of str
        The texts of each categorical column.
    sums : tuple of arrays of shape (n_texts, n_columns)
        For each categorical column and text: the sums of the columns over its rows, in units of
        ``2**UNIT``; that of the constant is the number of rows.
    pairs : dict
        For two categorical columns, by their indices: the codes of each pair of texts that rows
        have, and how many have them.
    """

    gram: Integers
    texts: tuple[tuple[str, ...], ...] = ()
    sums: tuple[Integers, ...] = ()
    pairs: Pairs = field(default_factory=dict)

    def __add__(self, other: GroupSums) -> GroupSums:
        merged = [
            tuple(dict.fromkeys((*a, *b))) for a, b in zip(self.texts, other.texts, strict=True)
        ]
        a, b = self._with_texts(merged), other._with_texts(merged)
        pairs = {key: _add_pairs(a.pairs.get(key), found) for key, found in b.pairs.items()}
        return GroupSums(
            self.gram + other.gram,
            a.texts,
            tuple(x + y for x, y in zip(a.sums, b.sums, strict=True)),
            {**a.pairs, **pairs},
        )

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.gram[0, 0]) >> -UNIT

    def counts(self, c: int) -> dict[str, int]:
        """Return how many rows have each text of a categorical column, but for those of none.

        Parameters
        ----------
        c : int
            The index of the column among the categorical ones.
        """
        rows = (int(n) >> -UNIT for n in self.sums[c][:, 0])
        return {text: n for text, n in zip(self.texts[c], rows, strict=True) if n}

    def moments(self, columns: Sequence[Column]) -> Moments:
        """Return the moments of the features.

        Parameters
        ----------
        columns : sequence of Column
            The columns to predict from, with their levels. What is none of these is the baseline.
        """
        places, size = [0], 1
        first: list[int] = []
        for column in columns:
            (places if column.levels is None else first).append(size)
            size += len(column.features)
        numeric = np.array([*places, size])
        sums = np.zeros((size + 1, size + 1), dtype=object)
        sums[np.ix_(numeric, numeric)] = self.gram
        levels = [_levels_of(t, c) for t, c in zip(self.texts, categorical(columns), strict=True)]
        for c, column in enumerate(categorical(columns)):
            by_level = np.zeros((max(1, len(column.levels or ())), len(self.gram)), dtype=object)
            np.add.at(by_level, levels[c], self.sums[c])
            own = first[c] + np.arange(len(by_level) - 1)
            sums[np.ix_(own, numeric)] = by_level[1:]
            sums[np.ix_(numeric, own)] = by_level[1:].T
            sums[own, own] = by_level[1:, 0]
        for (c, d), (codes, others, counts) in self.pairs.items():
            rows, lines = levels[c][codes], levels[d][others]
            kept = (rows > 0) & (lines > 0)  # the baseline has no column
            own, other = rows[kept] - 1 + first[c], lines[kept] - 1 + first[d]
            numbers = counts[kept].astype(object) << -UNIT
            np.add.at(sums, (own, other), numbers)
            np.add.at(sums, (other, own), numbers)
        return Moments(sums)

    def _with_texts(self, texts: Sequence[tuple[str, ...]]) -> GroupSums:
        """Return the same sums with the codes of other texts, which include these."""
        if tuple(texts) == self.texts:
            return self
        places = []
        for old, new in zip(self.texts, texts, strict=True):
            codes = {text: k for k, text in enumerate(new)}
            places.append(np.array([codes[text] for text in old], dtype=np.intp))
        sums = []
        for total, place, new in zip(self.sums, places, texts, strict=True):
            moved = np.zeros((len(new), total.shape[1]), dtype=object)
            moved[place] = total
            sums.append(moved)
        pairs = {
            (c, d): (places[c][codes], places[d][others], counts)
            for (c, d), (codes, others, counts) in self.pairs.items()
        }
        return GroupSums(self.gram, tuple(texts), tuple(sums), pairs)


def feature_ranges(
    columns: Sequence[Column],
    ranges: Sequence[tuple[float, float]],
    groups: Sequence[GroupSums],
) -> list[tuple[float, float]]:
    """Return the minimum and the maximum of each feature over some groups of rows.

    Parameters
    ----------
    columns : sequence of Column
        The columns to predict from, with their levels.
    ranges : sequence of (minimum, maximum)
        Of the columns of numbers.
    groups : sequence of GroupSums
    """
    n_rows = sum(group.n_rows for group in groups)
    numeric, found, c = iter(ranges), [], 0
    for column in columns:
        if column.levels is None:
            found.append(next(numeric))
            continue
        counts = [0] * max(1, len(column.levels))
        for group in groups:
            levels = _levels_of(group.texts[c], column).tolist()
            for level, rows in zip(levels, group.sums[c][:, 0], strict=True):
                counts[level] += int(rows) >> -UNIT
        found += [(float(n == n_rows), float(n > 0)) for n in counts[1:]]
        c += 1
    return found


def _levels_of(texts: Sequence[str], column: Column) -> Codes:
    """Return the level of each text; that of the baseline for what is none."""
    find = LevelIndex(column).find
    return np.array([max(0, find(text) or 0) for text in texts], dtype=np.intp)


def _lowest_bit(largest: float) -> int:
    """Return the exponent of the lowest bit of a slice that holds a value's highest bits."""
    highest = int(np.frexp(largest)[1])
    return (highest - _BITS + _GRID - 1) // _GRID * _GRID


def _count_pairs(
    codes: Codes, others: Codes, n_texts: int, n_others: int
) -> tuple[Codes, Codes, Counts]:
    both = codes * n_others + others
    if n_texts * n_others <= _DENSE:
        counts = np.bincount(both, minlength=n_texts * n_others)
        found = np.flatnonzero(counts)
        counts = counts[found]
    else:
        found, counts = np.unique(both, return_counts=True)
    return found // n_others, found % n_others, counts


def _add_pairs(
    a: tuple[Codes, Codes, Counts] | None, b: tuple[Codes, Codes, Counts]
) -> tuple[Codes, Codes, Counts]:
    if a is None:
        return b
    codes, others, counts = (np.concatenate(parts) for parts in zip(a, b, strict=True))
    width = int(others.max(initial=0)) + 1
    found, places = np.unique(codes * width + others, return_inverse=True)
    sums = np.zeros(len(found), dtype=np.int64)
    np.add.at(sums, places, counts)
    return found // width, found % width, sums


def _widened(sums: Counts | None, n_columns: int, n_texts: int) -> Counts:
    """Return sums with room for more texts."""
    wider = np.zeros((n_columns, max(16, 2 * n_texts)), dtype=np.int64)
    if sums is not None:
        wider[:, : sums.shape[1]] = sums
    return wider


def _grown(total: Integers, n_texts: int) -> Integers:
    """Return a total with a row for each text at least."""
    if len(total) >= n_texts:
        return total
    grown = np.zeros((n_texts, total.shape[1]), dtype=object)
    grown[: len(total)] = total
    return grown


def _scaled(values: npt.NDArray[np.float64], exponent: int) -> npt.NDArray[np.float64]:
    """Return values times a power of two, which may itself be beyond float64."""
    if abs(exponent) <= 1000:  # quicker
        return values * 2.0**exponent
    scaled: npt.NDArray[np.float64] = np.ldexp(values, exponent)
    return scaled
