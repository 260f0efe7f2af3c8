"""Training on files: one pass over their rows, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from cali_reg.data.content_split import ContentSplit
from cali_reg.data.dask_cluster import Add, Gather, Task, gathering
from cali_reg.data.dataset import Source, add_levels, levels_in, open_source, select, with_levels
from cali_reg.data.feature_encoding import encode
from cali_reg.data.readers import BATCH_SIZE, read
from cali_reg.data.summary import Layout, Splitter, Summary, summarize
from cali_reg.errors import DataError, UsageError
from cali_reg.jobs.fit import Trained, make_model
from cali_reg.least_squares.moments_file import TrainTestMoments
from cali_reg.runtime.model import LinearModel
from cali_reg.runtime.schema import Column, features_of, shown

FILES = "files"  # what `source` says of a model of files


@dataclass(frozen=True)
class Request:
    """What to train on: the options of ``cali-reg train --data``."""

    data: Sequence[str]
    target: str
    features: Sequence[str] | None = None
    categorical: Sequence[str] = ()
    test_data: Sequence[str] = ()
    test_size: float = 0.2
    seed: int = 42
    missing: str = "refuse"
    n_samples: int = 5
    n_folds: int = 1
    batch_size: int = BATCH_SIZE
    dask: str | None = None


def train_files(
    request: Request, *, min_r2: float | None = None, allow_collinear: bool = False
) -> tuple[Trained, Summary]:
    """Fit the model of the rows that `request` asks for, and score it on those held out.

    Raises
    ------
    GateError
        If R² on the held-out rows is below `min_r2`.
    DataError
        For files that cannot be read, rows that lack values, too few rows, a constant target,
        and collinear columns unless `allow_collinear`.
    """
    columns, summary = summarize_request(request)
    moments = TrainTestMoments(
        features_of(columns[:-1]), request.target, summary.train, summary.test
    )
    _check(moments, allow_collinear)
    trained = make_model(
        moments,
        summary.ranges,
        columns=columns[:-1],
        samples=tuple(row for _, row in summary.samples),
        source=source_of(request, summary),
        min_r2=min_r2,
        allow_collinear=allow_collinear,
    )
    return trained, summary


def source_of(request: Request, summary: Summary) -> dict[str, Any]:
    """Return what a model says of its rows when they come from files."""
    split: dict[str, Any] = {"by": "content", "seed": request.seed, "test_size": request.test_size}
    if request.test_data:
        split = {"by": "test data", "seed": request.seed}
    return {"data": FILES, "dropped_rows": summary.n_dropped, "split": split}


def recorded_split(source: dict[str, Any]) -> ContentSplit:
    """Return how a model's rows were split; if not by content, none of them is held out."""
    split = source.get("split")
    split = split if isinstance(split, dict) and source.get("data") == FILES else {}
    seed, test_size = split.get("seed"), split.get("test_size", 0.0)
    if type(seed) is not int or not 0 <= seed < 2**32:
        return ContentSplit(0, 0.0)
    if split.get("by") != "content" or type(test_size) is not float or not 0 < test_size < 1:
        return ContentSplit(seed, 0.0)
    return ContentSplit(seed, test_size)


def layout_of(model: LinearModel) -> Layout:
    """Return how a model's rows are read and split; without a split by content, all train."""
    columns = (*model.columns, Column(model.target))
    return Layout(columns, recorded_split(model.source), len(model.samples))


def summarize_for(model: LinearModel, paths: Sequence[str]) -> Summary:
    """Summarize rows of a model's columns and target, split as those that it was trained on."""
    source, layout = open_source(paths), layout_of(model)
    source.check(layout.columns)
    return summarize(source.parts, layout, BATCH_SIZE)


@dataclass(frozen=True)
class TrainingRows:
    """The training rows of a model in files; each iteration reads them anew.

    Yields arrays of shape (n_rows, n_features).
    """

    model: LinearModel
    paths: Sequence[str]

    def __iter__(self) -> Iterator[npt.NDArray[np.float64]]:
        layout = layout_of(self.model)
        splitter = Splitter(layout)
        for part in open_source(self.paths).parts:
            for batch in read(part, layout.columns, BATCH_SIZE):
                rows = splitter(encode(batch, layout.columns))
                for members in rows.members[1:]:
                    yield rows.features(members).T


def summarize_request(request: Request) -> tuple[tuple[Column, ...], Summary]:
    """Return the columns, the target last, and the summary of the rows that `request` asks for."""
    with gathering(request.dask) as gather:
        return _read(request, gather)


def _read(request: Request, gather: Gather) -> tuple[tuple[Column, ...], Summary]:
    """Read the rows, in one pass; if there is text, after another one that finds its levels."""
    source = open_source(request.data)
    columns = select(source, request.target, request.features, request.categorical)
    texts = [column for column in columns if column.levels is not None]
    if texts:
        # a row that is dropped gives no level, whichever value it lacks
        needed = columns if request.missing == "drop" else texts
        task = partial(levels_in, columns=needed, batch_size=request.batch_size)
        columns = with_levels(columns, _gathered(gather, task, source, add_levels))
    split = ContentSplit(request.seed, request.test_size, request.n_folds)
    if not request.test_data:
        return columns, _summary(request, gather, source, Layout(columns, split, request.n_samples))
    held_out = open_source(request.test_data)
    held_out.check(columns)
    _check_apart(source, held_out)
    everything = Layout(columns, replace(split, test_size=0.0), 0)
    nothing = Layout(columns, replace(split, test_size=1.0, n_folds=0), request.n_samples)
    train = _summary(request, gather, source, everything)
    test = _summary(request, gather, held_out, nothing)
    return columns, replace(
        train,
        groups=(*test.groups, *train.groups[1:]),
        samples=test.samples,
        n_dropped=train.n_dropped + test.n_dropped,
    )


def _check_apart(source: Source, held_out: Source) -> None:
    """Raise UsageError if a file is to be trained on and held out."""
    paths = {part.file.path for part in source.parts}
    for part in held_out.parts:
        if part.file.path in paths:
            raise UsageError(
                f"{part.file.name}: is in --data and in --test-data; expected other rows to score"
            )


def _gathered(gather: Gather, task: Task, source: Source, add: Add) -> Any:
    """Gather a task's results over a source, with a progress bar on a terminal."""
    bar = tqdm(total=source.n_rows, unit=" rows", unit_scale=True, leave=False, disable=None)
    with bar:
        return gather(task, source.parts, add, bar.update)


def _summary(request: Request, gather: Gather, source: Source, layout: Layout) -> Summary:
    n_threads = 1 if request.dask else None  # a cluster has a task for each thread
    task = partial(summarize, layout=layout, batch_size=request.batch_size, n_threads=n_threads)
    summary: Summary = _gathered(gather, task, source, Summary.__add__)
    if summary.n_dropped and request.missing == "refuse":
        lacking = [
            f"{column.name} {count}"
            for column, count in zip(layout.columns, summary.missing, strict=True)
            if count
        ]
        path, row = summary.first_missing or ("", 0)
        raise DataError(
            f"{summary.n_dropped} rows lack values ({shown(lacking)}); the first is row {row} of"
            f" {path}: fill them, or pass --missing drop"
        )
    return summary


def _check(moments: TrainTestMoments, allow_collinear: bool) -> None:
    """Raise DataError for rows that determine no model."""
    train, n_test = moments.train, moments.test.n_samples
    n_train, n_features = train.n_samples, train.n_features
    if not n_train or not n_test:
        side = "held out" if n_train else "left for training"
        raise DataError(
            f"none of {n_train + n_test} rows is {side}; expected rows on both sides: change"
            " --test-size, or give more rows"
        )
    if train.is_constant(n_features):
        value = float(train.mean(n_features))
        raise DataError(
            f"the target {moments.target!r} is {value!r} in every training row; expected values"
            " that differ"
        )
    if n_train <= n_features and not allow_collinear:
        raise DataError(
            f"{n_train} training rows cannot determine {n_features} features and an intercept;"
            " expected more rows than features: give more rows, or fewer --features"
        )
