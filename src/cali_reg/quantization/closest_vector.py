"""The closest-vector problem of quantization: the codes that change the model least.

The loss of rounding coefficients w to v is the quadratic form (v - w)ᵀ G (v - w), with G the
moments of the features about their means. `closest` finds the v on a finite grid that makes it
least, by Schnorr and Euchner's depth-first search (Mathematical Programming 66, 1994), started
from Babai's point (Combinatorica 6, 1986), and says whether it has proven that none is better.

The search runs in float64, in plain Python, whose operations give the same bits everywhere. A
branch is cut only if its cost exceeds the best by more than any rounding error could explain;
what remains is compared in exact arithmetic. ``docs/explanation/quantization.md`` has the details.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import flint

from cali_reg.least_squares.rounding import power_of_two, to_float
from cali_reg.quantization.code_grid import Axis
from cali_reg.quantization.quadratic_form import QuadraticForm

SCALES = range(256, 512)  # numerators over 256 of the common scale
MAX_NODES = 1 << 20
_EPSILON = 2.0**-52
_RELATIVE = 1 + 2.0**-40  # more than the error of a sum of some squares


@dataclass(frozen=True)
class Closest:
    """The best point found: coefficient j becomes ``scale / 256 * 2**exponents[j] * steps[j]``.

    `loss` is its loss, `bound` what no point of the grid can be below, `nodes` how many branches
    were tried.
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
    """Minimize ``(v - w)ᵀ gram (v - w)`` over all scales, exponents and codes of `bits` bits.

    The grid: steps from ``-2**(bits - 1)`` to ``2**(bits - 1) - 1``, and for each coefficient the
    exponent that suits its own size, one less or one more. Ties go to the smallest scale, then
    exponents, then steps. Once `max_nodes` branches have been tried, what is left is bounded.
    """
    # powers of two make all weights of a size and the form near one: float64 can then hold them
    fractions, shifts = zip(*map(math.frexp, weights), strict=True)
    scaled, power = _scaled(gram, shifts)
    form = QuadraticForm(scaled, [Axis(w, SCALES[0], bits).unit for w in fractions])
    best = _Best(form, fractions)
    searches = [_Search(form, best, fractions, scale, bits) for scale in SCALES]
    searches.sort(key=lambda search: search.babai())
    for share in (max_nodes // (4 * len(searches)), max_nodes):  # the hard ones get what is left
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
    """The best point so far, by exact loss; ties by scale, exponents and steps."""

    def __init__(self, form: QuadraticForm, weights: Sequence[float]) -> None:
        self._form = form
        self._weights = [flint.fmpq(*weight.as_integer_ratio()) for weight in weights]
        self._key: tuple[flint.fmpq, int, tuple[int, ...], tuple[int, ...]] | None = None
        self.loss = math.inf
        self.nodes = 0

    def offer(self, scale: int, axes: Sequence[Axis], point: Sequence[int]) -> None:
        """Keep the point if it is better."""
        pairs = [
            (t * flint.fmpq(*axis.unit.as_integer_ratio()), weight)
            for t, axis, weight in zip(point, axes, self._weights, strict=True)
        ]
        loss = self._form.loss([value - weight for value, weight in pairs])
        codes = [axis.code(t) for axis, t in zip(axes, point, strict=True)]
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
        self._axes = [Axis(weight, scale, bits) for weight in weights]
        axes = [self._axes[k] for k in form.order]
        self._ordered = axes
        self._targets = [axis.target for axis in axes]
        self._costs = [d * axis.unit * axis.unit for d, axis in zip(form.d, axes, strict=True)]
        self._mu = [
            [m * other.unit / axes[i].unit for m, other in zip(row, axes[i + 1 :], strict=True)]
            for i, row in enumerate(form.mu)
        ]
        self._point = [0] * form.size
        self._offsets = [0.0] * form.size  # of the point from the targets
        self._slack = 0.0
        self.frontier = 0.0  # what the branches that were left untried cost at least

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
        """Try all branches that may hold a better point, or as equal; stop at `max_nodes`."""
        self._slack = self._largest_error() if self._form.is_provable else 0.0
        self.frontier = math.inf
        self._visit(self._form.size - 1, 0.0, max_nodes)

    def _visit(self, i: int, cost: float, max_nodes: int) -> None:
        """Try the values of coordinate i, the nearest to its center first."""
        axis, weight, center = self._ordered[i], self._costs[i], self._center(i)
        t = axis.nearest(center)
        below, above = axis.below(t), axis.above(t)
        while True:
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
            if weight == 0.0:
                return
            if below is not None and (above is None or center - below <= above - center):
                t, below = below, axis.below(below)
            elif above is not None:
                t, above = above, axis.above(above)
            else:
                return

    def _center(self, i: int) -> float:
        """Return where coordinate i costs nothing, given those after it."""
        center = self._targets[i]
        for m, offset in zip(self._mu[i], self._offsets[i + 1 :], strict=True):
            center -= m * offset
        return center

    def _fix(self, i: int, t: int) -> None:
        self._point[i], self._offsets[i] = t, t - self._targets[i]

    def _offer(self) -> None:
        point = [0] * len(self._point)
        for k, t in zip(self._form.order, self._point, strict=True):
            point[k] = t
        self._best.offer(self._scale, self._axes, point)

    def _largest_error(self) -> float:
        """Bound the rounding error of a cost that is truly at most the best loss.

        Each deviation is then at most its reach times the root of the loss, which bounds each
        term of a center, and so the error of their sum (Higham 2002, ch. 3), twice over.
        """
        root = math.sqrt(self._best.loss)
        axes, targets = self._ordered, [abs(target) for target in self._targets]
        pairs = zip(self._form.reach, axes, targets, strict=True)
        terms = [
            2 * target + (self._form.size + 8) * reach * root / axis.unit
            for reach, axis, target in pairs
        ]
        slack = 0.0
        for i, weight in enumerate(self._costs):
            rest = sum(abs(m) * term for m, term in zip(self._mu[i], terms[i + 1 :], strict=True))
            error = _EPSILON * (3 * targets[i] + rest)
            slack += weight * error * error + 2 * root * math.sqrt(weight) * error
        return 2 * slack
