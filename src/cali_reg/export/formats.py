"""The formats that a model can be exported to: a new one is a module and a line in `FORMATS`.

The command names it among the choices of ``--format``, too: it must not import this package.

The same model is the same bytes on every machine; no export holds a version of software or a time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cali_reg.export.c_header import to_c
from cali_reg.export.json_file import to_json
from cali_reg.export.onnx_graph import to_onnx
from cali_reg.runtime import artifacts
from cali_reg.runtime.model import LinearModel, QuantizedModel

FORMATS: dict[str, Callable[[LinearModel, QuantizedModel | None], bytes]] = {
    "c": to_c,
    "json": to_json,
    "onnx": to_onnx,
}


def export(folder: Path, kind: str, precision: str) -> bytes:
    """Return the bytes of an export of the model in `folder`.

    Parameters
    ----------
    folder : Path
        Where the artifacts are.
    kind : str
        A key of `FORMATS`.
    precision : str
        ``float64``, or ``uint8`` for the quantized model, whatever the bits of its codes.

    Returns
    -------
    bytes

    Raises
    ------
    ArtifactError, FormatError
        If the model is missing or damaged.
    UsageError
        If the format needs a package that is not installed, or cannot hold the model's codes.
    """
    codes = [artifacts.QUANTIZED] * (precision == "uint8")
    files = artifacts.Snapshot(folder, artifacts.MODEL, *codes)
    model = files.model()
    quantized = files.quantized(model) if codes else None
    return FORMATS[kind](model, quantized)
