"""The regression table compared with statsmodels, as a Markdown table; and what tests compare with.

Longley, stackloss, California Housing and 30 random tables, with an intercept and without. Shown
is the largest relative difference of each statistic. What statsmodels computes of the tables is
kept in tests/support/statsmodels.json, so that tests need no statsmodels:

    python benchmarks/regression.py
    python benchmarks/regression.py --write tests/support/statsmodels.json
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import statsmodels
import statsmodels.api as sm
from statsmodels.stats.outliers_influence import variance_inflation_factor

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from regression_tables import TABLES, Example, our_statistics, relative_difference


def statsmodels_statistics(example: Example) -> dict[str, Any]:
    """Return what statsmodels computes, under the names of `our_statistics`."""
    X = example.X
    exog = np.column_stack([np.ones(len(X)), X]) if example.fit_intercept else X
    fit = sm.OLS(example.y, exog).fit()
    first = int(example.fit_intercept)
    selection = np.eye(exog.shape[1])[[j + first for j in example.group]]
    joint = fit.f_test(selection)
    inflation = [  # without an intercept about zero
        variance_inflation_factor(exog, j + first, standardize=False) for j in range(X.shape[1])
    ]
    scaled = exog / np.sqrt((exog**2).sum(axis=0))
    singular = np.linalg.svd(scaled, compute_uv=False)
    return {
        "params": fit.params.tolist(),
        "bse": fit.bse.tolist(),
        "tvalues": fit.tvalues.tolist(),
        "pvalues": fit.pvalues.tolist(),
        "conf_int": fit.conf_int(0.05).tolist(),
        "rsquared": fit.rsquared,
        "rsquared_adj": fit.rsquared_adj,
        "fvalue": fit.fvalue,
        "f_pvalue": fit.f_pvalue,
        "llf": fit.llf,
        "aic": fit.aic,
        "bic": fit.bic,
        "sigma": math.sqrt(fit.scale),
        "joint": [float(np.squeeze(joint.fvalue)), float(joint.pvalue)],
        "vif": inflation,
        "condition_number": singular[0] / singular[-1],
    }


def main() -> None:
    """Print the table, or write the file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    theirs = {name: statsmodels_statistics(example()) for name, example in TABLES.items()}
    if options.write:
        content = {"statsmodels": statsmodels.__version__, "tables": theirs}
        options.write.write_text(json.dumps(content, separators=(",", ":")) + "\n", "utf-8")
        return
    ours = {name: our_statistics(example()) for name, example in TABLES.items()}
    named = [name for name in TABLES if not name.startswith("random")]
    print("| | " + " | ".join(named) + " | random |\n|---|" + "---|" * (len(named) + 1))
    for key in next(iter(ours.values())):
        differences = {
            name: relative_difference(ours[name][key], theirs[name][key]) for name in TABLES
        }
        of_random = max(d for name, d in differences.items() if name.startswith("random"))
        cells = [*(differences[name] for name in named), of_random]
        print(f"| {key} | " + " | ".join(f"{cell:.1e}" for cell in cells) + " |")


if __name__ == "__main__":
    main()
