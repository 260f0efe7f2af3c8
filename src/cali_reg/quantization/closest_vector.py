"""The closest-vector problem of quantization: the codes that change the model least.

The loss of rounding coefficients w to v is the quadratic form (v - w)ᵀ G (v - w), where G holds the
moments of the features about their means. `closest` finds the v on a finite grid with the least
loss, by Schnorr and Euchner's depth-first search (Mathematical Programming 66, 1994), which starts
from Babai's point (Combinatorica 6, 1986), and says whether it has proven that no other is better.

The search runs in float64, in plain Python, whose operations give the same bits everywhere. A
branch is cut only if its cost is above the best by more than any rounding error; what remains is
compared in exact arithmetic. ``docs/explanation/quantization.md`` has the details.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import flint

from cali_reg.least_squares.rounding import power_of_two, to_float
from cali_reg.quantization.code_grid import CodeGrid
from cali_reg.quantization.quadratic_form import QuadraticForm

SCALES = range(256, 512)  # the common scale, times 256
MAX_NODES = 1 << 20  # branches to try
_EPSILON = 2.0**-52
_RELATIVE = 1 + 2.0**-40  # above the relative rounding error of a sum of squares


@dataclass(frozen=True)
class Closest:
    """The best point found: coefficient j becomes ``scale / 256 * 2**exponents[j] * steps[j]``.

    Attributes
    ----------
    scale : int
        256 to 511.
    exponents, steps : tuple of n_features ints
    loss : fmpq
        The quadratic form of the change, exactly.
    bound : fmpq
        No point of the grid has a smaller loss than this.
    nodes : int
        How many branches were tried.
    """

    scale: int
    exponents: tuple[int, ...]
    steps: tuple[int, ...]
    loss: flint.fmpq
    bound: flint.fmpq
    nodes: int

    @property
    def is_proven(self) -> bool:
        """Whether no point of the grid has a smaller loss."""
        return bool(self.bound >= self.loss)


def closest(
    gram: flint.fmpq_mat, weights: Sequence[float], bits: int, *, max_nodes: int = MAX_NODES
) -> Closest:
    """Minimize ``(v - w)ᵀ gram (v - w)`` over all scales, exponents and codes.

    The grid has steps from ``-2**(bits - 1)`` to ``2**(bits - 1) - 1`` and, for each coefficient,
    the exponent that suits its size, the one before and the one after. Of equal losses the smallest
    scale wins, then the smallest exponents, then the smallest steps.

    Parameters
    ----------
    gram : fmpq_mat of shape (n_features, n_features)
        Symmetric and positive semidefinite.
    weights : sequence of n_features floats
        The coefficients w.
    bits : int
        Of a code, 2 to 16.
    max_nodes : int, default=2**20
        How many branches to try; then the search stops, and the rest is only bounded.

    Returns
    -------
    Closest

    Examples
    --------
    >>> found = closest(flint.fmpq_mat([[1]]), [0.75], 8)
    >>> found.scale / 256 * 2.0 ** found.exponents[0] * found.steps[0], found.is_proven
    (0.75, True)
    """
    # Powers of two bring all weights to one size and the form near one, for float64 to hold them.
    fractions, shifts = zip(*map(math.frexp, weights), strict=True)
    scaled, power = _scaled(gram, shifts)
    form = QuadraticForm(scaled, [CodeGrid(w, SCALES[0], bits).unit for w in fractions])
    best = _Best(form, fractions)
    searches = [_Search(form, best, fractions, scale, bits) for scale in SCALES]
    searches.sort(key=lambda search: search.babai())
    # A quarter of the branches is shared equally; the searches not done then get the rest.
    for share in (max_nodes // (4 * len(searches)), max_nodes):
        for search in searches:
            if search.frontier < math.inf:
                search.run(min(max_nodes, best.nodes + share))
    found = best.result(min(search.frontier for search in searches))
    exponents = tuple(e + shift for e, shift in zip(found.exponents, shifts, strict=True))
    loss, bound = found.loss * power, found.bound * power
    return replace(found, exponents=exponents, loss=loss, bound=bound)


def _scaled(gram: flint.fmpq_mat, shifts: Sequence[int]) -> tuple[flint.fmpq_mat, flint.fmpq]:
    """Return ``gram[i, j] * 2**(shifts[i] + shifts[j]) / power``, and a power of two."""
    rows = [
        [gram[i, j] * power_of_two(a + b) for j, b in enumerate(shifts)]
        for i, a in enumerate(shifts)
    ]
    largest = max(row[i] for i, row in enumerate(rows))
    sizes = int(largest.p).bit_length() - int(largest.q).bit_length() if largest else 0
    power = power_of_two(sizes)
    return flint.fmpq_mat([[value / power for value in row] for row in rows]), power


class _Best:
    """The best point so far: the least by exact loss, then scale, exponents and steps."""

    def __init__(self, form: QuadraticForm, weights: Sequence[float]) -> None:
        self._form = form
        self._weights = [flint.fmpq(*weight.as_integer_ratio()) for weight in weights]
        self._key: tuple[flint.fmpq, int, tuple[int, ...], tuple[int, ...]] | None = None
        self.loss = math.inf
        self.nodes = 0

    def offer(self, scale: int, grids: Sequence[CodeGrid], point: Sequence[int]) -> None:
        """Keep the point if it is better."""
        pairs = [
            (t * flint.fmpq(*grid.unit.as_integer_ratio()), weight)
            for t, grid, weight in zip(point, grids, self._weights, strict=True)
        ]
        loss = self._form.loss([value - weight for value, weight in pairs])
        codes = [grid.code(t) for grid, t in zip(grids, point, strict=True)]
        exponents, steps = zip(*codes, strict=True)
        key = (loss, scale, exponents, steps)
        if self._key is None or key < self._key:
            self._key = key
            self.loss = to_float(loss)

    def result(self, frontier: float) -> Closest:
        """Return the best point, if what was left untried costs at least `frontier`."""
        if self._key is None:
            raise ValueError("no point was offered")
        loss, scale, exponents, steps = self._key
        bound = loss
        if not self._form.is_provable:
            bound = flint.fmpq(0)
        elif frontier < self.loss:
            bound = flint.fmpq(*max(0.0, frontier).as_integer_ratio())
        return Closest(scale, exponents, steps, loss, bound, self.nodes)


class _Search:
    """Depth-first search at one scale."""

    def __init__(
        self, form: QuadraticForm, best: _Best, weights: Sequence[float], scale: int, bits: int
    ) -> None:
        self._form, self._best, self._scale = form, best, scale
        self._grids = [CodeGrid(weight, scale, bits) for weight in weights]
        self._ordered = grids = [self._grids[k] for k in form.order]
        self._targets = [grid.target for grid in grids]
        # D and L, with each coordinate counted in units of its grid
        self._costs = [d * grid.unit * grid.unit for d, grid in zip(form.d, grids, strict=True)]
        self._l_columns = [
            [v * other.unit / grid.unit for v, other in zip(column, grids[i:], strict=True)]
            for i, (grid, column) in enumerate(zip(grids, form.l_columns, strict=True), start=1)
        ]
        self._point = [0] * form.size
        self._offsets = [0.0] * form.size  # of the point from the targets
        self._slack = 0.0
        self.frontier = 0.0  # no branch that was left untried costs less

    def babai(self) -> float:
        """Round one coordinate after another, offer that point, and return its cost."""
        cost = 0.0
        for i in reversed(range(self._form.size)):
            center = self._center(i)
            t = self._ordered[i].nearest(center)
            self._fix(i, t)
            cost += self._costs[i] * ((t - center) * (t - center))  # ** would call libm
        self._offer()
        return cost

    def run(self, max_nodes: int) -> None:
        """Try all branches that may have a point at least as good; stop at `max_nodes`."""
        self._slack = self._largest_error() if self._form.is_provable else 0.0
        self.frontier = math.inf
        self._visit(self._form.size - 1, 0.0, max_nodes)

    def _visit(self, i: int, cost: float, max_nodes: int) -> None:
        """Try the values of coordinate i, the nearest to its center first."""
        weight, center = self._costs[i], self._center(i)
        for t in self._ordered[i].outward(center):
            total = cost + weight * ((t - center) * (t - center))
            if total > self._best.loss * _RELATIVE + self._slack:
                return
            if self._best.nodes >= max_nodes:
                self.frontier = min(self.frontier, total - self._slack)
                return
            self._best.nodes += 1
            self._fix(i, t)
            if i:
                self._visit(i - 1, total, max_nodes)
            else:
                self._offer()
            if weight == 0.0:  # all other values cost the same
                return

    def _center(self, i: int) -> float:
        """Return where coordinate i costs nothing, given those after it."""
        center = self._targets[i]
        for m, offset in zip(self._l_columns[i], self._offsets[i + 1 :], strict=True):
            center -= m * offset
        return center

    def _fix(self, i: int, t: int) -> None:
        self._point[i], self._offsets[i] = t, t - self._targets[i]

    def _offer(self) -> None:
        point = [0] * len(self._point)
        for k, t in zip(self._form.order, self._point, strict=True):
            point[k] = t
        self._best.offer(self._scale, self._grids, point)

    def _largest_error(self) -> float:
        """Bound the rounding error of a cost whose exact value is at most the best loss.

        Each deviation is then at most its reach times the square root of the loss. That bounds each
        term of a center, and so the error of their sum (Higham 2002, chapter 3). Taken twice.
        """
        root = math.sqrt(self._best.loss)
        grids, targets = self._ordered, [abs(target) for target in self._targets]
        pairs = zip(self._form.reach, grids, targets, strict=True)
        terms = [
            2 * target + (self._form.size + 8) * reach * root / grid.unit
            for reach, grid, target in pairs
        ]
        slack = 0.0
        for i, weight in enumerate(self._costs):
            below = zip(self._l_columns[i], terms[i + 1 :], strict=True)
            rest = sum(abs(m) * term for m, term in below)
            error = _EPSILON * (3 * targets[i] + rest)
            slack += weight * error * error + 2 * root * math.sqrt(weight) * error
        return 2 * slack
