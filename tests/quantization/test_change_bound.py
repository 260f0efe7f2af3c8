"""The bound on changes: it holds in the whole box of ranges, and is nearly attained."""

import itertools
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cali_reg.data import california_housing
from cali_reg.quantization.change_bound import change_bound, largest_change
from cali_reg.runtime import artifacts
from cali_reg.runtime.model import Feature, LinearModel, QuantizedModel
from cali_reg.runtime.schema import Column


def test_bound_holds_in_the_box_and_is_attained(made: Path) -> None:
    """No point of the box of ranges changes by more, and its worst corner nearly by as much."""
    model = artifacts.read_model(made)
    quantized = artifacts.read_quantized(made, model)
    low = np.array([feature.minimum for feature in model.features])
    high = np.array([feature.maximum for feature in model.features])
    rng = np.random.default_rng(0)
    inside = low + (high - low) * rng.random((2000, 8))
    corners = np.where(rng.random((2000, 8)) < 0.5, low, high)
    change = np.array(quantized.coefficients) - np.array(model.coefficients)
    worst = [np.where(change > 0, high, low), np.where(change > 0, low, high)]
    X = np.clip(np.concatenate([inside, corners, worst]), low, high)
    largest = max(abs(model.predict(row) - quantized.predict(row)) for row in X.tolist())
    bound = quantized.contract["max_change_bound"]
    assert 0.99 * bound <= largest <= bound


@given(
    st.lists(
        st.tuples(*[st.floats(-1e6, 1e6)] * 4),
        min_size=1,
        max_size=5,
    )
)
def test_bound_holds_for_any_model(columns: list[tuple[float, float, float, float]]) -> None:
    """The bound covers the roundings of both predictions: no corner ever exceeds it."""
    features = [
        Feature(str(j), weight, None, min(ends), max(ends))
        for j, (weight, _, *ends) in enumerate(columns)
    ]
    model = LinearModel(
        target="y",
        columns=tuple(Column(feature.name) for feature in features),
        intercept=columns[0][0],
        features=tuple(features),
        rank=len(columns),
        ranges="exact",
        scores={},
        samples=(),
        source={},
        moments_fingerprint="",
    )
    steps = [max(-128, min(127, int(v) % 256 - 128)) for _, v, _, _ in columns]
    quantized = QuantizedModel(
        8, 128, 300, (3,) * len(columns), tuple(s + 128 for s in steps), 0.1, "", {}
    )
    bound = change_bound(model, quantized)
    for pick in (min, max):
        pairs = zip(quantized.coefficients, model.features, strict=True)
        ends = [((c - f.coefficient) * x, x) for c, f in pairs for x in (f.minimum, f.maximum)]
        row = [pick(ends[2 * j], ends[2 * j + 1])[1] for j in range(len(columns))]
        assert abs(model.predict(row) - quantized.predict(row)) <= bound


weights = st.floats(-1e3, 1e3)


def one_hot(size: int, levels: list[int]) -> list[list[float]]:
    """Return the features of some levels of a column; level 0 is the baseline."""
    return [[float(k == level) for k in range(1, size + 1)] for level in levels]


@st.composite
def tables(draw: st.DrawFn) -> tuple[LinearModel, list[list[float]]]:
    """Draw a model of numeric and categorical columns, and all corners of its training rows."""
    columns, features, inputs = [], [], []
    for k in range(draw(st.integers(1, 4))):
        size = draw(st.integers(0, 4))
        if draw(st.booleans()):
            column, rows = Column(f"c{k}"), [[draw(weights)], [draw(weights)]]
        else:  # the baseline may be in the rows, as its range is not stored; or all have one level
            column = Column(f"c{k}", tuple("abcde"[: size + 1]))
            seen = draw(st.lists(st.integers(1, size), unique=True)) if size else []
            rows = one_hot(size, seen if len(seen) == 1 else [0, *seen])
        columns.append(column)
        inputs.append(rows)
        for name, *values in zip(column.features, *rows, strict=True):
            features.append(Feature(name, draw(weights), None, min(values), max(values)))
    model = LinearModel(
        "y", tuple(columns), draw(weights), tuple(features), 1, "exact", {}, (), {}, ""
    )
    return model, [list(itertools.chain(*parts)) for parts in itertools.product(*inputs)]


def terms(model: LinearModel | QuantizedModel, row: list[float]) -> list[Fraction]:
    """Return what a prediction adds up: the intercept, then a product for each feature."""
    products = zip(model.coefficients, row, strict=True)
    return [Fraction(model.intercept), *(Fraction(w) * Fraction(x) for w, x in products)]


@given(tables(), st.data())
def test_bound_is_that_of_all_corners(
    table: tuple[LinearModel, list[list[float]]], data: st.DataObject
) -> None:
    """A row has one level of each categorical column: compared with every such corner, exactly."""
    model, corners = table
    codes = tuple(data.draw(st.integers(0, 255)) for _ in model.features)
    quantized = QuantizedModel(8, 128, 300, (2,) * len(codes), codes, 0.1, "", {})
    models, zero = (model, quantized), Fraction(0)
    totals = [[sum(terms(m, x), zero) for x in corners] for m in models]
    largest = max(abs(before - after) for before, after in zip(*totals, strict=True))
    sizes = sum(max(sum(map(abs, terms(m, x)), zero) for x in corners) for m in models)
    n_operations = 2 * len(model.features)
    exact = largest + sizes * n_operations / (2**53 - n_operations)
    bound = change_bound(model, quantized)
    assert math.nextafter(bound, -1.0) < exact <= bound
    assert all(abs(model.predict(x) - quantized.predict(x)) <= bound for x in corners)


def test_version_1_keeps_its_bound() -> None:
    """Codes of an old model were stored with every level at once, so that bound is made again."""
    features = tuple(Feature(f"t={x}", 1.0, None, 0.0, 1.0) for x in "bcd")
    model = LinearModel(
        "y", (Column("t", tuple("abcd")),), 0.0, features, 3, "exact", {}, (), {}, ""
    )
    quantized = QuantizedModel(8, 128, 256, (0,) * 3, (128,) * 3, 0.0, "", {})
    assert 1.0 <= change_bound(model, quantized) < 1.0001
    assert 3.0 <= change_bound(model._replace(version=1), quantized) < 3.0001


def test_bound_covers_the_roundings() -> None:
    """Two intercepts one bit apart, and a sum that is a tie: the predictions differ by 2."""
    feature = Feature("a", 1.0, None, 2.0**53, 2.0**53)
    model = LinearModel("y", (Column("a"),), 1.0, (feature,), 1, "exact", {}, (), {}, "")
    after = math.nextafter(1.0, 2.0)
    quantized = QuantizedModel(8, 128, 256, (0,), (129,), after, "", {})
    assert quantized.coefficients == (1.0,)
    assert quantized.predict([2.0**53]) - model.predict([2.0**53]) == 2.0
    assert change_bound(model, quantized) >= 2.0


def test_measured_change_is_that_of_the_training_rows(made: Path) -> None:
    """Over the training rows, predicted one by one; and below the bound."""
    model = artifacts.read_model(made)
    quantized = artifacts.read_quantized(made, model)
    rows, _ = california_housing.split(california_housing.california_housing(), 0.2, 42)
    largest = max(abs(model.predict(row) - quantized.predict(row)) for row in rows.X.tolist())
    assert largest_change(model, quantized, [rows.X[:1000], rows.X[1000:]]) == largest
    assert quantized.contract["max_change_measured"] == largest
    assert largest <= quantized.contract["max_change_bound"]
