"""Fit a model to exact moments, check its gate, and build the files to write."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cali_reg.errors import DataError
from cali_reg.export.scikit_learn_file import to_scikit_learn
from cali_reg.jobs.gates import check_r2
from cali_reg.jobs.training_data.base import holds_out_none
from cali_reg.least_squares.collinearity import find_rounding_dependent
from cali_reg.least_squares.folded_solution import FoldedSolution
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.moments_file import TrainTestMoments
from cali_reg.least_squares.projected_solution import ProjectedSolution
from cali_reg.least_squares.solution import LEVELS, Solution
from cali_reg.least_squares.statistics.interval_levels import with_levels
from cali_reg.least_squares.statistics.multicollinearity import multicollinearity
from cali_reg.least_squares.statistics.regression_table import regression_table
from cali_reg.least_squares.statistics.rounding_bounds import (
    prediction_rounding_bound,
    r2_rounding_bound,
)
from cali_reg.least_squares.statistics.scores import (
    Scores,
    r2_uncentered,
    score,
    score_or_undefined,
)
from cali_reg.least_squares.statistics.summary import Summary
from cali_reg.runtime import artifacts
from cali_reg.runtime.model import VERSIONS, Feature, LinearModel
from cali_reg.runtime.reading.options import USUAL, Reading
from cali_reg.runtime.schema import Column, baselines_of, format_names

INTERVAL_FEATURES = 200  # up to here intervals are stored: n_features**2 / 2 numbers

AnySolution = Solution | ProjectedSolution | FoldedSolution
Ranges = Sequence[tuple[float, float]]  # minimum and maximum of each feature


@dataclass(frozen=True)
class Trained:
    """A trained model.

    Attributes
    ----------
    model : LinearModel
    solution : Solution, ProjectedSolution or FoldedSolution
        The exact solution behind the model.
    files : dict of str to bytes
        The files to write, by name.
    notes : tuple of str
        What to tell the user about the rows.
    """

    model: LinearModel
    solution: AnySolution
    files: dict[str, bytes]
    notes: tuple[str, ...] = ()

    @property
    def projected(self) -> tuple[int, ...]:
        """The columns that were replaced by their projections on others."""
        inner = self.solution.inner if isinstance(self.solution, FoldedSolution) else self.solution
        return self.solution.dependent if isinstance(inner, ProjectedSolution) else ()

    def summary(self, level: float = 0.95, *, details: bool = False) -> Summary:
        """Return the regression table of the training rows.

        Parameters
        ----------
        level : float, default=0.95
            Of the confidence intervals of coefficients, between 0 and 1.
        details : bool, default=False
            Whether to compute the inflation of variances and the condition number, too.
        """
        groups, first = {}, 0
        for column in self.model.columns:
            end = first + len(column.features)
            if column.levels:
                groups[column.name] = range(first, end)
            first = end
        names = self.model.names
        table = regression_table(self.solution, names, groups=groups, level=level)
        shares = multicollinearity(self.solution, names) if details else None
        return Summary(table, shares, baselines_of(self.model.columns))


def fit(
    moments: TrainTestMoments,
    ranges: Ranges,
    *,
    columns: tuple[Column, ...],
    samples: tuple[tuple[float, ...], ...],
    source: dict[str, Any],
    reading: Reading = USUAL,
    plan: dict[str, Any] | None = None,
    ranges_are: str = "exact",
    min_r2: float | None = None,
    allow_collinear: bool = False,
    store_intervals: bool = False,
    levels: Sequence[float] = LEVELS,
    fit_intercept: bool = True,
    version: int = VERSIONS[-1],
) -> Trained:
    """Solve the least-squares problem of some moments, check R², and build the model's files.

    Parameters
    ----------
    moments : TrainTestMoments
        Of the training rows and of the held-out rows.
    ranges : sequence of (minimum, maximum)
        Of each feature, over the training rows.
    columns : tuple of Column
        The columns to predict from.
    samples : tuple of rows
        The features of some held-out rows, to store for a first prediction.
    source : dict
        The provenance of the rows.
    reading : Reading, optional
        How files of rows are read.
    plan : dict, optional
        The column plan.
    ranges_are : {"exact", "outer"}, default="exact"
        ``outer`` if the true ranges may be narrower.
    min_r2 : float, optional
        The lowest R² on the held-out rows that passes; by default any passes.
    allow_collinear : bool, default=False
        Accept collinear columns, with the solution of least norm.
    store_intervals : bool, default=False
        Store what prediction intervals need for more than 200 features, too.
    levels : sequence of float, default=LEVELS
        The confidence levels of the intervals, ascending, between 0 and 1.
    fit_intercept : bool, default=True
        Whether the model has an intercept.
    version : {1, 2}, default=2
        Version of the format of ``model.json``.

    Returns
    -------
    Trained

    Raises
    ------
    GateError
        If `min_r2` is given, and R² on the held-out rows is undefined or can be below it.
    DataError
        For collinear columns, unless they are allowed; if there is no row or no feature, or no
        held-out row in data that has some; and for more features than the files can hold.
    UsageError
        For confidence levels that are too close to each other, to 0 or to 1.
    """
    store_intervals = store_intervals or len(moments.names) <= INTERVAL_FEATURES
    # version 1 knew exact dependence only
    exactly = version == 1
    solution, notes = _solve(
        moments, columns, allow_collinear, exactly=exactly, fit_intercept=fit_intercept
    )
    weights = solution.coefficients, solution.intercept
    train = score(moments.train, *weights)
    test = (score_or_undefined if holds_out_none(source) else score)(moments.test, *weights)
    bounds = [r2_rounding_bound(part, *weights) for part in (moments.train, moments.test)]
    check_r2(test, bounds[1], min_r2)
    interval = solution.interval if store_intervals else None
    moments_json, moments_fingerprint = moments.dump()
    model = LinearModel(
        target=moments.target,
        columns=columns,
        intercept=solution.intercept,
        features=_features(moments.names, solution, ranges),
        rank=solution.rank,
        ranges=ranges_are,
        scores={"train": _scores(train, bounds[0]), "test": _scores(test, bounds[1])},
        fit_intercept=fit_intercept,
        samples=samples,
        source=source,
        reading=reading,
        moments_fingerprint=moments_fingerprint,
        interval=None if interval is None else with_levels(interval, levels),
        rounding_bound=prediction_rounding_bound(solution.intercept, solution.coefficients, ranges),
        plan=plan,
    )
    if not fit_intercept:
        _add_scores_about_zero(model, moments)
    if version == 1:
        model = _as_version_1(model)
    model_json, fingerprint = model.dump()
    files = {
        artifacts.LINEAR_MODEL: to_scikit_learn(model),
        artifacts.MOMENTS: moments_json,
        artifacts.MODEL: model_json,
    }
    _check_sizes(files)
    return Trained(model._replace(fingerprint=fingerprint), solution, files, notes)


def _check_sizes(files: dict[str, bytes]) -> None:
    for name, data in files.items():
        if len(data) > artifacts.LARGEST:
            raise DataError(
                f"{name} would have {len(data)} bytes for this number of features; expected at most"
                f" {artifacts.LARGEST}: name fewer --features"
            )


def _solve(
    moments: TrainTestMoments,
    columns: Sequence[Column],
    allow_collinear: bool,
    *,
    exactly: bool,
    fit_intercept: bool = True,
) -> tuple[AnySolution, tuple[str, ...]]:
    return _Solver(fit_intercept, allow_collinear, exactly).solve(moments, columns)


@dataclass(frozen=True)
class _Solver:
    """Solves; rejects or replaces columns that depend on others, `exactly` or up to roundings."""

    fit_intercept: bool
    allow_collinear: bool
    exactly: bool

    def solve(
        self, moments: TrainTestMoments, columns: Sequence[Column]
    ) -> tuple[AnySolution, tuple[str, ...]]:
        """Solve; levels that depend on other columns are folded into the baseline, with a note."""
        train, names = moments.train, moments.names
        solution = self._solution(train, names)
        folded = set[int]()
        if solution.dependent and not self.exactly:
            folded = self._dependent_levels(train, columns)
        if not folded:
            return self._solve_kept(train, names, solution), ()
        kept = [j for j in range(len(names)) if j not in folded]
        train, kept_names = train.select(kept), [names[j] for j in kept]
        note = (
            "categories that other columns determine:"
            f" {format_names([names[j] for j in sorted(folded)])}; their coefficients are zero, as"
            " that of the baseline"
        )
        inner = self._solve_kept(train, kept_names, self._solution(train, kept_names))
        return FoldedSolution(inner, kept, len(names)), (note,)

    def _solution(self, train: Moments, names: Sequence[str]) -> Solution:
        return Solution(train, list(names), self.fit_intercept, 0.0)

    def _dependent_levels(self, train: Moments, columns: Sequence[Column]) -> set[int]:
        """Return the one-hot columns that depend on the columns of numbers and on each other."""
        numeric: list[int] = []
        levels: list[int] = []
        size = 0
        for column in columns:
            places = range(size, size + len(column.features))
            (numeric if column.levels is None else levels).extend(places)
            size += len(places)
        order = [*numeric, *levels]
        if not levels:
            return set()
        dependent = self._solution(train.select(order), [""] * len(order)).dependent
        return {order[j] for j in dependent if j >= len(numeric)}

    def _solve_kept(
        self, train: Moments, names: Sequence[str], solution: Solution
    ) -> Solution | ProjectedSolution:
        alone = "constant" if self.fit_intercept else "zero"
        if not self.allow_collinear:  # as soon as the rank is known
            _check_collinear(
                names, solution.dependent, f"{alone}, or a combination of other columns"
            )
        rounded = () if self.exactly else self._rounding_dependent(train, solution)
        if not self.allow_collinear:
            _check_collinear(
                names, rounded, "a combination of other columns, up to the rounding of their values"
            )
        if not rounded:
            return solution
        dependent = sorted({*solution.dependent, *rounded})
        return ProjectedSolution(train, names, dependent, fit_intercept=self.fit_intercept)

    def _rounding_dependent(self, train: Moments, solution: Solution) -> tuple[int, ...]:
        return find_rounding_dependent(train, solution.dependent, fit_intercept=self.fit_intercept)


def _check_collinear(names: Sequence[str], columns: Sequence[int], what: str) -> None:
    if columns:
        raise DataError(
            f"collinear columns ({what}): {format_names([names[j] for j in columns])}; drop"
            " these columns, or pass --allow-collinear for the solution of least norm"
        )


def _features(names: Sequence[str], solution: AnySolution, ranges: Ranges) -> tuple[Feature, ...]:
    rows = zip(names, solution.coefficients, solution.standard_errors, ranges, strict=True)
    return tuple(
        Feature(name, weight, None if math.isnan(error) else error, *limits)
        for name, weight, error, limits in rows
    )


def _scores(scores: Scores, r2_bound: float | None) -> dict[str, float | None]:
    values = {key: None if math.isnan(value) else value for key, value in asdict(scores).items()}
    return {**values, "r2_rounding_bound": r2_bound}


def _add_scores_about_zero(model: LinearModel, moments: TrainTestMoments) -> None:
    """Add the R² that other programs print for a model without an intercept."""
    for part, rows in (("train", moments.train), ("test", moments.test)):
        r2 = r2_uncentered(rows, model.coefficients, model.intercept)
        model.scores[part]["r2_uncentered"] = None if math.isnan(r2) else r2


def _as_version_1(model: LinearModel) -> LinearModel:
    """Return a model without what the first version of the format does not have."""
    scores = {part: {**values} for part, values in model.scores.items()}
    for values in scores.values():
        del values["r2_rounding_bound"]
    return model._replace(scores=scores, rounding_bound=None, plan=None, version=1)
