"""Train: summarize the training data, and fit a model to the summary."""

from __future__ import annotations

from dataclasses import replace

from cali_reg.errors import DataError
from cali_reg.jobs.fit import Trained, fit
from cali_reg.jobs.training_data.base import TrainingData
from cali_reg.least_squares.moments_file import TrainTestMoments
from cali_reg.runtime.schema import feature_names


def train(
    data: TrainingData,
    *,
    min_r2: float | None = None,
    allow_collinear: bool = False,
    store_intervals: bool = False,
) -> Trained:
    """Fit the model of the training rows and score it on the held-out rows.

    Parameters
    ----------
    data : TrainingData
    min_r2 : float, optional
        The lowest R² on the held-out rows that passes; by default any passes.
    allow_collinear : bool, default=False
        Accept collinear columns, with the solution of least norm.
    store_intervals : bool, default=False
        Store what prediction intervals need for more than 200 features, too.

    Returns
    -------
    Trained

    Raises
    ------
    GateError
        If `min_r2` is given, and R² on the held-out rows is undefined or can be below it.
    DataError
        For data that cannot be read, too few rows, a constant target, and collinear columns unless
        they are allowed.
    """
    summary, notes = data.summary(), data.notes
    names = feature_names(data.columns)
    moments = TrainTestMoments(names, data.target, summary.train, summary.test)
    if not moments.train.n_samples and not moments.test.n_samples:
        summary.missing.require_rows_left([c.name for c in data.columns], data.target)
    _check_rows(moments, allow_collinear)
    trained = fit(
        moments,
        summary.ranges,
        columns=data.columns,
        samples=summary.sample_rows,
        source=data.provenance(),
        min_r2=min_r2,
        allow_collinear=allow_collinear,
        store_intervals=store_intervals,
    )
    return replace(trained, notes=(*notes, *trained.notes))


def _check_rows(moments: TrainTestMoments, allow_collinear: bool) -> None:
    """Raise DataError for rows that determine no model."""
    train, n_test = moments.train, moments.test.n_samples
    n_train, n_features = train.n_samples, train.n_features
    if not n_train or not n_test:
        side = "held out" if n_train else "left for training"
        raise DataError(
            f"none of {n_train + n_test} rows is {side}; expected rows on both sides: change"
            " --test-size, or give more rows"
        )
    if train.is_constant(n_features):
        value = float(train.mean(n_features))
        raise DataError(
            f"the target {moments.target!r} is {value!r} in every training row; expected values"
            " that differ"
        )
    if n_train <= n_features and not allow_collinear:
        raise DataError(
            f"{n_train} training rows cannot determine {n_features} features and an intercept;"
            " expected more rows than features: give more rows, or fewer --features"
        )
