"""ONNX graphs: run by others, they predict what the model predicts."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Run
from exported_models import NAMES, PRECISIONS, linear_model, load, needs_onnx, quantized_model

from cali_reg.data import california_housing
from cali_reg.export.onnx_graph import to_onnx


def run_onnx(data: bytes, rows: Any) -> Any:
    """Return the predictions of ONNX Runtime."""
    session = pytest.importorskip("onnxruntime").InferenceSession(data)
    (y,) = session.run(["y"], {"X": rows})
    assert y.shape == (len(rows), 1)
    return y[:, 0]


def reference_onnx(data: bytes, rows: Any) -> Any:
    """Return the predictions of ONNX's own reference."""
    evaluator: Any = pytest.importorskip("onnx.reference").ReferenceEvaluator(data)
    (y,) = evaluator.run(None, {"X": rows})
    return y[:, 0]


@needs_onnx
@pytest.mark.parametrize("evaluate", [run_onnx, reference_onnx])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_onnx_predicts_the_same(made: Path, precision: str, evaluate: Any) -> None:
    """All rows agree to the rounding errors of a sum: MatMul adds up in an order of its own.

    A sum of n products and an intercept, in any order, fused or not, is within (n + 1) 2**-53 of
    the exact one, relative to the sum of magnitudes (Higham, Accuracy and Stability of Numerical
    Algorithms, 2nd ed., section 3.1); that holds for both of the two compared.
    """
    model, quantized = load(made, precision)
    used, X = quantized or model, california_housing.california_housing().X
    difference = np.abs(evaluate(to_onnx(model, quantized), X) - [used.predict(x) for x in X])
    magnitudes = np.abs(X) @ np.abs(used.coefficients) + abs(used.intercept)
    assert (difference <= 2 * (X.shape[1] + 2) * 2.0**-53 * magnitudes).all()
    assert difference.max() < 1e-12


@needs_onnx
@pytest.mark.parametrize("evaluate", [run_onnx, reference_onnx])
@pytest.mark.parametrize("bits", [2, 8, 9, 16])
def test_onnx_dequantizes_exactly(made: Path, bits: int, evaluate: Any) -> None:
    """Rows with a single 1 bring out each coefficient, to the bit, for narrow and wide codes."""
    codes = [0, 1, (1 << bits) - 1, (1 << bits) // 3, 1 << (bits - 1)]
    quantized = quantized_model(made, bits, [0, -3, -1066, 900, 1023], codes)
    quantized = quantized._replace(intercept=0.0)
    data = to_onnx(linear_model("abcde", [1.0] * 5), quantized)
    assert evaluate(data, np.eye(5)).tolist() == list(quantized.coefficients)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_onnx_file(run: Run, made: Path, tmp_path: Path, precision: str) -> None:
    """The file passes ONNX's own check, says what it is, keeps the codes, and is always the same.

    Its bytes hold no version of onnx: 1.17 and 1.23 write the same.
    """
    onnx = pytest.importorskip("onnx")
    path = tmp_path / "model.onnx"
    options = ("export", "--artifacts", made, "--format", "onnx", "--precision", precision)
    assert run(*options, "--out", path) == (0, "", "")
    model, quantized = load(made, precision)
    assert path.read_bytes() == to_onnx(model, quantized)
    loaded = onnx.load(path)
    onnx.checker.check_model(loaded, full_check=True)
    assert (loaded.producer_name, loaded.producer_version) == ("cali-reg", "")
    assert (loaded.ir_version, [opset.version for opset in loaded.opset_import]) == (7, [13])
    properties = {entry.key: entry.value for entry in loaded.metadata_props}
    assert json.loads(properties.pop("features")) == list(model.names)
    expected = {"model": model.fingerprint, "precision": precision, "target": model.target}
    assert properties == expected
    tensors = {t.name: onnx.numpy_helper.to_array(t).ravel() for t in loaded.graph.initializer}
    if quantized is None:
        assert tuple(tensors["coefficients"]) == model.coefficients
    else:
        assert tensors["codes"].dtype == np.uint8
        assert tuple(tensors["codes"]) == quantized.codes
        assert tensors["zero_point"] == quantized.zero_point
    assert len(path.read_bytes()) < 800


def test_onnx_takes_any_name() -> None:
    """Names are metadata; they come back as they were."""
    onnx = pytest.importorskip("onnx")
    loaded = onnx.load_from_string(to_onnx(linear_model(NAMES, [1.0] * len(NAMES))))
    properties = {entry.key: entry.value for entry in loaded.metadata_props}
    assert json.loads(properties["features"]) == NAMES
    assert properties["target"] == "y */ \\"


def test_onnx_is_not_installed(
    run: Run, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without onnx, one line names the extra; nothing is written, and the others work."""
    monkeypatch.setitem(sys.modules, "onnx", None)
    path = tmp_path / "model.onnx"
    options = ("export", "--artifacts", made, "--out", path, "--format")
    code, out, err = run(*options, "onnx")
    assert (code, out) == (2, "")
    expected = "needs the extra cali-reg[onnx]: pip install 'cali-reg[onnx]'"
    assert err == f"cali-reg export: {expected}\n"
    assert not path.exists()
    assert run(*options, "c")[0] == run(*options, "json")[0] == 0


def test_onnx_needs_a_file(run: Run, made: Path) -> None:
    """Binary data is not for a terminal."""
    code, out, err = run("export", "--artifacts", made, "--format", "onnx")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "name a file with --out" in err
