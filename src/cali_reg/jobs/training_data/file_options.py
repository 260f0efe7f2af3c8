"""Which rows of files to train on: as options say, or as a model has recorded it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cali_reg.data.columns.plan import MAX_LEVELS, Asked
from cali_reg.data.content_split import ContentSplit
from cali_reg.data.files import Source
from cali_reg.data.readers import BATCH_SIZE
from cali_reg.errors import DataError, UsageError
from cali_reg.jobs.training_data.base import FILES, holds_out_none
from cali_reg.runtime.cell_parser import parse_category
from cali_reg.runtime.model import LinearModel
from cali_reg.runtime.reading.options import USUAL, Reading
from cali_reg.runtime.schema import Column, read_column


@dataclass(frozen=True)
class FileOptions:
    """Which rows of files to train on: the options of ``cali-reg train --data``.

    Parameters
    ----------
    data : sequence of Source
        Files, wildcards, folders and URLs, or rows in memory.
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
    test_data : sequence of Source, default=()
        Files of the held-out rows. Without them the rows are split by content.
    test_size : float, default=0.2
        Fraction of the rows to hold out, below 1, or 0 for none; not used with `test_data`.
    seed : int, default=42
        Of the split, 0 to 2**32 - 1.
    split_keys : tuple of Column, default=()
        The columns whose values decide the split; without them all that the model reads.
    exclude : sequence of str, default=()
        Columns to leave out.
    max_levels : int, default=50
        Largest number of categories of a column of text that is not in `categorical`.
    allow_collinear : bool, default=False
        Whether to use columns that depend on others.
    strict : bool, default=False
        Whether to reject what is no feature, in place of leaving it out.
    fit_intercept : bool, default=True
        Whether the model has an intercept: a constant column then depends on it.
    missing : {"error", "drop"}, default="error"
        How to treat rows with missing values.
    on_error : {"stop", "skip"}, default="stop"
        What to do at another invalid row: raise an error, or leave it out.
    unseen : {"error", "baseline"}, default="error"
        How to treat training rows with a category that is none of the known levels.
    n_sample_rows : int, default=5
        Number of held-out rows to keep as samples.
    n_folds : int, default=1
        Number of folds of the training rows; 1 for no folds.
    batch_size : int, default=60000
        Number of rows to read at once. No result depends on it.
    dask : str, optional
        The Dask cluster to read on, as in `open_runner`; by default this process.
    reading : Reading, optional
        How the files are read.
    """

    data: Sequence[Source]
    target: str
    features: Sequence[str] | None = None
    categorical: Sequence[str] = ()
    baselines: Mapping[str, str] = field(default_factory=dict)
    not_missing: Mapping[str, Sequence[str]] = field(default_factory=dict)
    test_data: Sequence[Source] = ()
    test_size: float = 0.2
    seed: int = 42
    split_keys: tuple[Column, ...] = ()
    exclude: Sequence[str] = ()
    max_levels: int = MAX_LEVELS
    allow_collinear: bool = False
    strict: bool = False
    fit_intercept: bool = True
    missing: str = "error"
    on_error: str = "stop"
    unseen: str = "error"
    n_sample_rows: int = 5
    n_folds: int = 1
    batch_size: int = BATCH_SIZE
    dask: str | None = None
    reading: Reading = USUAL

    @property
    def asked(self) -> Asked:
        """What the column plan is asked for."""
        return Asked(
            tuple(self.categorical), tuple(self.exclude), self.max_levels, self.allow_collinear
        )


def recorded_options(
    model: LinearModel, paths: Sequence[str], asked: Mapping[str, Any]
) -> FileOptions:
    """Return options to read and split rows of files as those of a trained model.

    Parameters
    ----------
    model : LinearModel
        It may be forged.
    paths : sequence of str
        Files, wildcards, folders and URLs.
    asked : mapping of str to value
        How these files are read, where that differs from the training: fields of `Reading`.

    Raises
    ------
    DataError
        For a model of version 1 with categories that are others now.
    UsageError
        For what is asked for, if it has no meaning.
    """
    if model.version == 1:
        _check_categories(model)
    split = recorded_split(model.source)
    return FileOptions(
        data=paths,
        target=model.target,
        test_size=split.test_size,
        seed=split.seed,
        split_keys=recorded_keys(model.source),
        missing="drop",
        on_error="skip" if "skipped_rows" in model.source else "stop",
        unseen="baseline" if model.source.get("unseen") == "baseline" else "error",
        n_sample_rows=len(model.samples),
        reading=model.reading.updated(asked),
    )


def _check_categories(model: LinearModel) -> None:
    """Raise DataError if a category is another one now: its rows were split by the text it was."""
    for column in model.columns:
        for level in column.levels or ():
            if parse_category(level) != level:
                raise DataError(
                    f"model.json is of version 1, with {level!r} in column {column.name!r}, which"
                    f" is {parse_category(level)!r} now: its rows would be split otherwise; train"
                    " again"
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


def key_to_dict(key: Column) -> dict[str, Any]:
    """Return a column that splits the rows as ``model.json`` holds it.

    Parameters
    ----------
    key : Column
    """
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
    if holds_out_none(model.source):
        raise UsageError(
            "--split-like: the model was trained on all rows (--test-size 0), so it has no held-out"
            " rows to compare with; pass --test-size 0 to train on all rows, too"
        )
    split = recorded_split(model.source)
    if not split.test_size:
        raise UsageError(
            "--split-like: the model was not split by content; name one trained with --data"
        )
    own = (*model.columns, model.reading.with_marks(Column(model.target)))
    # whether numbers are text makes another level of a row, but no other word
    keys = tuple(column._replace(levels=column.levels and (), as_text=False) for column in own)
    return split, recorded_keys(model.source) or keys
