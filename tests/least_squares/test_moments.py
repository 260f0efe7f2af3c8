"""Moments: exact sums, a group, and the same whatever way the rows come in."""

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_tables import Table, tables
from reference import sums

from cali_reg.errors import DataError
from cali_reg.least_squares.moments import Moments

Array = npt.NDArray[Any]


def rows(n: int, seed: int = 0) -> Table:
    """Return rows with columns of integers, full mantissas, and rare values far off."""
    rng = np.random.default_rng(seed)
    odd = rng.normal(size=n)
    odd[rng.random(n) < 0.03] *= 1e200
    odd[rng.random(n) < 0.01] *= 5e-324
    X = np.column_stack([rng.integers(-99, 99, n), rng.normal(size=n), odd])
    return X, rng.normal(size=n) * 1e-30


@given(tables())
def test_sums_are_exact(table: Table) -> None:
    """Every sum equals that of rational arithmetic: subnormals, 1e300 beside 1e-300, one row."""
    X, y = table
    moments = Moments.from_arrays(X, y)
    assert moments.sums.tolist() == sums(X, y)
    assert (moments.n_samples, moments.n_features) == X.shape


@given(st.data(), st.integers(1, 3))
def test_moments_form_a_commutative_group(data: st.DataObject, n_features: int) -> None:
    """Addition is associative and commutative, and subtraction takes back what was added."""
    a, b, c = (
        Moments.from_arrays(*data.draw(tables(n_features=n_features, max_rows=5))) for _ in range(3)
    )
    zero = Moments.from_arrays(np.empty((0, n_features)), np.empty(0))
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a + zero == a
    assert a - a == zero
    assert (a + b) - b == a


@given(tables(), st.randoms(use_true_random=False))
def test_order_and_split_do_not_matter(table: Table, random: Any) -> None:
    """Shuffled rows, cut anywhere, add up to the same moments."""
    X, y = table
    order = random.sample(range(len(y)), len(y))
    cut = random.randint(0, len(y))
    parts = [Moments.from_arrays(X[part], y[part]) for part in (order[:cut], order[cut:])]
    assert parts[0] + parts[1] == Moments.from_arrays(X, y)


@pytest.mark.parametrize(("batch", "n_rows"), [(1, 200), (7, 1500), (4096, 9000)])
def test_batches_of_any_size_agree(batch: int, n_rows: int) -> None:
    """Batches of 1, 7 and 4096 rows add up to the moments of all rows at once."""
    X, y = rows(n_rows)
    total = Moments.from_arrays(X[:0], y[:0])
    for start in range(0, n_rows, batch):
        total += Moments.from_arrays(X[start : start + batch], y[start : start + batch])
    assert total == Moments.from_arrays(X, y)
    assert total.sums.tolist() == sums(X, y)


@pytest.mark.parametrize(
    "layout",
    [
        np.asfortranarray,
        np.ascontiguousarray,
        lambda a: np.repeat(a, 3, axis=0)[::3],
        lambda a: np.flip(np.flip(a).copy()),
        lambda a: a.astype(">f8"),
        lambda a: a.tolist(),
        lambda a: a.astype(object),
        lambda a: a.astype(np.longdouble),
    ],
    ids=["fortran", "c", "strided", "reversed", "swapped", "list", "object", "longdouble"],
)
def test_layout_and_container_do_not_matter(layout: Any) -> None:
    """Memory order, strides, byte order and container change no sum, and the input stays as is."""
    X, y = rows(300)
    before = X.copy()
    assert Moments.from_arrays(layout(X), layout(y)) == Moments.from_arrays(X, y)
    assert (before == X).all()


@pytest.mark.parametrize(
    "dtype", ["f2", "f4", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", ">i4", "O"]
)
def test_every_type_is_taken_at_its_exact_value(dtype: str) -> None:
    """Floats of any width, integers and booleans have the moments of their float64 values."""
    rng = np.random.default_rng(0)
    X = (rng.random((50, 2)) * 120).astype(dtype)
    y = rng.integers(0, 2, 50).astype(dtype)
    expected = Moments.from_arrays(X.astype(np.float64), y.astype(np.float64))
    assert Moments.from_arrays(X, y) == expected
    assert expected.sums.tolist() == sums(X.astype(np.float64), y.astype(np.float64))


def test_large_integers_that_are_floats_are_taken() -> None:
    """2**60 and -2**63 are float64 numbers; only what is none is refused."""
    X = np.array([[2**60], [-(2**63)], [2**53]])
    assert Moments.from_arrays(X, [1, 2, 3]) == Moments.from_arrays(X.astype(float), [1, 2, 3])


def test_mean_is_exact() -> None:
    """The mean is a Fraction, for the features and for the target."""
    moments = Moments.from_arrays([[1.0], [0.5], [0.25]], [1, 1, 2])
    assert [moments.mean(0), moments.mean(1)] == [Fraction(7, 12), Fraction(4, 3)]


def test_sums_are_a_copy() -> None:
    """Who changes what `sums` returned does not change the moments."""
    moments = Moments.from_arrays([[1.0]], [2.0])
    moments.sums[:] = 0
    assert moments == Moments.from_arrays([[1.0]], [2.0])


def test_equality_is_of_every_sum() -> None:
    """One bit in one product makes a difference; other shapes and types are not equal."""
    a = Moments.from_arrays([[1.0, 2.0]], [3.0])
    assert a != Moments.from_arrays([[1.0, 2.0]], [3.0000000000000004])
    assert a != Moments.from_arrays([[1.0]], [3.0])
    assert a != "moments"
    with pytest.raises(TypeError, match="unhashable"):
        hash(a)


def test_rows_that_never_were_there_cannot_be_removed() -> None:
    """More rows than there are, or sums that no rows have: refused."""
    few = Moments.from_arrays([[1.0], [2.0]], [1.0, 2.0])
    many = Moments.from_arrays([[1.0], [2.0], [3.0]], [1.0, 2.0, 3.0])
    with pytest.raises(DataError, match="3 rows to remove are not all among the 2"):
        few - many
    with pytest.raises(DataError, match="no rows have the sums"):
        few - Moments.from_arrays([[9.0]], [1.0])
    with pytest.raises(DataError, match="no rows have the sums"):
        many - Moments.from_arrays([[2.0], [2.0], [2.0]], [2.0, 2.0, 2.0])


@pytest.mark.parametrize("operation", ["__add__", "__sub__"])
def test_other_columns_do_not_mix(operation: str) -> None:
    """Moments of one and of two features cannot be combined, nor moments and numbers."""
    one, two = Moments.from_arrays([[1.0]], [1.0]), Moments.from_arrays([[1.0, 2.0]], [1.0])
    with pytest.raises(DataError, match="of 1 and of 2 features"):
        getattr(one, operation)(two)
    assert getattr(one, operation)(1) is NotImplemented


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (np.ones(3), np.ones(3)),
        (np.ones((3, 1)), np.ones((3, 1))),
        (np.ones((3, 1)), np.ones(2)),
        (np.float64(1), np.ones(1)),
    ],
)
def test_shapes_must_fit(X: Array, y: Array) -> None:
    """Anything but (n, p) and (n,) is refused, with both shapes in the message."""
    with pytest.raises(DataError, match=r"X has shape .* and y .*expected"):
        Moments.from_arrays(X, y)
