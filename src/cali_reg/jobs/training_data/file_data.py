"""The rows of files as training data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

from tqdm import tqdm

from cali_reg.data.columns.levels import (
    Found,
    find_levels,
    spelling_notes,
    union_levels,
    with_levels,
)
from cali_reg.data.columns.row_numbers import check_row_numbers
from cali_reg.data.columns.selection import select
from cali_reg.data.content_split import ContentSplit
from cali_reg.data.dask_cluster import Add, Run, Task, open_runner
from cali_reg.data.dataset import Dataset, open_dataset
from cali_reg.data.feature_encoding import encode
from cali_reg.data.readers import BATCH_SIZE, read
from cali_reg.data.summaries.splitter import Layout, Splitter
from cali_reg.data.summaries.summarizer import summarize
from cali_reg.data.summaries.summary import Summary
from cali_reg.errors import UsageError
from cali_reg.jobs.training_data.base import FILES, Block
from cali_reg.runtime.model import LinearModel
from cali_reg.runtime.schema import Column, read_column


@dataclass(frozen=True)
class FileOptions:
    """Which rows of files to train on: the options of ``cali-reg train --data``.

    Parameters
    ----------
    data : sequence of str
        Files, wildcards, folders and URLs.
    target : str
        The column to predict.
    features : sequence of str, optional
        The columns to predict from; by default all but the target.
    categorical : sequence of str, default=()
        The categorical columns.
    baselines : mapping of str to str, default={}
        The baselines of some categorical columns; by default the first level.
    not_missing : mapping of str to tuple of str, default={}
        For some categorical columns, texts such as ``NA`` that are categories there.
    test_data : sequence of str, default=()
        Files of the held-out rows. Without them the rows are split by content.
    test_size : float, default=0.2
        Fraction of the rows to hold out, between 0 and 1; not used with `test_data`.
    seed : int, default=42
        Of the split, 0 to 2**32 - 1.
    split_keys : tuple of Column, default=()
        The columns whose values decide the split; without them all that the model reads.
    missing : {"error", "drop"}, default="error"
        How to treat rows with missing values.
    n_sample_rows : int, default=5
        Number of held-out rows to keep as samples.
    n_folds : int, default=1
        Number of folds of the training rows; 1 for no folds.
    batch_size : int, default=60000
        Number of rows to read at once. No result depends on it.
    dask : str, optional
        The Dask cluster to read on, as in `open_runner`; by default this process.
    """

    data: Sequence[str]
    target: str
    features: Sequence[str] | None = None
    categorical: Sequence[str] = ()
    baselines: Mapping[str, str] = field(default_factory=dict)
    not_missing: Mapping[str, Sequence[str]] = field(default_factory=dict)
    test_data: Sequence[str] = ()
    test_size: float = 0.2
    seed: int = 42
    split_keys: tuple[Column, ...] = ()
    missing: str = "error"
    n_sample_rows: int = 5
    n_folds: int = 1
    batch_size: int = BATCH_SIZE
    dask: str | None = None


class FileData:
    """Rows of files, read in one pass, or in two to find the levels of categorical columns.

    Parameters
    ----------
    options : FileOptions
    columns : tuple of Column, optional
        The columns of a trained model, to predict from; by default those of the options.
    """

    def __init__(self, options: FileOptions, columns: tuple[Column, ...] | None = None) -> None:
        self._options = options
        self._known_columns = columns
        self._spellings: Found = {}

    @classmethod
    def for_model(cls, model: LinearModel, paths: Sequence[str]) -> FileData:
        """Return rows of files, to be read and split as those of a trained model.

        If the model has no split by content, all of them are training rows.

        Parameters
        ----------
        model : LinearModel
        paths : sequence of str
            Files, wildcards, folders and URLs.
        """
        return cls(recorded_options(model, paths), model.columns)

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
        """What to tell the user: columns that number the rows, categories written in two ways.

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
        return (*numbers, *spelling_notes(self.columns, self._spellings))

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

    def blocks(self) -> Iterator[Block]:
        """Yield the features of the training rows, (n_rows, n_features)."""
        layout = self._found[0]
        splitter = Splitter(layout)
        for fragment in self._dataset.fragments:
            for batch in read(fragment, layout.read_columns, self._options.batch_size):
                rows = splitter.split(encode(batch, layout.read_columns))
                for members in rows.members[1:]:
                    yield rows.features(members).T

    def provenance(self) -> dict[str, Any]:
        """Return the provenance of the rows, the field ``source`` of ``model.json``."""
        options = self._options
        split: dict[str, Any] = {"seed": options.seed}
        if options.test_data:
            split["by"] = "test data"
        else:
            split |= {"by": "content", "test_size": options.test_size}
            if options.split_keys:
                split["columns"] = list(map(_key_to_dict, options.split_keys))
        return {"data": FILES, "dropped_rows": self.summary().missing.n_rows, "split": split}

    @cached_property
    def _dataset(self) -> Dataset:
        return open_dataset(self._options.data)

    @cached_property
    def _found(self) -> tuple[Layout, Summary]:
        with open_runner(self._options.dask) as run:
            layout = self._find_layout(run)
            return layout, self._summarize(run, layout)

    def _find_layout(self, run: Run) -> Layout:
        """Find the columns and their levels."""
        options = self._options
        if self._known_columns is not None:
            columns = (*self._known_columns, Column(options.target))
        else:
            columns = self._find_columns(run)
        test_size = 0.0 if options.test_data else options.test_size
        split = ContentSplit(options.seed, test_size, options.n_folds)
        layout = Layout(columns, split, options.n_sample_rows, options.split_keys)
        self._dataset.check(layout.read_columns)
        return layout

    def _find_columns(self, run: Run) -> tuple[Column, ...]:
        options = self._options
        columns = select(
            self._dataset,
            options.target,
            options.features,
            options.categorical,
            options.not_missing,
        )
        categorical = [column for column in columns if column.levels is not None]
        if not categorical:
            return columns
        # the levels of rows that are dropped do not count, whichever value is missing
        needed = [*columns, *options.split_keys] if options.missing == "drop" else categorical
        task = partial(find_levels, columns=needed, batch_size=options.batch_size)
        found: Found = _run(run, task, self._dataset, union_levels)
        self._spellings = {column.name: found[column.name] for column in categorical}
        return with_levels(columns, self._spellings, options.baselines)

    def _summarize(self, run: Run, layout: Layout) -> Summary:
        options = self._options
        if not options.test_data:
            return self._summarize_dataset(run, self._dataset, layout)
        held_out = open_dataset(options.test_data)
        held_out.check(layout.read_columns)
        _check_apart(self._dataset, held_out)
        train = self._summarize_dataset(run, self._dataset, replace(layout, n_sample_rows=0))
        all_held_out = replace(layout.split, test_size=1.0, n_folds=0)
        test = self._summarize_dataset(run, held_out, replace(layout, split=all_held_out))
        return replace(
            train,
            groups=(*test.groups, *train.folds),
            samples=test.samples,
            missing=train.missing + test.missing,
        )

    def _summarize_dataset(self, run: Run, dataset: Dataset, layout: Layout) -> Summary:
        options = self._options
        n_threads = 1 if options.dask else None  # a cluster has a task for each thread
        task = partial(summarize, layout=layout, batch_size=options.batch_size, n_threads=n_threads)
        summary: Summary = _run(run, task, dataset, Summary.__add__)
        if options.missing == "error":
            advice = "fill them in, or pass --missing drop"
            summary.missing.require_none(layout.read_columns, advice)
        return summary


def recorded_options(model: LinearModel, paths: Sequence[str]) -> FileOptions:
    """Return options to read and split rows of files as those of a trained model.

    Parameters
    ----------
    model : LinearModel
        It may be forged.
    paths : sequence of str
        Files, wildcards, folders and URLs.
    """
    split = recorded_split(model.source)
    return FileOptions(
        data=paths,
        target=model.target,
        test_size=split.test_size,
        seed=split.seed,
        split_keys=recorded_keys(model.source),
        missing="drop",
        n_sample_rows=len(model.samples),
    )


def recorded_split(source: dict[str, Any]) -> ContentSplit:
    """Return the split of a model's files; if it was not by content, no row is held out.

    Parameters
    ----------
    source : dict
        The model's provenance, which may be forged.
    """
    split = source.get("split")
    split = split if isinstance(split, dict) and source.get("data") == FILES else {}
    seed, test_size = split.get("seed"), split.get("test_size", 0.0)
    if type(seed) is not int or not 0 <= seed < 2**32:
        return ContentSplit(0, 0.0)
    if split.get("by") != "content" or type(test_size) is not float or not 0 < test_size < 1:
        return ContentSplit(seed, 0.0)
    return ContentSplit(seed, test_size)


def recorded_keys(source: dict[str, Any]) -> tuple[Column, ...]:
    """Return the columns that split a model's rows, if they are others than those it reads.

    Parameters
    ----------
    source : dict
        The model's provenance, which may be forged.
    """
    split = source.get("split")
    keys = split.get("columns") if isinstance(split, dict) else None
    try:
        return tuple(map(_read_key, keys or ()))
    except (TypeError, KeyError, ValueError):
        return ()


def _key_to_dict(key: Column) -> dict[str, Any]:
    content = key.to_dict()
    content["categorical"] = content.pop("levels") is not None
    return content


def _read_key(content: dict[str, Any]) -> Column:
    content = dict(content)
    levels: list[str] | None = [] if content.pop("categorical") else None
    return read_column({**content, "levels": levels})


def split_of(model: LinearModel) -> tuple[ContentSplit, tuple[Column, ...]]:
    """Return the split of a model's rows by content, and the columns that decide it.

    Parameters
    ----------
    model : LinearModel

    Raises
    ------
    UsageError
        If its rows were not split by content.
    """
    split = recorded_split(model.source)
    if not split.test_size:
        raise UsageError(
            "--split-like: the model was not split by content; name one trained with --data"
        )
    own = (*model.columns, Column(model.target))
    keys = tuple(column._replace(levels=column.levels and ()) for column in own)
    return split, recorded_keys(model.source) or keys


def _run(run: Run, task: Task, dataset: Dataset, add: Add) -> Any:
    """Run a task on a dataset, with a progress bar on a terminal."""
    bar = tqdm(total=dataset.n_rows, unit=" rows", unit_scale=True, leave=False, disable=None)
    with bar:
        return run(task, dataset.fragments, add, bar.update)


def _check_apart(dataset: Dataset, held_out: Dataset) -> None:
    """Raise UsageError if a file is both to train on and held out."""
    paths = {fragment.file.path for fragment in dataset.fragments}
    for fragment in held_out.fragments:
        if fragment.file.path in paths:
            raise UsageError(
                f"{fragment.file.name}: is in --data and in --test-data; the held-out rows must"
                " not be training rows"
            )
