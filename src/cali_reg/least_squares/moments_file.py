"""The moments of the training and of the held-out rows, as ``moments.json`` holds them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cali_reg.errors import ArtifactError, FormatError
from cali_reg.least_squares.moments import Moments
from cali_reg.runtime import artifacts, fingerprinted_json
from cali_reg.runtime.model import LinearModel


@dataclass(frozen=True)
class TrainTestMoments:
    """Moments of the training rows and of the held-out rows, with the columns' names."""

    names: tuple[str, ...]
    target: str
    train: Moments
    test: Moments
    fingerprint: str = ""  # empty before it is written

    def to_json(self) -> bytes:
        """Return the bytes of ``moments.json``."""
        content = {
            "features": list(self.names),
            "target": self.target,
            "train": self.train.to_dict(),
            "test": self.test.to_dict(),
        }
        return fingerprinted_json.dump("moments", 1, content)

    @classmethod
    def from_json(cls, data: bytes, name: str = "moments.json") -> TrainTestMoments:
        """Read ``moments.json``. Raises FormatError for what `to_json` did not write."""
        content = fingerprinted_json.load("moments", 1, data, name)
        try:
            names = tuple(str(feature) for feature in content["features"])
            train, test = (Moments.from_dict(content[part]) for part in ("train", "test"))
            target = str(content["target"])
        except (TypeError, KeyError) as error:
            raise FormatError(f"{name}: unexpected content ({error}); make the file anew") from None
        if {train.n_features, test.n_features} != {len(names)}:
            raise FormatError(f"{name}: its parts have different columns; make the file anew")
        return cls(names, target, train, test, content["fingerprint"])


def load_for(model: LinearModel, folder: Path) -> TrainTestMoments:
    """Read the ``moments.json`` that `model` was made with. Raises ArtifactError."""
    data = artifacts.read(folder, artifacts.MOMENTS, "train")
    moments = TrainTestMoments.from_json(data, str(folder / artifacts.MOMENTS))
    if moments.fingerprint != model.moments_fingerprint:
        raise ArtifactError(
            f"{folder / artifacts.MOMENTS}: belongs to another model; run `cali-reg train`"
        )
    return moments
