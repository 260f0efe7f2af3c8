"""What artifacts are verified by: the rows at hand, or moments that stand for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cali_reg.data import california_housing
from cali_reg.errors import ArtifactError, UsageError
from cali_reg.jobs.fit import Ranges, moments_of, ranges_of
from cali_reg.jobs.train import (
    FILES,
    Request,
    TrainingRows,
    recorded_split,
    source_of,
    summarize_for,
    summarize_request,
)
from cali_reg.jobs.update import complete
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.moments_file import TrainTestMoments
from cali_reg.quantization.change_bound import Rows
from cali_reg.runtime import artifacts
from cali_reg.runtime.model import LinearModel
from cali_reg.runtime.schema import Column, features_of


@dataclass(frozen=True)
class Evidence:
    """What the artifacts are measured by; what is None is not at hand.

    `moments` stand for rows that are not at hand. `blocks` are the training rows, to measure the
    largest change on, `is_measured` tells if ``cali-reg quantize`` would do so by itself, and
    `strict` if the rows are those that ``cali-reg train`` would take.
    """

    columns: tuple[Column, ...]
    target: str
    source: dict[str, Any]
    train: Moments | None = None
    ranges: Ranges | None = None
    blocks: Rows | None = None
    test: Moments | None = None
    samples: tuple[tuple[float, ...], ...] | None = None
    moments: TrainTestMoments | None = None
    strict: bool = False
    is_measured: bool = False


def find_evidence(model: LinearModel, data: Sequence[str], test_data: Sequence[str]) -> Evidence:
    """Return the rows that a model says it was made of, as far as they are at hand."""
    if model.source.get("data") == FILES:
        return _from_files(model, data, test_data)
    if test_data:
        raise UsageError("--test-data is for a model that was trained with it; leave it out")
    evidence = Evidence(model.columns, model.target, model.source)
    if split := california_housing.recorded_split(model.source):
        rows, held_out = split
        evidence = Evidence(
            tuple(map(Column, rows.names)),
            rows.target,
            model.source,
            train=moments_of(rows),
            ranges=ranges_of(rows),
            blocks=[rows.X],
            test=moments_of(held_out),
            samples=tuple(map(tuple, held_out.X[: len(model.samples)].tolist())),
            strict=True,
            is_measured=True,
        )
    if not data:
        return evidence
    if (model.columns, model.target) != (evidence.columns, evidence.target):
        raise ArtifactError(
            f"{artifacts.MODEL}: has other columns than the embedded rows held out; expected the"
            " same, or no --data"
        )
    summary = complete(summarize_for(model, data))
    return replace(
        evidence,
        train=summary.train,
        ranges=summary.ranges,
        blocks=TrainingRows(model, data),
        strict=False,
        is_measured=False,
    )


def _from_files(model: LinearModel, data: Sequence[str], test_data: Sequence[str]) -> Evidence:
    """Read the rows anew as ``cali-reg train`` would."""
    if not data:
        return Evidence(model.columns, model.target, model.source)
    split, is_updated = recorded_split(model.source), "updated" in model.source
    request = Request(
        data=data,
        target=model.target,
        features=[column.name for column in model.columns],
        categorical=[column.name for column in model.columns if column.levels is not None],
        test_data=test_data,
        test_size=split.test_size,
        seed=split.seed,
        missing="drop",
        n_samples=len(model.samples),
    )
    columns, summary = summarize_request(request)
    has_test = bool(split.test_size or test_data)
    samples = tuple(row for _, row in summary.samples)
    return Evidence(
        columns[:-1],
        model.target,
        model.source if is_updated or not has_test else source_of(request, summary),
        train=summary.train,
        ranges=summary.ranges,
        blocks=TrainingRows(replace(model, columns=columns[:-1]), data),
        test=summary.test if has_test else None,
        samples=samples if has_test and not is_updated else None,
        strict=not is_updated,
    )


def with_moments(folder: Path, evidence: Evidence) -> Evidence:
    """Have ``moments.json`` stand for the rows that are not at hand."""
    path = folder / artifacts.MOMENTS
    moments = TrainTestMoments.from_json(artifacts.read(folder, path.name, "train"), str(path))
    if (moments.names, moments.target) != (features_of(evidence.columns), evidence.target):
        raise ArtifactError(
            f"{folder}: its files and the rows at hand have different columns;"
            " expected files that belong together"
        )
    evidence = replace(evidence, moments=moments)
    if evidence.is_measured and evidence.train != moments.train:  # updated since
        evidence = replace(evidence, train=None, ranges=None, blocks=None, is_measured=False)
    return replace(evidence, strict=False)
