"""Least squares from its definition, in ``fractions.Fraction`` and nothing else.

Slow, short, and independent of the library: it looks at rows, not at their moments, eliminates
by hand, and rounds by comparing rational numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = list[Fraction]
Matrix = list[Vector]
Model = tuple[Sequence[float], float]  # coefficients and intercept

# What a solution holds, under the names of `cali_reg.least_squares.solution.Solution`.
RESULTS = (
    "coefficients",
    "intercept",
    "rank",
    "dependent",
    "degrees_of_freedom",
    "r2",
    "r2_uncentered",
    "adjusted_r2",
    "rmse",
    "residual_variance",
    "residual_standard_deviation",
    "standard_errors",
    "intercept_standard_error",
)


def nearest(value: Fraction) -> float:
    """Return the float64 nearest to `value`, ties to even. Raises OverflowError beyond float64."""
    if value == 0:
        return 0.0
    exponent = abs(value.numerator).bit_length() - value.denominator.bit_length() - 53
    if abs(value) >= Fraction(2) ** (exponent + 53):
        exponent += 1
    exponent = max(exponent, -1074)
    return math.ldexp(round(value / Fraction(2) ** exponent), exponent)  # round() is half to even


def nearest_root(square: Fraction) -> float:
    """Return the float64 nearest to the root of `square`: a guess, corrected by squares."""
    if square == 0:
        return 0.0
    half = (square.numerator.bit_length() - square.denominator.bit_length()) // 2
    guess = math.ldexp(math.sqrt(float(square / Fraction(4) ** half)), half)
    while True:
        below, above = math.nextafter(guess, 0.0), math.nextafter(guess, math.inf)
        low = (Fraction(below) + Fraction(guess)) / 2
        high = Fraction(guess) + Fraction(math.ulp(guess)) / 2
        is_odd = Fraction(guess) / Fraction(math.ulp(guess)) % 2 == 1
        if square < low**2 or (square == low**2 and is_odd):
            guess = below
        elif square > high**2 or (square == high**2 and is_odd):
            guess = above
        else:
            return guess
        if math.isinf(guess):
            raise OverflowError


def sums_of_products(columns: Sequence[Sequence[float]]) -> list[list[int]]:
    """Return the sums of x_i x_j over the rows, in units of 2**-2148 (every float64: k/2**1074)."""
    integers = [[_times_two_to_1074(value) for value in column] for column in columns]
    size = range(len(columns))
    sums = {(i, j): sum(map(int.__mul__, integers[i], integers[j])) for i in size for j in size[i:]}
    return [[sums[min(i, j), max(i, j)] for j in size] for i in size]


def sums(X: npt.NDArray[Any], y: npt.NDArray[Any]) -> list[list[int]]:
    """Return the sums of products of (1, x1, ..., xp, y), in units of 2**-2148."""
    return sums_of_products([[1.0] * len(y), *X.T.tolist(), y.tolist()])


def scores(
    X: npt.NDArray[Any], y: npt.NDArray[Any], coefficients: Sequence[float], intercept: float
) -> tuple[float, float, float]:
    """Return R2, RMSE and bias of any linear model, from the residual of each row."""
    errors, tss = _model_errors(X, y, coefficients, intercept)
    rss = _squares(errors)
    bias = nearest(sum(errors, Fraction(0)) / len(y))
    return _r2(rss, tss, len(y)), nearest_root(rss / len(y)), bias


def r2_loss(X: npt.NDArray[Any], y: npt.NDArray[Any], before: Model, after: Model) -> float:
    """Return R2 of a model less R2 of another, rounded once; NaN where there is none."""
    (old, tss), (new, _) = (_model_errors(X, y, *model) for model in (before, after))
    return nearest((_squares(new) - _squares(old)) / tss) if tss else math.nan


def means(X: npt.NDArray[Any]) -> tuple[float, ...]:
    """Return the columns' means."""
    return tuple(nearest(_mean(column)) for column in transpose(_fractions(X)))


def inverse_cholesky(X: npt.NDArray[Any]) -> tuple[tuple[float, ...], ...]:
    """Return the lower triangle of the L⁻¹ for which L⁻¹ Xᵀ has orthonormal rows, X centered."""
    return tuple(
        tuple(math.copysign(nearest_root(v * v / square), v) for v in weights)
        for weights, square in _orthogonal_residuals(X)
    )


def leverage(X: npt.NDArray[Any], row: Sequence[float]) -> Fraction:
    """Return 1/n + (row - m)ᵀ C⁻¹ (row - m), with m the means of X and C its sums about them."""
    center = [_mean(column) for column in transpose(_fractions(X))]
    deviation = [Fraction(value) - mean for value, mean in zip(row, center, strict=True)]
    parts = (
        _dot(weights, deviation[: len(weights)]) ** 2 / square
        for weights, square in _orthogonal_residuals(X)
    )
    return sum(parts, Fraction(1, len(X)))


class LeastSquares:
    """Least squares, or ridge, with the results of `RESULTS`, each rounded once."""

    def __init__(
        self,
        X: npt.NDArray[Any],
        y: npt.NDArray[Any],
        *,
        fit_intercept: bool = True,
        alpha: float = 0.0,
    ) -> None:
        rows, target = _fractions(X), [Fraction(v) for v in y.tolist()]
        n, p = X.shape
        means = [
            sum(column) / n if fit_intercept else Fraction(0) for column in zip(*rows, strict=True)
        ]
        centered = [[v - m for v, m in zip(row, means, strict=True)] for row in rows]
        echelon, pivots = eliminate(centered)
        self.rank, self.fit_intercept = len(pivots), fit_intercept
        self.dependent = tuple(j for j in range(p) if j not in pivots)
        self.degrees_of_freedom = n - self.rank - int(fit_intercept)
        # X = basis @ echelon, both of full rank, gives the pseudoinverse
        basis = [[row[j] for j in pivots] for row in centered]
        if alpha:
            self._weights, self._factors = _ridge(centered, target, Fraction(alpha)), None
        elif pivots:
            lift = matmul(transpose(echelon), inverse(matmul(echelon, transpose(echelon))))
            gram = inverse(matmul(transpose(basis), basis))
            right = matmul(transpose(basis), [[v] for v in target])
            self._weights = [row[0] for row in matmul(lift, matmul(gram, right))]
            self._factors = matmul(matmul(lift, gram), transpose(lift))
        else:
            self._weights, self._factors = [Fraction(0)] * p, [[Fraction(0)] * p] * p
        self._means, self._n = means, n
        mean = sum(target, Fraction(0)) / n if fit_intercept else Fraction(0)
        self._intercept = mean - _dot(means, self._weights)
        self._rss = _squares(_errors(rows, target, self._weights, self._intercept))
        self._tss, self._squares = _total_sum_of_squares(target), _squares(target)

    @property
    def coefficients(self) -> tuple[float, ...]:
        """The weights of least norm."""
        return tuple(map(nearest, self._weights))

    @property
    def intercept(self) -> float:
        """The mean of the target less that of the predictions."""
        return nearest(self._intercept)

    @property
    def r2(self) -> float:
        """1 - RSS / TSS."""
        return _r2(self._rss, self._tss, self._n)

    @property
    def r2_uncentered(self) -> float:
        """1 - RSS / (sum of the squared targets); NaN for targets that are all zero."""
        return nearest(1 - self._rss / self._squares) if self._squares else math.nan

    @property
    def adjusted_r2(self) -> float:
        """1 - (RSS / df) / (TSS / (n - 1))."""
        if self.degrees_of_freedom <= 0 or self._tss == 0:
            return math.nan
        return nearest(
            1 - (self._rss / self.degrees_of_freedom) / (self._tss / Fraction(self._n - 1))
        )

    @property
    def rmse(self) -> float:
        """Root of RSS / n."""
        return nearest_root(self._rss / self._n)

    @property
    def residual_variance(self) -> float:
        """RSS / df."""
        return math.nan if self._variance is None else nearest(self._variance)

    @property
    def residual_standard_deviation(self) -> float:
        """Root of RSS / df."""
        return math.nan if self._variance is None else nearest_root(self._variance)

    @property
    def standard_errors(self) -> tuple[float, ...]:
        """Roots of the variances of the weights."""
        if self._variance is None or self._factors is None:
            return (math.nan,) * len(self._weights)
        return tuple(nearest_root(self._variance * row[j]) for j, row in enumerate(self._factors))

    @property
    def intercept_standard_error(self) -> float:
        """Root of the variance of the intercept."""
        if self._variance is None or self._factors is None or not self.fit_intercept:
            return math.nan
        spread = _dot(self._means, [_dot(row, self._means) for row in self._factors])
        return nearest_root(self._variance * (spread + Fraction(1, self._n)))

    @property
    def _variance(self) -> Fraction | None:
        return self._rss / self.degrees_of_freedom if self.degrees_of_freedom > 0 else None


def eliminate(matrix: Matrix) -> tuple[Matrix, list[int]]:
    """Return the reduced row echelon form, without its zero rows, and the pivot columns."""
    rows, done, pivots = [list(row) for row in matrix], 0, []
    for j in range(len(rows[0])):
        pivot = next((i for i in range(done, len(rows)) if rows[i][j]), None)
        if pivot is None:
            continue
        rows[done], rows[pivot] = rows[pivot], rows[done]
        rows[done] = [value / rows[done][j] for value in rows[done]]
        for i, row in enumerate(rows):
            if i != done and row[j]:
                rows[i] = [a - row[j] * b for a, b in zip(row, rows[done], strict=True)]
        pivots.append(j)
        done += 1
    return rows[:done], pivots


def inverse(matrix: Matrix) -> Matrix:
    """Return the inverse of a regular matrix."""
    size = len(matrix)
    unit = [[Fraction(i == j) for j in range(size)] for i in range(size)]
    both = [a + b for a, b in zip(matrix, unit, strict=True)]
    return [row[size:] for row in eliminate(both)[0]]


def matmul(a: Matrix, b: Matrix) -> Matrix:
    """Return the matrix product."""
    columns = transpose(b)
    return [[_dot(row, column) for column in columns] for row in a]


def transpose(matrix: Matrix) -> Matrix:
    """Return rows as columns."""
    return [list(column) for column in zip(*matrix, strict=True)]


def is_same(found: Any, expected: Any) -> bool:
    """Tell whether two results are equal, number by number; NaN equals NaN."""
    if isinstance(expected, tuple):
        return len(found) == len(expected) and all(map(is_same, found, expected))
    both_nan = isinstance(expected, float) and math.isnan(expected) and math.isnan(found)
    return bool(both_nan or found == expected)


def _ridge(rows: Matrix, target: Vector, alpha: Fraction) -> Vector:
    gram = matmul(transpose(rows), rows)
    penalized = [[v + alpha * (i == j) for j, v in enumerate(row)] for i, row in enumerate(gram)]
    return [row[0] for row in matmul(inverse(penalized), matmul(transpose(rows), _column(target)))]


def _orthogonal_residuals(X: npt.NDArray[Any]) -> list[tuple[Vector, Fraction]]:
    """Return, for each centered column's residual on those before it, its weights and square.

    That is Gram and Schmidt's method; the weights are those of the columns up to this one.
    """
    found: list[tuple[Vector, Vector]] = []
    for k, column in enumerate(transpose(_fractions(X))):
        mean = _mean(column)
        centered = [value - mean for value in column]
        residual, weights = centered, [Fraction(i == k) for i in range(k + 1)]
        for other, theirs in found:
            slope = _dot(centered, other) / _squares(other)
            residual = [a - slope * b for a, b in zip(residual, other, strict=True)]
            weights[: len(theirs)] = [a - slope * b for a, b in zip(weights, theirs, strict=False)]
        found.append((residual, weights))
    return [(weights, _squares(residual)) for residual, weights in found]


def _mean(values: Vector) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def _column(values: Vector) -> Matrix:
    return [[value] for value in values]


def _dot(a: Vector, b: Vector) -> Fraction:
    return sum(map(Fraction.__mul__, a, b), Fraction(0))


def _model_errors(
    X: npt.NDArray[Any], y: npt.NDArray[Any], coefficients: Sequence[float], intercept: float
) -> tuple[Vector, Fraction]:
    target, weights = [Fraction(v) for v in y.tolist()], [Fraction(w) for w in coefficients]
    errors = _errors(_fractions(X), target, weights, Fraction(intercept))
    return errors, _total_sum_of_squares(target)


def _errors(rows: Matrix, target: Vector, weights: Vector, intercept: Fraction) -> Vector:
    pairs = zip(rows, target, strict=True)
    return [intercept + _dot(row, weights) - value for row, value in pairs]


def _squares(values: Vector) -> Fraction:
    return _dot(values, values)


def _total_sum_of_squares(target: Vector) -> Fraction:
    mean = sum(target, Fraction(0)) / len(target)
    return _squares([value - mean for value in target])


def _r2(rss: Fraction, tss: Fraction, n: int) -> float:
    if n < 2:
        return math.nan
    if tss == 0:
        return 1.0 if rss == 0 else 0.0
    return nearest(1 - rss / tss)


def _fractions(X: npt.NDArray[Any]) -> Matrix:
    return [[Fraction(value) for value in row] for row in np.asarray(X).tolist()]


def _times_two_to_1074(value: float) -> int:
    numerator, denominator = value.as_integer_ratio()
    return numerator * (2**1074 // denominator)
