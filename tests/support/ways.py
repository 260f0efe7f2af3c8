"""The three ways to a solution: verified float64, balls, fractions."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from cali_reg.least_squares import normal_equations
from cali_reg.least_squares.solvers import verified

WAYS = ("verified", "balls", "fractions")


@contextmanager
def way(name: str) -> Iterator[None]:
    """Have systems of any size solved first in one way."""
    few = 10**6 if name == "fractions" else 0
    with (
        patch.object(normal_equations, "_FEW", few),
        patch.object(verified, "_MOST", 0.0 if name == "balls" else verified._MOST),
    ):
        yield
