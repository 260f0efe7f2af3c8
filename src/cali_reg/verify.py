"""Verifying: a folder's artifacts are made again, and compared byte for byte."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from cali_reg import artifacts, dataset, documents
from cali_reg.dataset import Table
from cali_reg.difference import difference
from cali_reg.errors import ArtifactError, UsageError
from cali_reg.model import LinearModel, QuantizedModel
from cali_reg.moments import Moments
from cali_reg.quantize import MEASURED, quantize
from cali_reg.split_moments import SplitMoments
from cali_reg.train import Ranges, Trained, make_model, moments_of, ranges_of, train
from cali_reg.update import hull, ranges_in, read_table

_Content = TypeVar("_Content")


@dataclass(frozen=True)
class Verdict:
    """Of one file: how it differs from the one made again, and what was not checked."""

    name: str
    difference: str  # empty if there is none
    unchecked: str  # empty if there is nothing


@dataclass(frozen=True)
class _Evidence:
    """What the artifacts are measured by. `moments` stand for rows that are not at hand."""

    rows: Table | None
    held_out: Table | None
    moments: SplitMoments | None
    strict: bool  # the rows are those that `cali-reg train` would take


def verify(folder: Path, *, data: str | None = None, trust_moments: bool = False) -> list[Verdict]:
    """Make a folder's artifacts again and compare; nothing there is changed or unpickled.

    How to make them they say themselves: the split, the number of samples, the bits of a code.
    The rows are not theirs to say: they are the embedded ones, or those of the CSV file `data`.
    Only with `trust_moments` does ``moments.json`` stand for rows that are not at hand: who
    changes it can change all the other files to match.

    Raises
    ------
    ArtifactError
        If there is nothing to verify, or it has other columns than the rows.
    UsageError
        If the rows are not at hand.
    """
    found, problems = _read(folder)
    model = _content("model", LinearModel.from_json, found.get(artifacts.MODEL))
    quantized = _content("quantized", QuantizedModel.from_json, found.get(artifacts.QUANTIZED))
    model = model or _default_model()
    evidence = _evidence(folder, model, data, trust_moments)
    trained = _retrain(model, evidence)
    remade = {**trained.files, **_requantize(trained, quantized, evidence)}
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
        return load(documents.dump(kind, 1, body))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _default_model() -> LinearModel:
    """Return what ``cali-reg train`` makes, where no model says what else was made."""
    rows, held_out = dataset.split(dataset.california_housing())
    return train(rows, held_out, source=dataset.source_of()).model


def _evidence(folder: Path, model: LinearModel, data: str | None, trust_moments: bool) -> _Evidence:
    moments = None
    if trust_moments:
        path = folder / artifacts.MOMENTS
        moments = SplitMoments.from_json(artifacts.read(folder, path.name, "train"), str(path))
    rows, held_out = dataset.recorded_split(model.source) or (None, None)
    if data is not None:
        rows = read_table(data, model)
    elif moments and rows and moments_of(rows) != moments.train:
        rows = None  # they have been updated since
    strict = data is None and moments is None
    parts = [part for part in (rows, held_out, moments, None if strict else model) if part]
    if len({(part.names, part.target) for part in parts}) > 1:
        raise ArtifactError(
            f"{folder}: its files and the rows at hand have different columns;"
            " expected files that belong together"
        )
    return _Evidence(rows, held_out, moments, strict)


def _retrain(model: LinearModel, evidence: _Evidence) -> Trained:
    """Make the model anew; what the evidence does not say is taken from `model`."""
    rows, held_out, stored = evidence.rows, evidence.held_out, evidence.moments
    columns = rows or held_out or model
    moments = SplitMoments(
        columns.names,
        columns.target,
        _moments(rows, stored.train if stored else None, "training"),
        _moments(held_out, stored.test if stored else None, "held-out"),
    )
    outer = model.ranges == "outer" and not evidence.strict
    samples = model.samples
    if held_out is not None:
        samples = tuple(map(tuple, held_out.X[: len(model.samples)].tolist()))
    return make_model(
        moments,
        _ranges(model, rows, outer),
        samples=samples,
        source=model.source,
        ranges_are="outer" if outer else "exact",
        allow_collinear=True,  # not a part of what is made, but of when
    )


def _moments(rows: Table | None, stored: Moments | None, which: str) -> Moments:
    if rows is not None:
        return moments_of(rows)
    if stored is None:
        named = "name them with --data, or " if which == "training" else ""
        raise UsageError(
            f"the {which} rows are not embedded; {named}have moments.json stand for them with"
            " --trust-moments"
        )
    return stored


def _ranges(model: LinearModel, rows: Table | None, outer: bool) -> Ranges:
    if rows is None:
        return ranges_in(model)
    return hull(ranges_in(model), ranges_of(rows)) if outer else ranges_of(rows)


def _requantize(
    trained: Trained, quantized: QuantizedModel | None, evidence: _Evidence
) -> dict[str, bytes]:
    """Make the codes anew, as wide as they are, and measure the largest change if that was done."""
    bits, contract = (quantized.bits, quantized.contract) if quantized else (8, {})
    rows = evidence.rows if evidence.strict or MEASURED in contract else None
    moments = SplitMoments.from_json(trained.files[artifacts.MOMENTS])
    result = quantize(trained.model, moments, bits, rows=rows)
    if evidence.rows is None and MEASURED in contract:
        contract = {**result.model.contract, MEASURED: contract[MEASURED]}
        return {
            **result.files,
            artifacts.QUANTIZED: replace(result.model, contract=contract).to_json(),
        }
    return result.files


def _unchecked(evidence: _Evidence, quantized: QuantizedModel | None) -> dict[str, str]:
    """Return what is taken from the artifacts themselves, by file."""
    unchecked: dict[str, list[str]] = {name: [] for name in artifacts.ALL}
    if evidence.rows is None:
        unchecked[artifacts.MOMENTS].append("training rows")
        unchecked[artifacts.MODEL].append("ranges")
        if quantized and MEASURED in quantized.contract:
            unchecked[artifacts.QUANTIZED].append("measured change")
    if evidence.held_out is None:
        unchecked[artifacts.MOMENTS].append("held-out rows")
        unchecked[artifacts.MODEL].append("samples")
    return {name: ", ".join(parts) for name, parts in unchecked.items()}
