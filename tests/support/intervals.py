"""Rows for prediction intervals, and the interval of a fit to them."""

from typing import Any

import numpy as np
from random_tables import Table

from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.solution import solve
from cali_reg.runtime.prediction_interval import Interval


def interval_of(X: Any, y: Any) -> Interval:
    """Return the interval of a fit that has one."""
    interval = solve(Moments.from_arrays(X, y)).interval
    assert interval is not None
    return interval


def usual_rows(n: int = 40, p: int = 3, seed: int = 0) -> Table:
    """Return correlated columns of unlike scales, and a target with noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) @ rng.normal(size=(p, p)) * np.logspace(-4, 4, p) + 7
    return X, X @ rng.normal(size=p) + rng.normal(size=n)
