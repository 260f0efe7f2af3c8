"""Quantization: small files, the same accuracy, exact coefficients."""

from fractions import Fraction
from pathlib import Path

import joblib
import pytest
from conftest import Run
from hypothesis import given
from hypothesis import strategies as st

from cali_reg import artifacts, dataset, quantize, split_moments
from cali_reg.model import QuantizedModel
from cali_reg.solve import score
from cali_reg.train import moments_of


def test_output(run: Run, folder: Path) -> None:
    """It says that it saved, both models' scores, and the largest change of a prediction."""
    code, out, err = run("quantize", "--artifacts", folder)
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "✔ Quantised parameters saved"
    for word in ("float64", "0.575788", "uint8", "Largest change of a prediction: 0.0"):
        assert word in out


def test_accuracy_on_the_held_out_rows(made: Path) -> None:
    """R² changes by at most 0.001; min-max codes of raw coefficients give -4190."""
    result = quantize.quantize(made)
    assert abs(result.before.r2 - result.after.r2) <= 0.001
    assert result.before.r2 == artifacts.load_model(made).scores["test"]["r2"]


def test_codes_carry_the_accuracy(made: Path) -> None:
    """Replacing the codes by their mean ruins the model: they are no decoration."""
    model = artifacts.load_model(made)
    quantized = artifacts.load_quantized(made, model)
    mean = round(sum(quantized.codes) / len(quantized.codes))
    flat = QuantizedModel(**{**vars(quantized), "codes": (mean,) * len(quantized.codes)})
    _, held_out = dataset.split(dataset.california_housing(), 0.2, 42)
    scores = score(moments_of(held_out), flat.coefficients, flat.intercept)
    assert scores.r2 < 0


def test_intercept_leaves_no_bias(made: Path) -> None:
    """The refitted intercept makes the training errors sum up to zero, but for its rounding."""
    model = artifacts.load_model(made)
    quantized = artifacts.load_quantized(made, model)
    train = split_moments.load_for(model, made).train
    scores = score(train, quantized.coefficients, quantized.intercept)
    assert abs(scores.bias) <= 2.0**-48


def test_joblib_files_rebuild_the_coefficients(made: Path) -> None:
    """The pair loads with joblib alone, is small, and gives the same bits."""
    paths = made / "quant_params.joblib", made / "scale.joblib"
    codes, (scale, zero_point, exponents, intercept) = map(joblib.load, paths)
    rebuilt = [
        scale / 256 * 2.0**e * (code - zero_point) for code, e in zip(codes, exponents, strict=True)
    ]
    quantized = artifacts.load_quantized(made, artifacts.load_model(made))
    assert tuple(rebuilt) == quantized.coefficients
    assert intercept == quantized.intercept
    assert sum(path.stat().st_size for path in paths) <= 100


@given(
    st.integers(0, 255),
    st.integers(256, 511),
    st.integers(-900, 900),
)
def test_dequantized_coefficients_are_exact(code: int, scale: int, exponent: int) -> None:
    """A coefficient is scale / 256 * 2**exponent * (code - zero_point), without a rounding."""
    model = QuantizedModel(8, 128, scale, (exponent,), (code,), 0.0, "")
    expected = Fraction(scale, 256) * Fraction(2) ** exponent * (code - 128)
    assert Fraction(model.coefficients[0]) == expected


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300))
def test_rounding_to_nearest(weight: float) -> None:
    """Seven bits and a sign: the relative error is at most 2**-7, and codes fit a byte."""
    exponent = quantize._exponent(weight, 127)
    code = round(Fraction(weight) / Fraction(2) ** exponent)
    assert -127 <= code <= 127
    assert abs(code * Fraction(2) ** exponent - Fraction(weight)) <= abs(Fraction(weight)) / 127


@pytest.mark.parametrize("field", ["model.json", "moments.json"])
def test_missing_inputs(run: Run, folder: Path, field: str) -> None:
    """Without a model or its moments, the message says what to run."""
    (folder / field).unlink()
    code, out, err = run("quantize", "--artifacts", folder)
    assert (code, out) == (2, "")
    assert f"{folder / field}: not there; run `cali-reg train` first" in err
