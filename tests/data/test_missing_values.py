"""Missing values: counted by column, in any order of the batches, and named by their first row."""

import numpy as np
import pytest

from cali_reg.data.missing_values import MissingValues, rows_with_missing
from cali_reg.errors import DataError
from cali_reg.runtime.schema import Column


def test_rows_with_missing_values() -> None:
    """A row counts once, however many of its values are missing."""
    masks = {0: np.array([True, False, False, True]), 2: np.array([True, False, True, False])}
    assert rows_with_missing(masks, 4).tolist() == [True, False, True, True]
    assert rows_with_missing({}, 2).tolist() == [False, False]


def test_counts_add_up_in_any_order() -> None:
    """Sums do not depend on the order; the first row is that of the first file."""
    a = MissingValues((1, 0), 1, ("b.csv", 2))
    b = MissingValues((2, 3), 4, ("a.csv", 9))
    none = MissingValues((0, 0))
    assert a + b == b + a == MissingValues((3, 3), 5, ("a.csv", 9))
    assert none + a == a
    assert none + none == none


def test_missing_values_are_an_error() -> None:
    """The message counts rows and values, names the first row, and says what to do."""
    columns = [Column("x"), Column("y")]
    MissingValues((0, 0)).require_none(columns, "drop them")
    with pytest.raises(DataError) as error:
        MissingValues((2, 0), 2, ("a.csv", 9)).require_none(columns, "drop them")
    assert str(error.value) == (
        "rows with missing values: 2 (x 2); the first is row 9 of a.csv: drop them"
    )
