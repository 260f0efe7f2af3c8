"""Find columns of numbers that are constant or depend on others, and say on which."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

import numpy as np

from cali_reg.errors import DataError
from cali_reg.least_squares.collinearity import find_rounding_dependent
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.solution import Solution

_FEWEST_ROWS = 3
_MOST_TERMS = 3  # of a combination that is written as a formula
_NOTHING = 1e-9  # of a column's size: a term as small comes from roundings


def find_dependent(
    moments: Moments, names: Sequence[str], *, fit_intercept: bool = True
) -> dict[str, str]:
    """Return the columns that are constant, or depend on columns to their left, and how.

    A few rows tell nothing: columns of one or two rows are constant by chance, and those of no
    more rows than columns depend on each other.

    Parameters
    ----------
    moments : Moments
        Of some rows.
    names : sequence of n_features strings
    fit_intercept : bool, default=True
        Whether a constant is one of the columns.

    Returns
    -------
    dict of str
        The reasons, by name, such as ``constant``, ``equals price`` and ``total = net + ship``.
        They hold up to the rounding of the values.
    """
    if moments.n_samples < _FEWEST_ROWS:
        return {}
    constant = [
        j
        for j in range(len(names))
        if moments.is_constant(j) and (fit_intercept or not moments.mean(j))
    ]
    found = {names[j]: "constant" for j in constant}
    columns = [j for j in range(len(names)) if j not in constant]
    if not columns or moments.n_samples <= len(columns) + 1:
        return found
    names, moments = [names[j] for j in columns], moments.select(columns)
    exactly = Solution(moments, list(names), fit_intercept, 0.0).dependent
    rounded = find_rounding_dependent(moments, exactly, fit_intercept=fit_intercept)
    dependent = sorted({*exactly, *rounded})
    others = [j for j in range(len(names)) if j not in dependent]
    for k in dependent:
        found[names[k]] = _reason(moments, names, k, [j for j in others if j < k])
    return found


def _reason(moments: Moments, names: Sequence[str], k: int, others: Sequence[int]) -> str:
    """Say how a column depends on columns that are independent of each other."""
    places = [0, *(j + 1 for j in others), k + 1]
    some = Moments(moments.sums[np.ix_(places, places)])
    solution = Solution(some, [names[j] for j in others], True, 0.0)
    size = _size(moments, k)
    try:
        weights, constant = solution.coefficients, solution.intercept
        parts = [abs(w) * (_size(moments, j) / size) for w, j in zip(weights, others, strict=True)]
        scale = abs(float(moments.mean(k))) + max(
            (abs(w * float(moments.mean(j))) for w, j in zip(weights, others, strict=True)),
            default=0.0,
        )
    except (DataError, OverflowError):
        return "depends on other columns"
    terms = [
        (float(f"{weight:.6g}"), names[j])
        for weight, part, j in zip(weights, parts, others, strict=True)
        if part > _NOTHING
    ]
    if len(terms) > _MOST_TERMS:
        return f"depends on {', '.join(name for _, name in terms[:_MOST_TERMS])} and others"
    constant = 0.0 if abs(constant) <= _NOTHING * scale else float(f"{constant:.6g}")
    if [weight for weight, _ in terms] == [1.0] and not constant:
        return f"equals {terms[0][1]}"
    return f"{names[k]} = {_formula(terms, constant)}"


def _size(moments: Moments, j: int) -> int:
    """Return the standard deviation of a column, in units that all columns share."""
    sums = moments.sums
    n, total, squares = (int(sums[a, b]) for a, b in ((0, 0), (0, j + 1), (j + 1, j + 1)))
    return isqrt(n * squares - total * total)


def _formula(terms: Sequence[tuple[float, str]], constant: float) -> str:
    parts = [
        ("-" if weight < 0 else "+", name if abs(weight) == 1 else f"{abs(weight):g} × {name}")
        for weight, name in terms
    ]
    if constant:
        parts.append(("-" if constant < 0 else "+", f"{abs(constant):g}"))
    parts.sort(key=lambda part: part[0])  # those to add first
    return " ".join(f"{sign} {part}" for sign, part in parts).removeprefix("+ ")
