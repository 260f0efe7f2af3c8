"""Strategies: small tables that are hard for floating point."""

from __future__ import annotations

import math
import sys

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

Table = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]

EXTREMES = (0.0, -0.0, 5e-324, -5e-324, sys.float_info.min, 1e-300, 1e300, sys.float_info.max)

KINDS = ("free",) * 5 + ("whole",) * 3 + ("constant", "multiple", "difference")

small_integers = st.integers(-9, 9).map(float)

#: Floats of every exponent from -1074 to 1023, few and many bits, signed zeros, subnormals.
any_numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.builds(math.ldexp, st.integers(-(2**53), 2**53), st.integers(-1074, 970)),
    st.sampled_from(EXTREMES),
    small_integers,
)

#: Floats whose least-squares solutions seldom leave float64.
mild_numbers = st.one_of(
    st.floats(-1e6, 1e6),
    st.builds(math.ldexp, st.integers(-(2**20), 2**20), st.integers(-70, 70)),
    small_integers,
)


@st.composite
def tables(
    draw: st.DrawFn,
    *,
    numbers: st.SearchStrategy[float] = any_numbers,
    n_features: int | None = None,
    max_rows: int = 9,
) -> Table:
    """Draw (X, y); a column may be constant, a multiple or a difference of earlier ones."""
    n = draw(st.sampled_from(range(max_rows, 0, -1)))
    size = draw(st.integers(1, 4)) if n_features is None else n_features
    columns: list[npt.NDArray[np.float64]] = []
    for _ in range(size + 1):
        kind = draw(st.sampled_from(KINDS))
        if kind == "constant":
            column = np.full(n, draw(numbers))
        elif kind == "multiple" and columns:
            column = draw(st.sampled_from(columns)) * 0.5
        elif kind == "difference" and columns:
            column = draw(st.sampled_from(columns)) / 2 - draw(st.sampled_from(columns)) / 2
        else:
            free = small_integers if kind == "whole" else numbers
            column = np.array(draw(st.lists(free, min_size=n, max_size=n)))
        columns.append(column)
    return np.column_stack(columns[:-1]), columns[-1]
