"""Exports: compiled, loaded and read by others, they predict what the model predicts."""

import ast
import json
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Run, run_process
from hypothesis import given
from hypothesis import strategies as st

from cali_reg.data import california_housing
from cali_reg.errors import UsageError
from cali_reg.export.c_header import to_c
from cali_reg.export.json_file import to_json
from cali_reg.export.onnx_graph import to_onnx
from cali_reg.runtime import artifacts, fingerprinted_json
from cali_reg.runtime.model import Feature, LinearModel, QuantizedModel, predict_row
from cali_reg.runtime.schema import Column

PRECISIONS = ["float64", "uint8"]
ROWS: list[list[float]] = california_housing.california_housing().X[:300].tolist()

CC = shutil.which("gcc") or shutil.which("clang") or shutil.which("cc")
CXX = shutil.which("g++") or shutil.which("clang++")
needs_c = pytest.mark.skipif(CC is None, reason="needs a C compiler")
needs_onnx = pytest.mark.skipif(find_spec("onnx") is None, reason="needs onnx")
STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic"]
# Where a processor can fuse a product and a sum, let the compiler do it, if it may.
NATIVE = ["-march=native"] if platform.machine() in ("x86_64", "AMD64") else []

# Reads rows from one file and writes predictions, then names, each with a 0, to another.
PROGRAM = """\
#include "model.h"
#include "model.h"
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    double row[CALI_REG_N_FEATURES], prediction;
    FILE *rows = fopen(argv[1], "rb"), *out = fopen(argv[argc - 1], "wb");
    while (fread(row, sizeof row, 1, rows) == 1) {
        prediction = cali_reg_predict(row);
        fwrite(&prediction, sizeof prediction, 1, out);
    }
    for (int j = 0; j < CALI_REG_N_FEATURES; j++)
        fwrite(cali_reg_features[j], strlen(cali_reg_features[j]) + 1, 1, out);
    return fclose(out);
}
"""

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


def compile_header(
    folder: Path, compiler: str | None, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run a compiler in a folder."""
    assert compiler
    command = [compiler, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def compile_and_run(
    folder: Path, header: bytes, rows: Sequence[Sequence[float]], *flags: str
) -> tuple[list[float], list[str]]:
    """Compile a header, strictly, and return its predictions of some rows, and its names."""
    (folder / "model.h").write_bytes(header)
    (folder / "main.c").write_text(PROGRAM)
    (folder / "rows").write_bytes(b"".join(struct.pack(f"{len(row)}d", *row) for row in rows))
    done = compile_header(folder, CC, *STRICT, *flags, "main.c", "-o", "main.exe")
    assert (done.returncode, done.stderr) == (0, "")
    subprocess.run([folder / "main.exe", "rows", "out"], cwd=folder, check=True)
    data = (folder / "out").read_bytes()
    predictions = struct.unpack_from(f"{len(rows)}d", data)
    return list(predictions), data[8 * len(rows) :].decode().split("\0")[:-1]


@needs_c
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    "flags",
    [["-std=c99", "-O2", "-ffp-contract=off"], ["-std=c11", "-O0"]],
    ids=" ".join,
)
def test_c_gives_the_same_bits(
    run: Run, made: Path, tmp_path: Path, precision: str, flags: list[str]
) -> None:
    """The header compiles without a warning and predicts 300 rows to the bit, for each model."""
    path = tmp_path / "exported.h"
    options = ("--format", "c", "--precision", precision, "--out", path)
    assert run("export", "--artifacts", made, *options) == (0, "", "")
    model, quantized = load(made, precision)
    predictions, names = compile_and_run(tmp_path, path.read_bytes(), ROWS, *flags)
    assert predictions == [(quantized or model).predict(row) for row in ROWS]
    assert names == list(california_housing.FEATURES)


@needs_c
@pytest.mark.parametrize("precision", PRECISIONS)
def test_c_is_not_fused(made: Path, tmp_path: Path, precision: str) -> None:
    """A compiler that is told to fuse products and sums gives the same bits all the same."""
    model, quantized = load(made, precision)
    flags = ["-O3", "-ffp-contract=fast", *NATIVE]
    predictions, _ = compile_and_run(tmp_path, to_c(model, quantized), ROWS, *flags)
    assert predictions == [(quantized or model).predict(row) for row in ROWS]


@needs_c
def test_c_refuses_unsafe_mathematics(made: Path, tmp_path: Path) -> None:
    """Where sums may be reordered, there is an error and no other bits."""
    (tmp_path / "model.h").write_bytes(to_c(artifacts.read_model(made)))
    done = compile_header(tmp_path, CC, "-ffast-math", "-fsyntax-only", "-x", "c", "model.h")
    assert done.returncode != 0
    assert "needs plain float64 arithmetic" in done.stderr


@needs_c
def test_c_refuses_two_models_in_one_program(made: Path, tmp_path: Path) -> None:
    """The guard of one model does not hide another."""
    for precision in PRECISIONS:
        (tmp_path / f"{precision}.h").write_bytes(to_c(*load(made, precision)))
    done = compile_header(
        tmp_path, CC, "-fsyntax-only", "-include", "float64.h", "-x", "c", "uint8.h"
    )
    assert done.returncode != 0
    assert "redefinition" in done.stderr


@pytest.mark.skipif(CXX is None, reason="needs a C++ compiler")
@pytest.mark.parametrize("precision", PRECISIONS)
def test_c_is_cpp_too(made: Path, tmp_path: Path, precision: str) -> None:
    """The header compiles as C++17 without a warning."""
    (tmp_path / "model.h").write_bytes(to_c(*load(made, precision)))
    (tmp_path / "main.cpp").write_text(PROGRAM)
    done = compile_header(tmp_path, CXX, "-std=c++17", *STRICT, "-fsyntax-only", "main.cpp")
    assert (done.returncode, done.stderr) == (0, "")


@needs_c
@pytest.mark.parametrize("bits", [8, 16])
def test_c_takes_any_name_and_number(made: Path, tmp_path: Path, bits: int) -> None:
    """Names come back as they were; so do subnormal and huge numbers, zeros, and 16-bit codes."""
    weights = [0.1, -0.0, 5e-324, -2.5e-310, 1e300, *[1 / 3] * (len(NAMES) - 5)]
    top = (1 << bits) - 1
    codes = [0, top, 1 << (bits - 1), *[top // 3] * (len(NAMES) - 3)]
    exponents = [-1066, 900, 1023, *range(len(NAMES) - 3)]
    model = linear_model(NAMES, weights)
    for quantized in (None, quantized_model(made, bits, exponents, codes)):
        rows = [[1.0, 1e-3, 3.0, -7.0, 1e-5, *[0.7] * (len(NAMES) - 5)], [0.0] * len(NAMES)]
        header = to_c(model, quantized)
        predictions, names = compile_and_run(tmp_path, header, rows, "-std=c99", "-O2")
        assert predictions == [(quantized or model).predict(row) for row in rows]
        assert names == NAMES


@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=4))
def test_c_strings_are_closed_and_plain(names: list[str]) -> None:
    """Whatever a name is, its literal is printable ASCII without ?, *, / and stray quotes."""
    header = to_c(linear_model(names, [1.0] * len(names))).decode("ascii")
    _, start, rest = header.partition("cali_reg_features[CALI_REG_N_FEATURES] = {\n")
    lines = rest.partition("\n};")[0].split("\n")
    assert start
    for name, line in zip(names, lines, strict=True):
        match = re.fullmatch(r'    ("(?:[^"\\?*/\x00-\x1f\x7f]|\\[0-7]{3})*"),?', line)
        assert match
        assert f"] {match[1]}\n" in header  # in the comment, too
        assert ast.literal_eval(f"b{match[1]}") == name.encode()  # Python reads octals as C does


def test_c_writes_the_codes_themselves(made: Path) -> None:
    """Codes, exponents, scale and zero point stand in the header as in quantized.json."""
    model, quantized = load(made, "uint8")
    assert quantized is not None
    text = to_c(model, quantized).decode()
    for kind, name in (("uint8_t", "codes"), ("int16_t", "exponents")):
        array = re.search(rf"static const {kind} cali_reg_{name}\[\w+\] = {{(.*?)}}", text, re.S)
        assert array
        assert tuple(map(int, array[1].split(","))) == getattr(quantized, name)
    assert f"#define CALI_REG_INTERCEPT ({quantized.intercept.hex()})\n" in text
    assert f"#define CALI_REG_SCALE {quantized.scale} " in text
    assert f"#define CALI_REG_ZERO_POINT {quantized.zero_point}\n" in text


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
    fingerprinted_json.load("export", 1, out.encode(), "export.json")
    if quantized is not None:
        for weight, digit, exponent in zip(
            found["coefficients"], found["codes"], found["exponents"], strict=True
        ):
            value = found["scale"] * (digit - found["zero_point"]) * Fraction(2) ** (exponent - 8)
            assert Fraction(weight) == value


@pytest.mark.parametrize("kind", ["c", "json"])
def test_standard_output_is_the_file(folder: Path, tmp_path: Path, kind: str) -> None:
    """The same bytes, whatever the terminal's encoding and the system's line ends."""
    (folder / "model.json").write_bytes(linear_model(NAMES, [1.0] * len(NAMES)).to_json())
    path = tmp_path / "new" / "model"
    options = ("export", "--artifacts", folder, "--format", kind)
    encoding = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    printed = run_process(*options, env={**os.environ, **encoding})
    written = run_process(*options, "--out", path)
    assert (printed.returncode, printed.stderr) == (0, b"")
    assert (written.returncode, written.stdout, written.stderr) == (0, b"", b"")
    assert path.read_bytes() == printed.stdout
    assert b"\r" not in printed.stdout


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


@pytest.mark.parametrize("kind", ["c", "json", pytest.param("onnx", marks=needs_onnx)])
def test_missing_and_stale_models(run: Run, folder: Path, tmp_path: Path, kind: str) -> None:
    """No model, no codes, or codes of another model: one line with the command that helps."""
    path = tmp_path / "out"
    options = ("export", "--format", kind, "--out", path, "--precision", "uint8", "--artifacts")
    other = linear_model(california_housing.FEATURES, [1.0] * 8).to_json()
    cases: dict[str, tuple[str, bytes | None]] = {
        "made from another model; run `cali-reg quantize`": ("model.json", other),
        "run `cali-reg quantize` first": ("quantized.json", None),
        "run `cali-reg train` first": ("model.json", None),
    }
    for message, (name, data) in cases.items():
        (folder / name).unlink()
        if data is not None:
            (folder / name).write_bytes(data)
        code, out, err = run(*options, folder)
        assert (code, out) == (2, "")
        assert err.count("\n") == 1
        assert message in err
        assert not path.exists()


@pytest.mark.parametrize("exponent", [-1067, 1024])
@pytest.mark.parametrize("write", [to_c, pytest.param(to_onnx, marks=needs_onnx)])
def test_units_beyond_float64(made: Path, exponent: int, write: Any) -> None:
    """Codes whose unit is no float64 are refused, by the feature's name."""
    quantized = quantized_model(made, 8, [0, exponent], [128, 128])
    message = f"feature 'b': its code has the exponent {exponent}; expected -1066 to 1023"
    with pytest.raises(UsageError, match=message):
        write(linear_model("ab", [1.0, 1.0]), quantized)
    to_json(linear_model("ab", [1.0, 1.0]), quantized)
