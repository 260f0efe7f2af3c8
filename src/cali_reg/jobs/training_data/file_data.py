"""The rows of files as training data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, NamedTuple

from cali_reg.data.columns.levels import spelling_notes, with_levels
from cali_reg.data.columns.plan import Plan, QuestionMarkError, used
from cali_reg.data.columns.row_numbers import check_row_numbers, note_row_numbers
from cali_reg.data.columns.selection import check_names, named_columns, select
from cali_reg.data.content_split import ContentSplit
from cali_reg.data.dask_cluster import Run, open_runner
from cali_reg.data.dataset import Dataset, open_dataset
from cali_reg.data.readers import read
from cali_reg.data.summaries.splitter import Layout, Splitter
from cali_reg.data.summaries.summary import PartialSummary, Summary
from cali_reg.jobs.training_data.base import FILES, Block
from cali_reg.jobs.training_data.column_planner import ColumnPlanner
from cali_reg.jobs.training_data.file_options import FileOptions, key_to_dict, recorded_options
from cali_reg.jobs.training_data.row_passes import summarize_rows, survey_rows
from cali_reg.runtime.model import LinearModel
from cali_reg.runtime.reading.options import Reading
from cali_reg.runtime.schema import Column, feature_names


class _Found(NamedTuple):
    """What reading the rows has found.

    Attributes
    ----------
    layout : Layout
        With the levels of the columns.
    summary : Summary
    notes : tuple of str
        About the levels.
    plan : Plan, optional
    """

    layout: Layout
    summary: Summary
    notes: tuple[str, ...]
    plan: Plan | None


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
        self._mark_notes: tuple[str, ...] = ()

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
        return self._found.layout.columns[:-1]

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """All columns that are read: those to predict from, the target, others that split."""
        return self._found.layout.read_columns

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
        numbers = self._row_number_notes()
        return (*self.reading_notes, *numbers, *self._found.notes, *self.summary().notes)

    def _row_number_notes(self) -> tuple[str, ...]:
        options, apart = self._options, bool(self._options.test_data)
        if self._known_columns is not None or options.features is not None:
            return ()
        if not options.strict:
            return note_row_numbers(self.columns, self.summary(), apart=apart)
        return check_row_numbers(self._dataset.name, self.columns, self.summary(), apart=apart)

    @property
    def reading_notes(self) -> tuple[str, ...]:
        """What a first look at the files has found."""
        return (*self._dataset.reading_notes, *self._mark_notes)

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
        return self._found.summary

    @property
    def reading(self) -> Reading:
        """How the files are read, after `summary`: question marks may be found missing."""
        return self._options.reading

    def blocks(self) -> Iterator[Block]:
        """Yield the features of the training rows, (n_rows, n_features)."""
        layout = self._found.layout
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

    @property
    def plan(self) -> dict[str, Any] | None:
        """The column plan, the field ``plan`` of ``model.json``; None without one."""
        plan = self._found.plan
        return None if plan is None or self._options.features is not None else plan.to_dict()

    @cached_property
    def _held_out(self) -> Dataset | None:
        """The files of the held-out rows, if there are any."""
        options = self._options
        return open_dataset(options.test_data, options.reading) if options.test_data else None

    @cached_property
    def _found(self) -> _Found:
        """Find the columns with their levels, and summarize the rows."""
        plan = None
        with open_runner(self._options.dask) as run:
            if self._known_columns is not None or self._options.strict:
                layout = self._layout(self._select())
                partial_summary = self._summarize(run, layout)
            else:
                try:
                    plan, layout, partial_summary = self._plan(run)
                except QuestionMarkError as found:
                    self._read_marks(found)
                    plan, layout, partial_summary = self._plan(run)
        if self._options.missing == "error":
            _require_no_missing(partial_summary, layout, self._mark_notes)
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
        return _Found(replace(layout, columns=columns), summary, notes, plan)

    def _summarize(self, run: Run, layout: Layout) -> PartialSummary:
        return summarize_rows(run, self._options, self._dataset, self._held_out, layout)

    def _summarize_planned(self, run: Run, columns: tuple[Column, ...]) -> PartialSummary:
        """Summarize the rows with some columns; a number with leading zeros is an error."""
        numbers = [column.name for column in columns if column.levels is None]
        dataset, held_out = self._dataset.without_codes(numbers), self._held_out
        held_out = held_out and held_out.without_codes(numbers)
        layout = self._layout((*columns, Column(self._options.target)))
        return summarize_rows(run, self._options, dataset, held_out, layout)

    def _read_marks(self, found: QuestionMarkError) -> None:
        """Read question marks as missing values from now on."""
        reading = self._options.reading
        reading = reading._replace(missing=tuple(sorted({*reading.missing, "?"})))
        self._options = replace(self._options, reading=reading)
        self._mark_notes = (found.note,)
        for name in ("_dataset", "_held_out"):  # found by a first look, which has read them as text
            self.__dict__.pop(name, None)

    def _select(self) -> tuple[Column, ...]:
        """Return the columns, the target last; their levels are known if those of the model are."""
        options = self._options
        if self._known_columns is not None:
            return (*self._known_columns, Column(options.target))
        return select(
            self._dataset,
            options.target,
            options.features,
            options.categorical,
            options.not_missing,
        )

    def _plan(self, run: Run) -> tuple[Plan, Layout, PartialSummary]:
        """Plan the columns, and summarize the rows with those that are used."""
        options = self._options
        check_names(
            self._dataset,
            options.target,
            options.features or (),
            options.categorical,
            options.exclude,
        )
        features = options.features
        if features is not None:
            features = named_columns(features, options.categorical)
        datasets = [self._dataset, *([self._held_out] if self._held_out else [])]
        for dataset in datasets:
            dataset.check_names([*(features or options.categorical), options.target])
        survey = partial(survey_rows, run, options)
        planner = ColumnPlanner(
            datasets,
            options.target,
            options.asked,
            features,
            options.not_missing,
            options.fit_intercept,
            options.on_error == "skip",
            survey,
        )
        plan, summary = planner.plan(partial(self._summarize_planned, run))
        columns = used(plan.columns, options.not_missing)
        return plan, self._layout((*columns, Column(options.target))), summary

    def _layout(self, columns: tuple[Column, ...]) -> Layout:
        """Return the layout of some columns, after checking that the files have them."""
        options = self._options
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


def _require_no_missing(
    summary: PartialSummary, layout: Layout, mark_notes: tuple[str, ...] = ()
) -> None:
    """Raise DataError for missing values; its message says what leaving them out costs."""
    missing, names = summary.missing, [column.name for column in layout.columns[:-1]]
    cost, others = missing.cost_of_dropping(summary.n_rows), missing.cost_without_columns(names)
    advice = f"fill them in, or pass --missing drop, which {cost}" + f" ({others})" * bool(others)
    advice = "; ".join((advice, *mark_notes))
    missing.require_none(layout.read_columns, advice)
