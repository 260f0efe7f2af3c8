"""C headers: compiled, they predict what the model predicts, to the bit."""

import ast
import platform
import re
import shutil
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from commands import Run
from exported_models import NAMES, PRECISIONS, ROWS, linear_model, load, quantized_model
from hypothesis import given
from hypothesis import strategies as st

from cali_reg.data import california_housing
from cali_reg.export.c_header import to_c
from cali_reg.runtime import artifacts

CC = shutil.which("gcc") or shutil.which("clang") or shutil.which("cc")
CXX = shutil.which("g++") or shutil.which("clang++")
needs_c = pytest.mark.skipif(CC is None, reason="needs a C compiler")
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
