"""The artifacts folder: read whole, write all or nothing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from cali_reg.errors import ArtifactError
from cali_reg.model import LinearModel, QuantizedModel

LINEAR_MODEL = "linear_model.joblib"
MODEL = "model.json"
MOMENTS = "moments.json"
QUANT_PARAMS = "quant_params.joblib"
SCALE = "scale.joblib"
QUANTIZED = "quantized.json"
ALL = (LINEAR_MODEL, MODEL, MOMENTS, QUANT_PARAMS, SCALE, QUANTIZED)


def read(folder: Path, name: str, made_by: str) -> bytes:
    """Read an artifact; `made_by` is the command that makes it. Raises ArtifactError."""
    path = folder / name
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ArtifactError(f"{path}: not there; run `cali-reg {made_by}` first") from None
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror})") from None


def load_model(folder: Path) -> LinearModel:
    """Read ``model.json``. Raises ArtifactError or FormatError."""
    return LinearModel.from_json(read(folder, MODEL, "train"), str(folder / MODEL))


def load_quantized(folder: Path, model: LinearModel) -> QuantizedModel:
    """Read ``quantized.json``, which must belong to `model`."""
    path = folder / QUANTIZED
    quantized = QuantizedModel.from_json(read(folder, QUANTIZED, "quantize"), str(path))
    if quantized.model != model.fingerprint or len(quantized.codes) != len(model.features):
        raise ArtifactError(f"{path}: made from another model; run `cali-reg quantize`")
    return quantized


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` into `folder`, each whole or not at all; none if one cannot be written.

    Raises ArtifactError; the folder is then as it was.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary: dict[str, Path] = {}
        try:
            for name, data in files.items():
                temporary[name] = _write_temporary(folder, data)
            for name, path in temporary.items():
                path.replace(folder / name)
        finally:
            for path in temporary.values():
                path.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ArtifactError(
            f"{folder}: cannot be written ({reason}); nothing there was changed:"
            " free some space, or choose another folder"
        ) from None


def _write_temporary(folder: Path, data: bytes) -> Path:
    import tempfile  # slow to import, and needed for writing only

    handle, name = tempfile.mkstemp(prefix=".cali-reg-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(OSError):
            Path(name).chmod(0o666 & ~_umask())
    except BaseException:
        Path(name).unlink()
        raise
    return Path(name)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
