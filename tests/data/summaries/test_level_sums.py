"""Sums by level are exact: those of the one-hot columns that are never made."""

from __future__ import annotations

from fractions import Fraction
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cali_reg.data.summaries import level_sums
from cali_reg.data.summaries.level_sums import GroupSums, LevelSums, feature_ranges
from cali_reg.least_squares.exact_gram import UNIT, GramAccumulator
from cali_reg.least_squares.moments import Moments
from cali_reg.runtime.schema import Column

TEXTS = (("a", "b", "c", "d"), ("1.0", "1", "2"))
COLUMNS = (
    Column("s", ("b", "a", "d")),  # c is unseen: the baseline
    Column("x"),
    Column("t", ("2", "1")),  # 1.0 and 1 are one level
    Column("z"),
)

values = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 5e-324, -1.7976931348623157e308, 0.1, 2.0**-1022, 1 / 3, 1e16 + 2]),
    st.integers(-(2**53), 2**53).map(float),
)
rows = st.lists(
    st.tuples(st.integers(0, 3), values, st.integers(0, 2), values, values), min_size=1, max_size=12
)
Row = tuple[int, float, int, float, float]


def group(table: list[Row], size: int) -> GroupSums:
    """Add up rows in blocks of a size."""
    accumulator, sums = GramAccumulator(4), LevelSums(4, 2)
    for start in range(0, len(table), size):
        some = table[start : start + size]
        block = np.array([[1.0, x, z, y] for _, x, _, z, y in some]).T.copy()
        codes = [np.array([row[k] for row in some], dtype=np.intp) for k in (0, 2)]
        accumulator.add(block)
        sums.add(block, codes, [int(c.max()) + 1 for c in codes])
    return sums.total(accumulator.total(), TEXTS)


def by_hand(table: list[Row]) -> list[list[Fraction]]:
    """Return the sums of products of the one-hot rows, in rational arithmetic."""
    level = {"b": (0, 0), "a": (1, 0), "d": (0, 1), "c": (0, 0)}
    lines: list[list[Any]] = []
    for s, x, t, z, y in table:
        one = int(TEXTS[1][t] != "2")
        lines.append([1, *level[TEXTS[0][s]], Fraction(x), one, Fraction(z), Fraction(y)])
    return [[sum((a[i] * a[j] for a in lines), Fraction()) for j in range(7)] for i in range(7)]


def as_fractions(moments: Moments) -> list[list[Fraction]]:
    """Return the sums of moments."""
    return [[Fraction(int(v), 2**-UNIT) for v in line] for line in moments.sums]


@given(rows, st.integers(1, 12), st.sampled_from([1, 2, 512]), st.sampled_from([0, 1 << 16]))
@example([(0, 1e308, 0, -1e-308, 5e-324), (0, -1e308, 0, 3e-308, 1.0)], 2, 512, 0)
@example([(3, 1.0, 2, 2.0**60, 2.0**-60), (3, 2.0**40, 0, 1.5, 1e-5)], 1, 1, 0)
def test_sums_are_those_of_one_hot_columns(
    table: list[Row], size: int, flush: int, dense: int
) -> None:
    """For all values, in any blocks, also where counters are emptied and pairs are sorted."""
    with mock.patch.multiple(level_sums, _FLUSH=flush, _DENSE=dense):
        assert as_fractions(group(table, size).moments(COLUMNS)) == by_hand(table)


@given(rows, rows, st.permutations(range(4)), st.integers(1, 12))
def test_groups_add_up(table: list[Row], other: list[Row], order: list[int], size: int) -> None:
    """Whatever codes the texts have in each group."""
    second = group(other, size)
    texts = tuple(TEXTS[0][k] for k in order)
    places = np.array([texts.index(text) for text in TEXTS[0]])
    (codes, others, counts) = second.pairs[0, 1]
    moved = np.zeros_like(second.sums[0])
    moved[places] = second.sums[0]
    pairs: Any = {(0, 1): (places[codes], others, counts)}
    permuted = GroupSums(second.gram, (texts, TEXTS[1]), (moved, second.sums[1]), pairs)
    total = group(table, size) + permuted
    assert as_fractions(total.moments(COLUMNS)) == by_hand([*table, *other])


def test_ranges_and_counts() -> None:
    """A one-hot column is 0 to 1, or constant."""
    found = group([(1, 0.5, 0, 3.0, 1.0), (1, 0.25, 2, 4.0, 1.0)], 5)
    ranges = feature_ranges(COLUMNS, [(0.25, 0.5), (3.0, 4.0)], [found])
    assert ranges == [(0.0, 0.0), (0.0, 0.0), (0.25, 0.5), (0.0, 1.0), (3.0, 4.0)]
    assert found.counts(0) == {"b": 2}
    assert found.counts(1) == {"1.0": 1, "2": 1}
    ranges = feature_ranges((Column("s", ("a", "b")), *COLUMNS[1:]), [(0, 1), (3, 4)], [found])
    assert ranges[0] == (1.0, 1.0)


@pytest.mark.parametrize("value", [2.0**38 - 1, -(2.0**22) + 2.0**-16, 1 + 2.0**-52])
def test_a_full_block_of_the_largest_slices(value: float) -> None:
    """As many rows as a block may have, all of one level, thousands of times."""
    n_rows = level_sums._MOST_ROWS
    block = np.vstack([np.ones(n_rows), np.full(n_rows, value)])
    sums = LevelSums(2, 1)
    for _ in range(3):
        sums.add(block, [np.zeros(n_rows, dtype=np.intp)], [1])
    total = sums.total(np.zeros((2, 2), dtype=object), [["a"]])
    assert Fraction(int(total.sums[0][0, 1]), 2**-UNIT) == 3 * n_rows * Fraction(value)
    assert 2**level_sums._BITS * n_rows < 2**53
    assert level_sums._FLUSH * 2**53 <= 2**63
