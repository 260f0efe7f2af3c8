"""JSON exports: whoever follows their formulas predicts what the model predicts."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from commands import Run
from exported_models import PRECISIONS, ROWS, load

from cali_reg.runtime import fingerprinted_json
from cali_reg.runtime.model import predict_row


@pytest.mark.parametrize("precision", PRECISIONS)
def test_json_gives_the_same_bits(run: Run, made: Path, precision: str) -> None:
    """Another program that follows the formulas in the file gets the model's bits."""
    options = ("--format", "json", "--precision", precision)
    code, out, err = run("export", "--artifacts", made, *options)
    model, quantized = load(made, precision)
    used, found = quantized or model, json.loads(out)
    assert (code, err) == (0, "")
    assert (found["target"], found["model"]) == (model.target, model.fingerprint)
    assert (found["precision"], found["features"]) == (precision, list(model.names))
    for row in ROWS:
        assert predict_row(found["intercept"], found["coefficients"], row) == used.predict(row)
    fingerprinted_json.load("export", (1,), out.encode(), "export.json")
    if quantized is not None:
        for weight, digit, exponent in zip(
            found["coefficients"], found["codes"], found["exponents"], strict=True
        ):
            value = found["scale"] * (digit - found["zero_point"]) * Fraction(2) ** (exponent - 8)
            assert Fraction(weight) == value
