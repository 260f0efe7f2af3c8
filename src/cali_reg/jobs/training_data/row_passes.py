"""Read the rows of files once: to summarize them, or to survey some columns."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from tqdm import tqdm

from cali_reg.data.dask_cluster import Add, Run, Task
from cali_reg.data.dataset import Dataset
from cali_reg.data.summaries.splitter import Layout
from cali_reg.data.summaries.summarizer import summarize
from cali_reg.data.summaries.summary import PartialSummary
from cali_reg.data.summaries.survey import Survey, survey
from cali_reg.errors import UsageError
from cali_reg.jobs.training_data.file_options import FileOptions
from cali_reg.runtime.messages import is_quiet
from cali_reg.runtime.schema import Column


def survey_rows(
    run: Run,
    options: FileOptions,
    dataset: Dataset,
    columns: Sequence[Column],
    keys: frozenset[str],
) -> Survey:
    """Survey some columns of a dataset.

    Parameters
    ----------
    run : callable
        As `open_runner` yields it.
    options : FileOptions
    dataset : Dataset
    columns : sequence of Column
        Categorical ones without levels.
    keys : frozenset of str
        The names of columns that look like identifiers.

    Returns
    -------
    Survey
    """
    task = partial(
        survey,
        columns=list(map(options.reading.with_marks, columns)),
        keys=keys,
        batch_size=options.batch_size,
        n_threads=_n_threads(options),
        skips=options.on_error == "skip",
    )
    found: Survey = _run(run, task, dataset, Survey.__add__)
    return found


def summarize_rows(
    run: Run, options: FileOptions, dataset: Dataset, held_out: Dataset | None, layout: Layout
) -> PartialSummary:
    """Summarize the rows of datasets.

    Parameters
    ----------
    run : callable
        As `open_runner` yields it.
    options : FileOptions
    dataset : Dataset
    held_out : Dataset or None
        The held-out rows, if they have files of their own: all of `dataset` are training rows.
    layout : Layout

    Returns
    -------
    PartialSummary
    """
    if held_out is None:
        return _summarize(run, options, dataset, layout)
    held_out.check(layout.read_columns)
    _check_apart(dataset, held_out)
    train = _summarize(run, options, dataset, replace(layout, n_sample_rows=0))
    all_held_out = replace(layout.split, test_size=1.0, n_folds=0)
    test = _summarize(run, options, held_out, replace(layout, split=all_held_out))
    held_out.check_unchanged()
    return replace(
        train,
        groups=(*test.groups, *train.groups[1:]),
        lowest=np.minimum(train.lowest, test.lowest),
        highest=np.maximum(train.highest, test.highest),
        samples=test.samples,
        n_sample_rows=test.n_sample_rows,
        missing=train.missing + test.missing,
        skipped=train.skipped + test.skipped,
        spellings=tuple(a + b for a, b in zip(train.spellings, test.spellings, strict=True)),
    )


def _summarize(run: Run, options: FileOptions, dataset: Dataset, layout: Layout) -> PartialSummary:
    n_threads, batch_size = _n_threads(options), options.batch_size
    task = partial(summarize, layout=layout, batch_size=batch_size, n_threads=n_threads)
    summary: PartialSummary = _run(run, task, dataset, PartialSummary.__add__)
    return summary


def _n_threads(options: FileOptions) -> int | None:
    return 1 if options.dask else None  # a cluster has a task for each thread


def _run(run: Run, task: Task, dataset: Dataset, add: Add) -> Any:
    """Run a task on a dataset, with a progress bar on a terminal."""
    # None: only on a terminal; standard error may be closed
    disable = True if sys.stderr is None or is_quiet() else None
    bar = tqdm(total=dataset.n_rows, unit=" rows", unit_scale=True, leave=False, disable=disable)
    with bar:
        return run(task, dataset.fragments, add, bar.update)


def _check_apart(dataset: Dataset, held_out: Dataset) -> None:
    """Raise UsageError if a file is both to train on and held out, under any name."""
    files = [fragment.file for fragment in dataset.fragments]
    names = {file.identity: file.name for file in files}
    for file in (fragment.file for fragment in held_out.fragments):
        if (name := names.get(file.identity)) is not None:
            other = f", as {name}," if name != file.name else ""
            raise UsageError(
                f"{file.name}: is in --data{other} and in --test-data; the held-out rows must"
                " not be training rows"
            )
