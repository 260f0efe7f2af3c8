"""Encoding: each value is exactly that of the file, the nearest float64, or refused."""

from __future__ import annotations

import decimal
from decimal import Decimal
from fractions import Fraction
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pytest
import reference
from hypothesis import example, given
from hypothesis import strategies as st
from random_tables import any_numbers

from cali_reg.data.feature_encoding import EncodedBatch, encode, feature_columns
from cali_reg.data.readers import Batch
from cali_reg.errors import DataError
from cali_reg.runtime.schema import Column


def encoded(*arrays: pa.Array, levels: tuple[str, ...] | None = None) -> EncodedBatch:
    """Encode arrays, the last one with levels if there are any; the rows begin at 101."""
    columns = [Column(f"x{k}") for k in range(len(arrays))]
    if levels is not None:
        columns[-1] = Column("t", levels)
    file = mock.Mock()
    file.name = "rows"
    return encode(Batch(file, list(arrays), range(101, 101 + len(arrays[0]))), columns)


def values_of(array: pa.Array) -> list[float]:
    """Return the float64 of an array without missing values."""
    (values,) = encoded(array).drop_missing()
    assert values.dtype == np.float64
    found: list[float] = values.tolist()
    return found


decimals = st.builds(
    lambda digits, scale: Decimal(digits).scaleb(-scale, decimal.Context(prec=80)),
    st.integers(-(10**38) + 1, 10**38 - 1),
    st.integers(0, 38),
)


@given(st.lists(decimals, min_size=1, max_size=9))
@example([Decimal("9007199254740993"), Decimal("9007199254740992.99999999999999999999")])
@example([Decimal("0.1000000000000000055511151231257827021181583404541015625")])
@example([Decimal("5e-38"), Decimal("-0.0")])
def test_decimals_are_rounded_to_the_nearest(values: list[Decimal]) -> None:
    """Of any width, a decimal is what rational arithmetic rounds it to, ties to even."""
    places = max(-min(int(value.as_tuple().exponent), 0) for value in values)
    array = pa.array(values, pa.decimal256(76, min(places, 60)), safe=False)
    exact = [Fraction(value) for value in array.to_pylist()]
    assert exact == [Fraction(value) for value in values]
    assert values_of(array) == [reference.nearest(value) for value in exact]


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=9))
@example([2**53, 2**53 + 2, -(2**53), 2**62, -(2**63)])
@example([2**53 + 1])
@example([-(2**53) - 1, 2**63 - 1])
def test_integers_are_exact_or_refused(values: list[int]) -> None:
    """A 64-bit integer is taken if a float64 equals it; else the row is named."""
    lost = [k for k, value in enumerate(values) if int(float(value)) != value]
    found = encoded(pa.array(values, pa.int64()))
    assert sorted(found.problems) == lost
    if lost:
        with pytest.raises(DataError, match=f"^rows: row {101 + lost[0]}: column 'x0' holds "):
            found.drop_missing()
    else:
        assert values_of(pa.array(values, pa.int64())) == values


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=9))
@example([2**64 - 1])
@example([2**63, 2**64 - 2**11])
def test_unsigned_integers_are_exact_or_refused(values: list[int]) -> None:
    """So is an unsigned one."""
    lost = [k for k, value in enumerate(values) if int(float(value)) != value]
    assert sorted(encoded(pa.array(values, pa.uint64())).problems) == lost


@given(st.lists(st.one_of(any_numbers, st.none()), min_size=1, max_size=9))
def test_floats_are_as_they_are(values: list[float | None]) -> None:
    """A float64 keeps its bits; null and NaN are missing."""
    kept = [value for value in values if value is not None]
    (found,) = encoded(pa.array(values, pa.float64())).drop_missing()
    assert list(map(repr, found.tolist())) == list(map(repr, kept))
    with_nan = pa.array([float("nan") if value is None else value for value in values])
    assert encoded(with_nan).drop_missing()[0].tolist() == kept


@pytest.mark.parametrize(
    "kind", [pa.float16(), pa.float32(), pa.int8(), pa.uint32(), pa.bool_(), pa.int32(), pa.null()]
)
def test_every_type_has_missing_values(kind: pa.DataType) -> None:
    """Null is missing in any type."""
    full = [1, None, 0, None] if kind != pa.null() else [None] * 4
    found = encoded(pa.array(full, pa.null() if kind == pa.null() else None).cast(kind))
    assert found.has_missing.tolist() == [value is None for value in full]
    assert found.drop_missing()[0].tolist() == [value for value in full if value is not None]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("others", [[0.0, 1.0], [-1.0, 1.0], [2.0, None], [1.7976931348623157e308]])
def test_infinity_is_a_problem(sign: float, others: list[float | None]) -> None:
    """Infinity is refused of either sign, among numbers of any; the largest float64 is not."""
    found = encoded(pa.array([*others, sign * np.inf], pa.float64()))
    assert list(found.problems) == [len(others)]
    found = encoded(pa.array(others, pa.float64()))
    assert not found.problems


def test_first_bad_row_of_all_columns() -> None:
    """Of several problems, the one of the first row is told, whatever its column."""
    found = encoded(pa.array([1.0, 2.0, np.inf]), pa.array([1, 2**53 + 1, 3]))
    with pytest.raises(DataError, match=f"row 102: column 'x1' holds {2**53 + 1}, which float64"):
        found.drop_missing()


def test_levels() -> None:
    """Levels become 0 and 1; a new one is a problem, unless the row has a missing value anyway."""
    numbers = pa.array([1.0, 2.0, None, 4.0])
    found = encoded(numbers, pa.array(["b", "a", "new", ""]), levels=("a", "b", "c"))
    assert found.problems == {}
    assert {k: mask.tolist() for k, mask in found.unseen.items()} == {
        1: [False, False, True, False]
    }
    assert found.has_missing.tolist() == [False, False, True, True]
    columns = [*found.columns]
    block = [column.tolist() for column in feature_columns(found.drop_missing(), columns)]
    assert block == [[1.0, 2.0], [1.0, 0.0], [0.0, 0.0]]
    found = encoded(numbers, pa.array(["b", "new", "b", "b"]), levels=("a", "b", "c"))
    with pytest.raises(DataError, match=r"^rows: row 102: column 't' holds 'new', a category not"):
        found.drop_missing()


def test_unseen_level_as_the_baseline() -> None:
    """If asked, a new level has no feature, as the first one."""
    batch = Batch(mock.sentinel.file, [pa.array(["b", "new", "a"])], range(1, 4))
    columns = [Column("t", ("a", "b", "c"))]
    found = encode(batch, columns, unseen="baseline")
    block: list[Any] = [f.tolist() for f in feature_columns(found.drop_missing(), columns)]
    assert block == [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
