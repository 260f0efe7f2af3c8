"""Tables to compare regression statistics on, and our statistics under statsmodels' names."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cali_reg import load_california_housing
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.solution import solve
from cali_reg.least_squares.statistics.multicollinearity import multicollinearity
from cali_reg.least_squares.statistics.regression_table import regression_table

Array = npt.NDArray[np.float64]

# Brownlee, Statistical Theory and Methodology in Science and Engineering (1965), page 454: loss of
# ammonia, air flow, water temperature, acid concentration.
_STACKLOSS = """
42 80 27 89  37 80 27 88  37 75 25 90  28 62 24 87  18 62 22 87  18 62 23 87  19 62 24 93
20 62 24 93  15 58 23 87  14 58 18 80  14 58 18 89  13 58 17 88  11 58 18 82  12 58 19 93
 8 50 18 89   7 50 18 86   8 50 19 72   8 50 19 79   9 50 20 80  15 56 20 82  15 70 20 91
"""


class Example(NamedTuple):
    """A table, and which of its features to test together."""

    X: Array
    y: Array
    fit_intercept: bool
    group: list[int]


def _longley() -> Example:
    data = json.loads((Path(__file__).parent / "nist" / "Longley.json").read_text("utf-8"))
    columns = [[float(cell) for cell in column] for column in data["columns"]]
    return Example(np.array(columns).T, np.array([float(v) for v in data["y"]]), True, [0, 2, 4])


def _stackloss(fit_intercept: bool) -> Example:
    rows = np.array([float(cell) for cell in _STACKLOSS.split()]).reshape(-1, 4)
    return Example(rows[:, 1:], rows[:, 0], fit_intercept, [1, 2])


def _california() -> Example:
    X, y = load_california_housing(return_X_y=True)
    return Example(X, y, True, [6, 7])


def _random(seed: int) -> Example:
    """Return a table of 12 to 200 rows, with one category of three levels, whose columns differ."""
    random = np.random.RandomState(seed)  # its numbers are the same in every version of NumPy
    n, p = random.randint(12, 200), random.randint(1, 7)
    X = random.normal(size=(n, p)) * 10.0 ** random.randint(-3, 4, size=p)
    X += random.normal(size=p) * X.std(axis=0)
    if p > 1:  # correlated columns
        X[:, 1] += 0.9 * X[:, 0] * X[:, 1].std() / X[:, 0].std()
    levels = np.arange(n) % 3
    X = np.column_stack([X, levels == 1, levels == 2])
    weights = random.normal(size=p + 2) / X.std(axis=0)
    y = X @ weights + random.normal(size=n) * random.choice([0.1, 1.0, 10.0]) + 3.0
    return Example(X, y, seed % 3 != 0, [p, p + 1])


TABLES: dict[str, Callable[[], Example]] = {
    "Longley": _longley,
    "stackloss": partial(_stackloss, True),
    "stackloss, no intercept": partial(_stackloss, False),
    "California": _california,
    **{f"random {seed}": partial(_random, seed) for seed in range(30)},
}


def our_statistics(example: Example) -> dict[str, Any]:
    """Return the regression table under the names that statsmodels has."""
    names = [f"x{j}" for j in range(example.X.shape[1])]
    moments = Moments.from_arrays(example.X, example.y)
    solution = solve(moments, fit_intercept=example.fit_intercept)
    table = regression_table(solution, names, groups={"group": example.group})
    rows, columns = table.coefficients, multicollinearity(solution, names)
    return {
        "params": [row.coefficient for row in rows],
        "bse": [row.standard_error for row in rows],
        "tvalues": [row.t for row in rows],
        "pvalues": [row.p for row in rows],
        "conf_int": [[row.low, row.high] for row in rows],
        "rsquared": table.r2,
        "rsquared_adj": table.adjusted_r2,
        "fvalue": table.f_test.f,
        "f_pvalue": table.f_test.p,
        "llf": table.log_likelihood,
        "aic": table.aic,
        "bic": table.bic,
        "sigma": table.residual_standard_deviation,
        "joint": [table.joint_tests[0].f, table.joint_tests[0].p],
        "vif": list(columns.variance_inflation),
        "condition_number": columns.condition_number,
    }


def relative_difference(found: Any, expected: Any) -> float:
    """Return the largest relative difference of numbers; below 1e-300 they count as equal."""
    pairs = zip(np.ravel(found).tolist(), np.ravel(expected).tolist(), strict=True)
    return max(
        0.0 if max(abs(a), abs(b)) < 1e-300 else abs(a - b) / max(abs(a), abs(b)) for a, b in pairs
    )
