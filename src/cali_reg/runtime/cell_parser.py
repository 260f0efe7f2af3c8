"""Parse the cells of a table: numbers, true or false, categories, and missing values."""

from __future__ import annotations

import math
import re

# What the CSV world calls a number: float() would also take 1_000, ١٢, nan and infinity.
_NUMBER = re.compile(r"[ \t]*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t]*")
_CODE = re.compile(r"[+-]?0[0-9]+")
_PLAIN_DECIMAL = re.compile(r"(-?)(0|[1-9][0-9]*)?(?:\.([0-9]*))?")
BOOLEANS = {"false": 0.0, "False": 0.0, "FALSE": 0.0, "true": 1.0, "True": 1.0, "TRUE": 1.0}
MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL")


_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+")
_GROUPS = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?")
_GROUPS_OF_POINTS = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]*)?")
_SIGNS = "$€£¥%\xa0\u202f '’"  # that people write with numbers
_MARKS = ("?", "-", "--", ".", "*", "#N/A", "#NUM!", "n/a", "na", "None", "none", "missing")


def option_for(text: str) -> str:
    """Return which option reads a cell that is no number, and as what; empty if none does.

    Parameters
    ----------
    text : str
        The cell.
    """
    text = text.strip(" \t")
    if text in _MARKS:
        return f"`--na '{text}'` reads it as a missing value"
    signs = "".join(dict.fromkeys(character for character in text if character in _SIGNS))
    number = text.translate(dict.fromkeys(map(ord, signs)))
    found = []
    is_grouped = _GROUPS.fullmatch(number) is not None and not number.startswith("0")
    if _DECIMAL_COMMA.fullmatch(number) and not (is_grouped and {"$", "£"} & {*signs}):
        found.append(("--decimal ,", signs, number.replace(",", ".")))
    if is_grouped:
        found.append(("", f"{signs},", number.replace(",", "")))
    if not found and _GROUPS_OF_POINTS.fullmatch(number):
        plain = number.replace(".", "").replace(",", ".")
        found.append(("--decimal ,", f"{signs}.", plain))
    if not found and signs and parse_number(number) is not None:
        found.append(("", signs, number))
    return ", ".join(
        f"`{' '.join(filter(None, [decimal, ignored and _quoted(ignored)]))}` reads it as {plain}"
        for decimal, ignored, plain in found
    )


def _quoted(characters: str) -> str:
    """Return the option for a shell, which takes quotes as its own."""
    return f'--ignore "{characters}"' if "'" in characters else f"--ignore '{characters}'"


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


def is_code(text: str) -> bool:
    """Tell whether a number has leading zeros, which say that it is a code, such as 007.

    Parameters
    ----------
    text : str
        Without blanks around it.
    """
    return _CODE.fullmatch(text) is not None


def parse_category(text: str, *, as_text: bool = False) -> str:
    """Return the category that a cell of a categorical column stands for.

    Tables write one category in several ways, and formats differ: blanks around it do not count;
    ``True`` and ``TRUE`` are ``true``; ``10.0`` is ``10``, which it becomes where a column of
    integers has a gap. Numbers with leading zeros, such as ``010``, are text.

    Parameters
    ----------
    text : str
        The cell.
    as_text : bool, default=False
        Whether ``10.0`` and ``10`` are two categories.
    """
    text = text.strip()
    if text in BOOLEANS:
        return text.lower()
    decimal = None if as_text else parse_plain_decimal(text)
    return text if decimal is None else decimal


def parse_plain_decimal(text: str) -> str | None:
    """Return the shortest way to write a plain decimal number.

    Parameters
    ----------
    text : str
        Digits with an optional minus sign and decimal point, without leading zeros.

    Returns
    -------
    str or None
        None if the text is anything else.
    """
    found = _PLAIN_DECIMAL.fullmatch(text)
    if found is None or text in ("", "-", ".", "-."):
        return None
    sign, whole, fraction = (part or "" for part in found.groups())
    digits = (whole or "0") + f".{fraction}".rstrip("0").rstrip(".")
    return digits if digits == "0" else sign + digits


def plain_number(text: str) -> str:
    """Return a float as the shortest plain decimal: ``1e+16`` as ``10000000000000000``.

    Parameters
    ----------
    text : str
        As Python or Arrow writes a float; infinity is returned as it is.
    """
    if "e" in text:
        from decimal import Decimal  # rarely needed, and slow to import

        text = format(Decimal(text), "f")
    return parse_plain_decimal(text) or text


def is_missing(text: str) -> bool:
    """Tell whether a cell stands for a missing value.

    Parameters
    ----------
    text : str
        The cell; blanks around it do not count.
    """
    return text.strip() in MISSING
