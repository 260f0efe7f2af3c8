"""Types of option values: each function parses a text, or raises ArgumentTypeError."""

from __future__ import annotations

import argparse
import csv
import re

from cali_reg.runtime.cell_parser import parse_number
from cali_reg.runtime.reading.options import SEPARATOR_NAMES

_ESCAPE = re.compile(r"\\(?:t|[xu]([0-9a-fA-F]{4}|[0-9a-fA-F]{2}))")


def fraction(text: str) -> float:
    """Parse a number between 0 and 1, both excluded.

    Parameters
    ----------
    text : str

    Returns
    -------
    float

    Raises
    ------
    ArgumentTypeError
        If `text` is anything else.
    """
    value = finite(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def test_size(text: str) -> float:
    """Parse the fraction of the rows to hold out: 0, or a number between 0 and 1.

    Parameters
    ----------
    text : str

    Returns
    -------
    float

    Raises
    ------
    ArgumentTypeError
        If `text` is anything else.
    """
    value = finite(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1, nor 0")
    return value + 0.0  # 0.0 for -0.0


def levels(text: str) -> list[float]:
    """Parse confidence levels separated by commas.

    Parameters
    ----------
    text : str
        Different numbers between 0 and 1, in any order.

    Returns
    -------
    list of float
        Ascending.

    Raises
    ------
    ArgumentTypeError
        If `text` is anything else.
    """
    found = [fraction(level.strip()) for level in text.split(",")]
    if len(set(found)) < len(found):
        raise argparse.ArgumentTypeError(f"{text!r} has a level twice; name each once")
    return sorted(found)


def finite(text: str) -> float:
    """Parse a finite number.

    Parameters
    ----------
    text : str

    Returns
    -------
    float

    Raises
    ------
    ArgumentTypeError
        If `text` is anything else.
    """
    value = parse_number(text)
    if value is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number")
    return value


def count(text: str) -> int:
    """Parse an integer of at most 9 digits, 0 or greater.

    Parameters
    ----------
    text : str

    Returns
    -------
    int

    Raises
    ------
    ArgumentTypeError
        If `text` is anything else.
    """
    return _integer(text, 999_999_999)


def positive(text: str) -> int:
    """Parse an integer of at most 9 digits, 1 or greater.

    Parameters
    ----------
    text : str

    Returns
    -------
    int

    Raises
    ------
    ArgumentTypeError
        If `text` is anything else.
    """
    value = count(text)
    if not value:
        raise argparse.ArgumentTypeError("0 is too small; expected at least 1")
    return value


def names(text: str) -> list[str]:
    """Parse a list of names separated by commas.

    Parameters
    ----------
    text : str
        As in CSV, a name in double quotes may contain commas. Blanks around a name do not count.

    Returns
    -------
    list of str

    Raises
    ------
    ArgumentTypeError
        If `text` is anything else.
    """
    try:
        found = next(csv.reader([text], skipinitialspace=True, strict=True), [])
    except csv.Error as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of names separated by commas ({error})"
        ) from None
    return [name.strip() for name in found]


def name(text: str) -> str:
    """Parse the name of a column.

    Parameters
    ----------
    text : str
        Blanks around it do not count.

    Returns
    -------
    str

    Raises
    ------
    ArgumentTypeError
        For blanks alone, and for what is not UTF-8.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is no name; expected at least one character")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise argparse.ArgumentTypeError(f"{text!r} is not UTF-8")
    return text.strip()


def separator(text: str) -> str:
    """Parse a separator of cells.

    Parameters
    ----------
    text : str
        One character, or one of `SEPARATOR_NAMES`.

    Returns
    -------
    str
        Checked by `Reading.updated`.
    """
    return SEPARATOR_NAMES.get(text) or characters(text)


def characters(text: str) -> str:
    r"""Return text with characters in place of escapes such as ``\t`` and ``\xa0``.

    Parameters
    ----------
    text : str
    """
    return _ESCAPE.sub(lambda found: chr(int(found[1] or "9", 16)), text)


def bits(text: str) -> int:
    """Parse the number of bits of a code.

    Parameters
    ----------
    text : str
        2 to 16, or ``auto``.

    Returns
    -------
    int
        0 for ``auto``.

    Raises
    ------
    ArgumentTypeError
        If `text` is anything else.
    """
    if text == "auto":
        return 0
    if text not in map(str, range(2, 17)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 2 to 16, nor auto")
    return int(text)


def seed(text: str) -> int:
    """Parse a seed, an unsigned integer of 32 bits.

    Parameters
    ----------
    text : str

    Returns
    -------
    int

    Raises
    ------
    ArgumentTypeError
        If `text` is anything else.
    """
    return _integer(text, 2**32 - 1)


def _integer(text: str, maximum: int) -> int:
    """Parse an integer from 0 to `maximum`, without more digits than `maximum` has."""
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(maximum))
    if not (digits and int(text) <= maximum):
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer from 0 to {maximum}")
    return int(text)
