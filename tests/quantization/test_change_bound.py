"""The bound on changes: it holds in the whole box of ranges, and is nearly attained."""

import math
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
