"""Conversion: what no float64 equals is refused by name, and never rounded in silence."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
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
    with pytest.raises(DataError, match=r"column 'x1' holds -?\d.* \(row 2\): no float64 equals"):
        Moments.from_arrays(X, [1, 2])


@every_table
def test_the_estimator_refuses_what_no_float64_equals(X: Any) -> None:
    """scikit-learn's own conversion, which rounds, does not come first."""
    with pytest.raises(DataError, match=r"column 'x1' holds -?\d.* \(row 2\): no float64 equals"):
        ExactLinearRegression().fit(X, [1, 2])


@every_table
def test_predict_refuses_what_fit_refuses(X: Any) -> None:
    """A prediction rounds no number either, as for a file."""
    model = ExactLinearRegression().fit([[0.0, 1.0], [1.0, 5.0], [2.0, 3.0]], [1, 2, 4])
    with pytest.raises(DataError, match=r"column 'x1' holds -?\d.* \(row 2\): no float64 equals"):
        model.predict(X)


DECIMALS = [["0.1", "3"], ["1e-400", "9007199254740993"], ["2.675", "-1"], ["-7.1", "0.2"]]


@pytest.mark.parametrize(
    "frame", [np.array, list, pd.DataFrame, pl.DataFrame, pa.table], ids=lambda f: f.__module__
)
def test_decimals_are_rounded_to_the_nearest(frame: Any) -> None:
    """As the same digits in a CSV file are, in fit, in predict and in moments."""
    cells = [[Decimal(text) for text in row] for row in DECIMALS]
    if frame in (pl.DataFrame, pa.table):  # whose decimals have a fixed scale
        cells[1][0] = Decimal("0.3")
        columns = {f"x{j}": [row[j] for row in cells] for j in range(2)}
        if frame is pa.table:
            columns = {name: pa.array(c, pa.decimal128(30, 5)) for name, c in columns.items()}
        X = frame(columns)
    else:
        X = frame(cells)
    floats = np.array([[float(str(value)) for value in row] for row in cells])
    y: Any = [Decimal("0.1"), Decimal(2), Decimal(3), Decimal("4.7")]
    rounded = [0.1, 2.0, 3.0, 4.7]
    model = ExactLinearRegression().fit(X, y)
    expected = ExactLinearRegression().fit(floats, rounded)
    assert (model.coef_.tolist(), model.intercept_) == (
        expected.coef_.tolist(),
        expected.intercept_,
    )
    assert model.predict(X).tolist() == expected.predict(floats).tolist()
    assert Moments.from_arrays(X, y) == Moments.from_arrays(floats, rounded)


@pytest.mark.parametrize("value", ["1e400", "-1e400"])
def test_decimals_beyond_float64_are_refused(value: str) -> None:
    """They are no infinity."""
    table = [[Decimal(1)], [Decimal(value)]]
    with pytest.raises(
        DataError, match=r"column 'x0' holds -?1E\+400 \(row 2\): no float64 equals"
    ):
        ExactLinearRegression().fit(table, [1, 2])
    model = ExactLinearRegression().fit([[1.0], [2.0]], [1, 2])
    with pytest.raises(
        DataError, match=r"column 'x0' holds -?1E\+400 \(row 2\): no float64 equals"
    ):
        model.predict(table)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_blanks_around_names_do_not_count(frame: Any) -> None:
    """A header with blanks, in fit or in predict, names the same columns; the frame stays."""
    plain = {"a": [0.0, 1.0, 2.0], "b": [1.0, 5.0, 3.0]}
    blanks = frame({" a": plain["a"], "b\t": plain["b"]})
    first = ExactLinearRegression().fit(blanks, [1, 2, 4])
    assert first.feature_names_in_.tolist() == ["a", "b"]
    second = ExactLinearRegression().fit(frame(plain), [1, 2, 4])
    assert first.predict(frame(plain)).tolist() == second.predict(blanks).tolist()
    names: Any = getattr(blanks, "column_names", getattr(blanks, "columns", None))
    assert list(names) == [" a", "b\t"]


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
        with pytest.raises(DataError, match=r"column 'y' holds 9007199254740993 \(row 2\)"):
            fit(np.ones((2, 1)), y)


def test_the_row_is_counted_from_the_first_block() -> None:
    """A number in a later block is reported at its place in the table, under the given name."""
    X = np.ones((20_000, 2), dtype=np.int64)
    X[17_321, 0] = BIG
    with pytest.raises(DataError, match=r"column 'income' holds .* \(row 17322\)"):
        Moments.from_arrays(X, np.ones(20_000), names=["income", "age", "price"])


def test_columns_of_one_name_are_all_looked_at() -> None:
    """A frame with a name twice hides no number."""
    frame = pd.DataFrame([[0.5, BIG], [1.0, 1]], columns=["a", "a"])
    frame.isetitem(1, [BIG, 1])
    with pytest.raises(DataError, match=r"column 'a' holds 9007199254740993 \(row 1\)"):
        Moments.from_arrays(frame, [1, 2])


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (np.array([["a"], ["b"]]), "holds <U1 values; expected numbers"),
        (np.array([[1j], [2]]), "holds complex128 values; expected numbers"),
        (np.array([["2020-01-01"], ["2020-01-02"]], dtype="M8[D]"), "holds datetime64.* expected"),
        (np.array([[1.0], [None]], dtype=object), r"holds None \(row 2\): it is not a number"),
        (np.array([[1.0], ["n/a"]], dtype=object), r"holds n/a \(row 2\): it is not a number"),
    ],
    ids=["text", "complex", "dates", "none", "text in objects"],
)
def test_what_is_no_number_is_refused(value: Any, why: str) -> None:
    """The message says what was found and what was expected."""
    with pytest.raises(DataError, match=f"column 'x0' {why}"):
        Moments.from_arrays(value, [1, 2])
