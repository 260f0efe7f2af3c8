"""Updating a model: rows in and out, without the rows that stay."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cali_reg.data.summary import Summary
from cali_reg.errors import DataError, UsageError
from cali_reg.jobs.fit import Ranges, Trained, make_model
from cali_reg.jobs.train import FILES, summarize_for
from cali_reg.least_squares import moments_file
from cali_reg.least_squares.moments_file import TrainTestMoments
from cali_reg.runtime import artifacts
from cali_reg.runtime.model import LinearModel


def update(
    folder: Path,
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    min_r2: float | None = None,
    allow_collinear: bool = False,
) -> Trained:
    """Return the model of the rows with those of some files added and others removed.

    Coefficients, errors and scores are bit for bit those of training on the rows that remain. A
    split by content takes each row to its side; otherwise the held-out rows stay, and all others
    are training rows. Ranges have no inverse: after a removal they are an outer bound. The sample
    rows stay.
    """
    if not add and not remove:
        raise UsageError("nothing to update; name a file with --add or --remove")
    model = artifacts.load_model(folder)
    moments = moments_file.load_for(model, folder)
    train, test, ranges_are = moments.train, moments.test, model.ranges
    ranges = ranges_in(model)
    if add:
        added = complete(summarize_for(model, add))
        train, test = train + added.train, test + added.test
        ranges = hull(ranges, added.ranges)
    if remove:
        removed = complete(summarize_for(model, remove))
        train, test, ranges_are = train - removed.train, test - removed.test, "outer"
    source = model.source
    if source.get("data") == FILES:  # its sample rows are no longer those of training
        source = {**source, "updated": True}
    return make_model(
        TrainTestMoments(moments.names, moments.target, train, test),
        ranges,
        columns=model.columns,
        samples=model.samples,
        source=source,
        ranges_are=ranges_are,
        min_r2=min_r2,
        allow_collinear=allow_collinear,
    )


def ranges_in(model: LinearModel) -> Ranges:
    """Return the ranges that a model holds."""
    return [(feature.minimum, feature.maximum) for feature in model.features]


def hull(ranges: Ranges, others: Ranges) -> Ranges:
    """Return for each feature the least range that holds both."""
    pairs = zip(ranges, others, strict=True)
    return [(min(low, other[0]), max(high, other[1])) for (low, high), other in pairs]


def complete(summary: Summary) -> Summary:
    """Return a summary of rows that lack no value, or raise DataError."""
    if summary.first_missing:
        path, row = summary.first_missing
        raise DataError(
            f"{path}: row {row} lacks a value ({summary.n_dropped} rows do); fill or drop them"
        )
    return summary
