"""Sources: all the files that a command reads, and the columns that they share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from cali_reg.data import files
from cali_reg.data.files import File
from cali_reg.data.readers import Part, Progress, describe, read
from cali_reg.errors import DataError, UsageError
from cali_reg.runtime.schema import Column, features_of, shown

_MOST_LEVELS = 1000
_INDEX = re.compile(r"|Unnamed: 0|__index_level_0__")  # what pandas writes and reads by default
_MEND = "convert it, leave it out with --features, or encode text one-hot with --categorical"

Levels = dict[str, set[str]]


@dataclass(frozen=True)
class Source:
    """Parts of files. The first one names the columns, and their order."""

    parts: tuple[Part, ...]

    @property
    def n_rows(self) -> int | None:
        """About how many rows there are; None if unknown."""
        counts = [part.n_rows for part in self.parts]
        return None if None in counts else sum(count or 0 for count in counts)

    def check(self, columns: Sequence[Column], mend: str = "convert it") -> None:
        """Raise DataError unless every file holds these columns, as numbers or with levels.

        `mend` says what to do about one that holds no numbers.
        """
        first = self.parts[0]
        for part in self.parts:
            for column in columns:
                kind = part.kinds.get(column.name)
                if kind is None:
                    found = shown(list(part.kinds))
                    raise DataError(
                        f"{part.file.name}: column {column.name!r} is missing (found: {found})"
                    )
                if column.levels is None and kind not in ("numbers", "nothing"):
                    there = first.kinds.get(column.name)
                    other = f"; in {first.file.name} it holds {there}" if there != kind else ""
                    raise DataError(
                        f"{part.file.name}: column {column.name!r} holds {kind}{other}; expected"
                        f" numbers: {mend}"
                    )


def open_source(paths: Sequence[str]) -> Source:
    """Find the files that paths name, and their columns. Raises DataError."""
    return describe_all(files.find(paths))


def describe_all(found: Sequence[File]) -> Source:
    """Find the columns of all files at once. Raises DataError."""
    with ThreadPoolExecutor() as threads:  # a store far away takes a while to answer
        return Source(tuple(threads.map(describe, found)))


def select(
    source: Source, target: str, features: Sequence[str] | None, categorical: Sequence[str]
) -> tuple[Column, ...]:
    """Return the columns to read, the target last; those of text without their levels yet.

    `features` are by default all columns but the target, in the order of the first file.
    """
    kinds = source.parts[0].kinds
    if target in (*(features or ()), *categorical):
        raise UsageError(f"column {target!r} is the target; it cannot be a feature, too")
    if target not in kinds:
        raise DataError(
            f"{source.parts[0].file.name}: no column {target!r} (found: {shown(list(kinds))})"
        )
    if features is None:
        features = [name for name in kinds if name != target]
        for name in filter(_INDEX.fullmatch, features):
            raise DataError(
                f"{source.parts[0].file.name}: column {name!r} looks like the rows' numbers;"
                " expected features: name the columns to use with --features"
            )
        others = [
            f"{name} ({kinds[name]})"
            for name in features
            if name not in categorical and kinds[name] not in ("numbers", "nothing")
        ]
        if others:
            raise DataError(
                f"{source.parts[0].file.name}: {shown(others)}: not numbers; name the columns to"
                " use with --features, or encode text one-hot with --categorical"
            )
    names = [*features, *(name for name in categorical if name not in features)]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise UsageError(f"column {twice[0]!r} is named twice; name it once")
    if not names:
        raise DataError(
            f"{source.parts[0].file.name}: no column but the target; expected a feature"
        )
    columns = [Column(name, () if name in categorical else None) for name in names]
    source.check([*columns, Column(target)], _MEND)
    return (*columns, Column(target))


def levels_in(
    parts: Sequence[Part],
    columns: Sequence[Column],
    batch_size: int,
    progress: Progress = lambda n_rows: None,
) -> Levels:
    """Return the texts of the columns with levels, by name, in rows that lack no value."""
    levels: Levels = {column.name: set() for column in columns if column.levels is not None}
    for part in parts:
        for batch in read(part, columns, batch_size):
            complete = reduce(pc.and_, map(_has_value, batch.arrays))
            for column, array in zip(columns, batch.arrays, strict=True):
                if column.levels is not None:
                    levels[column.name].update(array.filter(complete).unique().to_pylist())
            _check_levels(levels)
            progress(len(batch.numbers))
    return levels


def add_levels(a: Levels, b: Levels) -> Levels:
    """Return the texts of both."""
    levels = {name: a[name] | b[name] for name in a}
    _check_levels(levels)
    return levels


def with_levels(columns: Sequence[Column], levels: Levels) -> tuple[Column, ...]:
    """Return the columns with the levels found, in the order of code points."""
    for name, texts in levels.items():
        if len(texts) == 1:
            raise DataError(
                f"column {name!r} holds {shown(list(texts))} in every row; expected two levels at"
                " least: leave it out with --features"
            )
    found = {name: tuple(sorted(texts)) for name, texts in levels.items()}
    columns = tuple(Column(column.name, found.get(column.name)) for column in columns)
    names = features_of(columns)
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise DataError(
            f"{twice[0]!r} names two features, one of them a level of a --categorical column:"
            " rename a column"
        )
    return columns


def _has_value(array: pa.Array) -> pa.Array:
    if pa.types.is_string(array.type):
        return pc.fill_null(pc.not_equal(array, ""), False)
    return pc.invert(pc.is_null(array, nan_is_null=True))


def _check_levels(levels: Levels) -> None:
    for name, texts in levels.items():
        if len(texts) > _MOST_LEVELS:
            raise DataError(
                f"column {name!r} has more than {_MOST_LEVELS} levels; leave it out, or group its"
                " values"
            )
