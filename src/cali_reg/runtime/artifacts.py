"""Read the files of a model's folder."""

from __future__ import annotations

from pathlib import Path

from cali_reg.errors import ArtifactError
from cali_reg.runtime.model import LinearModel, QuantizedModel

LINEAR_MODEL = "linear_model.joblib"
MODEL = "model.json"
MOMENTS = "moments.json"
QUANT_PARAMS = "quant_params.joblib"
SCALE = "scale.joblib"
QUANTIZED = "quantized.json"
ALL = (LINEAR_MODEL, MODEL, MOMENTS, QUANT_PARAMS, SCALE, QUANTIZED)


def read(folder: Path, name: str, made_by: str) -> bytes:
    """Read an artifact.

    Parameters
    ----------
    folder : Path
    name : str
        The file's name, such as ``model.json``.
    made_by : str
        The command that makes it, such as ``train``, for the error message.

    Returns
    -------
    bytes

    Raises
    ------
    ArtifactError
        If it does not exist or cannot be read.
    """
    path = folder / name
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ArtifactError(f"{path}: no such file; run `cali-reg {made_by}` first") from None
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror})") from None


def read_model(folder: Path) -> LinearModel:
    """Read ``model.json``.

    Parameters
    ----------
    folder : Path
        The model's folder.

    Returns
    -------
    LinearModel

    Raises
    ------
    ArtifactError
        If it does not exist or cannot be read.
    FormatError
        If it is damaged, or of another format.
    """
    return LinearModel.from_json(read(folder, MODEL, "train"), str(folder / MODEL))


def read_quantized(folder: Path, model: LinearModel) -> QuantizedModel:
    """Read ``quantized.json`` and check that it belongs to `model`.

    Parameters
    ----------
    folder : Path
        The model's folder.
    model : LinearModel
        The model of ``model.json``.

    Returns
    -------
    QuantizedModel

    Raises
    ------
    ArtifactError
        If it does not exist, cannot be read, or was made from another model.
    FormatError
        If it is damaged, or of another format.
    """
    quantized = find_quantized(folder, model)
    if quantized is None:
        raise ArtifactError(
            f"{folder / QUANTIZED}: made from another model; run `cali-reg quantize`"
        )
    return quantized


def find_quantized(folder: Path, model: LinearModel) -> QuantizedModel | None:
    """Read ``quantized.json`` if it belongs to `model`.

    Parameters
    ----------
    folder : Path
        The model's folder.
    model : LinearModel
        The model of that folder.

    Returns
    -------
    QuantizedModel or None
        None if it was made from another model.

    Raises
    ------
    ArtifactError
        If it does not exist or cannot be read.
    FormatError
        If it is damaged, or of another format.
    """
    path = folder / QUANTIZED
    quantized = QuantizedModel.from_json(read(folder, QUANTIZED, "quantize"), str(path))
    is_of_model = quantized.model_fingerprint == model.fingerprint
    return quantized if is_of_model and len(quantized.codes) == len(model.features) else None
