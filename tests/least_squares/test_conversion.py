"""Conversion: what no float64 equals is refused by name, and never rounded in silence."""

from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from cali_reg.errors import DataError
from cali_reg.estimator import ExactLinearRegression
from cali_reg.least_squares.moments import Moments

BIG = 2**53 + 1  # the first integer that is no float64
LONG = np.nextafter(np.longdouble(1), np.longdouble(2))

needs_longdouble = pytest.mark.skipif(
    np.finfo(np.longdouble).nmant == np.finfo(np.float64).nmant, reason="longdouble is float64"
)

TABLES: dict[str, Any] = {
    "int64": np.array([[1, 1], [2, BIG]]),
    "uint64": np.array([[1, 1], [2, 2**64 - 1]], dtype=np.uint64),
    "object": np.array([[1.5, 1], [2, BIG]], dtype=object),
    "NumPy's integers in an object array": np.array([[1.5, 1], [2, np.int64(BIG)]], dtype=object),
    "list": [[1, 1], [2, -BIG]],
    "mixed list": [[0.5, 1], [2, BIG]],
    "list of NumPy's integers": [[0.5, 1], [2, np.uint64(BIG)]],
    "beyond float64": [[0.5, 1], [2, 10**400]],
    "fractions": [[0.5, 1], [2, Fraction(1, 3)]],
    "tuple": ((0.5, 1), (2, BIG)),
    "pandas": pd.DataFrame({"x0": [1, 2], "x1": [1, BIG]}),
    "mixed pandas": pd.DataFrame({"x0": [0.5, 2.0], "x1": [1, BIG]}),
    "nullable pandas": pd.DataFrame({"x0": [0.5, 2.0], "x1": pd.array([1, BIG], dtype="Int64")}),
    "mixed polars": pl.DataFrame({"x0": [0.5, 2.0], "x1": [1, BIG]}),
    "polars": pl.DataFrame({"x0": [1, 2], "x1": [1, BIG]}),
    "longdouble": pytest.param(
        np.array([[1, 1], [2, LONG]], dtype=np.longdouble), marks=needs_longdouble
    ),
}

every_table = pytest.mark.parametrize("X", TABLES.values(), ids=TABLES.keys())


@every_table
def test_moments_refuse_what_no_float64_equals(X: Any) -> None:
    """The message names the column, the row and the reason, whatever holds the number."""
    with pytest.raises(DataError, match=r"column 'x1' holds -?\d.* \(row 1\): no float64 equals"):
        Moments.from_arrays(X, [1, 2])


@every_table
def test_the_estimator_refuses_what_no_float64_equals(X: Any) -> None:
    """scikit-learn's own conversion, which rounds, does not come first."""
    with pytest.raises(DataError, match=r"column 'x1' holds -?\d.* \(row 1\): no float64 equals"):
        ExactLinearRegression().fit(X, [1, 2])


@pytest.mark.parametrize(
    "y",
    [
        [1, BIG],
        [0.5, BIG],
        np.array([1, BIG]),
        np.array([0.5, BIG], dtype=object),
        pd.Series([1, BIG]),
        pd.Series([0.5, BIG], dtype=object),
        pl.Series([1, BIG]),
    ],
    ids=["list", "mixed list", "int64", "object", "pandas", "pandas objects", "polars"],
)
def test_the_target_is_refused_too(y: Any) -> None:
    """A target that would be rounded is refused under its name, by both faces."""
    for fit in (Moments.from_arrays, ExactLinearRegression().fit):
        with pytest.raises(DataError, match=r"column 'y' holds 9007199254740993 \(row 1\)"):
            fit(np.ones((2, 1)), y)


def test_the_row_is_counted_from_the_first_block() -> None:
    """A number in a later block is reported at its place in the table, under the given name."""
    X = np.ones((20_000, 2), dtype=np.int64)
    X[17_321, 0] = BIG
    with pytest.raises(DataError, match=r"column 'income' holds .* \(row 17321\)"):
        Moments.from_arrays(X, np.ones(20_000), names=["income", "age", "price"])


def test_columns_of_one_name_are_all_looked_at() -> None:
    """A frame with a name twice hides no number."""
    frame = pd.DataFrame([[0.5, BIG], [1.0, 1]], columns=["a", "a"])
    frame.isetitem(1, [BIG, 1])
    with pytest.raises(DataError, match=r"column 'a' holds 9007199254740993 \(row 0\)"):
        Moments.from_arrays(frame, [1, 2])


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (np.array([["a"], ["b"]]), "holds <U1 values; expected numbers"),
        (np.array([[1j], [2]]), "holds complex128 values; expected numbers"),
        (np.array([["2020-01-01"], ["2020-01-02"]], dtype="M8[D]"), "holds datetime64.* expected"),
        (np.array([[1.0], [None]], dtype=object), r"holds None \(row 1\): it is not a number"),
        (np.array([[1.0], ["n/a"]], dtype=object), r"holds n/a \(row 1\): it is not a number"),
    ],
    ids=["text", "complex", "dates", "none", "text in objects"],
)
def test_what_is_no_number_is_refused(value: Any, why: str) -> None:
    """The message says what was found and what was expected."""
    with pytest.raises(DataError, match=f"column 'x0' {why}"):
        Moments.from_arrays(value, [1, 2])
