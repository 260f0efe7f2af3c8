"""The normal equations of least squares in integers, and their exact solution."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, TypeVar

import flint

from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.rounding import power_of_two
from cali_reg.least_squares.solvers import balls, units
from cali_reg.least_squares.solvers.integers import Integers
from cali_reg.least_squares.solvers.least_norm import LeastNorm
from cali_reg.least_squares.solvers.rank import independent_columns
from cali_reg.least_squares.solvers.verified import VerifiedSolver

_PRECISIONS = [128 << step for step in range(8)]  # bits; a ball still too wide then holds a tie
_FEW = 24  # features or less are solved exactly at once, which is as fast

_Ball = TypeVar("_Ball", flint.arb, flint.arb_mat)


class NormalEquations:
    """The equations ``A w = b`` in integers, where column j of [X, y] has the unit ``2**units[j]``.

    ``A[i, j] * 2**(units[i] + units[j]) / divisor`` is the sum of x_i x_j about the means, or
    about zero without an intercept; `b` holds the sums of x_i y, `c` is that of y y (Seber & Lee,
    Linear Regression Analysis, 2003, chapter 3).

    Parameters
    ----------
    moments : Moments
        Of at least one row.
    fit_intercept : bool
    alpha : fmpq
        Ridge penalty on the squared weights, zero or above.

    Attributes
    ----------
    n_samples, n_features : int
    fit_intercept : bool
    rank : int
    dependent : tuple of int
        Columns that are constant (zero without an intercept), or a linear combination of
        columns to their left.
    """

    def __init__(self, moments: Moments, *, fit_intercept: bool, alpha: flint.fmpq) -> None:
        self.n_samples, self.n_features = moments.n_samples, moments.n_features
        self.fit_intercept = fit_intercept
        self._sums, self._common = units.without_common_power(moments.sums)
        self._set_units(units.column_units(self._sums))
        self.rank: int = moments.n_features
        self.dependent: tuple[int, ...] = ()
        self._alpha = alpha
        self._least_norm: LeastNorm | None = None  # if A is singular
        self._solver: VerifiedSolver | None = None
        self._estimates, self._more_estimates = list[balls.Estimate](), self._make_estimates()
        if self.rank <= _FEW:
            self._solve_at_once()
        else:
            self._prove_rank()

    def _solve_at_once(self) -> None:
        try:
            _ = self.solution
        except ZeroDivisionError:
            self._find_least_norm()
        if self._alpha != 0 and self._a.rank() < self.rank:
            self._find_pivots()

    def _prove_rank(self) -> None:
        """Find the rank by the cheapest proof: a float64 inverse, or elimination modulo a prime."""
        solver = VerifiedSolver(self._products_of_features)
        if not solver.is_regular and self._find_pivots() and self._alpha == 0:
            self._find_least_norm()
        elif solver.is_regular and self._alpha == 0:
            self._solver = solver
        elif self._alpha != 0:
            penalized = VerifiedSolver(self._system[0])
            self._solver = penalized if penalized.is_regular else None

    @cached_property
    def solution(self) -> Any:
        """The exact weights of least norm in units of ``2**(units[-1] - units[j])``: (p, 1).

        ZeroDivisionError is raised for a singular matrix, before it is known to be one.
        """
        if self._least_norm is not None:
            return self._least_norm.solve()
        matrix, right = (flint.fmpz_mat(part.tolist()) for part in self._system)
        if not any(right.entries()) and (self._solver or matrix.rank() == self.rank):
            return flint.fmpq_mat(right)
        return matrix.solve(right)

    def estimates(self) -> Iterator[balls.Estimate]:
        """Enclose the results in balls, more closely each time.

        Yields
        ------
        Estimate
            Nothing for few features, whose exact solution takes no longer.
        """
        yield from self._estimates
        for estimate in self._more_estimates:
            self._estimates.append(estimate)
            yield estimate

    def _make_estimates(self) -> Iterator[balls.Estimate]:
        if self.n_features <= _FEW or self.rank == 0:
            return
        if self._solver is not None:
            for bounds in self._solver.bounds(self._system[1].ravel()):
                precision = max(map(int.bit_length, bounds.mantissas)) + 128
                with flint.ctx.workprec(precision):
                    estimate = self._estimate(precision, balls.to_balls(bounds))
                yield estimate
            return
        for precision in self._precisions()[:4]:
            with flint.ctx.workprec(precision):
                try:
                    estimate = self._estimate(precision, self._solve_in_balls())
                except ZeroDivisionError:
                    continue  # singular, for all that this precision can tell
            yield estimate

    def _precisions(self) -> list[int]:
        more = 2 if self._least_norm is None else 3  # found from a square, which loses more bits
        return [precision * more // 2 for precision in _PRECISIONS]

    def _solve_in_balls(self) -> list[flint.arb]:
        if self._least_norm is not None:
            return self._least_norm.solve_in_balls()
        matrix, right = (flint.arb_mat(flint.fmpz_mat(s.tolist())) for s in self._system)
        return matrix.solve(right).entries()

    def _estimate(self, precision: int, solution: list[flint.arb]) -> balls.Estimate:
        """Return all results from balls of the solution, at the precision set."""
        y = self._units[-1]
        if self._alpha == 0 and self._solver is None:
            rss = balls.least_squares_sum(self._a, self._b, self._c, solution)
        else:
            rss = self._c - balls.dot(self._sums_with_target.ravel(), solution)
            rss -= balls.dot(self._penalties, [x * x for x in solution]) if self._alpha else 0
        rss *= power_of_two(2 * y) / self._divisor
        intercept = flint.arb(0)
        if self.fit_intercept:
            one, *totals, target = self._integers[0].tolist()
            rest = (target - balls.dot(totals, solution)) / one
            intercept = rest * power_of_two(y - self._units[0])
        return balls.Estimate(precision, self._in_units(solution), intercept, rss)

    @property
    def rss(self) -> flint.fmpq:
        """Residual sum of squares."""
        row = self.solution.transpose()
        rss = self._c - 2 * (row * self._b)[0, 0] + (row * self._a * self.solution)[0, 0]
        scaled: flint.fmpq = rss * power_of_two(2 * self._units[-1]) / self._divisor
        return scaled

    @property
    def weights(self) -> list[flint.fmpq]:
        """The features' coefficients."""
        return self._in_units(self.solution.entries())

    def _in_units(self, solution: list[Any]) -> list[Any]:
        y = self._units[-1]
        pairs = zip(solution, self._units[1:-1], strict=True)
        return [weight * power_of_two(y - unit) for weight, unit in pairs]

    @property
    def intercept(self) -> flint.fmpq:
        """Mean of the target less the weighted means of the features."""
        if not self.fit_intercept:
            return flint.fmpq(0)
        mean = flint.fmpq(self._integers[0, -1], self._integers[0, 0])
        rest = mean - (self._means * self.solution)[0, 0]
        intercept: flint.fmpq = rest * power_of_two(self._units[-1] - self._units[0])
        return intercept

    def variance_factors(self) -> list[flint.fmpq]:
        """Return the variances of the weights if the residual variance is 1, exactly.

        Returns
        -------
        list of fmpq
            One for each weight and, with an intercept, one for it at the end.
        """
        return self._factors(self.inverse())

    def variance_factor_balls(self) -> Iterator[list[flint.arb]]:
        """Enclose `variance_factors` in balls, more closely each time.

        Yields
        ------
        list of arb
            While it is used, FLINT's precision is that of these balls.
        """
        yield from self.enclose(lambda _: self._verified_factors, self._factors)

    def enclose(
        self, verified: Callable[[VerifiedSolver], list[_Ball]], of: Callable[[Any], list[_Ball]]
    ) -> Iterator[list[_Ball]]:
        """Enclose a function of the inverse of A in balls, more closely each time.

        Parameters
        ----------
        verified : callable
            Compute it from what a `VerifiedSolver` of A bounds.
        of : callable
            Compute it from balls of the inverse.

        Yields
        ------
        list of balls
            While it is used, FLINT's precision is that of these balls.
        """
        if self._solver is not None:
            with flint.ctx.workprec(_PRECISIONS[1]):
                yield verified(self._solver)
        for precision in self._precisions():
            with flint.ctx.workprec(precision):
                try:
                    inverse = self._inverse_balls()
                except ZeroDivisionError:
                    continue  # singular, for all that this precision can tell
                yield of(inverse)

    def inverse_cholesky_balls(self) -> Iterator[list[list[flint.arb]]]:
        """Enclose the rows of L⁻¹ in balls, more closely each time.

        L is the Cholesky factor: lower triangular, and L Lᵀ is the matrix of the features' sums of
        products.

        Yields
        ------
        list of lists of arb
            Row k has k + 1 entries. While it is used, FLINT's precision is that of these balls.
        """
        for precision in _PRECISIONS[:4]:  # beyond, `inverse_cholesky_row` is as fast
            with flint.ctx.workprec(precision):
                roots = [flint.arb(square).sqrt() for square in self._scales]
                rows = balls.inverse_cholesky(flint.arb_mat(self._a))
                yield [[v * root for v, root in zip(row, roots, strict=False)] for row in rows]

    def inverse_cholesky_row(self, k: int) -> list[tuple[flint.fmpq, flint.fmpq]]:
        """Return row k of L⁻¹, exactly.

        Parameters
        ----------
        k : int

        Returns
        -------
        list of k + 1 pairs of fmpq
            A pair (v, s) means ``v * sqrt(s)``.

        Raises
        ------
        ZeroDivisionError
            For moments that no rows have.
        """
        leading = flint.fmpz_mat([row[: k + 1] for row in self._a.tolist()[: k + 1]])
        unit = flint.fmpz_mat([[int(i == k)] for i in range(k + 1)])
        last = leading.solve(unit).entries()  # the last column of the inverse, L⁻¹[k] * L⁻¹[k, k]
        return [(v, scale / last[-1]) for v, scale in zip(last, self._scales, strict=False)]

    def in_data_units(self, block: Any, group: Sequence[int]) -> Any:
        """Return rows and columns of A⁻¹ scaled to the inverse of the sums of products, in place.

        Parameters
        ----------
        block : arb_mat or fmpq_mat
        group : sequence of int
            Their indices.
        """
        units = [power_of_two(-self._units[j + 1]) for j in group]
        for i, unit in enumerate(units):
            for j, other in enumerate(units):
                block[i, j] *= unit * other * self._divisor
        return block

    def _set_units(self, zeros: list[int]) -> None:
        """Write the equations in integers; the unit of column j of the sums is ``2**zeros[j]``."""
        self._units = [zero + self._common for zero in zeros]
        self._integers = units.divided(self._sums, zeros)
        self._divisor = self._integers[0, 0] if self.fit_intercept else 1
        products = self._products()
        self._products_of_features: Integers = products[:-1, :-1]
        self._sums_with_target: Integers = products[:-1, -1:]
        self._b = flint.fmpz_mat(self._sums_with_target.tolist())
        self._c = flint.fmpz(products[-1, -1])
        for name in ("_a", "_penalties", "_system", "solution"):
            self.__dict__.pop(name, None)  # what was computed in other units

    @cached_property
    def _a(self) -> flint.fmpz_mat:
        return flint.fmpz_mat(self._products_of_features.tolist())

    def _products(self) -> Integers:
        """Return the products of [X, y] about the means, or about zero, times the divisor."""
        first = self._integers[0, 1:]
        products: Integers = self._integers[1:, 1:] * self._divisor
        return products - first[:, None] * first if self.fit_intercept else products

    @cached_property
    def _penalties(self) -> list[flint.fmpq]:
        """What the ridge penalty adds to the diagonal of A."""
        return [self._alpha * scale for scale in self._scales]

    @cached_property
    def _system(self) -> tuple[Integers, Integers]:
        """The equations to solve as integers: those of A, or of A with a ridge penalty."""
        matrix, right = self._products_of_features, self._sums_with_target
        if self._alpha == 0:
            return matrix, right
        return units.add_to_diagonal(matrix, right, self._penalties)

    def _find_pivots(self) -> bool:
        """Find the rank and the dependent columns; tell whether there are any."""
        self._pivots = independent_columns(self._a, self.n_samples - self.fit_intercept)
        self.rank = len(self._pivots)
        self.dependent = tuple(sorted({*range(self.n_features)} - {*self._pivots}))
        return bool(self.dependent)

    def _find_least_norm(self) -> None:
        if not self.dependent:
            self._find_pivots()
        one, *zeros, y = units.column_units(self._sums)
        self._set_units([one, *[min(zeros)] * len(zeros), y])  # a norm needs one unit for all
        self._least_norm = LeastNorm(*self._system, self._pivots)

    def inverse(self) -> Any:
        """Return the inverse of A or, of a singular A, the Moore-Penrose inverse."""
        return self._a.inv() if self._least_norm is None else self._least_norm.inverse()

    def _inverse_balls(self) -> flint.arb_mat:
        """Return `_inverse` in balls; ZeroDivisionError is raised if the precision is too low."""
        if self._least_norm is None:
            return flint.arb_mat(self._a).inv()
        return self._least_norm.inverse_in_balls()

    @cached_property
    def _verified_factors(self) -> list[flint.arb]:
        solver: Any = self._solver
        entries = [balls.to_ball(*bounds) for bounds in solver.inverse_diagonal()]
        factors = [entry * scale for entry, scale in zip(entries, self._scales, strict=True)]
        if self.fit_intercept:
            totals = self._integers[0, 1:-1]
            bounds = next(bounds for bounds in solver.bounds(totals) if bounds.has_digits(128))
            spread = balls.dot(totals, balls.to_balls(bounds)) / self._divisor**2
            factors.append(self._with_spread(spread))
        return factors

    def _with_spread(self, spread: Any) -> Any:
        """Return the intercept's factor: that of its mean, and that of the features' means."""
        scale = power_of_two(-2 * self._units[0]) * self._divisor
        return spread * scale + flint.fmpq(1, self.n_samples)

    def _factors(self, inverse: Any) -> list[Any]:
        factors = [inverse[j, j] * scale for j, scale in enumerate(self._scales)]
        if self.fit_intercept:
            means = type(inverse)(self._means)
            factors.append(self._with_spread((means * inverse * means.transpose())[0, 0]))
        return factors

    @property
    def _scales(self) -> list[flint.fmpq]:
        """Factors from the diagonal of A⁻¹ to that of the inverse of the sums of products."""
        return [power_of_two(-2 * unit) * self._divisor for unit in self._units[1:-1]]

    @property
    def _means(self) -> flint.fmpq_mat:
        """Means of the features, each in its unit over that of 1: (1, n_features)."""
        row = self._integers[0, 1:-1].tolist()
        return flint.fmpq_mat([[flint.fmpq(total, self._integers[0, 0]) for total in row]])
