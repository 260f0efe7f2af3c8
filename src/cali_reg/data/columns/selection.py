"""Select the columns to train on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cali_reg.data.dataset import Dataset
from cali_reg.errors import DataError, UsageError
from cali_reg.runtime.messages import did_you_mean
from cali_reg.runtime.schema import Column, find_duplicate, format_names, missing_column

_INDEX = re.compile(r"|Unnamed: 0|__index_level_0__")  # what pandas writes and reads by default
_ADVICE = "convert it, leave it out with --features, or encode text with --categorical"


def select(
    dataset: Dataset,
    target: str,
    features: Sequence[str] | None,
    categorical: Sequence[str],
    not_missing: Mapping[str, Sequence[str]],
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
    not_missing : mapping of str to sequence of str
        For some categorical columns, the missing marks that are categories there.

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
    check_names(dataset, target, features or (), categorical)
    if features is None:
        features = _all_features(dataset, kinds, target, categorical)
    names = named_columns(features, categorical)
    if not names:
        raise DataError(f"{dataset.name}: no column but the target; expected a feature")
    columns = [
        Column(name, (), not_missing=tuple(not_missing.get(name, ())))
        if name in categorical
        else Column(name)
        for name in names
    ]
    dataset.check(columns, _ADVICE)
    dataset.check([Column(target)], "convert it, or name another --target")
    return (*columns, Column(target))


def _one_column(kinds: Mapping[str, str]) -> str:
    """Return advice about a header of one column, which may be another line or several columns."""
    if len(kinds) > 1:
        return ""
    return ", --separator (what separates the columns) or --skip-lines (lines before the header)"


def check_names(
    dataset: Dataset,
    target: str,
    features: Sequence[str],
    categorical: Sequence[str],
    exclude: Sequence[str] = (),
) -> None:
    """Check the names of columns that the user gives.

    Parameters
    ----------
    dataset : Dataset
    target : str
    features, categorical, exclude : sequence of str
        Names of columns to predict from, of those with categories, and of those to leave out.

    Raises
    ------
    UsageError
        For a feature that is the target or is left out, and for a name that is given twice.
    DataError
        For a column that the first file does not have.
    """
    kinds = dataset.fragments[0].kinds
    if target in (*features, *categorical, *exclude):
        role = "left out" if target in exclude else "a feature, too"
        raise UsageError(f"column {target!r} is the target; it cannot be {role}")
    if target not in kinds:
        raise DataError(
            f"{dataset.name}: no column {target!r}{did_you_mean(target, kinds)}"
            f" (found: {format_names(list(kinds))}); check --target{_one_column(kinds)}"
        )
    if duplicate := find_duplicate(features) or find_duplicate(categorical):
        raise UsageError(f"column {duplicate!r} is named twice; name it once")
    for name in exclude:
        if name in (*features, *categorical):
            raise UsageError(f"column {name!r} is both to use and in --exclude; name it once")
        if name not in kinds:
            raise missing_column(dataset.name, name, list(kinds))


def named_columns(features: Sequence[str], categorical: Sequence[str]) -> list[str]:
    """Return the names of columns to read: categorical ones that are no features come last.

    Parameters
    ----------
    features, categorical : sequence of str
    """
    return [*features, *(name for name in categorical if name not in features)]


def _all_features(
    dataset: Dataset, kinds: dict[str, str], target: str, categorical: Sequence[str]
) -> list[str]:
    """Return all columns but the target. Raises DataError for those that are no features."""
    features = [name for name in kinds if name != target]
    for name in filter(_INDEX.fullmatch, features):
        holds = "looks like the row numbers" if kinds[name] != "nothing" else "has no values"
        raise DataError(
            f"{dataset.name}: column {name!r} {holds}; expected features: name the columns to use"
            " with --features"
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
