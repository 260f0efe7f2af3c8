"""Train: summarize the training data, and fit a model to the summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cali_reg.errors import DataError
from cali_reg.jobs.fit import Trained, fit
from cali_reg.jobs.training_data.base import TrainingData, holds_out_none
from cali_reg.least_squares.moments_file import TrainTestMoments
from cali_reg.least_squares.solution import LEVELS
from cali_reg.runtime.schema import feature_names


def train(
    data: TrainingData,
    *,
    min_r2: float | None = None,
    allow_collinear: bool = False,
    store_intervals: bool = False,
    levels: Sequence[float] | None = None,
    fit_intercept: bool = True,
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
    levels : sequence of float, optional
        The confidence levels of the intervals, ascending, between 0 and 1; by default `LEVELS`.
    fit_intercept : bool, default=True
        Whether the model has an intercept.

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
    UsageError
        For confidence levels that are too close to each other, to 0 or to 1.
    """
    summary, notes = data.summary(), data.notes
    names = feature_names(data.columns)
    moments = TrainTestMoments(names, data.target, summary.train, summary.test)
    if not moments.train.n_samples and not moments.test.n_samples:
        for note in summary.skipped.notes(summary.n_rows):
            raise DataError(f"no row is left: {note}")
        summary.missing.require_rows_left([c.name for c in data.columns], data.target)
    source = data.provenance()
    _check_rows(moments, needs_held_out=not holds_out_none(source))
    if not allow_collinear:
        _check_size(moments, fit_intercept=fit_intercept)
    trained = fit(
        moments,
        summary.ranges,
        columns=data.columns,
        samples=summary.sample_rows,
        source=source,
        reading=data.reading,
        plan=data.plan,
        min_r2=min_r2,
        allow_collinear=allow_collinear,
        store_intervals=store_intervals,
        levels=levels or LEVELS,
        fit_intercept=fit_intercept,
    )
    unused = levels is not None and trained.model.interval is None
    no_interval = ("no prediction interval is defined, so no level of --levels is stored",)
    return replace(trained, notes=(*notes, *trained.notes, *no_interval * unused))


def _check_rows(moments: TrainTestMoments, *, needs_held_out: bool) -> None:
    """Raise DataError for rows that determine no model."""
    train, n_test = moments.train, moments.test.n_samples
    n_train, n_features = train.n_samples, train.n_features
    if not n_train or (needs_held_out and not n_test):
        side = "held out" if n_train else "left for training"
        raise DataError(
            f"none of {n_train + n_test} rows is {side}; expected rows on both sides: change"
            " --test-size (0 trains on all rows), or give more rows"
        )
    if train.is_constant(n_features):
        value = float(train.mean(n_features))
        raise DataError(
            f"the target {moments.target!r} is {value!r} in every training row; expected values"
            " that differ"
        )


def _check_size(moments: TrainTestMoments, *, fit_intercept: bool) -> None:
    """Raise DataError for fewer rows than parameters."""
    n_train, n_features = moments.train.n_samples, moments.train.n_features
    if n_train < n_features + fit_intercept:
        what, expected = " and an intercept", "more rows than features"
        if not fit_intercept:
            what, expected = "", "at least as many rows as features"
        raise DataError(
            f"{n_train} training rows cannot determine {n_features} features{what}; expected"
            f" {expected}: give more rows, or fewer --features"
        )
