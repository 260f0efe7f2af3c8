"""Types of option values: what they accept, and the one-line reason for what they reject."""

import argparse
import re
from collections.abc import Callable

import pytest

from cali_reg.cli import argument_types

ACCEPTED = [
    (argument_types.fraction, "0.25", 0.25),
    (argument_types.finite, "-1e-3", -0.001),
    (argument_types.count, "0", 0),
    (argument_types.count, "999999999", 999_999_999),
    (argument_types.positive, "1", 1),
    (argument_types.names, 'a, b,"c, d","e ""f"""', ["a", "b", "c, d", 'e "f"']),
    (argument_types.names, "", []),
    (argument_types.bits, "2", 2),
    (argument_types.bits, "16", 16),
    (argument_types.bits, "auto", 0),
    (argument_types.seed, "4294967295", 2**32 - 1),
]
REJECTED = [
    (argument_types.fraction, "1.0", "1.0 is not between 0 and 1"),
    (argument_types.finite, "1_000", "'1_000' is not a finite number"),
    (argument_types.finite, "inf", "'inf' is not a finite number"),
    (argument_types.count, "-1", "'-1' is not an integer from 0 to 999999999"),
    (argument_types.count, "1000000000", "is not an integer from 0 to 999999999"),
    (argument_types.count, "²", "'²' is not an integer"),
    (argument_types.positive, "0", "0 is too small; expected at least 1"),
    (argument_types.names, 'a,"b', "is not a list of names separated by commas"),
    (argument_types.bits, "17", "'17' is not a number from 2 to 16, nor auto"),
    (argument_types.bits, "08", "'08' is not a number from 2 to 16, nor auto"),
    (argument_types.seed, "4294967296", "is not an integer from 0 to 4294967295"),
]


@pytest.mark.parametrize(("parse", "text", "value"), ACCEPTED)
def test_accepted(parse: Callable[[str], object], text: str, value: object) -> None:
    """A text within the bounds becomes its value."""
    assert parse(text) == value


@pytest.mark.parametrize(("parse", "text", "reason"), REJECTED)
def test_rejected(parse: Callable[[str], object], text: str, reason: str) -> None:
    """A text that is something else, or is out of bounds, raises the reason."""
    with pytest.raises(argparse.ArgumentTypeError, match=re.escape(reason)) as caught:
        parse(text)
    assert "\n" not in str(caught.value)
