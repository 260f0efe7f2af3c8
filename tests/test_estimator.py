"""scikit-learn's face: its conventions, and the same bits however the rows come in."""

import inspect
import json
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from random_tables import Table, any_numbers
from regression_tables import TABLES, relative_difference
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from cali_reg.errors import DataError
from cali_reg.estimator import ExactLinearRegression
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.solution import solve

SUPPORT = Path(__file__).parent / "support"
NAMES = ["income", "age", "rooms"]


@pytest.fixture
def table() -> Table:
    """Return 200 rows of full mantissas with some noise."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3)) * [1.0, 20.0, 0.05]
    return X, X @ [1.5, -2.0, 300.0] + 7 + rng.normal(size=200)


def bits(model: ExactLinearRegression) -> tuple[bytes, bytes, bytes]:
    """Return what must not change by a bit."""
    coefficients = np.array([*model.coef_, model.intercept_])
    return (
        coefficients.tobytes(),
        model.standard_errors_.tobytes(),
        model.moments_.to_json().encode(),
    )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [
        ExactLinearRegression(),
        ExactLinearRegression(fit_intercept=False),
        ExactLinearRegression(alpha=1.0),
    ]
)
def test_scikit_learns_own_checks(estimator: Any, check: Any) -> None:
    """All that scikit-learn asks of a regressor."""
    check(estimator)


# an old scikit-learn does not see the column names of a new polars
@pytest.mark.parametrize(
    "frame", [pd.DataFrame, pytest.param(pl.DataFrame, marks=pytest.mark.locked), pa.table]
)
def test_frames_have_the_bits_of_arrays(table: Table, frame: Any) -> None:
    """Pandas, polars and Arrow give the same model as arrays, and their columns' names."""
    X, y = table
    columns = dict(zip(NAMES, X.T, strict=True))
    model = ExactLinearRegression().fit(frame(columns), y)
    assert bits(model) == bits(ExactLinearRegression().fit(X, y))
    assert model.feature_names_in_.tolist() == NAMES
    assert (
        model.predict(frame(columns)).tobytes()
        == ExactLinearRegression().fit(X, y).predict(X).tobytes()
    )
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame(dict(zip("abc", X.T, strict=True))))


def test_series_and_mixed_columns(table: Table) -> None:
    """Integers, booleans and floats of several widths side by side, with a Series as target."""
    X, y = table
    frame = pd.DataFrame(
        {
            "whole": np.round(X[:, 1]).astype(np.int64),
            "flag": X[:, 0] > 0,
            "single": X[:, 2].astype(np.float32),
            "double": X[:, 0],
        }
    )
    expected = ExactLinearRegression().fit(frame.to_numpy(dtype=np.float64), y)
    assert bits(ExactLinearRegression().fit(frame, pd.Series(y))) == bits(expected)
    assert bits(ExactLinearRegression().fit(pl.from_pandas(frame), pl.Series(y))) == bits(expected)


@pytest.mark.parametrize("series", [list, tuple, pd.Series, pl.Series, pa.array])
def test_targets_of_any_type(table: Table, series: Any) -> None:
    """The target may be a list, a Series or an Arrow array."""
    X, y = table
    expected = ExactLinearRegression().fit(X, y)
    assert bits(ExactLinearRegression().fit(X, series(y.tolist()))) == bits(expected)


REFUSED = {
    "missing in pandas": (pd.DataFrame({"a": pd.array([0, None, 2], dtype="Int64")}), DataError),
    "missing in polars": (pl.DataFrame({"a": [0, None, 2]}), DataError),
    "missing in Arrow": (pa.table({"a": [0, None, 2]}), DataError),
    "missing in a list": ([[0.0], [None], [2.0]], DataError),
    "masked": (np.ma.array([[0.0], [1.0], [2.0]], mask=[[False], [True], [False]]), DataError),
    "infinite": ([[0.0], [np.inf], [2.0]], DataError),
    "rounded": ([[2**53 + 1], [1], [2]], DataError),
    "dates": (pd.DataFrame({"a": pd.date_range("2020", periods=3)}), DataError),
    "categories": (pd.DataFrame({"a": pd.Categorical(list("abc"))}), DataError),
    "text": ([["a"], ["b"], ["c"]], ValueError),
    "text in pandas": (pd.DataFrame({"a": list("abc")}), ValueError),
    "complex": (np.array([[0j], [1], [2]]), ValueError),
    "no rows": (np.empty((0, 1)), ValueError),
    "fewer rows": ([[0.0], [1.0]], ValueError),
    "one dimension": ([0.0, 1.0, 2.0], ValueError),
    "sparse": (csr_array([[0.0], [1.0], [2.0]]), TypeError),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_fit_refuses(case: str) -> None:
    """As the docstring of `fit` says: with the errors that it names."""
    X, error = REFUSED[case]
    with pytest.raises(error):
        ExactLinearRegression().fit(X, [0.0, 1.0, 4.0])


@pytest.mark.parametrize(
    ("X", "error"),
    [
        ([[np.nan]], ValueError),
        ([[np.inf]], ValueError),
        ([["a"]], ValueError),
        ([[1.0, 2.0]], ValueError),
        ([1.0], ValueError),
        (csr_array([[1.0]]), TypeError),
    ],
    ids=["NaN", "infinite", "text", "more columns", "one dimension", "sparse"],
)
def test_what_predict_refuses(X: Any, error: type[Exception]) -> None:
    """As the docstring of `predict` says; before a fit, nothing is predicted."""
    with pytest.raises(NotFittedError):
        ExactLinearRegression().predict([[1.0]])
    model = ExactLinearRegression().fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 4.0])
    with pytest.raises(error):
        model.predict(X)


def test_documented_attributes_are_all_there_is() -> None:
    """The docstring lists what a fit leaves, and nothing else."""
    model = ExactLinearRegression().fit(pd.DataFrame({"a": [0.0, 1.0, 2.0]}), [0.0, 1.0, 4.0])
    lines = re.findall(r"^((?:\w+_, )*\w+_) : ", inspect.getdoc(ExactLinearRegression) or "", re.M)
    documented = ", ".join(lines).split(", ")
    found = {name for name in dir(model) if name.endswith("_") and not name.startswith("_")}
    assert found == set(documented)


def test_errors_name_the_frames_column(table: Table) -> None:
    """NaN in a frame, and a coefficient beyond float64, are reported by name."""
    X, y = table
    frame = pd.DataFrame(X, columns=NAMES)
    frame.loc[17, "age"] = np.nan
    with pytest.raises(DataError, match=r"column 'age' holds NaN \(row 18\)"):
        ExactLinearRegression().fit(frame, y)
    frame = pd.DataFrame(X * 1e-300, columns=NAMES)
    with pytest.raises(DataError, match="the coefficient of column 'income' is beyond float64"):
        ExactLinearRegression().fit(frame, y * 1e300)


@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.int64, np.uint8, bool])
def test_types_give_the_same_model(dtype: Any) -> None:
    """Numbers that are float64 too give the bits of the float64 array."""
    rng = np.random.default_rng(0)
    X, y = (rng.random((60, 2)) * 90).astype(dtype), rng.random(60).astype(np.float32)
    expected = ExactLinearRegression().fit(X.astype(np.float64), y.astype(np.float64))
    assert bits(ExactLinearRegression().fit(X, y)) == bits(expected)


@pytest.mark.parametrize("seed", range(3))
def test_rows_in_any_order_and_layout(table: Table, seed: int) -> None:
    """Shuffled rows, column-major arrays, lists: not one bit differs."""
    X, y = table
    expected = bits(ExactLinearRegression().fit(X, y))
    order = np.random.default_rng(seed).permutation(len(y))
    assert bits(ExactLinearRegression().fit(X[order], y[order])) == expected
    assert bits(ExactLinearRegression().fit(np.asfortranarray(X[order]), y[order])) == expected
    assert bits(ExactLinearRegression().fit(X[order].tolist(), y[order].tolist())) == expected
    assert bits(ExactLinearRegression().fit(X[::-1], y[::-1])) == expected


@pytest.mark.parametrize("batch", [1, 7, 150])
@pytest.mark.parametrize("alpha", [0.0, 2.0])
def test_partial_fit_equals_fit(table: Table, batch: int, alpha: float) -> None:
    """Batches of any size end in the model of all rows, and the model is right after each."""
    X, y = table
    model = ExactLinearRegression(alpha=alpha)
    for start in range(0, len(y), batch):
        model.partial_fit(X[start : start + batch], y[start : start + batch])
    assert bits(model) == bits(ExactLinearRegression(alpha=alpha).fit(X, y))


def test_fit_starts_anew(table: Table) -> None:
    """`fit` forgets what was fitted before; `partial_fit` goes on from it."""
    X, y = table
    model = ExactLinearRegression().fit(X[:50], y[:50]).fit(X[50:], y[50:])
    assert bits(model) == bits(ExactLinearRegression().fit(X[50:], y[50:]))
    assert bits(model.partial_fit(X[:50], y[:50])) == bits(ExactLinearRegression().fit(X, y))


def test_partial_fit_wants_the_same_columns(table: Table) -> None:
    """A batch with other columns is refused, and changes nothing."""
    X, y = table
    model = ExactLinearRegression().partial_fit(X, y)
    before = bits(model)
    with pytest.raises(ValueError, match=r"2 features, but .* expecting 3"):
        model.partial_fit(X[:, :2], y)
    assert bits(model) == before


def predict_by_hand(model: ExactLinearRegression, rows: list[list[float]]) -> list[float]:
    """Return ((b + w0 x0) + w1 x1) + ..., one rounding an operation."""
    predictions = []
    for row in rows:
        value = float(model.intercept_)
        for weight, x in zip(model.coef_.tolist(), row, strict=True):
            value = value + weight * x
        predictions.append(value)
    return predictions


@pytest.mark.parametrize("seed", range(3))
def test_predict_is_defined_left_to_right(table: Table, seed: int) -> None:
    """A loop in Python gives the same bits, for rows laid out in any way."""
    model = ExactLinearRegression().fit(*table)
    X = np.random.default_rng(seed).normal(size=(1001, 3)) * [1.0, 20.0, 0.05]
    expected = np.array(predict_by_hand(model, X.tolist()))
    for layout in (X, np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2]):
        assert model.predict(layout).tobytes() == expected.tobytes()
    one_by_one = [model.predict(row[None])[0] for row in X[:20]]
    assert one_by_one == expected[:20].tolist()


@given(
    st.lists(st.tuples(any_numbers, any_numbers, any_numbers), min_size=1, max_size=5),
    st.lists(any_numbers, min_size=4, max_size=4),
)
def test_predict_at_the_limits_of_float64(rows: list[Any], coefficients: list[float]) -> None:
    """Subnormals, overflow, infinity less infinity and signed zeros: as the loop does."""
    model = ExactLinearRegression().fit([[0.0, 0.0, 0.0], [1.0, 2.0, 4.0]], [0.0, 1.0])
    model.coef_, model.intercept_ = np.array(coefficients[1:]), coefficients[0]
    with np.errstate(over="ignore", invalid="ignore"):
        found = model.predict(np.array(rows))
    expected = np.array(predict_by_hand(model, rows))
    np.testing.assert_array_equal(found, expected, strict=True)
    assert (np.signbit(found) == np.signbit(expected))[~np.isnan(found)].all()


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_agrees_with_scikit_learn(table: Table, fit_intercept: bool) -> None:
    """LinearRegression and Ridge give the same but for their rounding errors."""
    X, y = table
    ours = ExactLinearRegression(fit_intercept=fit_intercept).fit(X, y)
    theirs = LinearRegression(fit_intercept=fit_intercept).fit(X, y)
    assert_allclose(ours.coef_, theirs.coef_, rtol=1e-9)
    assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-9)
    assert_allclose(ours.score(X, y), theirs.score(X, y), rtol=1e-12)
    ours = ExactLinearRegression(fit_intercept=fit_intercept, alpha=3.0).fit(X, y)
    ridge = Ridge(alpha=3.0, fit_intercept=fit_intercept, solver="svd").fit(X, y)
    assert_allclose(ours.coef_, ridge.coef_, rtol=1e-7)
    assert_allclose(ours.intercept_, ridge.intercept_, rtol=1e-7)


def test_least_norm_agrees_with_scikit_learn(table: Table) -> None:
    """With a column twice both share its coefficient; the rank says so."""
    X, y = table
    X = np.column_stack([X[:, 0], X[:, 0], X[:, 2]])
    ours, theirs = ExactLinearRegression().fit(X, y), LinearRegression().fit(X, y)
    assert_allclose(ours.coef_, theirs.coef_, rtol=1e-9)
    assert ours.rank_ == 2
    assert ours.coef_[0] == ours.coef_[1]


def test_attributes_are_the_solutions(table: Table) -> None:
    """What the estimator shows is what `solve` returns for its moments."""
    X, y = table
    model = ExactLinearRegression(alpha=0.0).fit(X, y)
    solution = solve(Moments.from_arrays(X, y))
    assert tuple(model.coef_) == solution.coefficients
    assert (model.intercept_, model.rank_) == (solution.intercept, 3)
    assert tuple(model.standard_errors_) == solution.standard_errors
    assert model.moments_ == Moments.from_arrays(X, y)
    assert model.coef_.dtype == np.float64
    assert model.n_features_in_ == 3


def test_clone_and_parameters() -> None:
    """A clone has the parameters and no fit."""
    model = ExactLinearRegression(fit_intercept=False, alpha=0.5).fit([[1.0], [2.0]], [1.0, 2.0])
    copy = clone(model)
    assert copy.get_params() == {"fit_intercept": False, "alpha": 0.5}
    assert not hasattr(copy, "coef_")


def test_pickle(table: Table) -> None:
    """A model comes back with its bits, predicts, and can go on learning."""
    X, y = table
    model = ExactLinearRegression().fit(X[:150], y[:150])
    again = pickle.loads(pickle.dumps(model))  # noqa: S301
    assert bits(again) == bits(model)
    assert again.predict(X).tobytes() == model.predict(X).tobytes()
    assert bits(again.partial_fit(X[150:], y[150:])) == bits(ExactLinearRegression().fit(X, y))


def test_pipeline_and_grid_search(table: Table) -> None:
    """It works as a step, and its penalty can be searched."""
    X, y = table
    search = GridSearchCV(
        make_pipeline(StandardScaler(), ExactLinearRegression()),
        {"exactlinearregression__alpha": [0.0, 1.0, 1e6]},
        cv=4,
    )
    search.fit(X, y)
    assert search.best_params_["exactlinearregression__alpha"] < 1e6
    assert search.best_score_ > 0.5
    assert len(cross_val_score(ExactLinearRegression(), X, y, cv=3)) == 3


@pytest.mark.parametrize("value", [1, "yes", None, np.nan])
def test_fit_intercept_is_true_or_false(value: Any) -> None:
    """Anything else is refused when fitting, as scikit-learn does."""
    with pytest.raises(DataError, match=r"fit_intercept is .*; expected True or False"):
        ExactLinearRegression(fit_intercept=value).fit([[1.0], [2.0]], [1.0, 2.0])


def test_names_of_statsmodels() -> None:
    """The attributes have statsmodels' numbers, with the intercept first; intervals its alpha."""
    theirs = json.loads((SUPPORT / "statsmodels.json").read_text("utf-8"))["tables"]
    for name in ("stackloss", "stackloss, no intercept"):
        X, y, fit_intercept, _ = TABLES[name]()
        model = ExactLinearRegression(fit_intercept=fit_intercept).fit(X, y)
        for key in ("params", "bse", "tvalues", "pvalues", "rsquared", "rsquared_adj", "fvalue"):
            assert relative_difference(getattr(model, f"{key}_"), theirs[name][key]) < 1e-12, key
        for key in ("f_pvalue", "llf", "aic", "bic"):
            assert relative_difference(getattr(model, f"{key}_"), theirs[name][key]) < 1e-12, key
        assert relative_difference(model.conf_int(), theirs[name]["conf_int"]) < 1e-12
        assert model.scale_ == pytest.approx(theirs[name]["sigma"] ** 2)
        assert (model.nobs_, model.df_model_) == (21, 3)
        assert model.df_resid_ == 18 - fit_intercept
        narrow, wide = model.conf_int(0.5), model.conf_int(0.01)
        assert (wide[:, 0] < narrow[:, 0]).all()
        assert model.conf_int(0.1).tolist() == [
            [row.low, row.high] for row in model.summary(0.9).table.coefficients
        ]


def test_summary_is_of_the_last_fit() -> None:
    """What was computed of earlier rows is forgotten; a copy has the same numbers."""
    model = ExactLinearRegression().fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 4.0])
    before = model.aic_
    model.partial_fit([[3.0]], [2.0])
    fresh = ExactLinearRegression().fit([[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 4.0, 2.0])
    assert model.aic_ == fresh.aic_ != before
    copy = pickle.loads(pickle.dumps(model))  # noqa: S301 - its own bytes
    assert str(copy.summary()) == str(fresh.summary())


def test_summary_of_what_is_undefined() -> None:
    """Attributes are NaN, the dictionary has None and the reason, and no text shows NaN."""
    model = ExactLinearRegression(alpha=1.0).fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 4.0])
    scalars = [model.bic_, model.scale_, model.fvalue_]
    assert np.isnan([*scalars, *model.bse_, *model.conf_int()[0]]).all()
    values = model.summary().to_dict()
    assert values["reasons"]["bic"] == "there is a ridge penalty"
    assert json.loads(json.dumps(values, allow_nan=False)) == values
    summary = model.summary(details=True)
    assert "nan" not in str(summary)
    assert "there is a ridge penalty" in str(summary)
    assert summary._repr_html_().count("<table>") == 4
    with pytest.raises(DataError, match="between 0 and 1"):
        model.summary(1.0)
    with pytest.raises(NotFittedError):
        ExactLinearRegression().summary()


def test_summary_escapes_names() -> None:
    """A name of a column is text in HTML, and has no control characters in a terminal."""
    frame = pd.DataFrame({"<b>": [0.0, 1.0, 2.0], "a\x1b[31m": [1.0, 0.0, 5.0]})
    summary = ExactLinearRegression().fit(frame.iloc[:, :1], [0.0, 1.0, 4.0]).summary()
    assert "<td>&lt;b&gt;</td>" in summary._repr_html_()
    assert "\x1b" not in str(ExactLinearRegression().fit(frame, [0.0, 1.0, 4.0]).summary())
