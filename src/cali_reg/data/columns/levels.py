"""Find the levels of categorical columns: one identity of a level in files of all formats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import pyarrow as pa

from cali_reg.data.feature_encoding import encode
from cali_reg.data.formats.base import Fragment, mask_array
from cali_reg.data.readers import Progress, read
from cali_reg.errors import DataError
from cali_reg.runtime.cell_parser import BOOLEANS, parse_category, parse_plain_decimal
from cali_reg.runtime.schema import (
    Column,
    LevelIndex,
    feature_names,
    find_duplicate,
    format_names,
)

MOST_LEVELS = 1000
_MOST_SPELLINGS = 10 * MOST_LEVELS

# Where texts come from. Cells of CSV files and names of folders have no type of their own.
_CELLS, _TEXT, _NUMBERS, _BOOLEANS = "cells", "text", "numbers", "true and false"


@dataclass(frozen=True)
class Spellings:
    """What files hold in a categorical column; ``a + b`` is that of the files of both.

    Attributes
    ----------
    texts : dict of sets of str
        The texts without blanks around them, by where they come from: cells of CSV files, or
        columns of text, of numbers or of booleans in other files.
    files : dict of str
        The first file of each, in the order of names.
    """

    texts: dict[str, frozenset[str]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def __add__(self, other: Spellings) -> Spellings:
        sources = {*self.texts, *other.texts}
        none: frozenset[str] = frozenset()
        files = [*self.files.items(), *other.files.items()]
        return Spellings(
            {key: self.texts.get(key, none) | other.texts.get(key, none) for key in sources},
            {key: min(file for known, file in files if known == key) for key in sources},
        )

    @property
    def all(self) -> frozenset[str]:
        """All texts."""
        return frozenset().union(*self.texts.values())

    def kinds(self) -> dict[str, str]:
        """Return what each source holds: text, numbers, or true and false.

        Cells, which have no type, are of the kind that all of them are. A column of text is text,
        also if it looks like numbers, unless another source holds numbers: then both are.
        """
        kinds = {
            source: _kind(texts) if source in (_CELLS, _TEXT) else source
            for source, texts in self.texts.items()
        }
        sources, differ = set(kinds), len(set(kinds.values())) > 1
        if sources == {_TEXT} or (sources == {_CELLS, _TEXT} and differ):
            return dict.fromkeys(kinds, _TEXT)
        return kinds


Found = dict[str, Spellings]  # by column


def find_levels(
    fragments: Sequence[Fragment],
    columns: Sequence[Column],
    batch_size: int,
    progress: Progress = lambda n_rows: None,
) -> Found:
    """Find the categories of the categorical columns, in rows that have a value in every column.

    Parameters
    ----------
    fragments : sequence of Fragment
    columns : sequence of Column
        The columns to read, without levels; rows with a missing value in any of them do not count.
    batch_size : int
        Number of rows to read at once.
    progress : callable, optional
        Called with the number of rows read since the last call.

    Returns
    -------
    dict of Spellings
        Of each categorical column, by its name.

    Raises
    ------
    DataError
        For a column with too many categories, and for files that cannot be read.
    """
    found = {column.name: Spellings() for column in columns if column.levels is not None}
    for fragment in fragments:
        for batch in read(fragment, columns, batch_size):
            batch.require_no_problem()
            complete = mask_array(~encode(batch, columns).has_missing)
            for column, array in zip(columns, batch.arrays, strict=True):
                if column.levels is not None:
                    texts = array.filter(complete).unique().to_pylist()
                    found[column.name] += _spellings(fragment, column.name, texts)
            _check_number(found)
            progress(len(batch.numbers))
    return found


def union_levels(a: Found, b: Found) -> Found:
    """Return what is in one or both of two results of `find_levels`.

    Parameters
    ----------
    a, b : dict of Spellings
        Of the same columns, by name.

    Raises
    ------
    DataError
        For a column with too many categories.
    """
    found = {name: a[name] + b[name] for name in a}
    _check_number(found)
    return found


def with_levels(
    columns: Sequence[Column], found: Mapping[str, Spellings], baselines: Mapping[str, str]
) -> tuple[Column, ...]:
    """Return the columns with their levels: numbers in their order, then text by code points.

    Parameters
    ----------
    columns : sequence of Column
    found : mapping of str to Spellings
        Of each categorical column, as `find_levels` returns them.
    baselines : mapping of str to str
        The baselines of some categorical columns, which come first.

    Raises
    ------
    DataError
        For a column with one level, for files that hold it as different kinds, for a baseline that
        is not one of the levels, and for two features of the same name.
    """
    columns = tuple(
        _with_levels(column, found[column.name], baselines.get(column.name))
        if column.name in found
        else column
        for column in columns
    )
    if duplicate := find_duplicate(feature_names(columns)):
        raise DataError(
            f"two features have the name {duplicate!r}, one of them a level of a categorical"
            " column: rename a column"
        )
    return columns


def spelling_notes(columns: Sequence[Column], found: Mapping[str, Spellings]) -> tuple[str, ...]:
    """Return a note for each column that writes a category in several ways.

    Parameters
    ----------
    columns : sequence of Column
        With their levels.
    found : mapping of str to Spellings
        Of each categorical column.
    """
    notes = []
    for column in columns:
        spellings = found.get(column.name, Spellings()).texts
        texts = sorted(spellings.get(_CELLS, frozenset()) | spellings.get(_TEXT, frozenset()))
        first: dict[str, str] = {}
        for text in texts:
            other = first.setdefault(column.category(text), text)
            if other != text:
                notes.append(
                    f"column {column.name!r} writes a category in several ways: {other!r} and"
                    f" {text!r} are one"
                )
                break
    return tuple(notes)


def chosen_baselines(columns: Sequence[Column]) -> dict[str, str]:
    """Return the baselines that are not the first levels in order.

    Parameters
    ----------
    columns : sequence of Column
        With their levels.

    Returns
    -------
    dict of str
        By the names of the columns.
    """
    return {
        column.name: column.levels[0]
        for column in columns
        if column.levels and column.levels[0] != min(column.levels, key=_order)
    }


def _spellings(fragment: Fragment, name: str, texts: Iterable[str | None]) -> Spellings:
    stripped = frozenset(text.strip() for text in texts if text is not None)
    source = _source(fragment, name)
    return Spellings({source: stripped}, {source: fragment.file.name}) if stripped else Spellings()


def _source(fragment: Fragment, name: str) -> str:
    if fragment.file.format == "CSV" or name in fragment.keys:
        return _CELLS
    found = fragment.types[name]
    if pa.types.is_dictionary(found):
        found = found.value_type
    if pa.types.is_boolean(found):
        return _BOOLEANS
    return _NUMBERS if pa.types.is_integer(found) or pa.types.is_floating(found) else _TEXT


def _kind(texts: Iterable[str]) -> str:
    """Return the kind that all texts are of."""
    if all(text in BOOLEANS for text in texts):
        return _BOOLEANS
    return _NUMBERS if all(map(parse_plain_decimal, texts)) else _TEXT


def _with_levels(column: Column, found: Spellings, baseline: str | None) -> Column:
    kinds = found.kinds()
    _require_one_kind(column, found, kinds)
    texts = found.all
    as_text = _TEXT in kinds and kinds[_TEXT] == _TEXT
    # where nothing changes, the model is that of a CSV file with the same text
    as_text = as_text and any(parse_plain_decimal(text) not in (None, text) for text in texts)
    levels = sorted({parse_category(text, as_text=as_text) for text in texts}, key=_order)
    if len(levels) == 1:
        raise DataError(
            f"column {column.name!r} holds {format_names(levels)} in every row; expected at"
            " least two categories: leave it out with --features"
        )
    column = column._replace(levels=tuple(levels), as_text=as_text)
    return column if baseline is None else _with_baseline(column, baseline)


def _require_one_kind(column: Column, found: Spellings, kinds: Mapping[str, str]) -> None:
    """Raise DataError if the files hold a column as different kinds."""
    found_in = sorted((found.files[source], kind) for source, kind in kinds.items())
    for file, kind in found_in[1:]:
        first_file, first_kind = found_in[0]
        if kind != first_kind:
            raise DataError(
                f"{file}: column {column.name!r} holds {kind}; in {first_file} it holds"
                f" {first_kind}; expected categories of one kind in all files: convert it"
            )


def _order(level: str) -> tuple[bool, Decimal, str]:
    is_text = parse_plain_decimal(level) is None
    return is_text, Decimal(0 if is_text else level), level


def _with_baseline(column: Column, baseline: str) -> Column:
    levels = column.levels or ()
    k = LevelIndex(column).find(baseline)
    if k is None or k < 0:
        raise DataError(
            f"column {column.name!r} has no category {baseline[:40]!r}, which is to be its baseline"
            f" (found: {format_names(levels)}); choose another with --baseline"
        )
    return column._replace(levels=(levels[k], *levels[:k], *levels[k + 1 :]))


def _check_number(found: Found) -> None:
    for name, spellings in found.items():
        texts = spellings.all
        if len(texts) > MOST_LEVELS and (
            len(texts) > _MOST_SPELLINGS or len(set(map(parse_category, texts))) > MOST_LEVELS
        ):
            raise DataError(
                f"column {name!r} has more than {MOST_LEVELS} categories; leave it out, or group"
                " its values"
            )
