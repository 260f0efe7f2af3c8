"""A quadratic form as a sum of squares, for a search that fixes one coordinate after another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import flint

from cali_reg.least_squares.rounding import to_float

MAX_PROVABLE = 64  # coordinates; wider forms are reduced in float64, and nothing is proven


class QuadraticForm:
    """The quadratic form as a sum of squares, ``d[i] * (x[i] + sum(mu[i][l] * x[l], l > i))**2``.

    Coordinate i is feature ``order[i]``. The search fixes the last one first, so eliminating the
    cheapest first leaves the last with few values to try.
    """

    def __init__(self, gram: flint.fmpq_mat, units: Sequence[float]) -> None:
        self.gram = gram
        self.size = len(units)
        self.order: list[int] = []
        self.d: list[float] = []
        self.mu: list[list[float]] = []
        self._eliminate(units)
        self.is_provable = self.size <= MAX_PROVABLE and 0.0 not in self.d
        # |v - w| is at most this times the root of the loss, in each coordinate
        self.reach = [math.inf] * self.size
        if self.is_provable:
            inverse = gram.inv()
            self.reach = [math.sqrt(to_float(inverse[j, j])) for j in self.order]

    def _eliminate(self, units: Sequence[float]) -> None:
        """Eliminate one coordinate after another, exactly; wide forms in (plain) float64."""
        convert = flint.fmpq if self.size <= MAX_PROVABLE else to_float
        every = range(self.size)
        rest: dict[int, dict[int, Any]] = {
            i: {j: convert(self.gram[i, j]) for j in every} for i in every
        }
        rows = []
        while rest:
            k = min(rest, key=lambda j: (_float(rest[j][j]) * units[j] * units[j], j))
            row = rest.pop(k)
            pivot = row.pop(k)
            ratios = {j: value / pivot if pivot else pivot for j, value in row.items()}
            for other in rest.values():
                factor = other.pop(k)
                for j in other:
                    other[j] -= factor * ratios[j]
            self.order.append(k)
            self.d.append(max(0.0, _float(pivot)))
            rows.append(ratios)
        self.mu = [[_float(row[k]) for k in self.order[i + 1 :]] for i, row in enumerate(rows)]

    def loss(self, values: Sequence[flint.fmpq]) -> flint.fmpq:
        """Return the form's exact value at deviations `values`, in the features' own order."""
        vector = flint.fmpq_mat([[value] for value in values])
        return (vector.transpose() * self.gram * vector)[0, 0]


def _float(value: flint.fmpq | float) -> float:
    return value if isinstance(value, float) else to_float(value)
