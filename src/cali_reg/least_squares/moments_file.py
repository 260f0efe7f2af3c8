"""The moments of the training and of the held-out rows, as ``moments.json`` holds them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cali_reg.errors import ArtifactError, FormatError
from cali_reg.least_squares.moments import Moments
from cali_reg.runtime import artifacts, fingerprinted_json
from cali_reg.runtime.model import LinearModel

_REMEDY = "create it again with `cali-reg train`"


@dataclass(frozen=True)
class TrainTestMoments:
    """Moments of the training rows and of the held-out rows, with the columns' names.

    Attributes
    ----------
    names : tuple of n_features strings
        The features, in order.
    target : str
    train, test : Moments
        Of the training rows and of the held-out rows.
    fingerprint : str
        Of the file it was read from; empty if it was not read from one.
    """

    names: tuple[str, ...]
    target: str
    train: Moments
    test: Moments
    fingerprint: str = ""

    def dump(self) -> tuple[bytes, str]:
        """Return the bytes of ``moments.json``, and their fingerprint."""
        content = {
            "features": list(self.names),
            "target": self.target,
            "train": self.train.to_dict(),
            "test": self.test.to_dict(),
        }
        return fingerprinted_json.dump("moments", _version(content), content)

    def to_json(self) -> bytes:
        """Return the bytes of ``moments.json``."""
        return self.dump()[0]

    @classmethod
    def from_json(cls, data: bytes, name: str = "moments.json") -> TrainTestMoments:
        """Read the bytes of ``moments.json``.

        Parameters
        ----------
        data : bytes
        name : str, default="moments.json"
            The file's name for error messages.

        Returns
        -------
        TrainTestMoments

        Raises
        ------
        FormatError
            For anything but what `to_json` writes.
        """
        content = fingerprinted_json.load("moments", (1, 2), data, name)
        try:
            names = tuple(str(feature) for feature in content["features"])
            train, test = (Moments.from_dict(content[part]) for part in ("train", "test"))
            target = str(content["target"])
        except (TypeError, KeyError) as error:
            raise FormatError(f"{name}: unexpected content ({error}); {_REMEDY}") from None
        if content["version"] != _version(content):
            raise FormatError(
                f"{name}: its sums are not of version {content['version']}; {_REMEDY}"
            )
        if {train.n_features, test.n_features} != {len(names)}:
            raise FormatError(f"{name}: train and test have different columns; {_REMEDY}")
        return cls(names, target, train, test, content["fingerprint"])


def _version(content: dict[str, Any]) -> int:
    """Return the version of the format that some sums need: 2 has numbers of zeros."""
    sums = (*content["train"]["sums"], *content["test"]["sums"])
    return 2 if any(isinstance(value, int) for value in sums) else 1


def load(files: artifacts.Snapshot) -> TrainTestMoments:
    """Read the ``moments.json`` of a folder, whichever model it belongs to.

    Parameters
    ----------
    files : Snapshot
        Of a model's folder, with this file.

    Returns
    -------
    TrainTestMoments

    Raises
    ------
    ArtifactError
        If the file is missing.
    FormatError
        If it is damaged.
    """
    path = files.folder / artifacts.MOMENTS
    return TrainTestMoments.from_json(files.bytes(artifacts.MOMENTS), str(path))


def load_with_model(folder: Path) -> tuple[LinearModel, TrainTestMoments]:
    """Read the model of a folder, and its moments.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    LinearModel, TrainTestMoments
        Of the same training.

    Raises
    ------
    ArtifactError
        If a file is missing, or ``moments.json`` belongs to another model.
    FormatError
        If a file is damaged.
    """
    files = artifacts.Snapshot(folder, artifacts.MODEL, artifacts.MOMENTS)
    model, moments = files.model(), load(files)
    if moments.fingerprint != model.moments_fingerprint:
        raise ArtifactError(
            f"{folder / artifacts.MOMENTS}: belongs to another model; run `cali-reg train`"
        )
    return model, moments
