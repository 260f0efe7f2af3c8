"""Models for the tests of exports, and rows to predict with them."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from cali_reg.data import california_housing
from cali_reg.runtime import artifacts
from cali_reg.runtime.model import Feature, LinearModel, QuantizedModel
from cali_reg.runtime.schema import Column

PRECISIONS = ["float64", "uint8"]
ROWS: list[list[float]] = california_housing.california_housing().X[:300].tolist()
needs_onnx = pytest.mark.skipif(find_spec("onnx") is None, reason="needs onnx")
# What a C string or comment would stumble over, a shell, a format, or a reader's eye.
NAMES = [
    *('say "x"', "back\\slash", "end */ int x; /*", "// line \\", "trigraph ??/", "??=??'"),
    *("two\nlines\r", "tab\t", "%s%n", "\x01" + "17", "", "'"),
    *("Größe", "面積 😀", "left\u202eright"),
]


def load(folder: Path, precision: str) -> tuple[LinearModel, QuantizedModel | None]:
    """Return the model in a folder, and its codes if they are what is exported."""
    model = artifacts.read_model(folder)
    return model, artifacts.read_quantized(folder, model) if precision == "uint8" else None


def linear_model(names: Sequence[str], weights: Sequence[float]) -> LinearModel:
    """Return a model, as read from its file."""
    features = tuple(Feature(n, w, None, 0.0, 1.0) for n, w in zip(names, weights, strict=True))
    columns = tuple(map(Column, names))
    model = LinearModel("y */ \\", columns, -0.1, features, len(features), "exact", {}, (), {}, "")
    return LinearModel.from_json(model.to_json())


def quantized_model(
    made: Path, bits: int, exponents: Sequence[int], codes: Sequence[int]
) -> QuantizedModel:
    """Return a quantized model with codes of one's choice."""
    _, quantized = load(made, "uint8")
    assert quantized is not None
    return quantized._replace(
        bits=bits,
        zero_point=1 << (bits - 1),
        scale=511,
        exponents=tuple(exponents),
        codes=tuple(codes),
        intercept=0.1,
    )
