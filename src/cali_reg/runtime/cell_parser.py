"""Parse the cells of a table: which texts are numbers, true or false, or missing values."""

from __future__ import annotations

import math
import re

# What the CSV world calls a number: float() would also take 1_000, ١٢, nan and infinity.
_NUMBER = re.compile(r"[ \t]*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t]*")
BOOLEANS = {"false": 0.0, "False": 0.0, "FALSE": 0.0, "true": 1.0, "True": 1.0, "TRUE": 1.0}
MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL")


def parse_number(text: str) -> float | None:
    """Return the float64 nearest to a decimal number.

    Parameters
    ----------
    text : str
        Digits with an optional sign, decimal point and exponent; blanks around them are allowed.

    Returns
    -------
    float or None
        None if the text is not a number, or is beyond float64.
    """
    number = float(text) if _NUMBER.fullmatch(text) else math.inf
    return number if math.isfinite(number) else None


def parse_cell(text: str) -> float | None:
    """Return the value of a cell in a numeric column.

    Parameters
    ----------
    text : str
        A number, or true or false (as false, False, FALSE ...), which are 1 and 0.

    Returns
    -------
    float or None
        None if the cell has no numeric value.
    """
    number = parse_number(text)
    return BOOLEANS.get(text) if number is None else number


def is_missing(text: str) -> bool:
    """Tell whether a cell of a numeric column stands for a missing value.

    Parameters
    ----------
    text : str
        The cell; blanks around it do not count.
    """
    return text.strip() in MISSING
