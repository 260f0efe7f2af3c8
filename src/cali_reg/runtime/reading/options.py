"""What a user asks for about how files are read."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Any, NamedTuple

from cali_reg.errors import UsageError
from cali_reg.runtime.cell_parser import MISSING
from cali_reg.runtime.schema import Column, find_duplicate

BLANKS = " "  # the separator that stands for runs of blanks and tabs
SEPARATOR_NAMES = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "blanks": BLANKS}
_OF_NUMBERS = "0123456789+-eE"  # of these a number consists, with the decimal mark


class Reading(NamedTuple):
    """How files are read, as far as the user has said it; the usual values find the rest.

    Attributes
    ----------
    separator : str
        What separates the cells of a CSV file: one character, a blank for runs of blanks and tabs;
        empty to find it.
    decimal : str
        The decimal mark, a point or a comma; empty to find it.
    encoding : str
        The encoding of CSV files; empty for UTF-8, or UTF-16 by its mark.
    missing : tuple of str
        Further values that are missing, in files of all formats. A number is missing however it is
        written.
    not_missing : tuple of str
        Texts such as ``NA`` that are no missing values.
    skip_lines : int
        Number of lines before the header of a CSV file.
    comment : str
        What a line that is no row begins with; empty for none.
    names : tuple of str
        Names of the columns of CSV files without a header.
    escape : str
        The character after which a quote is part of a cell; empty for none.
    ignored : str
        Characters to leave out of numbers, such as ``$`` and ``%``.
    """

    separator: str = ""
    decimal: str = ""
    encoding: str = ""
    missing: tuple[str, ...] = ()
    not_missing: tuple[str, ...] = ()
    skip_lines: int = 0
    comment: str = ""
    names: tuple[str, ...] = ()
    escape: str = ""
    ignored: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return what was asked for, as JSON stores it."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self._asdict().items()
            if value != USUAL._asdict()[name]
        }

    def with_marks(self, column: Column) -> Column:
        """Return a column with the missing values of this reading.

        Parameters
        ----------
        column : Column
        """
        if not self.missing and not self.not_missing:
            return column
        return column._replace(
            missing=tuple(sorted({*column.missing, *self.missing})),
            not_missing=tuple(sorted({*column.not_missing, *self.not_missing})),
        )

    def updated(self, asked: Mapping[str, Any]) -> Reading:
        """Return this reading with some of its fields replaced, after a check.

        Parameters
        ----------
        asked : mapping of str to value
            The fields to replace.

        Raises
        ------
        UsageError
            For values that have no meaning, alone or together.
        """
        reading = self._replace(**asked)
        if problem := _problem(reading):
            raise UsageError(problem)
        reading.require_encoding()
        return reading

    def require_encoding(self) -> None:
        """Check that the encoding is known here: an image has few.

        Raises
        ------
        UsageError
        """
        try:
            "a".encode(self.encoding or "utf-8")  # of texts, which some other codecs are not
            codecs.getincrementaldecoder(self.encoding or "utf-8")().decode(b"")
        except (LookupError, ValueError, TypeError):
            raise UsageError(
                f"--encoding is {self.encoding!r}; expected one that is known here, such as cp1252"
                " or utf-16"
            ) from None


USUAL = Reading()


def read_reading(content: Any) -> Reading:
    """Return a reading from JSON.

    Parameters
    ----------
    content : dict
        As `Reading.to_dict` returns it.

    Raises
    ------
    TypeError, ValueError
        For anything else.
    """
    if not isinstance(content, dict):
        raise TypeError("reading is not an object")
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in content.items()
    }
    reading = Reading(**fields)
    for value, usual in zip(reading, USUAL, strict=True):
        is_text = not isinstance(value, tuple) or all(isinstance(text, str) for text in value)
        if type(value) is not type(usual) or not is_text:
            raise TypeError("reading has a field of another type")
    if reading.to_dict() != content:
        raise TypeError("reading has a field with its usual value")
    if problem := _problem(reading):
        raise ValueError(problem)
    return reading


def _problem(reading: Reading) -> str:
    """Return what is wrong with a reading; empty if nothing is."""
    checks = (_check_marks, _check_signs, _check_missing, _check_names)
    return next(filter(None, (check(reading) for check in checks)), "")


def _check_marks(reading: Reading) -> str:
    """Check the separator, and the decimal mark."""
    separator, decimal = reading.separator, reading.decimal
    is_one = len(separator) == 1 and separator.isascii() and not separator.isalnum()
    if separator and (not is_one or separator in '"\r\n'):
        return (
            f"--separator is {separator!r}; expected one character such as ';', or"
            f" {', '.join(SEPARATOR_NAMES)}"
        )
    if decimal not in ("", ".", ","):
        return f"--decimal is {decimal!r}; expected '.' or ','"
    if decimal and decimal == separator:
        return f"--decimal and --separator are both {decimal!r}; expected different ones"
    return ""


def _check_signs(reading: Reading) -> str:
    """Check what has a meaning of its own in a line."""
    escape, comment, separator = reading.escape, reading.comment, reading.separator
    is_one = len(escape) == 1 and escape.isascii() and not escape.isalnum()
    if escape and (not is_one or escape in f'"\r\n\t ,;|{separator}'):
        return f"--escape is {escape!r}; expected one character such as '\\'"
    if comment and (not {*'\r\n"'}.isdisjoint(comment) or comment[0] in f" \t,;|{separator}"):
        return f"--comment is {comment!r}; expected what a comment begins with, such as '#'"
    for character in reading.ignored:
        if character in f'{_OF_NUMBERS}"\r\n' or character == reading.decimal:
            return f"--ignore has {character!r}, which is a part of numbers; leave it out"
    return ""


def _check_missing(reading: Reading) -> str:
    for text in reading.not_missing:
        if text not in MISSING or not text:
            marks = ", ".join(filter(None, MISSING))
            return f"--no-na: {text!r} is no sign of a missing value; expected some of {marks}"
        if text in reading.missing:
            return f"{text!r} is in --na and in --no-na; name it once"
    return ""


def _check_names(reading: Reading) -> str:
    if twice := find_duplicate(filter(None, reading.names)):
        return f"--names: {twice!r} is named twice; expected different names"
    if not 0 <= reading.skip_lines < 10**9:
        return f"--skip-lines is {reading.skip_lines}; expected an integer from 0 to 999999999"
    return ""
