"""Select the columns to train on, and find the levels of the categorical ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from cali_reg.data.dataset import Dataset
from cali_reg.data.formats.base import Fragment
from cali_reg.data.readers import Progress, read
from cali_reg.errors import DataError, UsageError
from cali_reg.runtime.schema import Column, feature_names, find_duplicate, format_names

_MOST_LEVELS = 1000
_INDEX = re.compile(r"|Unnamed: 0|__index_level_0__")  # what pandas writes and reads by default
_ADVICE = "convert it, leave it out with --features, or encode text with --categorical"

Levels = dict[str, set[str]]  # by column


def select(
    dataset: Dataset, target: str, features: Sequence[str] | None, categorical: Sequence[str]
) -> tuple[Column, ...]:
    """Select the columns to read.

    Parameters
    ----------
    dataset : Dataset
    target : str
        The column to predict.
    features : sequence of str or None
        The columns to predict from; None for all but the target, in the order of the first file.
    categorical : sequence of str
        The categorical columns; those that `features` does not name come after the others.

    Returns
    -------
    tuple of Column
        The target last. Categorical columns do not have their levels yet.

    Raises
    ------
    UsageError
        For a feature that is the target, or is named twice.
    DataError
        For columns that are missing, not numeric or look like row numbers, and if there is no
        feature.
    """
    kinds = dataset.fragments[0].kinds
    if target in (*(features or ()), *categorical):
        raise UsageError(f"column {target!r} is the target; it cannot be a feature, too")
    if target not in kinds:
        raise DataError(
            f"{dataset.name}: no column {target!r} (found: {format_names(list(kinds))}); check"
            " --target"
        )
    if features is None:
        features = _all_features(dataset, kinds, target, categorical)
    names = [*features, *(name for name in categorical if name not in features)]
    if duplicate := find_duplicate(names):
        raise UsageError(f"column {duplicate!r} is named twice; name it once")
    if not names:
        raise DataError(f"{dataset.name}: no column but the target; expected a feature")
    columns = [Column(name, () if name in categorical else None) for name in names]
    dataset.check([*columns, Column(target)], _ADVICE)
    return (*columns, Column(target))


def _all_features(
    dataset: Dataset, kinds: dict[str, str], target: str, categorical: Sequence[str]
) -> list[str]:
    """Return all columns but the target. Raises DataError for those that are no features."""
    features = [name for name in kinds if name != target]
    for name in filter(_INDEX.fullmatch, features):
        raise DataError(
            f"{dataset.name}: column {name!r} looks like the row numbers; expected features: name"
            " the columns to use with --features"
        )
    others = [
        f"{name} ({kinds[name]})"
        for name in features
        if name not in categorical and kinds[name] not in ("numbers", "nothing")
    ]
    if others:
        raise DataError(
            f"{dataset.name}: columns that are not numeric: {format_names(others)}; name the"
            " columns to use with --features, or encode text with --categorical"
        )
    return features


def find_levels(
    fragments: Sequence[Fragment],
    columns: Sequence[Column],
    batch_size: int,
    progress: Progress = lambda n_rows: None,
) -> Levels:
    """Find the levels of the categorical columns, in rows that have a value in every column.

    Parameters
    ----------
    fragments : sequence of Fragment
    columns : sequence of Column
        The columns to read; rows with a missing value in any of them do not count.
    batch_size : int
        Number of rows to read at once.
    progress : callable, optional
        Called with the number of rows read since the last call.

    Returns
    -------
    dict of sets of str
        The levels of each categorical column, by its name.

    Raises
    ------
    DataError
        For a column with more than 1000 levels, and for files that cannot be read.
    """
    levels: Levels = {column.name: set() for column in columns if column.levels is not None}
    for fragment in fragments:
        for batch in read(fragment, columns, batch_size):
            batch.require_no_problem()
            complete = reduce(pc.and_, map(_has_value, batch.arrays))
            for column, array in zip(columns, batch.arrays, strict=True):
                if column.levels is not None:
                    levels[column.name].update(array.filter(complete).unique().to_pylist())
            _check_number(levels)
            progress(len(batch.numbers))
    return levels


def union_levels(a: Levels, b: Levels) -> Levels:
    """Return the levels that are in one or both of two results of `find_levels`.

    Parameters
    ----------
    a, b : dict of sets of str
        The levels of the same columns, by name.

    Raises
    ------
    DataError
        For a column with more than 1000 levels.
    """
    levels = {name: a[name] | b[name] for name in a}
    _check_number(levels)
    return levels


def with_levels(columns: Sequence[Column], levels: Levels) -> tuple[Column, ...]:
    """Return the columns with the levels found, sorted by code point.

    Parameters
    ----------
    columns : sequence of Column
    levels : dict of sets of str
        The levels of each categorical column, as `find_levels` returns them.

    Raises
    ------
    DataError
        For a column with one level, and for two features of the same name.
    """
    for name, texts in levels.items():
        if len(texts) == 1:
            raise DataError(
                f"column {name!r} holds {format_names(list(texts))} in every row; expected at"
                " least two categories: leave it out with --features"
            )
    found = {name: tuple(sorted(texts)) for name, texts in levels.items()}
    columns = tuple(Column(column.name, found.get(column.name)) for column in columns)
    if duplicate := find_duplicate(feature_names(columns)):
        raise DataError(
            f"two features have the name {duplicate!r}, one of them a level of a categorical"
            " column: rename a column"
        )
    return columns


def _has_value(array: pa.Array) -> pa.Array:
    if pa.types.is_string(array.type):
        return pc.fill_null(pc.not_equal(array, ""), False)
    return pc.invert(pc.is_null(array, nan_is_null=True))


def _check_number(levels: Levels) -> None:
    for name, texts in levels.items():
        if len(texts) > _MOST_LEVELS:
            raise DataError(
                f"column {name!r} has more than {_MOST_LEVELS} categories; leave it out, or group"
                " its values"
            )
