"""Read and replace the files of a model's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from cali_reg.errors import ArtifactError, UsageError
from cali_reg.runtime.atomic_files import is_same_file, write_files
from cali_reg.runtime.model import LinearModel, QuantizedModel
from cali_reg.runtime.storage.regular_file import TooLargeError
from cali_reg.runtime.storage.snapshot import read_snapshot

LINEAR_MODEL = "linear_model.joblib"
MODEL = "model.json"
MOMENTS = "moments.json"
QUANT_PARAMS = "quant_params.joblib"
SCALE = "scale.joblib"
QUANTIZED = "quantized.json"
OF_CODES = (QUANT_PARAMS, SCALE, QUANTIZED)  # written by quantize, the others by train
ALL = (LINEAR_MODEL, MODEL, MOMENTS, *OF_CODES)
LARGEST = 1 << 28  # bytes of a file: what the model of 2,500 features needs


def require_output(out: Path, folder: Path, paths: Sequence[str] = ()) -> None:
    """Raise UsageError for an output file that is a file of the model, or an input.

    Parameters
    ----------
    out : Path
        The file to write.
    folder : Path
        The model's folder.
    paths : sequence of str
        Input files; ``-`` is standard input. What is not a local file is no problem.
    """
    for name in ALL:
        if is_same_file(out, folder / name):
            raise UsageError(f"--out {out}: this is a file of the model; name another")
    for path in paths:
        if is_same_file(out, 0 if path == "-" else path):
            raise UsageError(f"--out {out}: this is an input file; name another")


class Snapshot:
    """Files of a model's folder, as they were at one moment.

    Parameters
    ----------
    folder : Path
    names : str
        File names, such as ``model.json``.

    Attributes
    ----------
    folder : Path

    Raises
    ------
    ArtifactError, FormatError
        As `read_snapshot` does.
    """

    def __init__(self, folder: Path, *names: str) -> None:
        self.folder = folder
        self._found = read_snapshot(folder, names, LARGEST)

    def has(self, name: str) -> bool:
        """Tell whether there is something with the name of a file, whether it can be read or not.

        Parameters
        ----------
        name : str
            One of the names.
        """
        return not isinstance(self._found[name], FileNotFoundError)

    def problem(self, name: str) -> str:
        """Return why a file cannot be read; empty if it can.

        Parameters
        ----------
        name : str
            One of the names.
        """
        found = self._found[name]
        if not isinstance(found, OSError):
            return ""
        if isinstance(found, FileNotFoundError):
            return "missing"
        problem = "is too large" if isinstance(found, TooLargeError) else "cannot be read"
        return f"{problem} ({found.strerror})"

    def bytes(self, name: str) -> bytes:
        """Return the content of a file.

        Parameters
        ----------
        name : str
            One of the names.

        Raises
        ------
        ArtifactError
            If it does not exist or cannot be read.
        """
        found = self._found[name]
        if not isinstance(found, OSError):
            return found
        path = self.folder / name
        if not self.has(name):
            made_by = "quantize" if name in OF_CODES else "train"
            raise ArtifactError(f"{path}: no such file; run `cali-reg {made_by}` first")
        raise ArtifactError(f"{path}: {self.problem(name)}")

    def model(self) -> LinearModel:
        """Return the model of ``model.json``.

        Raises
        ------
        ArtifactError
            If it does not exist or cannot be read.
        FormatError
            If it is damaged, or of another format.
        """
        return LinearModel.from_json(self.bytes(MODEL), str(self.folder / MODEL))

    def find_quantized(self, model: LinearModel) -> QuantizedModel | None:
        """Return the codes of ``quantized.json`` if they belong to a model; else None.

        Parameters
        ----------
        model : LinearModel

        Raises
        ------
        ArtifactError
            If the file does not exist or cannot be read.
        FormatError
            If it is damaged, or of another format.
        """
        path = self.folder / QUANTIZED
        quantized = QuantizedModel.from_json(self.bytes(QUANTIZED), str(path))
        is_of_model = quantized.model_fingerprint == model.fingerprint
        return quantized if is_of_model and len(quantized.codes) == len(model.features) else None

    def quantized(self, model: LinearModel) -> QuantizedModel:
        """Return the codes of ``quantized.json``, which must belong to a model.

        Parameters
        ----------
        model : LinearModel

        Raises
        ------
        ArtifactError
            If the file does not exist, cannot be read, or was made from another model.
        FormatError
            If it is damaged, or of another format.
        """
        quantized = self.find_quantized(model)
        if quantized is None:
            raise ArtifactError(
                f"{self.folder / QUANTIZED}: made from another model; run `cali-reg quantize`"
            )
        return quantized


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
    return Snapshot(folder, MODEL).model()


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
    return Snapshot(folder, QUANTIZED).quantized(model)


def replace(folder: Path, files: Mapping[str, bytes], based_on: str) -> None:
    """Write files that were made from the model of a folder, if it still holds that model.

    Parameters
    ----------
    folder : Path
        The model's folder.
    files : mapping of str to bytes
        The contents, by file name.
    based_on : str
        Fingerprint of the model that they were made from.

    Raises
    ------
    ArtifactError
        If another command has replaced the model meanwhile, and as `write_files` does.
    """

    def check() -> None:
        if read_model(folder).fingerprint != based_on:
            raise ArtifactError(
                f"{folder / MODEL}: replaced by another command meanwhile; nothing was written: run"
                " this one again"
            )

    write_files(folder, files, check)
