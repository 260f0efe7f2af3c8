"""The regression table: standard errors, t, p and intervals; F, joint tests and likelihood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from cali_reg.errors import DataError
from cali_reg.least_squares.folded_solution import FoldedSolution
from cali_reg.least_squares.projected_solution import ProjectedSolution
from cali_reg.least_squares.solution import Solution
from cali_reg.least_squares.statistics.coefficient_tests import (
    FOLDED,
    CoefficientRow,
    FTest,
    coefficient_rows,
    joint_tests,
)
from cali_reg.least_squares.statistics.covariance import ClassicalCovariance, Covariance
from cali_reg.least_squares.statistics.fit_statistics import (
    PERFECT,
    fit_statistics,
    why_undefined,
)

AnySolution = Solution | ProjectedSolution | FoldedSolution


@dataclass(frozen=True)
class RegressionTable:
    """What a regression table shows, of the training rows.

    Attributes
    ----------
    n_samples : int
        Number of rows.
    rank : int
        Number of coefficients that the rows determine: degrees of freedom of the model.
    degrees_of_freedom : int
        Of the residuals: rows less `rank`, less one for an intercept.
    fit_intercept : bool
    errors : str
        The kind of the standard errors, such as ``classical``.
    level : float
        Of the confidence intervals.
    coefficients : tuple of CoefficientRow
        The intercept, if there is one, comes first.
    f_test : FTest
        Of all columns.
    joint_tests : tuple of FTest
        One for each categorical column.
    r2, adjusted_r2 : float or None
        About zero without an intercept.
    residual_standard_deviation : float or None
        In target units.
    log_likelihood, aic, bic : float or None
        Of normal errors; AIC and BIC count `rank` parameters, and one for an intercept.
    reasons : dict of str to str
        Why a statistic is None, by its name.
    """

    n_samples: int
    rank: int
    degrees_of_freedom: int
    fit_intercept: bool
    errors: str
    level: float
    coefficients: tuple[CoefficientRow, ...]
    f_test: FTest
    joint_tests: tuple[FTest, ...]
    r2: float | None
    adjusted_r2: float | None
    residual_standard_deviation: float | None
    log_likelihood: float | None
    aic: float | None
    bic: float | None
    reasons: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as JSON values."""
        values = asdict(self)
        return values | {name: list(values[name]) for name in ("coefficients", "joint_tests")}


def regression_table(
    solution: AnySolution,
    names: Sequence[str],
    *,
    groups: Mapping[str, Sequence[int]] | None = None,
    level: float = 0.95,
    covariance: Covariance | None = None,
) -> RegressionTable:
    """Compute the regression table of a solution.

    Parameters
    ----------
    solution : Solution, ProjectedSolution or FoldedSolution
    names : sequence of n_features strings
    groups : mapping of str to sequence of int, optional
        The features of each categorical column, to test together.
    level : float, default=0.95
        Of the confidence intervals, between 0 and 1.
    covariance : Covariance, optional
        Of the coefficients of `solution` or, of a `FoldedSolution`, of its `inner` one; by default
        the classical one.

    Returns
    -------
    RegressionTable

    Raises
    ------
    DataError
        For a level that is not between 0 and 1.

    Examples
    --------
    >>> from cali_reg.least_squares import Moments, solve
    >>> solution = solve(Moments.from_arrays([[0.0], [1.0], [2.0]], [0.0, 1.0, 4.0]))
    >>> table = regression_table(solution, ["x"])
    >>> table.coefficients[1].t, table.coefficients[1].p, table.f_test.f
    (3.4641016151377544, 0.17891237502206683, 12.0)
    """
    if not 0 < level < 1:
        raise DataError(f"the confidence level is {level!r}; expected one between 0 and 1")
    if isinstance(solution, FoldedSolution):
        return _with_folded(solution, names, groups or {}, level, covariance)
    undefined = why_undefined(solution)
    if covariance is None and undefined in ("", PERFECT):
        covariance = ClassicalCovariance(solution)
    values, reasons = fit_statistics(solution, undefined)
    f_test = FTest(
        "",
        values.pop("f"),
        solution.rank,
        solution.degrees_of_freedom,
        values.pop("f_p"),
        reasons.pop("f_p", reasons.pop("f", "")),
    )
    if covariance is not None and covariance.kind != "classical":  # that above is classical
        (f_test,) = joint_tests(solution, {"": range(len(names))}, covariance, undefined)
    return RegressionTable(
        n_samples=solution.moments.n_samples,
        rank=solution.rank,
        degrees_of_freedom=solution.degrees_of_freedom,
        fit_intercept=solution.fit_intercept,
        errors="classical" if covariance is None else covariance.kind,
        level=level,
        coefficients=coefficient_rows(solution, names, covariance, level, undefined),
        f_test=f_test,
        joint_tests=joint_tests(solution, groups or {}, covariance, undefined),
        **values,
        reasons=reasons,
    )


def _with_folded(
    solution: FoldedSolution,
    names: Sequence[str],
    groups: Mapping[str, Sequence[int]],
    level: float,
    covariance: Covariance | None,
) -> RegressionTable:
    """Return the table of the columns that are kept, with rows for those that are folded."""
    place = {j: k for k, j in enumerate(solution.kept)}
    table = regression_table(
        solution.inner,
        [names[j] for j in solution.kept],
        groups={name: [place[j] for j in group if j in place] for name, group in groups.items()},
        level=level,
        covariance=covariance,
    )
    first = len(table.coefficients) - len(place)
    rows = [
        table.coefficients[first + place[j]]
        if j in place
        else CoefficientRow(name, 0.0, reason=FOLDED)
        for j, name in enumerate(names)
    ]
    return replace(table, coefficients=(*table.coefficients[:first], *rows))
