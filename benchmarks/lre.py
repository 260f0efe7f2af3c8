"""Correct digits on NIST's certified regressions, as a Markdown table.

The number of correct digits is the log relative error: -log10(|q - c| / |c|) for a result q and a
certified value c (-log10(|q|) if c is 0), limited to 0 to 15. The table has the lowest one of all
coefficients, and of all standard errors. All packages get the same float64 inputs and use their
defaults. Rounding the inputs to float64 costs digits, too: the exact solution for Filip's powers in
float64 agrees with the certified one to 7.9 digits.

    python benchmarks/lre.py
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LinearRegression

from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.solution import solve

try:
    import statsmodels.api as sm
except ImportError:
    sm = None

FOLDER = Path(__file__).parents[1] / "tests" / "support" / "nist"
Array = npt.NDArray[np.float64]
Fit = Callable[[Array, Array, bool], list[Any]]  # coefficients, and errors; from the intercept up


def ours(X: Array, y: Array, intercept: bool) -> list[Any]:
    """Solve exactly."""
    fit = solve(Moments.from_arrays(X, y), fit_intercept=intercept)
    if not intercept:
        return [fit.coefficients, fit.standard_errors]
    errors = (fit.intercept_standard_error, *fit.standard_errors)
    return [(fit.intercept, *fit.coefficients), errors]


def scikit_learn(X: Array, y: Array, intercept: bool) -> list[Any]:
    """Fit a LinearRegression, which has no standard errors."""
    fit = LinearRegression(fit_intercept=intercept).fit(X, y)
    return [[fit.intercept_, *fit.coef_] if intercept else fit.coef_]


def numpy_lstsq(X: Array, y: Array, intercept: bool) -> list[Any]:
    """Call np.linalg.lstsq, which has no standard errors."""
    return [np.linalg.lstsq(with_ones(X) if intercept else X, y, rcond=None)[0]]


def statsmodels(X: Array, y: Array, intercept: bool) -> list[Any]:
    """Fit an OLS, if statsmodels is installed."""
    if sm is None:
        return [None, None]
    fit = sm.OLS(y, with_ones(X) if intercept else X).fit()
    return [fit.params, fit.bse]


COLUMNS: dict[str, Fit] = {
    "cali-reg | its errors": ours,
    "scikit-learn": scikit_learn,
    "NumPy lstsq": numpy_lstsq,
    "statsmodels | its errors": statsmodels,
}


def with_ones(X: Array) -> Array:
    """Return X with a column of ones as the first one."""
    return np.column_stack([np.ones(len(X)), X])


def digits(values: Iterable[float] | None, certified: Sequence[str]) -> str:
    """Return the lowest number of correct digits, or '-' without values."""
    return "-" if values is None else f"{min(map(lre, values, map(float, certified))):.1f}"


def lre(value: float, certified: float) -> float:
    """Return the log relative error, from 0 to 15."""
    error = abs(value - certified) / (abs(certified) or 1.0)
    return 15.0 if error == 0 else min(15.0, max(0.0, -math.log10(error)))


def row(data: dict[str, Any]) -> list[str]:
    """Return the cells of one dataset; powers are computed by repeated multiplication."""
    columns = [np.array(column, dtype=np.float64) for column in data["columns"]]
    for _ in range((data["degree"] or 1) - 1):
        columns.append(columns[-1] * columns[0])
    X, y = np.column_stack(columns), np.array(data["y"], dtype=np.float64)
    certified = [data["certified"][key] for key in ("coefficients", "standard_errors")]
    fits = [zip(fit(X, y, data["intercept"]), certified, strict=False) for fit in COLUMNS.values()]
    return [data["name"], *(digits(*pair) for pairs in fits for pair in pairs)]


def main() -> None:
    """Print the table."""
    header = ["dataset", *(name for names in COLUMNS for name in names.split(" | "))]
    with warnings.catch_warnings(action="ignore"):
        rows = [row(json.loads(path.read_text("utf-8"))) for path in sorted(FOLDER.glob("*.json"))]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    for first, *rest in (header, rule, *rows):
        padded = map(str.rjust, rest, widths[1:])
        print("|", " | ".join([first.ljust(widths[0]), *padded]), "|")


if __name__ == "__main__":
    main()
