"""All export formats: offered by the command, the same on every system, and refused alike."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from commands import Run, run_process
from exported_models import NAMES, linear_model, needs_onnx, quantized_model

from cali_reg.data import california_housing
from cali_reg.errors import UsageError
from cali_reg.export.c_header import to_c
from cali_reg.export.formats import FORMATS
from cali_reg.export.json_file import to_json
from cali_reg.export.onnx_graph import to_onnx


def test_the_command_offers_all_formats(run: Run, made: Path) -> None:
    """The choices of --format, which the command line holds itself, are those of the registry."""
    _, _, err = run("export", "--artifacts", made, "--format", "nothing")
    choices = re.search(r"choose from ([^)]*)\)", err)
    assert choices
    assert sorted(re.findall(r"\w+", choices[1])) == sorted(FORMATS)


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
