"""Tests of coefficients: standard errors, t, p and intervals of each, F of several.

Every number is correctly rounded: from balls of rising precision and, for ties, from rational
numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import flint

from cali_reg.least_squares.projected_solution import ProjectedSolution
from cali_reg.least_squares.rounding import exact_sqrt, round_each, sqrt_to_float, to_float
from cali_reg.least_squares.solution import Solution
from cali_reg.least_squares.statistics.covariance import Covariance, wald
from cali_reg.least_squares.statistics.distributions import (
    PRECISIONS,
    f_tail,
    t_quantile,
    two_sided_p_value,
)
from cali_reg.least_squares.statistics.scores import sum_of_squares, total_sum_of_squares

_LARGE = 60  # of a group of features: a model without it is solved sooner than its block inverted

FOLDED = "it is folded into the baseline"
DEPENDENT = "columns depend on one another"
TOO_LARGE = "it is beyond float64"
NO_ERROR = "its standard error is zero"


@dataclass(frozen=True)
class CoefficientRow:
    """A coefficient, and what is known of its error.

    Attributes
    ----------
    name : str
    coefficient : float
    standard_error : float or None
    t : float or None
        The coefficient over its standard error.
    p : float or None
        ``P(|T| >= |t|)`` for Student's T.
    low, high : float or None
        The confidence interval: the coefficient minus and plus a quantile of Student's t, rounded
        to float64, times the standard error.
    reason : str
        Why what is None is undefined; empty if nothing is.
    """

    name: str
    coefficient: float
    standard_error: float | None = None
    t: float | None = None
    p: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class FTest:
    """A test that some coefficients are all zero.

    Attributes
    ----------
    name : str
        Of a categorical column; empty for the test of all columns.
    f : float or None
    numerator, denominator : int
        Degrees of freedom.
    p : float or None
        ``P(F >= f)``.
    reason : str
        Why what is None is undefined; empty if nothing is.
    """

    name: str
    f: float | None
    numerator: int
    denominator: int
    p: float | None
    reason: str = ""


def stored_row(
    name: str, coefficient: float, error: float | None, degrees_of_freedom: int, level: float
) -> CoefficientRow:
    """Return a row from a coefficient and an error that are rounded already, as a file has them.

    Parameters
    ----------
    name : str
    coefficient : float
    error : float or None
        Its standard error.
    degrees_of_freedom : int
    level : float
        Of the confidence interval.
    """
    if error is None or degrees_of_freedom <= 0:
        return CoefficientRow(name, coefficient, error, reason="its error is not stored")
    half = t_quantile(degrees_of_freedom, level) * error
    t = coefficient / error if error else None
    p = None if t is None else two_sided_p_value(degrees_of_freedom, t)
    ends = coefficient - half, coefficient + half
    return CoefficientRow(name, coefficient, error, t, p, *ends, "" if error else NO_ERROR)


def coefficient_rows(
    solution: Solution | ProjectedSolution,
    names: Sequence[str],
    covariance: Covariance | None,
    level: float,
    undefined: str,
) -> tuple[CoefficientRow, ...]:
    """Return a row for each coefficient, that of the intercept first.

    Parameters
    ----------
    solution : Solution or ProjectedSolution
    names : sequence of n_features strings
    covariance : Covariance or None
        Of the coefficients; None if it is undefined.
    level : float
        Of the confidence intervals.
    undefined : str
        Why there is no t; an empty string if there is.
    """
    n, names, values = len(names), [*names], [*solution.coefficients]
    if solution.fit_intercept:
        names, values = [*names, "(intercept)"], [*values, solution.intercept]
    pairs = zip(names, values, strict=True)
    rows = [CoefficientRow(name, value, reason=undefined) for name, value in pairs]
    if covariance is not None and undefined:  # a perfect fit
        rows = [
            replace(row, standard_error=0.0, low=row.coefficient, high=row.coefficient)
            for row in rows
        ]
    elif covariance is not None:
        found = _inference(solution, covariance, level, len(names))
        rows = [replace(row, **values) for row, values in zip(rows, found, strict=True)]
    return (*rows[n:], *rows[:n])


def joint_tests(
    solution: Solution | ProjectedSolution,
    groups: Mapping[str, Sequence[int]],
    covariance: Covariance | None,
    undefined: str,
) -> tuple[FTest, ...]:
    """Return Wald's test of each group of features.

    Parameters
    ----------
    solution : Solution or ProjectedSolution
    groups : mapping of str to sequence of int
        The features of each group, by its name.
    covariance : Covariance or None
        Of the coefficients; None if it is undefined.
    undefined : str
        Why there are no tests; an empty string if there are.
    """
    df = solution.degrees_of_freedom if covariance is None else covariance.degrees_of_freedom
    reason = undefined or (DEPENDENT if solution.dependent else "")
    tests = {
        name: FTest(name, None, len(group), df, None, reason or FOLDED)
        for name, group in groups.items()
    }
    asked = {name: group for name, group in groups.items() if group}
    if not reason and asked and covariance is not None:
        large = {
            name: group
            for name, group in asked.items()
            if covariance.kind == "classical" and len(group) > _LARGE
        }
        small = {name: group for name, group in asked.items() if name not in large}
        found = dict(zip(small, _wald_tests(solution, [*small.values()], covariance), strict=True))
        found |= {name: _test_by_rss(solution, group) for name, group in large.items()}
        for name, group in asked.items():
            f, p = found[name]
            why = TOO_LARGE if f is None else ""
            tests[name] = FTest(name, f, len(group), df, p, why)
    return tuple(tests.values())


def _inference(
    solution: Solution | ProjectedSolution, covariance: Covariance, level: float, size: int
) -> list[dict[str, Any]]:
    """Return standard error, t, p, and both ends of the interval of each coefficient."""
    df = covariance.degrees_of_freedom
    quantile = flint.fmpq(*t_quantile(df, level).as_integer_ratio())

    def balls() -> Iterator[list[flint.arb]]:
        for variances in covariance.variances():
            found: list[flint.arb] = []
            for w, variance in zip(solution.weight_balls(), variances, strict=True):
                if variance.is_zero():  # exactly: the column is constant
                    found += [variance, flint.arb(0), flint.arb(1), w, w]
                    continue
                error = variance.sqrt()
                half = error * quantile
                p = f_tail(1, df, w * w / variance)
                found += [error, w / error, p, w - half, w + half]
            yield found

    def exactly(k: int) -> float | None:
        j, what = divmod(k, 5)
        w, variance = solution.exact_weights[j], covariance.exact_variances()[j]
        if what == 0:
            return sqrt_to_float(variance)
        if what == 1:
            return math.copysign(sqrt_to_float(w * w / variance), w) + 0.0
        root = exact_sqrt(variance)
        if what == 2 or root is None:
            return None
        return to_float(w - quantile * root if what == 3 else w + quantile * root)

    flat = round_each(balls(), 5 * size, exactly)
    return [_fields(flat[k : k + 5]) for k in range(0, len(flat), 5)]


def _fields(values: Sequence[float | None]) -> dict[str, Any]:
    """Name the numbers of `_inference`, and say why one is None."""
    error, t, p, low, high = values
    found = {"standard_error": error, "t": t, "p": p, "low": low, "high": high}
    if error == t == 0 and low == high:
        return found | {"t": None, "p": None, "reason": NO_ERROR}
    return found | {"reason": TOO_LARGE if None in values else ""}


def _test_by_rss(
    solution: Solution | ProjectedSolution, group: Sequence[int]
) -> list[float | None]:
    """Return F and p of a group of features, from RSS without it: Wald's classical test."""
    k, df = len(group), solution.degrees_of_freedom
    others = sorted({*range(len(solution.coefficients))}.difference(group))
    smaller = None
    if others:
        moments = solution.moments.select(others)
        smaller = Solution(moments, [""] * len(others), solution.fit_intercept, 0.0)

    def exact_rss() -> flint.fmpq:
        if smaller is None:
            total = total_sum_of_squares if solution.fit_intercept else sum_of_squares
            return total(solution.moments)
        return smaller.exact_rss

    def balls() -> Iterator[list[flint.arb]]:
        for precision in PRECISIONS:
            with flint.ctx.workprec(precision):
                rss = solution.rss_ball()
                larger = flint.arb(exact_rss()) if smaller is None else smaller.rss_ball()
                f = (larger - rss) * df / (rss * k)
                yield [f, f_tail(k, df, abs(f))]

    def exactly(what: int) -> float | None:
        rss = solution.exact_rss
        return None if what else to_float((exact_rss() - rss) * df / (rss * k))

    return round_each(balls(), 2, exactly)


def _wald_tests(
    solution: Solution | ProjectedSolution, groups: list[Sequence[int]], covariance: Covariance
) -> list[list[float | None]]:
    """Return F and p of each group of features."""
    df = covariance.degrees_of_freedom

    def balls() -> Iterator[list[flint.arb]]:
        for blocks in covariance.blocks(groups):
            weights = solution.weight_balls()
            found: list[flint.arb] = []
            for group, block in zip(groups, blocks, strict=True):
                try:
                    f = wald([weights[j] for j in group], block)
                    found += [f, f_tail(len(group), df, abs(f))]
                except ZeroDivisionError:  # the precision is too low
                    found += [flint.arb("nan")] * 2
            yield found

    def exactly(k: int) -> float | None:
        group = groups[k // 2]
        weights = [solution.exact_weights[j] for j in group]
        return None if k % 2 else to_float(wald(weights, covariance.exact_block(group)))

    flat = round_each(balls(), 2 * len(groups), exactly)
    return [flat[k : k + 2] for k in range(0, len(flat), 2)]
