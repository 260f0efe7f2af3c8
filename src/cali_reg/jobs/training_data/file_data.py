"""The rows of files as training data."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

from tqdm import tqdm

from cali_reg.data.columns.levels import spelling_notes, with_levels
from cali_reg.data.columns.row_numbers import check_row_numbers
from cali_reg.data.columns.selection import select
from cali_reg.data.content_split import ContentSplit
from cali_reg.data.dask_cluster import Add, Run, Task, open_runner
from cali_reg.data.dataset import Dataset, open_dataset
from cali_reg.data.readers import read
from cali_reg.data.summaries.splitter import Layout, Splitter
from cali_reg.data.summaries.summarizer import summarize
from cali_reg.data.summaries.summary import PartialSummary, Summary
from cali_reg.errors import UsageError
from cali_reg.jobs.training_data.base import FILES, Block
from cali_reg.jobs.training_data.file_options import FileOptions, key_to_dict, recorded_options
from cali_reg.runtime.messages import is_quiet
from cali_reg.runtime.model import LinearModel
from cali_reg.runtime.reading.options import Reading
from cali_reg.runtime.schema import Column, feature_names

_CELLS = 1 << 23  # of a block of features, which one-hot columns make wide


class FileData:
    """Rows of files, read in one pass.

    Parameters
    ----------
    options : FileOptions
    columns : tuple of Column, optional
        The columns of a trained model, to predict from; by default those of the options.
    """

    def __init__(self, options: FileOptions, columns: tuple[Column, ...] | None = None) -> None:
        self._options = options
        self._known_columns = columns

    @classmethod
    def for_model(
        cls, model: LinearModel, paths: Sequence[str], asked: Mapping[str, Any], **changes: Any
    ) -> FileData:
        """Return rows of files, to be read and split as those of a trained model.

        If the model has no split by content, all of them are training rows.

        Parameters
        ----------
        model : LinearModel
        paths : sequence of str
            Files, wildcards, folders and URLs.
        asked : mapping of str to value
            How these files are read, where that differs from the training: fields of `Reading`.
        changes
            Other values of `FileOptions` than the recorded ones.
        """
        return cls(replace(recorded_options(model, paths, asked), **changes), model.columns)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns to predict from."""
        return self._found[0].columns[:-1]

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """All columns that are read: those to predict from, the target, others that split."""
        return self._found[0].read_columns

    @property
    def target(self) -> str:
        """Name of the column to predict."""
        return self._options.target

    @property
    def notes(self) -> tuple[str, ...]:
        """What to tell the user: about row numbers, and about the categories.

        Raises
        ------
        DataError
            For row numbers among the features, if the user has not named those.
        """
        named = self._known_columns is not None or self._options.features is not None
        numbers = check_row_numbers(
            self._dataset.name,
            self.columns,
            self.summary(),
            are_named=named,
            apart=bool(self._options.test_data),
        )
        return (*self.reading_notes, *numbers, *self._found[2], *self.summary().notes)

    @property
    def reading_notes(self) -> tuple[str, ...]:
        """What a first look at the files has found."""
        return self._dataset.reading_notes

    def summary(self) -> Summary:
        """Return the statistics of the training rows and of the held-out rows.

        Raises
        ------
        DataError
            For files that cannot be read, invalid rows, and missing values unless they are dropped.
        UsageError
            For a file that is named twice or is both to train on and held out, for columns named
            twice, for a feature that is the target, and if no Dask scheduler answers.
        """
        return self._found[1]

    @property
    def reading(self) -> Reading:
        """How the files are read."""
        return self._options.reading

    def blocks(self) -> Iterator[Block]:
        """Yield the features of the training rows, (n_rows, n_features)."""
        layout = self._found[0]
        splitter = Splitter(layout)
        n_rows = max(1, _CELLS // len(feature_names(self.columns)))
        for fragment in self._dataset.fragments:
            for batch in read(fragment, layout.read_columns, self._options.batch_size):
                rows = splitter.split(batch)
                for members in rows.members[1:]:
                    for start in range(0, len(members), n_rows):
                        yield rows.features(members[start : start + n_rows]).T

    def provenance(self) -> dict[str, Any]:
        """Return the provenance of the rows, the field ``source`` of ``model.json``."""
        options = self._options
        split: dict[str, Any] = {"seed": options.seed}
        if options.test_data:
            split["by"] = "test data"
        else:
            split |= {"by": "content", "test_size": options.test_size}
            if options.split_keys:
                split["columns"] = list(map(key_to_dict, options.split_keys))
        source = {"data": FILES, "dropped_rows": self.summary().missing.n_rows, "split": split}
        if options.on_error == "skip":
            source["skipped_rows"] = self.summary().skipped.n_rows
        return source

    @cached_property
    def _dataset(self) -> Dataset:
        return open_dataset(self._options.data, self._options.reading)

    @cached_property
    def _found(self) -> tuple[Layout, Summary, tuple[str, ...]]:
        """Where the columns are, with their levels; the statistics; and notes about the levels."""
        with open_runner(self._options.dask) as run:
            layout = self._find_layout()
            partial_summary = self._summarize(run, layout)
        self._dataset.check_unchanged()
        categorical = [column.name for column in layout.categorical]
        columns = layout.columns
        notes: tuple[str, ...] = ()
        if self._known_columns is None and categorical:
            spellings = dict(zip(categorical, partial_summary.spellings, strict=True))
            training = {
                name: partial_summary.training_counts(c) for c, name in enumerate(categorical)
            }
            columns = with_levels(columns, spellings, training, self._options.baselines)
            notes = spelling_notes(columns, spellings)
        unseen_in = "rows" if self._options.unseen == "baseline" else "held-out rows"
        summary = partial_summary.with_levels(columns[:-1], unseen_in=unseen_in)
        return replace(layout, columns=columns), summary, notes

    def _find_layout(self) -> Layout:
        """Find the columns; their levels are not yet known, unless the model's columns are."""
        options = self._options
        if self._known_columns is not None:
            columns = (*self._known_columns, Column(options.target))
        else:
            columns = select(
                self._dataset,
                options.target,
                options.features,
                options.categorical,
                options.not_missing,
            )
        columns = tuple(map(options.reading.with_marks, columns))
        test_size = 0.0 if options.test_data else options.test_size
        split = ContentSplit(options.seed, test_size, options.n_folds)
        layout = Layout(
            columns,
            split,
            options.n_sample_rows,
            options.split_keys,
            on_error=options.on_error,
            unseen=options.unseen,
        )
        self._dataset.check(layout.read_columns)
        return layout

    def _summarize(self, run: Run, layout: Layout) -> PartialSummary:
        options = self._options
        if not options.test_data:
            return self._summarize_dataset(run, self._dataset, layout)
        held_out = open_dataset(options.test_data, options.reading)
        held_out.check(layout.read_columns)
        _check_apart(self._dataset, held_out)
        train = self._summarize_dataset(run, self._dataset, replace(layout, n_sample_rows=0))
        all_held_out = replace(layout.split, test_size=1.0, n_folds=0)
        test = self._summarize_dataset(run, held_out, replace(layout, split=all_held_out))
        held_out.check_unchanged()
        return replace(
            train,
            groups=(*test.groups, *train.groups[1:]),
            samples=test.samples,
            n_sample_rows=test.n_sample_rows,
            missing=train.missing + test.missing,
            skipped=train.skipped + test.skipped,
            spellings=tuple(a + b for a, b in zip(train.spellings, test.spellings, strict=True)),
        )

    def _summarize_dataset(self, run: Run, dataset: Dataset, layout: Layout) -> PartialSummary:
        options = self._options
        n_threads = 1 if options.dask else None  # a cluster has a task for each thread
        task = partial(summarize, layout=layout, batch_size=options.batch_size, n_threads=n_threads)
        summary: PartialSummary = _run(run, task, dataset, PartialSummary.__add__)
        if options.missing == "error":
            missing, names = summary.missing, [column.name for column in layout.columns[:-1]]
            cost = missing.cost_of_dropping(summary.n_rows)
            others = missing.cost_without_columns(names)
            advice = f"fill them in, or pass --missing drop, which {cost}" + f" ({others})" * bool(
                others
            )
            missing.require_none(layout.read_columns, advice)
        return summary


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
