"""What the values of options may be: each function reads a text, or says why not."""

from __future__ import annotations

import argparse
import csv

from cali_reg.runtime.schema import parse_number


def fraction(text: str) -> float:
    """Return a number between 0 and 1, exclusive."""
    value = finite(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def finite(text: str) -> float:
    """Return a finite number."""
    value = parse_number(text)
    if value is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number")
    return value


def count(text: str) -> int:
    """Return an integer from 0 on."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise argparse.ArgumentTypeError(f"{text!r} is not a count, such as 5")
    return int(text)


def positive(text: str) -> int:
    """Return an integer from 1 on."""
    if not count(text):
        raise argparse.ArgumentTypeError("0 is too few; expected at least 1")
    return int(text)


def names(text: str) -> list[str]:
    """Split a list of names at its commas; quotes protect a comma, as in CSV."""
    try:
        return next(csv.reader([text], skipinitialspace=True, strict=True), [])
    except csv.Error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of names ({error})") from None


def bits(text: str) -> int:
    """Return the width of a code, or 0 for auto."""
    if text == "auto":
        return 0
    if text not in map(str, range(2, 17)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a width from 2 to 16, nor auto")
    return int(text)


def seed(text: str) -> int:
    """Return a seed of 32 bits."""
    if not (text.isascii() and text.isdigit() and len(text) < 11 and int(text) < 2**32):
        raise argparse.ArgumentTypeError(f"{text!r} is not a seed from 0 to 4294967295")
    return int(text)
