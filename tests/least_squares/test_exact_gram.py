"""The accumulator: every path that a block can take ends in the same exact sums."""

from collections import Counter
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import sums_of_products

from cali_reg.data.content_split import ContentSplit
from cali_reg.data.summaries.splitter import Layout
from cali_reg.data.summaries.summarizer import _Sum
from cali_reg.errors import DataError
from cali_reg.least_squares import exact_gram
from cali_reg.least_squares.exact_gram import GramAccumulator, NotFiniteError
from cali_reg.least_squares.moments import Moments
from cali_reg.runtime.schema import Column

Block = npt.NDArray[np.float64]


@pytest.fixture
def paths(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the windows fitted, narrow and wide, the drains, and the sums by Python's integers."""
    counts: Counter[str] = Counter()

    def count(owner: Any, name: str, key: Any) -> None:
        original = getattr(owner, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            counts[key(*args)] += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, counted)

    count(GramAccumulator, "_fit", lambda self, _: "wide" if self._wide else "narrow")
    count(exact_gram, "sum_products", lambda *_: "integers")
    count(exact_gram._Window, "drain", lambda *_: "drains")
    return counts


def total(*blocks: Block) -> list[list[int]]:
    """Add up the blocks."""
    accumulator = GramAccumulator(len(blocks[0]))
    for block in blocks:
        accumulator.add(block)
    result: list[list[int]] = accumulator.total().tolist()
    return result


def exact(*blocks: Block) -> list[list[int]]:
    """Return the same sums from the reference."""
    return sums_of_products(np.concatenate(blocks, axis=1).tolist())


def normal(n_rows: int, n_columns: int = 3, seed: int = 0) -> Block:
    """Return full mantissas; those near zero are rare values far below the others."""
    return np.random.default_rng(seed).normal(size=(n_columns, n_rows))


def eighths(n_rows: int, n_columns: int = 3, seed: int = 0) -> Block:
    """Return eighths between -1000 and 1000: any window fitted to some of them holds all."""
    return np.random.default_rng(seed).integers(-8000, 8001, (n_columns, n_rows)) / 8


def test_columns_alike_need_one_window(paths: Counter[str]) -> None:
    """Usual data take the fast path alone, over several blocks."""
    blocks = [eighths(8192, seed=seed) for seed in range(2)]
    assert total(*blocks) == exact(*blocks)
    assert (paths["narrow"], paths["wide"], paths["integers"]) == (1, 0, 0)


@pytest.mark.parametrize("n_bits", [*range(19, 28), 43, 44, 45, 46, 52, 53])
@pytest.mark.parametrize("sign", [1, -1])
def test_slices_filled_to_the_last_bit(n_bits: int, sign: int) -> None:
    """Odd values just below a power of two, all of one sign, are the worst that BLAS can meet."""
    odd = 2**n_bits - 1 - 2 * np.random.default_rng(0).integers(0, 3, (2, 4096))
    block = sign * odd.astype(np.float64)
    assert total(block) == exact(block)


@pytest.mark.parametrize("exponent", [20, 21, 22, 23, 43, 44])
@pytest.mark.parametrize("sign", [1, -1])
def test_values_on_the_edge_of_the_window(exponent: int, sign: int) -> None:
    """Odd values fill a window of one slice; then come those just below and above its edge."""
    rng = np.random.default_rng(0)
    usual = (2 * rng.integers(0, 2**20, (2, 512)) + 1).astype(np.float64)
    offsets = 2 * rng.integers(-(2**17), 2**10, (2, 4096)) + 1
    near = (sign * (2**exponent + offsets)).astype(np.float64)
    edge = np.full((2, 4096), sign * 2.0**exponent)
    assert total(usual, near) == exact(usual, near)
    assert total(usual, edge, near) == exact(usual, edge, near)


def test_the_window_is_fitted_again(paths: Counter[str]) -> None:
    """A block that the window does not suit drains it and gets another."""
    blocks = [np.round(normal(500) * 9), normal(500) * 1e40, normal(500) * 1e-40]
    assert total(*blocks) == exact(*blocks)
    assert paths["narrow"] == 3


@pytest.mark.parametrize("exponent", range(44, 53))
@pytest.mark.parametrize("sign", [1, -1])
def test_values_with_bits_below_the_window(exponent: int, sign: int) -> None:
    """After full mantissas come smaller ones, all of one sign, whose last bits may not fit."""
    odd = 2 * np.random.default_rng(0).integers(0, 2**40, (2, 600)) + 1
    usual = (2**52 + odd).astype(np.float64)
    later = np.asarray(sign * (2.0**exponent + odd * 2.0 ** (exponent - 52)), dtype=np.float64)
    assert total(usual, later) == exact(usual, later)


@pytest.mark.parametrize("tiny", [5e-324, -5e-324, 2.0**-1022, 1e-250])
def test_tiny_values_beside_huge_ones(tiny: float, paths: Counter[str]) -> None:
    """Scaled down with its column, a tiny value would vanish: its row waits."""
    block = eighths(600) * 2.0**350
    later = block.copy()
    later[0, [3, 400]] = tiny
    assert total(block, later) == exact(block, later)
    assert paths["narrow"] == 1


def test_rows_set_aside_get_a_wider_window(paths: Counter[str]) -> None:
    """Dozens of values far off wait, and are multiplied by BLAS in a window of their own."""
    block = eighths(8000)
    block[1, ::80] *= 1e30
    block[2, 5::160] *= 1e-12
    assert total(block) == exact(block)
    assert (paths["wide"], paths["integers"]) == (1, 0)


def test_a_few_rows_set_aside_are_summed_by_integers(paths: Counter[str]) -> None:
    """Up to 16 rows need no window: 1e300, 1e-300, subnormals and a mantissa far below."""
    block = eighths(8000)
    block[0, 7], block[1, 8], block[2, 9], block[0, 10] = 1e300, 1e-300, 5e-324, 2.0**-90
    assert total(block) == exact(block)
    assert (paths["wide"], paths["integers"]) == (0, 1)


def test_what_no_window_holds_is_summed_by_integers(paths: Counter[str]) -> None:
    """Beyond 2**400 and below 2**-400, and deeper than 264 bits, Python's integers take over."""
    block = eighths(8000)
    block[0, ::40] = 1e300
    block[1, 1::80] = 5e-324
    block[2, 2::80] = 1e-100
    assert total(block) == exact(block)
    assert paths["wide"] == 1
    assert paths["integers"] >= 1


def test_more_rows_set_aside_than_a_block_holds(paths: Counter[str]) -> None:
    """Thousands of rows far off are passed on in several parts, to one wide accumulator."""
    usual, *others = (eighths(8192, seed=seed) for seed in range(4))
    for block in others:
        block[1, ::3] *= 1e25
    others[2][1, ::3] *= 1e90  # the wide window is fitted again
    assert total(usual, *others) == exact(usual, *others)
    assert sum((abs(block[1]) > 1e20).sum() for block in others) > 2 * 4096 - 10
    assert (paths["narrow"], paths["wide"]) == (1, 2)


def test_accumulators_share_a_workspace() -> None:
    """Blocks of different sizes and depths, added in turns, do not disturb each other."""
    workspace = exact_gram.Workspace()
    made = {GramAccumulator(3, workspace): eighths, GramAccumulator(3, workspace): normal}
    sizes = [100, 5000, 3000]  # the workspace grows, and is more than is needed
    for seed, n_rows in enumerate(sizes):
        for accumulator, rows in made.items():
            accumulator.add(rows(n_rows, seed=seed))
    for accumulator, rows in made.items():
        blocks = [rows(n_rows, seed=seed) for seed, n_rows in enumerate(sizes)]
        assert accumulator.total().tolist() == exact(*blocks)


@pytest.mark.parametrize("flush", [1, 3])
def test_sums_leave_int64_in_time(
    flush: int, paths: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window is drained after so many products, and for the total what is left."""
    monkeypatch.setattr(exact_gram, "_FLUSH", flush)
    blocks = [eighths(4096, seed=seed) for seed in range(4)]
    assert total(*blocks) == exact(*blocks)
    assert paths["drains"] == {1: 4, 3: 2}[flush]


def test_int64_holds_a_full_window() -> None:
    """As many products as the window takes, each as large as can be, stay below 2**63."""
    rows_at_once = _Sum(
        Layout((Column("y"),), ContentSplit(0, 0.2), 0), exact_gram.Workspace()
    )._block.shape[1]
    most = exact_gram._FLUSH - 1 + rows_at_once // exact_gram._ROWS
    largest_slice = 2 ** (exact_gram._BITS - 1)
    assert most * exact_gram._ROWS * largest_slice**2 < 2**63
    assert exact_gram._ROWS * largest_slice**2 <= 2**53


def test_sums_of_the_deepest_columns_stay_in_int64() -> None:
    """Twelve slices of 21 full bits in each column, as often as a window takes them."""
    window = exact_gram._Window(
        np.ldexp(1.0, [[131, -132], [131, -132]]), exact_gram.Workspace(), spare=0
    )
    assert len(window._counts) == exact_gram._DEPTH
    most = 2**63 - 1
    for sums, expected in ((most, most), (-most, -most)):
        window._gram[:] = np.triu(np.full(window._gram.shape, sums))
        pairs = np.triu_indices(2)
        unit = sum(2 ** (exact_gram._BITS * k) for k in range(exact_gram._DEPTH)) ** 2
        lowest = int(window._lowest[0])
        assert {v >> (2 * lowest + 2148) for v in window.drain(pairs)} == {expected * unit}


def test_many_rows_of_the_largest_slices() -> None:
    """A million rows of the largest products cross the drain and are exact."""
    block = np.full((2, 8192), 2.0**21 - 1)
    accumulator = GramAccumulator(2)
    for _ in range(300):
        accumulator.add(block)
    assert accumulator.total()[0, 1] == 300 * 8192 * (2**21 - 1) ** 2 << 2148


RECIPES = st.lists(
    st.tuples(
        st.integers(1, 200),  # rows
        st.sampled_from([1, 20, 53]),  # bits
        st.sampled_from([0, 0, 0, 30, -30, 380, -380, 960, -1060]),  # exponent
        st.sampled_from([0.0, 0.02, 0.3]),  # share of values far off
        st.sampled_from([24, 60, -60, 250, -250, 600, -1000]),  # how far
    ),
    min_size=1,
    max_size=5,
)


@given(RECIPES, st.integers(0, 2**32 - 1), st.sampled_from([1, 48]))
@settings(max_examples=100)
def test_any_sequence_of_blocks_is_exact(recipes: list[Any], seed: int, narrow: int) -> None:
    """Small limits bring every path into a few hundred rows; all end in the same sums."""
    rng = np.random.default_rng(seed)
    blocks = []
    for n_rows, n_bits, exponent, share, how_far in recipes:
        mantissas = rng.integers(-(2**n_bits) + 1, 2**n_bits, (3, n_rows)).astype(np.float64)
        far = np.where(rng.random((3, n_rows)) < share, how_far, 0)
        far[0] = 0
        shift = np.clip(exponent + far, -1074 - n_bits, 1023 - n_bits)
        blocks.append(np.ldexp(mantissas, shift))
    limits: dict[str, Any] = {"_ROWS": 64, "_FLUSH": 4, "_SAMPLE": 16, "_FEW": 2, "_NARROW": narrow}
    with patch.multiple(exact_gram, **limits, _WIDE_STRIP=2):
        assert total(*blocks) == exact(*blocks)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("far_off", [0, 10, 3000], ids=["alone", "few aside", "many aside"])
@pytest.mark.parametrize("row", [0, 4000, 8191])
def test_not_finite_is_found_on_every_path(value: float, far_off: int, row: int) -> None:
    """In a first block or a later one, alone or among rows set aside: column and row are right."""
    first, later = normal(8192), normal(8192, seed=1)
    later[2, 1 : 2 * far_off : 2] *= 1e60
    for block, before in ((later, ()), (later, (first,))):
        broken = block.copy()
        broken[1, row] = value
        accumulator = GramAccumulator(3)
        for earlier in before:
            accumulator.add(earlier)
        with pytest.raises(NotFiniteError) as caught:
            accumulator.add(broken)
        assert (caught.value.column, caught.value.row) == (1, row)


def test_the_first_value_not_finite_is_named() -> None:
    """Of several the one in the first row is named, and in it the first column."""
    later = normal(8192)
    later[2, 4001] = later[0, 5000] = np.nan
    later[1:, 4000] = np.inf
    accumulator = GramAccumulator(3)
    accumulator.add(normal(8192))
    with pytest.raises(NotFiniteError) as caught:
        accumulator.add(later)
    assert (caught.value.column, caught.value.row) == (1, 4000)


@pytest.mark.parametrize("row", [3, 9_000, 29_999])
@pytest.mark.parametrize(("value", "shown"), [(np.nan, "NaN"), (np.inf, "inf"), (-np.inf, "inf")])
def test_the_message_names_column_and_row(row: int, value: float, shown: str) -> None:
    """Rows are counted over all blocks; features and the target have their names."""
    X, y = normal(30_000, 2).T.copy(), np.ones(30_000)
    X[::50, 0] *= 1e99
    X[row, 1] = value
    with pytest.raises(DataError, match=rf"column 'age' holds {shown} \(row {row + 1}\); expected"):
        Moments.from_arrays(X, y, names=["income", "age", "price"])
    X[row, 1], y[row] = 1.0, value
    with pytest.raises(DataError, match=rf"column 'y' holds {shown} \(row {row + 1}\)"):
        Moments.from_arrays(X, y)


@pytest.mark.parametrize(
    ("n_columns", "n_rows"),
    [(3, 12288), (10, 12288), (20, 6144), (30, 4096), (40, 2048), (60, 2048)],
)
def test_blocks_of_any_width(n_columns: int, n_rows: int) -> None:
    """Wide tables come in blocks of fewer rows, down to 2048; the sums are the same."""
    assert exact_gram.rows_per_block(n_columns) == n_rows
    X = eighths(n_rows + 1, n_columns - 2).T
    found = Moments.from_arrays(X, X[:, 0]).sums
    expected = exact(np.array([np.ones(n_rows + 1), X[:, -1], X[:, 0]]))
    picked = [0, n_columns - 2, n_columns - 1]
    assert found[np.ix_(picked, picked)].tolist() == expected


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_low_bits_outside_the_sample_are_found(sign: float) -> None:
    """A column of one sign and size may have lower bits than its window: those rows wait."""
    column = sign * (1.0 + np.arange(1000) * 2.0**-44)
    column[1] = sign * (1.0 + 2.0**-52)  # the window is fitted to every other row
    found = Moments.from_arrays(column[:, None], column).sums
    assert found.tolist() == exact(np.array([np.ones(1000), column, column]))
