"""Prediction intervals: their numbers are exact, their order of operations is defined."""

import json
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import reference
from intervals import interval_of, usual_rows
from random_tables import Table
from scipy import stats
from table_data import train_on

from cali_reg.data.california_housing import Table as Rows
from cali_reg.errors import FormatError, UsageError
from cali_reg.least_squares.predictions import half_widths
from cali_reg.least_squares.solution import LEVELS
from cali_reg.runtime import fingerprinted_json
from cali_reg.runtime.model import LinearModel
from cali_reg.runtime.prediction_interval import Interval


@pytest.mark.parametrize("level", LEVELS)
def test_half_widths_are_the_textbook_formula(level: float) -> None:
    """As floating point gives them from the rows, with SciPy's quantile."""
    X, y = usual_rows(60, 4)
    new = usual_rows(9, 4, seed=1)[0]
    interval, design = interval_of(X, y), np.column_stack([np.ones(60), X])
    residuals = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    triangular = np.linalg.qr(design)[1]
    roots = np.linalg.solve(triangular.T, np.column_stack([np.ones(9), new]).T)
    variance = residuals @ residuals / 55 * (1 + (roots**2).sum(axis=0))
    found = [interval.half_width(row, level) for row in new.tolist()]
    t = stats.t.ppf((1 + level) / 2, 55)
    np.testing.assert_allclose(found, t * np.sqrt(variance), rtol=6e-6)
    np.testing.assert_allclose(
        np.array(found) / interval.quantile(level), np.sqrt(variance), rtol=1e-9
    )


WHOLE = np.random.default_rng(3).integers(-999, 999, (20, 3)).astype(float)


NOISE = np.random.default_rng(4).normal(size=20)


HARD: dict[str, Table] = {
    "usual": usual_rows(),
    "one feature": usual_rows(20, 1),
    "hardly any rows": usual_rows(5, 3),
    "badly scaled": (WHOLE * [1e-250, 1.0, 1e250], NOISE),
    "far from zero": (WHOLE + np.array([2.0**30, 0.0, -(2.0**33)]), NOISE),
    "nearly collinear": (WHOLE @ [[1, 1, 0], [0, 2.0**-20, 0], [0, 0, 1]], NOISE),
}


@pytest.mark.parametrize("case", HARD)
def test_half_widths_of_hard_columns(case: str) -> None:
    """Within few roundings of the rational formula, on training rows and far beyond them."""
    X, y = HARD[case]
    interval = interval_of(X, y)
    s, t = interval.residual_standard_deviation, interval.quantile(0.95)
    for row in [*X[:5], X[0] + 100 * (X[1] - X[2])]:
        exact = t * s * math.sqrt(1 + reference.leverage(X, row.tolist()))
        assert interval.half_width(row.tolist(), 0.95) == pytest.approx(exact, rel=1e-9)


def test_order_of_operations() -> None:
    """Left to right, each operation rounded: another order would give other numbers."""
    ones = ((1.0,), (1.0, 1.0), (1.0, 1.0, 1.0))
    interval = Interval(2**20, 1.0, (0.0, 0.0, 0.0), ones, ((0.5, 1.0),))
    row = [2.0**53, 1.0, -(2.0**53)]
    # w = (2**53, 2**53 + 1, 2**53 + 1 - 2**53), where 2**53 + 1 rounds to 2**53
    total = float(1 + Fraction(1, 2**20 + 4)) + 2.0**106 + 2.0**106 + 0.0
    assert interval.half_width(row, 0.5) == math.sqrt(total)
    small = interval._replace(inverse_cholesky=((1.0,), (0.0, 1.0), (0.0, 0.0, 1.0)))
    one = float(1 + Fraction(1, 2**20 + 4))
    tiny = [2.0**-27, 2.0**-27, 2.0**-27]  # each square is lost on its own
    assert small.half_width(tiny, 0.5) == math.sqrt(one)


def test_undefined_intervals_are_null() -> None:
    """A model without one is stored and read."""
    table = Rows(("a",), "t", np.array([[1.0], [2.0]]), np.array([1.0, 2.0]))
    trained = train_on(table, table)
    assert json.loads(trained.files["model.json"])["interval"] is None
    assert trained.model.interval is None


def test_perfect_fit_has_no_width() -> None:
    """Without residuals the half-width is 0.0."""
    interval = interval_of(WHOLE, 2 * WHOLE[:, 0] + 1)
    assert interval.half_width(WHOLE[0].tolist(), 0.99) == 0.0


def test_unknown_level() -> None:
    """A level that is not stored is refused, with those that are."""
    X, y = usual_rows()
    with pytest.raises(UsageError, match=r"level 0\.94; expected one of 0\.5, .*, 0\.999"):
        interval_of(X, y).half_width(X[0].tolist(), 0.94)
    with pytest.raises(UsageError, match="expected one of"):
        half_widths(X, interval_of(X, y), math.nan)


def test_model_holds_the_interval(made: Any) -> None:
    """model.json gives back the interval of the training rows' exact solution."""
    model = LinearModel.from_json((made / "model.json").read_bytes())
    assert model.interval is not None
    assert model.interval.n_samples == model.scores["train"]["n_samples"]
    assert Interval.from_dict(json.loads(json.dumps(model.interval._asdict())), 8) == model.interval


GOOD = Interval(5, 1.0, (0.0, 1.0), ((1.0,), (-2.0, 3.0)), ((0.5, 0.7), (0.9, 2.0)))._asdict()


FORGED: dict[str, dict[str, Any]] = {
    "no degrees of freedom": {"degrees_of_freedom": 0},
    "boolean degrees of freedom": {"degrees_of_freedom": True},
    "real degrees of freedom": {"degrees_of_freedom": 5.0},
    "negative deviation": {"residual_standard_deviation": -1.0},
    "text as a deviation": {"residual_standard_deviation": "1"},
    "huge deviation": {"residual_standard_deviation": 10**400},
    "no means": {"means": None},
    "a mean too few": {"means": [0.0]},
    "text as means": {"means": "ab"},
    "a row too few": {"inverse_cholesky": [[1.0]]},
    "a short row": {"inverse_cholesky": [[1.0], [3.0]]},
    "a square": {"inverse_cholesky": [[1.0, 0.0], [-2.0, 3.0]]},
    "a number for a row": {"inverse_cholesky": [1.0, [-2.0, 3.0]]},
    "boolean entry": {"inverse_cholesky": [[1.0], [True, 3.0]]},
    "null entry": {"inverse_cholesky": [[1.0], [None, 3.0]]},
    "zero pivot": {"inverse_cholesky": [[1.0], [-2.0, 0.0]]},
    "negative pivot": {"inverse_cholesky": [[-1.0], [-2.0, 3.0]]},
    "no levels": {"quantiles": []},
    "no level and no quantile": {"quantiles": [[]]},
    "a level without a quantile": {"quantiles": [[0.5]]},
    "levels out of order": {"quantiles": [[0.9, 0.7], [0.5, 2.0]]},
    "the same level twice": {"quantiles": [[0.5, 0.7], [0.5, 2.0]]},
    "level 0": {"quantiles": [[0, 0.7]]},
    "level 1": {"quantiles": [[1, 0.7]]},
    "negative quantile": {"quantiles": [[0.5, -0.7], [0.9, 2.0]]},
    "quantiles out of order": {"quantiles": [[0.5, 2.0], [0.9, 0.7]]},
    "unknown field": {"surprise": 1},
}


@pytest.mark.parametrize("case", FORGED)
def test_forged_intervals(case: str) -> None:
    """A well-sealed model with an impossible interval is refused before it is used."""
    data = sealed({**GOOD, **FORGED[case]})
    with pytest.raises(FormatError, match=r"unexpected content .*; create the file again"):
        LinearModel.from_json(data)


@pytest.mark.parametrize("interval", [[], "no", 3, {}, {"means": []}])
def test_intervals_of_another_kind(interval: Any) -> None:
    """Neither null nor an object with all fields."""
    with pytest.raises(FormatError, match=r"unexpected content .*; create the file again"):
        LinearModel.from_json(sealed(interval))


def test_a_model_needs_the_field() -> None:
    """A file without it was not written by this version."""
    model = json.loads(sealed(GOOD))
    del model["interval"], model["format"], model["version"], model["fingerprint"]
    with pytest.raises(FormatError, match=r"unexpected content \('interval'\)"):
        LinearModel.from_json(fingerprinted_json.dump("model", 1, model)[0])
    assert LinearModel.from_json(sealed(GOOD)).interval is not None


def sealed(interval: Any) -> bytes:
    """Return a model of two features with any interval, and a fingerprint to match."""
    features = [
        {"name": name, "coefficient": 1.0, "standard_error": None, "minimum": 0.0, "maximum": 1.0}
        for name in "ab"
    ]
    columns = [{"name": name, "levels": None} for name in "ab"]
    empty = {
        "columns": columns,
        "target": "t",
        "moments": "",
        "ranges": "exact",
        "samples": [],
        "source": {},
    }
    content = {**empty, "features": features, "intercept": 0.0, "rank": 2, "scores": {}}
    return fingerprinted_json.dump("model", 1, {**content, "interval": interval})[0]
