"""Statistics of a fit that are functions of its residual sum of squares, RSS.

Definitions are those of statsmodels: without an intercept sums of squares are about zero, AIC and
BIC count the coefficients and the intercept. Every number is correctly rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import flint

from cali_reg.least_squares.projected_solution import ProjectedSolution
from cali_reg.least_squares.rounding import round_each, sqrt_to_float, to_float
from cali_reg.least_squares.solution import Solution
from cali_reg.least_squares.statistics.coefficient_tests import TOO_LARGE
from cali_reg.least_squares.statistics.distributions import PRECISIONS, f_tail
from cali_reg.least_squares.statistics.scores import sum_of_squares, total_sum_of_squares

PENALTY = "there is a ridge penalty"
NO_DEGREES = "there are no residual degrees of freedom"
PERFECT = "all residuals are zero"
CONSTANT = "the target is constant"
NO_COLUMN = "no column varies"


def why_undefined(solution: Solution | ProjectedSolution) -> str:
    """Return why coefficients have no t; an empty string if they have.

    Parameters
    ----------
    solution : Solution or ProjectedSolution
    """
    if solution.is_penalized:
        return PENALTY
    if solution.degrees_of_freedom <= 0:
        return NO_DEGREES
    return PERFECT if solution.is_rss_zero() else ""


def fit_statistics(
    solution: Solution | ProjectedSolution, undefined: str
) -> tuple[dict[str, float | None], dict[str, str]]:
    """Return statistics by their names, None where undefined, and for these the reasons.

    Parameters
    ----------
    solution : Solution or ProjectedSolution
    undefined : str
        What `why_undefined` returns.
    """
    total = (total_sum_of_squares if solution.fit_intercept else sum_of_squares)(solution.moments)
    n, rank, df = solution.moments.n_samples, solution.rank, solution.degrees_of_freedom
    n_parameters = rank + solution.fit_intercept
    free = n - solution.fit_intercept  # degrees of freedom of the total sum of squares

    def minus_twice_log_likelihood(rss: flint.arb) -> flint.arb:
        return n * ((2 * flint.arb.pi() * rss / n).log() + 1)

    def f(rss: Any) -> Any:
        return (total - rss) * df / (rss * rank)

    algebraic: dict[str, Callable[[Any], Any]] = {
        "r2": lambda rss: 1 - rss / total,
        "adjusted_r2": lambda rss: 1 - rss * free / (total * df),
        "f": f,
    }
    others: dict[str, Callable[[flint.arb], flint.arb]] = {
        "residual_standard_deviation": lambda rss: (rss / df).sqrt(),
        "f_p": lambda rss: f_tail(rank, df, f(rss)),
        "log_likelihood": lambda rss: -minus_twice_log_likelihood(rss) / 2,
        "aic": lambda rss: minus_twice_log_likelihood(rss) + 2 * n_parameters,
        "bic": lambda rss: minus_twice_log_likelihood(rss) + n_parameters * flint.arb(n).log(),
    }
    functions = algebraic | others
    reasons = _reasons(functions, total, rank, undefined)
    defined = [name for name in functions if name not in reasons]

    def balls() -> Iterator[list[flint.arb]]:
        for precision in PRECISIONS:
            with flint.ctx.workprec(precision):
                rss = solution.rss_ball()
                yield [functions[name](rss) for name in defined]

    def exactly(k: int) -> float | None:
        if defined[k] in algebraic:
            return to_float(algebraic[defined[k]](solution.exact_rss))
        is_root = defined[k] == "residual_standard_deviation"
        return sqrt_to_float(solution.exact_rss / df) if is_root else None

    values: dict[str, float | None] = dict.fromkeys(functions)
    values |= dict(zip(defined, round_each(balls(), len(defined), exactly), strict=True))
    reasons |= {name: TOO_LARGE for name in defined if values[name] is None}
    return values, reasons


def _reasons(names: Iterable[str], total: flint.fmpq, rank: int, undefined: str) -> dict[str, str]:
    """Return why statistics are undefined, by their names."""
    reasons: dict[str, str] = {}
    if undefined in (PENALTY, NO_DEGREES):
        reasons = dict.fromkeys(names, undefined)
        if undefined == NO_DEGREES:
            del reasons["r2"]
    elif undefined == PERFECT:
        reasons = dict.fromkeys(("f", "f_p", "log_likelihood", "aic", "bic"), PERFECT)
    if rank == 0:
        reasons |= dict.fromkeys(("f", "f_p"), NO_COLUMN)
    if total == 0:
        reasons |= dict.fromkeys(("r2", "adjusted_r2", "f", "f_p"), CONSTANT)
    return reasons
