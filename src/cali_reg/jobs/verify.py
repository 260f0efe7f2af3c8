"""Verifying: a folder's artifacts are made again, and compared byte for byte."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from cali_reg.data import california_housing
from cali_reg.errors import ArtifactError, GateError, UsageError
from cali_reg.jobs.fit import Trained, make_model, train
from cali_reg.jobs.train import FILES
from cali_reg.jobs.update import hull, ranges_in
from cali_reg.jobs.verification.artifact_diff import difference
from cali_reg.jobs.verification.rebuild_inputs import Evidence, find_evidence, with_moments
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.moments_file import TrainTestMoments
from cali_reg.quantization.quantizer import MEASURED, quantize
from cali_reg.runtime import artifacts, fingerprinted_json
from cali_reg.runtime.model import LinearModel, QuantizedModel
from cali_reg.runtime.schema import features_of

_Content = TypeVar("_Content")


@dataclass(frozen=True)
class Verdict:
    """Of one file: how it differs from the one made again, and what was not checked."""

    name: str
    difference: str  # empty if there is none
    unchecked: str  # empty if there is nothing


def verify(
    folder: Path,
    *,
    data: Sequence[str] = (),
    test_data: Sequence[str] = (),
    trust_moments: bool = False,
) -> list[Verdict]:
    """Make a folder's artifacts again and compare; nothing there is changed or unpickled.

    How to make them they say themselves: the split, the number of samples, the bits of a code.
    The rows are not theirs to say: they are the embedded ones, or those of the files `data`, and
    of `test_data` if rows were held out so.
    Only with `trust_moments` does ``moments.json`` stand for rows that are not at hand: who
    changes it can change all the other files to match.

    Raises
    ------
    GateError
        If files are to be read, and ``model.json`` does not say how.
    ArtifactError
        If there is nothing to verify, or it has other columns than the rows.
    UsageError
        If the rows are not at hand.
    """
    found, problems = _read(folder)
    model = _content("model", LinearModel.from_json, found.get(artifacts.MODEL))
    quantized = _content("quantized", QuantizedModel.from_json, found.get(artifacts.QUANTIZED))
    if model is None and data:
        reason = problems.get(artifacts.MODEL, "says nothing that can be read")
        raise GateError(
            f"{folder / artifacts.MODEL}: {reason}; without it nothing can be made again from"
            f" {data[0]}: do not use the others"
        )
    model = model or _default_model()
    evidence = find_evidence(model, data, test_data)
    if trust_moments:
        evidence = with_moments(folder, evidence)
    moments = _remade_moments(evidence)
    trained = _retrain(model, moments, evidence)
    remade = {**trained.files, **_requantize(trained, moments, quantized, evidence)}
    columns = (*trained.model.names, trained.model.target)
    unchecked = _unchecked(evidence, quantized)
    return [
        Verdict(
            name,
            problems.get(name) or difference(name, found[name], remade[name], columns),
            unchecked[name],
        )
        for name in artifacts.ALL
    ]


def _read(folder: Path) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return the artifacts' bytes, and why some have none."""
    found, problems = {}, {}
    for name in artifacts.ALL:
        try:
            found[name] = (folder / name).read_bytes()
        except FileNotFoundError:
            problems[name] = "missing"
        except OSError as error:
            problems[name] = f"cannot be read ({error.strerror})"
    if not found:
        raise ArtifactError(f"{folder}: holds no artifact; name their folder with --artifacts")
    return found, problems


def _content(kind: str, load: Callable[[bytes], _Content], data: bytes | None) -> _Content | None:
    """Return what a file says, even if its fingerprint is broken; None if that is nothing."""
    try:
        body = json.loads(data or b"")
        del body["format"], body["version"], body["fingerprint"]
        return load(fingerprinted_json.dump(kind, 1, body))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _default_model() -> LinearModel:
    """Return what ``cali-reg train`` makes, where no model says what else was made."""
    rows, held_out = california_housing.split(california_housing.california_housing())
    return train(rows, held_out, source=california_housing.source_of()).model


def _remade_moments(evidence: Evidence) -> TrainTestMoments:
    stored = evidence.moments
    return TrainTestMoments(
        features_of(evidence.columns),
        evidence.target,
        _moments(
            evidence.train,
            stored.train if stored else None,
            "training",
            "name them with --data, or ",
        ),
        _moments(
            evidence.test,
            stored.test if stored else None,
            "held-out",
            "name them with --test-data, or " if evidence.source.get("data") == FILES else "",
        ),
    )


def _retrain(model: LinearModel, moments: TrainTestMoments, evidence: Evidence) -> Trained:
    """Make the model anew; what the evidence does not say is taken from `model`."""
    outer = model.ranges == "outer" and not evidence.strict
    ranges = evidence.ranges or ranges_in(model)
    return make_model(
        moments,
        hull(ranges_in(model), ranges) if outer else ranges,
        columns=evidence.columns,
        samples=model.samples if evidence.samples is None else evidence.samples,
        source=evidence.source,
        ranges_are="outer" if outer else "exact",
        allow_collinear=True,  # not a part of what is made, but of when
    )


def _moments(rows: Moments | None, stored: Moments | None, which: str, named: str) -> Moments:
    moments = rows or stored
    if moments is None:
        raise UsageError(
            f"the {which} rows are not embedded; {named}have moments.json stand for them with"
            " --trust-moments"
        )
    return moments


def _requantize(
    trained: Trained,
    moments: TrainTestMoments,
    quantized: QuantizedModel | None,
    evidence: Evidence,
) -> dict[str, bytes]:
    """Make the codes anew, as wide as they are, and measure the largest change if that was done."""
    bits, contract = (quantized.bits, quantized.contract) if quantized else (8, {})
    rows = evidence.blocks if evidence.is_measured or MEASURED in contract else None
    result = quantize(trained.model, moments, bits, rows=rows)
    if evidence.blocks is None and MEASURED in contract:
        contract = {**result.model.contract, MEASURED: contract[MEASURED]}
        return {
            **result.files,
            artifacts.QUANTIZED: replace(result.model, contract=contract).to_json(),
        }
    return result.files


def _unchecked(evidence: Evidence, quantized: QuantizedModel | None) -> dict[str, str]:
    """Return what is taken from the artifacts themselves, by file."""
    unchecked: dict[str, list[str]] = {name: [] for name in artifacts.ALL}
    if evidence.train is None:
        unchecked[artifacts.MOMENTS].append("training rows")
        unchecked[artifacts.MODEL].append("ranges")
        if quantized and MEASURED in quantized.contract:
            unchecked[artifacts.QUANTIZED].append("measured change")
    if evidence.test is None:
        unchecked[artifacts.MOMENTS].append("held-out rows")
    if evidence.samples is None:
        unchecked[artifacts.MODEL].append("samples")
    return {name: ", ".join(parts) for name, parts in unchecked.items()}
