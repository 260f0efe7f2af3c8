"""Update: add and remove training rows without reading the other rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from cali_reg.data.summaries.summary import Summary
from cali_reg.errors import UsageError
from cali_reg.jobs.fit import Ranges, Trained, fit
from cali_reg.jobs.training_data.base import FILES
from cali_reg.jobs.training_data.file_data import FileData
from cali_reg.least_squares import moments_file
from cali_reg.least_squares.moments_file import TrainTestMoments
from cali_reg.least_squares.solution import LEVELS
from cali_reg.runtime.model import LinearModel


class RowCounts(NamedTuple):
    """How many rows were added to, or removed from, each side.

    Attributes
    ----------
    training, held_out : int
        Number of rows.
    """

    training: int = 0
    held_out: int = 0


@dataclass(frozen=True, kw_only=True)
class Updated(Trained):
    """A model after rows were added and removed.

    Attributes
    ----------
    added, removed : RowCounts
        Of the files named. Whether the model had the rows that were removed is not known.
    based_on : str
        Fingerprint of the model before.
    """

    added: RowCounts
    removed: RowCounts
    based_on: str


def update(
    folder: Path,
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    reading: Mapping[str, Any] = MappingProxyType({}),
    min_r2: float | None = None,
    allow_collinear: bool = False,
    missing: str = "error",
    unseen: str = "error",
    on_error: str = "stop",
) -> Updated:
    """Return the model after rows were added and removed.

    Coefficients, errors and scores are bit for bit those of training on the rows that remain. With
    a split by content each row goes to its own side; otherwise all rows given are training rows,
    and the held-out rows do not change. After a removal the stored ranges are an outer bound: which
    row had the minimum is not known. The sample rows do not change.

    Parameters
    ----------
    folder : Path
        The model's folder.
    add, remove : sequence of str, default=()
        Files of rows to add, and of rows to remove.
    reading : mapping of str to value, optional
        How these files are read, where that differs from the training: fields of `Reading`.
    min_r2 : float, optional
        The lowest R² on the held-out rows that passes; by default any passes.
    allow_collinear : bool, default=False
        Accept collinear columns, with the solution of least norm.
    missing : {"error", "drop"}, default="error"
        How to treat rows with missing values.
    unseen : {"error", "baseline"}, default="error"
        How to treat training rows with a category that the model does not know.
    on_error : {"stop", "skip"}, default="stop"
        What to do at another invalid row: raise an error, or leave it out.

    Raises
    ------
    UsageError
        Without rows to add or remove.
    ArtifactError, FormatError
        If the model cannot be read.
    DataError
        For rows that cannot be read or are not valid, and for rows to remove that cannot all be
        among the training rows.
    GateError
        If `min_r2` is given, and R² on the held-out rows is undefined or can be below it.
    """
    if not add and not remove:
        raise UsageError("nothing to update; name files with --add or --remove")
    model, moments = moments_file.load_with_model(folder)
    train, test, ranges_are = moments.train, moments.test, model.ranges
    ranges = ranges_of(model)
    n_added = n_removed = RowCounts()
    notes: tuple[str, ...] = ()
    treatment = {"unseen": unseen, "on_error": on_error}
    source = model.source
    if add:
        rows = FileData.for_model(model, add, reading, **treatment)
        added = _summarize(rows, missing)
        train, test = train + added.train, test + added.test
        ranges, n_added = union_ranges(ranges, added.ranges), _counts(added)
        notes = (*rows.reading_notes, *added.notes)
        source = _with_left_out(source, added, treatment)
    if remove:
        removed = _summarize(FileData.for_model(model, remove, reading, **treatment), missing)
        train, test, ranges_are = train - removed.train, test - removed.test, "outer"
        n_removed = _counts(removed)
        notes = (*notes, *removed.notes)
    if source.get("data") == FILES:  # the sample rows are no longer those that training would keep
        source = {**source, "updated": True}
    trained = fit(
        TrainTestMoments(moments.names, moments.target, train, test),
        ranges,
        columns=model.columns,
        samples=model.samples,
        source=source,
        reading=model.reading,
        plan=model.plan,
        ranges_are=ranges_are,
        min_r2=min_r2,
        allow_collinear=allow_collinear,
        store_intervals=model.interval is not None,
        levels=levels_of(model),
        fit_intercept=model.fit_intercept,
    )
    trained = replace(trained, notes=(*notes, *trained.notes))
    return Updated(**vars(trained), added=n_added, removed=n_removed, based_on=model.fingerprint)


def _counts(summary: Summary) -> RowCounts:
    return RowCounts(summary.train.n_samples, summary.test.n_samples)


def _summarize(data: FileData, missing: str) -> Summary:
    """Summarize rows of files."""
    summary = data.summary()
    if missing == "error":
        cost = summary.missing.cost_of_dropping(summary.n_rows)
        advice = f"fill them in, or pass --missing drop, which {cost}"
        summary.missing.require_none(data.all_columns, advice)
    return summary


def _with_left_out(
    source: dict[str, Any], added: Summary, treatment: dict[str, str]
) -> dict[str, Any]:
    """Return the provenance with the rows that were not added, and how `verify` reads them."""
    if source.get("data") != FILES:  # the embedded data know no such rows
        return source
    source = {**source}
    if added.missing.n_rows:
        source["dropped_rows"] = _count(source, "dropped_rows") + added.missing.n_rows
    if treatment["on_error"] == "skip":
        source["skipped_rows"] = _count(source, "skipped_rows") + added.skipped.n_rows
    if any(added.unseen.values()) and treatment["unseen"] == "baseline":
        source["unseen"] = "baseline"
    return source


def _count(source: dict[str, Any], key: str) -> int:
    """Return a number of rows of a provenance, which may be forged."""
    value = source.get(key, 0)
    return value if type(value) is int else 0


def ranges_of(model: LinearModel) -> Ranges:
    """Return the training range of each feature.

    Parameters
    ----------
    model : LinearModel

    Returns
    -------
    list of (minimum, maximum)
    """
    return [(feature.minimum, feature.maximum) for feature in model.features]


def levels_of(model: LinearModel) -> Sequence[float]:
    """Return the confidence levels of a model's intervals; the usual ones if it has none.

    Parameters
    ----------
    model : LinearModel
    """
    if model.interval is None:
        return LEVELS
    return [level for level, _ in model.interval.quantiles]


def union_ranges(ranges: Ranges, others: Ranges) -> Ranges:
    """Return for each feature the smallest range that contains both.

    Parameters
    ----------
    ranges, others : sequence of (minimum, maximum)
        One for each feature.

    Returns
    -------
    list of (minimum, maximum)
    """
    pairs = zip(ranges, others, strict=True)
    return [(min(low, other[0]), max(high, other[1])) for (low, high), other in pairs]
