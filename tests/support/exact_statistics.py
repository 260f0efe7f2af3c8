"""The regression table from its definitions, with 400 bits, independent of the library.

Sums are rational and come from rows (`reference`); a test of several coefficients compares the RSS
of two models; probabilities are integrals of densities; logarithms are those of ``decimal``, and
eigenvalues come from Jacobi's rotations of ``decimal`` matrices.
"""

from __future__ import annotations

import decimal
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import flint
import numpy as np
from reference import LeastSquares, nearest, nearest_root
from regression_tables import Example

_BITS = 400
_DIGITS = 120
_PI = Decimal(
    "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534"
    "2117067982148086513282306647"
)


def f_probability(numerator: int, denominator: int, f: Fraction) -> float:
    """Return P(F >= f) as the integral of its density over that from 0 to infinity.

    With u = 1 / (1 + a f / b) both are integrals of u**(b/2 - 1) (1 - u)**(a/2 - 1), and with
    u = s**2 or 1 - u = s**2 their integrands have no poles.
    """
    a, b = numerator, denominator
    with flint.ctx.workprec(_BITS):
        u = flint.arb(_fmpq(1 / (1 + f * a / b)))
        half = flint.arb(0.5)

        def low(s: Any, _: bool) -> Any:  # s from 0 to the root of u
            return s ** (b - 1) * (1 - s * s) ** (a // 2 - 1) * _odd(1 - s * s, a, _)

        def high(s: Any, _: bool) -> Any:  # s from the root of 1 - u to 0
            return s ** (a - 1) * (1 - s * s) ** (b // 2 - 1) * _odd(1 - s * s, b, _)

        def integral(function: Any, start: Any, end: Any) -> Any:
            return flint.acb.integral(function, start, end, rel_tol=flint.arb(2) ** -160).real

        middle = half.sqrt()
        if u < half:
            below = integral(low, 0, u.sqrt())
            total = integral(low, 0, middle) + integral(high, 0, middle)
        else:
            left = integral(high, 0, (1 - u).sqrt())
            total = integral(low, 0, middle) + integral(high, 0, middle)
            below = total - left
        ball = below / total
        assert ball.rel_accuracy_bits() > 60
        return float(ball.mid())


def _odd(v: Any, n: int, analytic: bool) -> Any:
    return v.sqrt(analytic=analytic) if n % 2 else 1


class ExactStatistics:
    """What `regression_tables.our_statistics` returns, to the last digit."""

    def __init__(self, example: Example, quantile: float) -> None:
        X, y, has_intercept, group = example
        fit = LeastSquares(X, y, fit_intercept=has_intercept)
        n, p, df = *X.shape, fit.degrees_of_freedom
        first = int(has_intercept)
        rss, total = fit._rss, fit._tss if has_intercept else fit._squares
        variance = rss / df
        weights, variances = [*fit._weights], []
        for j, row in enumerate(fit._factors or []):
            variances.append(variance * row[j])
        if has_intercept:
            spread = sum(
                a * b * c
                for a, row in zip(fit._means, fit._factors or [], strict=True)
                for b, c in zip(row, fit._means, strict=True)
            )
            weights.insert(0, fit._intercept)
            variances.insert(0, variance * (spread + Fraction(1, n)))
        squares = [w * w / v for w, v in zip(weights, variances, strict=True)]
        f = (total - rss) / p / variance
        reduced = LeastSquares(np.delete(X, group, axis=1), y, fit_intercept=has_intercept)
        joint = (reduced._rss - rss) / len(group) / variance
        self.values = {
            "params": list(map(nearest, weights)),
            "bse": list(map(nearest_root, variances)),
            "tvalues": [
                nearest_root(s) * (1 if w > 0 else -1)
                for s, w in zip(squares, weights, strict=True)
            ],
            "pvalues": [f_probability(1, df, s) for s in squares],
            "conf_int": [
                [nearest(w - q), nearest(w + q)]
                for w, v in zip(weights, variances, strict=True)
                for q in [_root(v) * Fraction(quantile)]
            ],
            "rsquared": nearest(1 - rss / total),
            "rsquared_adj": nearest(1 - variance / (total / (n - first))),
            "fvalue": nearest(f),
            "f_pvalue": f_probability(p, df, f),
            "sigma": nearest_root(variance),
            "joint": [nearest(joint), f_probability(len(group), df, joint)],
            "vif": [_variance_inflation(X, j, has_intercept) for j in range(p)],
            "condition_number": _condition_number(X, has_intercept),
        }
        self._add_likelihood(n, p + first, rss)

    def _add_likelihood(self, n: int, n_parameters: int, rss: Fraction) -> None:
        with decimal.localcontext(prec=_DIGITS):
            twice = -n * ((2 * _PI * _decimal(rss) / n).ln() + 1)
            self.values["llf"] = _nearest_decimal(twice / 2)
            self.values["aic"] = _nearest_decimal(2 * n_parameters - twice)
            self.values["bic"] = _nearest_decimal(n_parameters * Decimal(n).ln() - twice)


def _variance_inflation(X: Any, j: int, has_intercept: bool) -> float:
    other = np.delete(X, j, axis=1)
    if not other.shape[1]:
        return 1.0
    fit = LeastSquares(other, X[:, j], fit_intercept=has_intercept)
    return nearest((fit._tss if has_intercept else fit._squares) / fit._rss)


def _condition_number(X: Any, has_intercept: bool) -> float:
    columns = [[Fraction(v) for v in column] for column in X.T.tolist()]
    if has_intercept:
        columns.insert(0, [Fraction(1)] * len(X))
    with decimal.localcontext(prec=_DIGITS):
        sums = [
            [_decimal(sum(map(Fraction.__mul__, a, b), Fraction(0))) for b in columns]
            for a in columns
        ]
        size = range(len(columns))
        roots = [sums[j][j].sqrt() for j in size]
        values = _eigenvalues([[sums[i][j] / (roots[i] * roots[j]) for j in size] for i in size])
        return _nearest_decimal((max(values) / min(values)).sqrt())


def _eigenvalues(matrix: list[list[Decimal]]) -> list[Decimal]:
    """Return the eigenvalues of a symmetric matrix, by Jacobi's rotations."""
    size = range(len(matrix))
    pairs = [(i, j) for i in size for j in size if i < j]
    while any(abs(matrix[i][j]) > Decimal(10) ** -(_DIGITS - 20) for i, j in pairs):
        for i, j in pairs:
            if not matrix[i][j]:
                continue
            theta = (matrix[j][j] - matrix[i][i]) / (2 * matrix[i][j])
            t = (1 if theta >= 0 else -1) / (abs(theta) + (theta * theta + 1).sqrt())
            c = 1 / (t * t + 1).sqrt()
            s = t * c
            for k in size:
                matrix[k][i], matrix[k][j] = (
                    c * matrix[k][i] - s * matrix[k][j],
                    s * matrix[k][i] + c * matrix[k][j],
                )
            matrix[i], matrix[j] = (
                [c * a - s * b for a, b in zip(matrix[i], matrix[j], strict=True)],
                [s * a + c * b for a, b in zip(matrix[i], matrix[j], strict=True)],
            )
    return [matrix[i][i] for i in size]


def _decimal(value: Fraction | int) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def _nearest_decimal(value: Decimal) -> float:
    return nearest(Fraction(value))


def _root(value: Fraction) -> Fraction:
    with decimal.localcontext(prec=_DIGITS):
        return Fraction(_decimal(value).sqrt())


def _fmpq(value: Fraction) -> flint.fmpq:
    return flint.fmpq(value.numerator, value.denominator)


def numbers(values: Any) -> Sequence[float]:
    """Return the numbers in nested lists."""
    found: list[float] = np.ravel(values).tolist()
    return found
