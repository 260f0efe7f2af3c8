"""The levels of categorical columns: one identity of a level in files of all formats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from cali_reg.data.columns.spellings import CELLS, TEXT, Spellings
from cali_reg.errors import DataError
from cali_reg.runtime.cell_parser import parse_category, parse_plain_decimal
from cali_reg.runtime.messages import did_you_mean
from cali_reg.runtime.schema import (
    Column,
    LevelIndex,
    feature_names,
    find_duplicate,
    format_quoted,
)

MOST_LEVELS = 1000
MOST_SPELLINGS = 10 * MOST_LEVELS  # of them


def with_levels(
    columns: Sequence[Column],
    found: Mapping[str, Spellings],
    training: Mapping[str, Iterable[str]],
    baselines: Mapping[str, str],
) -> tuple[Column, ...]:
    """Return the columns with their levels: numbers in their order, then text by code points.

    Parameters
    ----------
    columns : sequence of Column
    found : mapping of str to Spellings
        Of each categorical column, in all rows.
    training : mapping of str to iterable of str
        The texts of each categorical column in the training rows: only these are levels.
    baselines : mapping of str to str
        The baselines of some categorical columns, which come first.

    Raises
    ------
    DataError
        For a column with one level, for files that hold it as different kinds, for a baseline that
        is not one of the levels, and for two features of the same name.
    """
    columns = tuple(
        _with_levels(column, found[column.name], training[column.name], baselines.get(column.name))
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
        texts = sorted(spellings.get(CELLS, frozenset()) | spellings.get(TEXT, frozenset()))
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


def too_many(name: str) -> DataError:
    """Return the error for a column with too many categories.

    Parameters
    ----------
    name : str
        Of the column.
    """
    return DataError(
        f"column {name!r} has more than {MOST_LEVELS} categories; leave it out, or group its values"
    )


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


def _with_levels(
    column: Column, found: Spellings, training: Iterable[str], baseline: str | None
) -> Column:
    kinds = found.kinds()
    _require_one_kind(column, found, kinds)
    as_text = TEXT in kinds and kinds[TEXT] == TEXT
    # where nothing changes, the model is that of a CSV file with the same text
    as_text = as_text and any(parse_plain_decimal(text) not in (None, text) for text in found.all)
    levels = sorted({parse_category(text, as_text=as_text) for text in training}, key=_order)
    if len(levels) > MOST_LEVELS:
        raise too_many(column.name)
    if len(levels) == 1:
        raise DataError(
            f"column {column.name!r} holds {format_quoted(levels)} in every training row;"
            " expected at least two categories: leave it out with --features"
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
            f"{did_you_mean(baseline, levels)} (found: {format_quoted(levels)}); choose another"
            " with --baseline"
        )
    return column._replace(levels=(levels[k], *levels[:k], *levels[k + 1 :]))
