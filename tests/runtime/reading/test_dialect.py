"""A first look at a CSV file finds what is beyond doubt, and nothing else."""

from __future__ import annotations

import pytest

from cali_reg.runtime.reading.dialect import find_dialect
from cali_reg.runtime.reading.options import USUAL


@pytest.mark.parametrize(
    ("text", "separator", "decimal"),
    [
        ("a,b\n1,2\n", ",", "."),
        ("", ",", "."),
        ("y\n1\n", ",", "."),
        ("y\n1,5\n", ",", "."),
        ("a;b\n1;2\n", ";", "."),
        ("a;b\n1,5;2\n", ";", ","),
        ("a;b\n1,234;2\n", ";", "."),  # a thousand, or decimals
        ("a;b\n1,234;0,5\n", ";", ","),
        ("a;b\n1,5;2.5\n", ";", "."),
        ("a;b\n1,234,567;2,5\n", ";", "."),
        ("a;b\n" + "1;2\n" * 500 + "1;2,5\n", ";", ","),
        ("a\tb\n1,5\t2\n", "\t", "."),
        ("a|b\n1|2\n", "|", "."),
        ("a;b,c\n1;2,5\n", ",", "."),  # both fit: as it has always been
        ("a,b;c\n1,2\n", ",", "."),
        ("a;b,c\n1;2\n3;4\n", ";", "."),
        ('"a;b";c\n1;2\n', ";", "."),
        ('"a;b",c\n1,2\n', ",", "."),
        ("a|b\n1\n2\n", ",", "."),  # one column, named so
        ("a b\n1 2\n", " ", "."),
        ("  a  b\n 1 \t 2 \n", " ", "."),
        ("a b\n1 2\n3\n", ",", "."),
        ("town name\nNew York\nSan Jose\n", ",", "."),
        ("town name\nBern\n", ",", "."),
        ("sep=|\na|b\n1|2\n", "|", "."),
        ("\n\na;b\n1;2\n", ";", "."),
    ],
)
def test_first_look(text: str, separator: str, decimal: str) -> None:
    """The separator and the decimal mark; where there is doubt, commas and points."""
    found = find_dialect(text.encode(), USUAL)
    assert (found.separator, found.decimal) == (separator, decimal)


def test_what_is_asked_is_not_looked_for() -> None:
    """A look does not overrule the user."""
    reading = USUAL.updated({"separator": ";", "decimal": "."})
    found = find_dialect(b"a;b\n1,5;2\n", reading)
    assert (found.separator, found.decimal, found.found) == (";", ".", ())
