"""What files hold in a categorical column, and of which kind it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cali_reg.runtime.cell_parser import BOOLEANS as TRUE_AND_FALSE
from cali_reg.runtime.cell_parser import parse_plain_decimal

# Where categories come from. Cells of CSV files and names of folders have no type of their own.
CELLS, TEXT, NUMBERS, BOOLEANS = "cells", "text", "numbers", "true and false"


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
            source: _kind(texts) if source in (CELLS, TEXT) else source
            for source, texts in self.texts.items()
        }
        sources, differ = set(kinds), len(set(kinds.values())) > 1
        if sources == {TEXT} or (sources == {CELLS, TEXT} and differ):
            return dict.fromkeys(kinds, TEXT)
        return kinds


def _kind(texts: Iterable[str]) -> str:
    """Return the kind that all texts are of."""
    if all(text in TRUE_AND_FALSE for text in texts):
        return BOOLEANS
    return NUMBERS if all(map(parse_plain_decimal, texts)) else TEXT
