"""Facts about the cells of one column: they add up over rows, files and workers, in any order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cali_reg.data.content_split import Words, word_of_text
from cali_reg.runtime.cell_parser import BOOLEANS, is_code, parse_category, parse_number
from cali_reg.runtime.reading.dialect import Dialect

MOST_DISTINCT = 1_000_000  # values of a column that are told apart
FEW = 1000  # different values; a column with more is counted on only if each is new so far

_PLAIN = r"[+-]?[0-9]+(?:[.,][0-9]+)*"
_AMOUNT = re.compile(
    rf"[$€£¥]\s?{_PLAIN}|{_PLAIN}\s?[%$€£¥]|[+-]?[0-9]{{1,3}}(?:[,'’\s][0-9]{{3}})+(?:\.[0-9]+)?"
)

_DATE = re.compile(
    r"(?:[0-9]{4}([-/.])[01]?[0-9]\1[0-3]?[0-9]|[0-3]?[0-9]([-/.])[0-3]?[0-9]\2(?:[0-9]{2}){1,2})"
    r"(?:[T ][0-9]{1,2}:[0-9:.]*(?: ?[APap][Mm])?(?:Z|[+-][0-9:]+)?)?"
)

Cell = tuple[str, int, str]  # file name, row number, text


@dataclass(frozen=True)
class Distinct:
    """The different values of a column, as hashes of 64 bits; ``a + b`` is that of both.

    Attributes
    ----------
    hashes : array of uint64, optional
        Sorted; None for more than can be told apart.
    repeats : bool
        Whether a value occurs twice.
    is_key : bool
        Whether to count on though values repeat, as for the column of a key.
    """

    hashes: Words | None = field(default_factory=lambda: np.zeros(0, np.uint64))
    repeats: bool = False
    is_key: bool = False

    def __add__(self, other: Distinct) -> Distinct:
        repeats = self.repeats or other.repeats
        if self.hashes is None or other.hashes is None:
            return Distinct(None, repeats, self.is_key)
        hashes = np.union1d(self.hashes, other.hashes)
        repeats = repeats or len(hashes) < len(self.hashes) + len(other.hashes)
        is_few = len(hashes) <= FEW or (
            len(hashes) <= MOST_DISTINCT and (self.is_key or not repeats)
        )
        return Distinct(hashes if is_few else None, repeats, self.is_key)

    @property
    def count(self) -> int | None:
        """How many they are; None if that is not known."""
        return None if self.hashes is None else len(self.hashes)


@dataclass(frozen=True)
class Facts:
    """What the cells of a column hold; ``a + b`` is that of the cells of both.

    Attributes
    ----------
    missing, numbers, booleans, codes, amounts, marks, dates, texts : int
        Number of cells that are missing; numbers; true or false; numbers with leading zeros;
        numbers with a currency, a percent sign or separators of thousands; question marks; dates
        such as 2024-01-31 or 1/31/2024; other text.
    integers : int
        How many of the numbers are integers.
    minimum, maximum : float
        Of the numbers; infinite if there are none.
    longest : int
        Number of characters of the longest cell.
    distinct : Distinct
        The different values, but for missing ones.
    first : dict of str to (file name, row number, text)
        The first cell of each class, in the order of file names.
    """

    missing: int = 0
    numbers: int = 0
    booleans: int = 0
    codes: int = 0
    amounts: int = 0
    marks: int = 0
    dates: int = 0
    texts: int = 0
    integers: int = 0
    minimum: float = np.inf
    maximum: float = -np.inf
    longest: int = 0
    distinct: Distinct = field(default_factory=Distinct)
    first: dict[str, Cell] = field(default_factory=dict)

    def __add__(self, other: Facts) -> Facts:
        cells = [*self.first.items(), *other.first.items()]
        first = {kind: min(cell for known, cell in cells if known == kind) for kind in dict(cells)}
        counts = {name: getattr(self, name) + getattr(other, name) for name in _COUNTS}
        return Facts(
            **counts,
            minimum=min(self.minimum, other.minimum),
            maximum=max(self.maximum, other.maximum),
            longest=max(self.longest, other.longest),
            distinct=self.distinct + other.distinct,
            first=first,
        )

    @property
    def values(self) -> int:
        """Number of cells that are not missing."""
        return self.n_rows - self.missing

    @property
    def n_rows(self) -> int:
        """Number of cells."""
        return sum(getattr(self, name) for name in _CLASSES)

    @property
    def all_different(self) -> bool:
        """Whether no value occurs twice; False where that is not known."""
        return self.values > 1 and self.distinct.count == self.values


_CLASSES = ("missing", "numbers", "booleans", "codes", "amounts", "marks", "dates", "texts")
_COUNTS = (*_CLASSES, "integers")


def class_of(text: str) -> str:
    """Return the class of a cell that is not missing, the name of a count of `Facts`.

    Parameters
    ----------
    text : str
        Without blanks around it.
    """
    if text in BOOLEANS:
        return "booleans"
    if parse_number(text) is not None:
        return "codes" if is_code(text) else "numbers"
    if text == "?":
        return "marks"
    if _DATE.fullmatch(text):
        return "dates"
    return "amounts" if _AMOUNT.fullmatch(text) else "texts"


def _plain(text: str, dialect: Dialect) -> str:
    """Return a number as Python writes it; the decimal comma of some is a point already."""
    text = text.translate(str.maketrans("", "", dialect.ignored)).strip()
    return text.replace(",", ".") if dialect.decimal == "," and "." not in text else text


def facts_of(
    texts: Sequence[str],
    counts: Sequence[int],
    rows: Sequence[int],
    file: str,
    *,
    is_key: bool,
    dialect: Dialect,
) -> Facts:
    """Return the facts about some cells of one file.

    Parameters
    ----------
    texts : sequence of str
        Different texts, none of them missing.
    counts : sequence of int
        How many cells have each text.
    rows : sequence of int
        The number of the first row with each text.
    file : str
        The file's name.
    is_key : bool
        As for `Distinct`.
    dialect : Dialect
        How the file writes numbers.
    """
    found = dict.fromkeys(_COUNTS, 0)
    minimum, maximum = np.inf, -np.inf
    first: dict[str, Cell] = {}
    words: dict[int, int] = {}
    for text, count, row in zip(texts, counts, rows, strict=True):
        stripped = text.strip()
        digits = stripped if dialect.has_plain_numbers else _plain(stripped, dialect)
        kind = class_of(digits)
        found[kind] += count
        if kind == "numbers":
            value = float(digits)
            minimum, maximum = min(minimum, value), max(maximum, value)
            found["integers"] += count * value.is_integer()
        cell = (file, row, text)
        if kind not in first or cell < first[kind]:
            first[kind] = cell
        word = word_of_text(parse_category(stripped))
        words[word] = words.get(word, 0) + count
    hashes = np.array(sorted(words), np.uint64)
    distinct = Distinct(hashes, any(n > 1 for n in words.values()), is_key) + Distinct()
    longest = max(map(len, texts), default=0)
    return Facts(
        **found,
        minimum=minimum,
        maximum=maximum,
        longest=longest,
        distinct=distinct,
        first=first,
    )
