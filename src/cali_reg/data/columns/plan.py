"""The column plan: what each column of a table is used for, and why others are left out.

A plan is a function of all rows, in any order: of the types that files give their columns, of
`Facts` where these are text, and of the exact sums of the rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from cali_reg.data.columns.facts import FEW, MOST_DISTINCT, Facts
from cali_reg.data.columns.levels import MOST_LEVELS
from cali_reg.data.columns.row_numbers import is_written_name
from cali_reg.errors import DataError
from cali_reg.runtime.cell_parser import option_for
from cali_reg.runtime.schema import Column

if TYPE_CHECKING:  # reading rows takes Arrow; a plan does not
    from cali_reg.data.formats.base import Fragment

NUMBER, CATEGORY, TARGET, LEFT_OUT = "number", "category", "target", "left out"
USED = (NUMBER, CATEGORY)
MAX_LEVELS = 50  # categories of a column of text, unless --max-levels says otherwise

_DATES = "dates: derive a number, such as days since a date"
_NO_NUMBERS = ("texts", "marks", "amounts", "dates")  # counts of `Facts`
_FREE_TEXT = 40  # characters of the longest text
_KEY = re.compile(r"(?i:(?:.*[ _.-])?(?:id|uid|uuid|guid|pid))|.*[a-z]I[Dd]")
_COUNTER = re.compile(r"(?i:order|instant|no|nr|number|seq|sequence|record|case|sr?[. ]*no)\.?")
_INDEX = re.compile(r"|Unnamed: 0|__index_level_0__")  # what pandas writes and reads by default


class QuestionMarkError(Exception):
    """Question marks are missing values: to be planned again with them.

    Parameters
    ----------
    rows : mapping of str to int
        How many cells of which columns they are.
    """

    def __init__(self, rows: Mapping[str, int]) -> None:
        super().__init__()
        columns = ", ".join(f"{name[:40]} ({n} cells)" for name, n in rows.items())
        self.note = f"'?' is taken for a missing value, as the only text among numbers: {columns}"


@dataclass(frozen=True)
class Choice:
    """What a column is used for.

    Attributes
    ----------
    name : str
    use : {"number", "category", "target", "left out"}
    reason : str, optional
        Why the column is left out.
    missing : int, optional
        Number of missing values; None if they were not counted.
    distinct : int, optional
        Number of different values of a column of text; None if they were not counted.
    minimum, maximum : float, optional
        Of the numbers that are used, in the rows that are used.
    """

    name: str
    use: str
    reason: str | None = None
    missing: int | None = None
    distinct: int | None = None
    minimum: float | None = None
    maximum: float | None = None

    def leave_out(self, reason: str) -> Choice:
        """Return the choice to leave the column out.

        Parameters
        ----------
        reason : str
        """
        return replace(self, use=LEFT_OUT, reason=reason, minimum=None, maximum=None)


class Asked(NamedTuple):
    """What the user asked of a plan.

    Attributes
    ----------
    categorical, exclude : tuple of str
        The columns to use as categories, and those to leave out.
    max_levels : int
        The largest number of categories of a column of text.
    allow_collinear : bool
        Whether to use columns that depend on others.
    """

    categorical: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_levels: int = MAX_LEVELS
    allow_collinear: bool = False


@dataclass(frozen=True)
class Plan:
    """The column plan of a table.

    Attributes
    ----------
    columns : tuple of Choice
        One for each column, in the order of the first file.
    asked : Asked
    """

    columns: tuple[Choice, ...]
    asked: Asked = field(default_factory=Asked)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as ``model.json`` holds it."""
        asked = self.asked._asdict()
        asked = {key: list(v) if isinstance(v, tuple) else v for key, v in asked.items()}
        return {"asked": asked, "columns": [asdict(choice) for choice in self.columns]}


def read_asked(plan: Mapping[str, Any]) -> Asked:
    """Return what the user asked of a stored plan.

    Parameters
    ----------
    plan : mapping
        As `Plan.to_dict` returns it.

    Raises
    ------
    DataError
        For anything else.
    """
    try:
        asked = dict(plan["asked"])
        names = {key: tuple(map(str, asked.pop(key))) for key in ("categorical", "exclude")}
        most, collinear = int(asked.pop("max_levels")), bool(asked.pop("allow_collinear"))
        if not asked:
            return Asked(**names, max_levels=most, allow_collinear=collinear)
    except (KeyError, TypeError, ValueError, AttributeError):
        pass
    raise DataError("the plan of model.json cannot be read; train again")


def first_look(fragments: Sequence[Fragment], name: str) -> str:
    """Return what a column holds as far as the types of the files tell.

    Parameters
    ----------
    fragments : sequence of Fragment
        At least one has the column.
    name : str

    Returns
    -------
    str
        ``number``, ``unknown`` if its cells must be looked at, or why it is left out.
    """
    fragments = [fragment for fragment in fragments if name in fragment.kinds]
    if any(name in fragment.duplicates for fragment in fragments):
        return "two columns have this name"
    kinds = {_kind(fragment, name) for fragment in fragments} - {"nothing"}
    others = sorted(kinds - {"numbers", "text", "cells"})
    if others and all(kind.startswith(("date", "timestamp")) for kind in others):
        return _DATES if len(kinds) == len(others) else "unknown"
    if others:
        return f"holds {others[0]} values"
    if not kinds:
        return "empty"
    return NUMBER if kinds == {"numbers"} else "unknown"


def _kind(fragment: Fragment, name: str) -> str:
    """Return the kind of a column; ``cells`` if only reading it all can tell."""
    kind = fragment.kinds[name]
    if name in fragment.keys or not fragment.file.is_of_cells:
        return kind
    return kind if kind in ("numbers", "nothing") and name not in fragment.mixed else "cells"


def is_key_name(name: str) -> bool:
    """Tell whether a column is named as identifiers and row numbers are.

    Parameters
    ----------
    name : str
    """
    return bool(_KEY.fullmatch(name)) or _names_row_numbers(name)


def _names_row_numbers(name: str) -> bool:
    return is_written_name(name) or bool(_COUNTER.fullmatch(name))


def decide(
    name: str, facts: Facts, training: Facts, asked: Asked, *, is_typed: bool, skips: bool = False
) -> Choice:
    """Decide what a column is used for, from the facts about all its cells.

    Parameters
    ----------
    name : str
    facts : Facts
        Of all rows.
    training : Facts
        Of the rows that have no files of their own to be held out.
    asked : Asked
    is_typed : bool
        Whether the files say that it is text, so that digits are no numbers.
    skips : bool, default=False
        Whether rows with text among numbers are skipped.

    Returns
    -------
    Choice

    Raises
    ------
    DataError
        For a column of numbers with some other text.
    """
    choice = Choice(name, NUMBER, missing=facts.missing)
    if name in asked.categorical:
        return replace(choice, use=CATEGORY)
    if not facts.n_rows:
        return choice
    if not facts.values:
        return choice.leave_out("empty")
    if not is_typed:
        is_mixed = _is_mixed(facts)
        if is_mixed and not skips:
            raise mixture(name, facts)
        if is_mixed or facts.numbers + facts.booleans == facts.values:
            return _decide_number(choice, facts, training)
    if facts.dates == facts.values:
        return choice.leave_out(_DATES)
    return _decide_text(replace(choice, distinct=facts.distinct.count), facts, asked.max_levels)


def _decide_number(choice: Choice, facts: Facts, training: Facts) -> Choice:
    name = choice.name
    if _INDEX.fullmatch(name):
        return choice.leave_out("row numbers")
    if is_key_name(name) and facts.integers == facts.values:
        if _names_row_numbers(name) and any(map(_are_row_numbers, (facts, training))):
            return choice.leave_out("row numbers")
        if not (_KEY.fullmatch(name) or is_written_name(name)):
            return choice
        n = facts.distinct.count
        if n is None:
            return choice.leave_out(f"identifier: more than {MOST_DISTINCT} different values")
        if n > 2 and n * 10 >= facts.values * 9:
            return choice.leave_out(f"identifier: {n} different values in {facts.values} rows")
    return choice


def _are_row_numbers(facts: Facts) -> bool:
    n = facts.values
    return (
        n > 2
        and not facts.missing
        and facts.distinct.count == n
        and facts.minimum in (0, 1)
        and facts.maximum == facts.minimum + n - 1
    )


def _decide_text(choice: Choice, facts: Facts, max_levels: int) -> Choice:
    n, found = facts.values, facts.distinct.count
    if facts.all_different:
        return choice.leave_out(f"identifier: all {n} values are different")
    if found == 1:
        return choice.leave_out("constant")
    if found is not None and found <= max_levels and 2 * found <= n:
        return replace(choice, use=CATEGORY)
    if facts.codes and facts.codes + facts.numbers == n:
        count = f"more than {FEW}" if found is None else str(found)
        return choice.leave_out(f"codes with leading zeros: {count} different values")
    if found is not None and 2 * found > n:
        kind = "free text" if facts.longest > _FREE_TEXT else "text"
        return choice.leave_out(f"{kind}: {found} different values in {n} rows")
    count = f"more than {MOST_LEVELS}" if found is None else str(found)
    if facts.longest > _FREE_TEXT:
        return choice.leave_out(f"free text: {count} different values")
    return choice.leave_out(f"{count} categories, more than {max_levels}")


def has_only_marks(facts: Facts) -> bool:
    """Tell whether question marks are all that is no number in a column of numbers.

    Parameters
    ----------
    facts : Facts
        Of all rows.
    """
    numbers = facts.numbers + facts.booleans
    return bool(facts.marks and numbers) and numbers + facts.marks == facts.values


def _is_mixed(facts: Facts) -> bool:
    """Tell whether most cells are numbers, and some are not."""
    numbers = facts.numbers + facts.booleans
    is_most = 2 * (numbers + facts.amounts) > facts.values
    return is_most and facts.values > numbers and not facts.codes


def mixture(name: str, facts: Facts) -> DataError:
    """Return the error for a column of numbers with some other text.

    Parameters
    ----------
    name : str
    facts : Facts
        Of all rows.
    """
    numbers = facts.numbers + facts.booleans
    file, row, text = min(cell for kind, cell in facts.first.items() if kind in _NO_NUMBERS)
    others = f", as in {numbers} of {facts.values} rows" if numbers else ""
    option = option_for(text)
    advice = f" ({option})" if option else ""
    return DataError(
        f"{file}: row {row}: column {name!r} holds {text[:40]!r}; expected a finite number{others}:"
        f" fix or drop the row, or leave the column out with --exclude {name}{advice}"
    )


def check_target(name: str, facts: Facts, *, skips: bool = False) -> None:
    """Raise DataError for a target that is no number.

    Parameters
    ----------
    name : str
    facts : Facts
        Of all rows.
    skips : bool, default=False
        Whether rows with text among numbers are skipped.
    """
    numbers = facts.numbers + facts.booleans + facts.codes
    if facts.values == numbers or (skips and _is_mixed(facts)):
        return
    if _is_mixed(facts):
        raise mixture(name, facts)
    file, row, text = min(cell for kind, cell in facts.first.items() if kind in _NO_NUMBERS)
    raise DataError(
        f"{file}: row {row}: the target {name!r} holds {text[:40]!r}; expected a number in every"
        " row: choose another column with --target, or turn the text into numbers first"
    )


def used(choices: Iterable[Choice], not_missing: Mapping[str, Sequence[str]]) -> tuple[Column, ...]:
    """Return the columns to predict from, without their levels.

    Parameters
    ----------
    choices : iterable of Choice
    not_missing : mapping of str to sequence of str
        For some categorical columns, the missing marks that are categories there.
    """
    return tuple(
        Column(choice.name, (), not_missing=tuple(not_missing.get(choice.name, ())))
        if choice.use == CATEGORY
        else Column(choice.name)
        for choice in choices
        if choice.use in USED
    )
