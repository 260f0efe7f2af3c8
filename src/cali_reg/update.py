"""Updating a model: training rows in and out, without the rows that stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cali_reg import artifacts, split_moments
from cali_reg.dataset import Table
from cali_reg.errors import UsageError
from cali_reg.model import LinearModel
from cali_reg.rows import read_rows
from cali_reg.split_moments import SplitMoments
from cali_reg.train import Ranges, Trained, make_model, moments_of, ranges_of


def update(
    folder: Path,
    *,
    add: str | None = None,
    remove: str | None = None,
    min_r2: float | None = None,
    allow_collinear: bool = False,
) -> Trained:
    """Return the model of the training rows with those of two CSV files added and removed.

    Coefficients, errors and scores are bit for bit those of training on the rows that remain;
    the held-out rows stay. Ranges have no inverse: after a removal they are an outer bound.
    """
    if add is None and remove is None:
        raise UsageError("nothing to update; name a file with --add or --remove")
    model = artifacts.load_model(folder)
    moments = split_moments.load_for(model, folder)
    train, ranges, ranges_are = moments.train, ranges_in(model), model.ranges
    if add is not None:
        added = read_table(add, model)
        train = train + moments_of(added)
        ranges = hull(ranges, ranges_of(added))
    if remove is not None:
        train = train - moments_of(read_table(remove, model))
        ranges_are = "outer"
    return make_model(
        SplitMoments(moments.names, moments.target, train, moments.test),
        ranges,
        samples=model.samples,
        source=model.source,
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


def read_table(path: str, model: LinearModel) -> Table:
    """Read rows of a model's features and target from a CSV file."""
    rows = np.array(list(read_rows(path, [*model.names, model.target])))
    return Table(model.names, model.target, rows[:, :-1], rows[:, -1])
