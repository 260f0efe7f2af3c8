"""The categories of one column that some rows have, as they come."""

from __future__ import annotations

import numpy as np

from cali_reg.data.columns.levels import MOST_LEVELS, MOST_SPELLINGS, too_many
from cali_reg.data.content_split import Words, word_of_text
from cali_reg.runtime.cell_parser import parse_category
from cali_reg.runtime.schema import Column, LevelIndex


class Vocabulary:
    """Gives each category a code: the levels that are known first, then others as they come.

    Parameters
    ----------
    column : Column
        A categorical column; without levels if they are to be found.

    Attributes
    ----------
    column : Column
    texts : list of str
        What the codes stand for, without blanks around it. Several texts may be one level.
    """

    def __init__(self, column: Column) -> None:
        self.column = column
        self.texts = list(column.levels or ())
        self._known = LevelIndex(column)
        self._codes: dict[str, int] = {}
        self._categories: set[str] = set()  # fewer than texts: 10 and 10.0 are one
        self._words: Words = np.zeros(0, dtype=np.uint64)

    @property
    def is_known(self) -> bool:
        """Whether the levels of the column are known."""
        return bool(self.column.levels)

    def find(self, text: str) -> int | None:
        """Return the code of a cell; None for a missing value.

        Parameters
        ----------
        text : str

        Raises
        ------
        DataError
            For one category too many.
        """
        code = self._known.find(text)
        if code is None or code >= 0:
            return code
        text = text.strip()
        code = self._codes.get(text)
        if code is None:
            code = self._codes[text] = len(self.texts)
            self.texts.append(text)
            self._categories.add(parse_category(text))
            if len(self._categories) > MOST_LEVELS or len(self._codes) > MOST_SPELLINGS:
                raise too_many(self.column.name)
        return code

    def words(self) -> Words:
        """Return the word of each code for the split by content, (n_texts,) of uint64."""
        new = self.texts[len(self._words) :]
        if new:
            words = [word_of_text(parse_category(text)) for text in new]
            self._words = np.append(self._words, np.array(words, dtype=np.uint64))
        return self._words
