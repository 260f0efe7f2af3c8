"""Training: rows to moments, moments to a model, the gate, and the files to be written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold

from cali_reg.data.california_housing import Table
from cali_reg.errors import DataError, UsageError
from cali_reg.export.joblib_file import joblib_bytes
from cali_reg.jobs.gates import check_r2
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.moments_file import TrainTestMoments
from cali_reg.least_squares.solution import Solution, solve
from cali_reg.least_squares.statistics.scores import Scores, score
from cali_reg.runtime import artifacts
from cali_reg.runtime.model import Feature, LinearModel
from cali_reg.runtime.schema import Column

Ranges = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Trained:
    """A model with the exact solution that it was made from, and the files that hold it."""

    model: LinearModel
    solution: Solution
    files: dict[str, bytes]


def train(
    rows: Table,
    held_out: Table,
    *,
    source: dict[str, Any],
    n_samples: int = 5,
    min_r2: float | None = None,
    allow_collinear: bool = False,
) -> Trained:
    """Fit the model of `rows` and score it on the rows `held_out`.

    Raises
    ------
    GateError
        If R² on the held-out rows is below `min_r2`.
    DataError
        For collinear columns, unless `allow_collinear`.
    """
    moments = TrainTestMoments(rows.names, rows.target, moments_of(rows), moments_of(held_out))
    columns = tuple(Column(name) for name in rows.names)
    samples = tuple(tuple(row) for row in held_out.X[:n_samples].tolist())
    return make_model(
        moments,
        ranges_of(rows),
        columns=columns,
        samples=samples,
        source=source,
        min_r2=min_r2,
        allow_collinear=allow_collinear,
    )


def make_model(
    moments: TrainTestMoments,
    ranges: Ranges,
    *,
    columns: tuple[Column, ...],
    samples: tuple[tuple[float, ...], ...],
    source: dict[str, Any],
    ranges_are: str = "exact",
    min_r2: float | None = None,
    allow_collinear: bool = False,
) -> Trained:
    """Solve for the model of some moments, apply the gates and lay out its files."""
    solution = solve(moments.train, names=moments.names)
    if solution.dependent and not allow_collinear:
        dependent = ", ".join(moments.names[j] for j in solution.dependent)
        raise DataError(
            f"constant or a combination of other columns: {dependent}; drop these columns, or"
            " pass --allow-collinear for the solution of least norm"
        )
    test = score(moments.test, solution.coefficients, solution.intercept)
    check_r2(test, min_r2)
    moments_json = moments.to_json()
    weights = zip(
        moments.names, solution.coefficients, solution.standard_errors, ranges, strict=True
    )
    model = LinearModel(
        target=moments.target,
        columns=columns,
        intercept=solution.intercept,
        features=tuple(
            Feature(name, weight, None if math.isnan(error) else error, *limits)
            for name, weight, error, limits in weights
        ),
        rank=solution.rank,
        ranges=ranges_are,
        scores={
            "train": _without_nan(score(moments.train, solution.coefficients, solution.intercept)),
            "test": _without_nan(test),
        },
        samples=samples,
        source=source,
        moments_fingerprint=TrainTestMoments.from_json(moments_json).fingerprint,
        interval=solution.interval,
    )
    model_json = model.to_json()
    files = {
        artifacts.LINEAR_MODEL: scikit_learn_model(model),
        artifacts.MOMENTS: moments_json,
        artifacts.MODEL: model_json,
    }
    return Trained(LinearModel.from_json(model_json), solution, files)


def folds_of(rows: Table, n_folds: int, seed: int) -> list[Moments]:
    """Return the moments of scikit-learn's ``KFold(n_folds, shuffle=True, random_state=seed)``."""
    if not 2 <= n_folds <= len(rows.y):
        raise UsageError(f"--cv is {n_folds}; expected 2 to {len(rows.y)}, the number of rows")
    splitter = KFold(n_folds, shuffle=True, random_state=seed)
    return [moments_of(rows, test) for _, test in splitter.split(rows.X)]


def moments_of(table: Table, rows: Any = slice(None)) -> Moments:
    """Return the exact moments of a table's rows, or of some of them."""
    return Moments.from_arrays(table.X[rows], table.y[rows], names=[*table.names, table.target])


def ranges_of(table: Table) -> Ranges:
    """Return each feature's minimum and maximum."""
    X = table.X + 0.0  # turns -0.0 into 0.0, which compare equal in any order of the rows
    return list(zip(X.min(axis=0).tolist(), X.max(axis=0).tolist(), strict=True))


def scikit_learn_model(model: LinearModel) -> bytes:
    """Return a joblib file of a scikit-learn LinearRegression with the model's coefficients."""
    regression = LinearRegression()
    regression.coef_ = np.array(model.coefficients)
    regression.intercept_ = model.intercept
    regression.n_features_in_ = len(model.features)
    return joblib_bytes(regression)


def _without_nan(scores: Scores) -> dict[str, float | None]:
    return {key: None if math.isnan(value) else value for key, value in asdict(scores).items()}
