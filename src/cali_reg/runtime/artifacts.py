"""The artifacts folder: read whole, write all or nothing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cali_reg.errors import ArtifactError
from cali_reg.runtime.model import LinearModel, QuantizedModel

TYPE_CHECKING = False  # see __init__.py
if TYPE_CHECKING:
    from typing import BinaryIO

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
    is_of_model = quantized.model_fingerprint == model.fingerprint
    if not is_of_model or len(quantized.codes) != len(model.features):
        raise ArtifactError(f"{path}: made from another model; run `cali-reg quantize`")
    return quantized


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` into `folder`, each whole or not at all; none if one cannot be written.

    Raises ArtifactError; the folder is then as it was.
    """
    with _explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        temporary: dict[str, Path] = {}
        try:
            for name, data in files.items():
                with _temporary(folder) as (file, path):
                    file.write(data)
                temporary[name] = path
            for name, path in temporary.items():
                path.replace(folder / name)
        finally:
            for path in temporary.values():
                path.unlink(missing_ok=True)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that takes the place of `path` once it is complete, and only then.

    Raises ArtifactError if it cannot be written; what was there is then as it was.
    """
    if path.exists() and not path.is_file():
        raise ArtifactError(f"{path}: is no regular file; name another")
    with _explained(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _temporary(path.parent) as (file, temporary):
            yield file
        try:
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise ArtifactError(
            f"{folder}: cannot be written ({reason}); nothing there was changed:"
            " free some space, or choose another folder"
        ) from None


@contextmanager
def _temporary(folder: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """Yield a new file and its path; at the end it is on the disk or, after an error, gone."""
    import tempfile  # slow to import, and needed for writing only

    handle, name = tempfile.mkstemp(prefix=".cali-reg-", dir=folder)
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file, path
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(OSError):
            path.chmod(0o666 & ~_umask())
    except BaseException:
        path.unlink()
        raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
