"""Verify: rebuild a folder's artifacts and compare every byte."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from cali_reg.errors import ArtifactError, DataError, GateError, UsageError
from cali_reg.jobs.fit import Trained, fit
from cali_reg.jobs.train import train
from cali_reg.jobs.training_data.base import FILES
from cali_reg.jobs.training_data.embedded_data import EmbeddedData
from cali_reg.jobs.update import levels_of, ranges_of, union_ranges
from cali_reg.jobs.verification.artifact_diff import difference
from cali_reg.jobs.verification.rebuild_inputs import (
    RebuildInputs,
    find_inputs,
    use_stored_moments,
)
from cali_reg.least_squares.moments_file import TrainTestMoments
from cali_reg.quantization.quantizer import MEASURED, quantize, with_measured_change
from cali_reg.runtime import artifacts, fingerprinted_json
from cali_reg.runtime.model import LinearModel, QuantizedModel
from cali_reg.runtime.schema import feature_names

_Content = TypeVar("_Content")


@dataclass(frozen=True)
class Verdict:
    """The result of verifying one file.

    Attributes
    ----------
    name : str
        The file's name.
    difference : str
        The first difference from the rebuild; empty if there is none.
    unchecked : str
        What was not checked; empty if there is nothing.
    """

    name: str
    difference: str
    unchecked: str


class Verification(NamedTuple):
    """The result of verifying a folder.

    Attributes
    ----------
    verdicts : list of Verdict
        One for each artifact.
    model : LinearModel
        The rebuilt model: its scores are true of the rows, and its split is what the artifacts say.
    """

    verdicts: list[Verdict]
    model: LinearModel


def verify(
    folder: Path,
    *,
    data: Sequence[str] = (),
    test_data: Sequence[str] = (),
    reading: Mapping[str, Any] = MappingProxyType({}),
    trust_moments: bool = False,
) -> Verification:
    """Rebuild a folder's artifacts in memory and compare every byte.

    No file is changed or unpickled. The settings are read from the artifacts: the split, the number
    of samples, the bits of a code. The rows are not: they are the embedded data, or those of files.

    Parameters
    ----------
    folder : Path
        The folder of the artifacts.
    data : sequence of str, default=()
        Files of the training rows; by default the rows are embedded.
    test_data : sequence of str, default=()
        Files of the held-out rows, for a model that was trained with such.
    reading : mapping of str to value, optional
        How these files are read, where that differs from the training: fields of `Reading`.
    trust_moments : bool, default=False
        Use ``moments.json`` in place of unavailable rows. This proves less: whoever changes that
        file can change all the others to match.

    Returns
    -------
    Verification

    Raises
    ------
    GateError
        If there are files to read, but ``model.json`` cannot be read as a model.
    ArtifactError
        If there is no artifact, or they have other columns than the rows.
    DataError
        If the rows cannot be read or used.
    UsageError
        If the rows are unavailable, or the files do not fit the model.
    FormatError
        If ``moments.json`` is to be used and is damaged.
    """
    files = artifacts.Snapshot(folder, *artifacts.ALL)
    found, problems = _read(files)
    model = _parse("model", LinearModel.from_json, found.get(artifacts.MODEL))
    quantized = _parse("quantized", QuantizedModel.from_json, found.get(artifacts.QUANTIZED))
    if model is None and data:
        reason = problems.get(artifacts.MODEL, "cannot be read as a model")
        raise GateError(
            f"{folder / artifacts.MODEL}: {reason}; without it nothing can be rebuilt from"
            f" {data[0]}: do not use the other files"
        )
    model = model or train(EmbeddedData()).model  # without model.json: the default
    inputs = find_inputs(model, data, test_data, reading)
    if trust_moments:
        inputs = use_stored_moments(files, inputs)
    rebuilt, trained = _rebuild(model, quantized, inputs)
    names = (*trained.names, trained.target)
    unchecked = _unchecked(inputs, quantized)
    verdicts = []
    for name in artifacts.ALL:
        other = rebuilt[name]
        if name in problems:
            result = problems[name]
        elif isinstance(other, str):
            result = f"cannot be rebuilt ({other})"
        else:
            result = difference(name, found[name], other, names)
        verdicts.append(Verdict(name, result, unchecked[name]))
    return Verification(verdicts, trained)


def _read(files: artifacts.Snapshot) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return the artifacts' bytes, and why some have none."""
    found, problems = {}, {}
    for name in artifacts.ALL:
        if problem := files.problem(name):
            problems[name] = problem
        else:
            found[name] = files.bytes(name)
    if not found:
        raise ArtifactError(
            f"{files.folder}: no artifact found; name their folder with --artifacts"
        )
    return found, problems


def _parse(kind: str, load: Callable[[bytes], _Content], data: bytes | None) -> _Content | None:
    """Return what a file says, even if its fingerprint is wrong; None if it cannot be parsed."""
    try:
        body = json.loads(data or b"")
        del body["format"], body["fingerprint"]
        return load(fingerprinted_json.dump(kind, body.pop("version"), body)[0])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _rebuild(
    model: LinearModel, quantized: QuantizedModel | None, inputs: RebuildInputs
) -> tuple[dict[str, bytes | str], LinearModel]:
    """Return the files as they should be, and the model in them.

    In place of the codes of a model that cannot be quantized stands the reason.
    """
    moments = _rebuild_moments(inputs)
    trained = _rebuild_model(model, moments, inputs)
    codes: dict[str, bytes | str]
    try:
        codes = {**_rebuild_codes(trained.model, moments, quantized, inputs)}
    except DataError as error:
        codes = dict.fromkeys(artifacts.OF_CODES, str(error))
    return {**trained.files, **codes}, trained.model


def _rebuild_moments(inputs: RebuildInputs) -> TrainTestMoments:
    stored = inputs.stored
    train = inputs.training.moments if inputs.training else stored.train if stored else None
    if train is None:
        raise _unavailable("training", "name them with --data, or ")
    test = inputs.held_out.moments if inputs.held_out else stored.test if stored else None
    if test is None:
        is_of_files = inputs.source.get("data") == FILES
        raise _unavailable("held-out", "name them with --test-data, or " * is_of_files)
    return TrainTestMoments(feature_names(inputs.columns), inputs.target, train, test)


def _unavailable(which: str, advice: str) -> UsageError:
    return UsageError(
        f"the {which} rows are unavailable; {advice}pass --trust-moments to use moments.json in"
        " place of them"
    )


def _rebuild_model(model: LinearModel, moments: TrainTestMoments, inputs: RebuildInputs) -> Trained:
    """Fit the model again; what the inputs do not say is taken from `model`."""
    stored = ranges_of(model)
    ranges = inputs.training.ranges if inputs.training else stored
    samples = inputs.held_out.samples if inputs.held_out else None
    is_outer = model.ranges == "outer" and not inputs.is_exact
    return fit(
        moments,
        union_ranges(stored, ranges) if is_outer else ranges,
        columns=inputs.columns,
        samples=model.samples if samples is None else samples,
        source=inputs.source,
        reading=model.reading,
        plan=inputs.plan,
        ranges_are="outer" if is_outer else "exact",
        store_intervals=model.interval is not None,
        levels=levels_of(model),
        fit_intercept=model.fit_intercept,
        allow_collinear=True,  # a gate decides whether files are written, not what is in them
        version=model.version,
    )


def _rebuild_codes(
    model: LinearModel,
    moments: TrainTestMoments,
    quantized: QuantizedModel | None,
    inputs: RebuildInputs,
) -> dict[str, bytes]:
    """Quantize again, to as many bits, and measure the largest change if that was done."""
    bits, contract = (quantized.bits, quantized.contract) if quantized else (8, {})
    blocks = inputs.training.blocks if inputs.training else None
    is_measured = inputs.is_embedded or MEASURED in contract
    result = quantize(model, moments, bits, blocks=blocks if is_measured else None)
    if blocks is None and MEASURED in contract:
        return with_measured_change(result, contract[MEASURED]).files
    return result.files


def _unchecked(inputs: RebuildInputs, quantized: QuantizedModel | None) -> dict[str, str]:
    """Return what is taken from the artifacts themselves, by file."""
    unchecked: dict[str, list[str]] = {name: [] for name in artifacts.ALL}
    if inputs.source.get("unseen") == "baseline":
        unchecked[artifacts.MODEL].append("levels")
    if inputs.training is None:
        unchecked[artifacts.MOMENTS].append("training rows")
        unchecked[artifacts.MODEL].append("ranges")
        if quantized and MEASURED in quantized.contract:
            unchecked[artifacts.QUANTIZED].append("measured change")
    if inputs.held_out is None:
        unchecked[artifacts.MOMENTS].append("held-out rows")
    if inputs.held_out is None or inputs.held_out.samples is None:
        unchecked[artifacts.MODEL].append("samples")
    return {name: ", ".join(parts) for name, parts in unchecked.items()}
