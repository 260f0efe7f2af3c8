"""The regression table: correctly rounded, as statsmodels has it, and undefined where it is."""

import json
import math
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import flint
import numpy as np
import pytest
from exact_statistics import ExactStatistics, numbers
from reference import nearest
from regression_tables import TABLES, Example, our_statistics, relative_difference
from ways import WAYS, way

from cali_reg.least_squares.folded_solution import FoldedSolution
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.projected_solution import ProjectedSolution
from cali_reg.least_squares.solution import solve
from cali_reg.least_squares.statistics import coefficient_tests
from cali_reg.least_squares.statistics.covariance import ClassicalCovariance, wald
from cali_reg.least_squares.statistics.distributions import t_quantile
from cali_reg.least_squares.statistics.multicollinearity import multicollinearity
from cali_reg.least_squares.statistics.regression_table import RegressionTable, regression_table

THEIRS = json.loads((Path(__file__).parents[2] / "support/statsmodels.json").read_text("utf-8"))

SMALL = ["Longley", "stackloss", "stackloss, no intercept", "random 0", "random 1", "random 7"]


@cache
def exact(name: str) -> dict[str, Any]:
    """Return the statistics of a table, to the last digit."""
    example = TABLES[name]()
    df = len(example.X) - example.X.shape[1] - example.fit_intercept
    return ExactStatistics(example, t_quantile(df, 0.95)).values


@pytest.mark.parametrize("name", TABLES)
def test_equal_to_statsmodels(name: str) -> None:
    """Every statistic has eight digits of statsmodels'."""
    ours, theirs = our_statistics(TABLES[name]()), THEIRS["tables"][name]
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        assert relative_difference(value, theirs[key]) < 1e-8, key


@pytest.mark.parametrize("kind", WAYS)
@pytest.mark.parametrize("name", SMALL)
def test_correctly_rounded(name: str, kind: str) -> None:
    """Every statistic is that of 400 bits, rounded once, whichever way the system is solved."""
    with way(kind):
        ours = our_statistics(TABLES[name]())
    for key, value in exact(name).items():
        assert numbers(ours[key]) == numbers(value), key


def table(X: Any, y: Any, **options: Any) -> RegressionTable:
    """Return the table of some rows."""
    names = [f"x{j}" for j in range(np.shape(X)[1])]
    return regression_table(solve(Moments.from_arrays(X, y), **options), names)


def test_ties_are_rounded_exactly() -> None:
    """Ends of an interval in the middle of two float64 are rounded to even, as no ball can do."""
    # the standard error is exactly 1/2, so that ends of 53 bits beside a coefficient are ties
    X, df, n_ties = np.array([[-1.0], [-1], [1], [1], [0], [0]]), 4, 0
    residuals = np.array([1.0, -1, -1, 1, 0, 0])  # orthogonal to 1 and to x; their squares sum to 4
    for level in np.linspace(0.01, 0.99, 99).round(2).tolist():
        solution = solve(Moments.from_arrays(X, 5 * X[:, 0] + residuals))
        row = regression_table(solution, ["x"], level=level).coefficients[1]
        assert (row.coefficient, row.standard_error) == (5.0, 0.5)
        half = Fraction(t_quantile(df, level)) / 2
        for end, sign in ((row.low, -1), (row.high, 1)):
            exactly = 5 + sign * half
            assert end == nearest(exactly)
            n_ties += 2 * abs(exactly - Fraction(nearest(exactly))) == Fraction(math.ulp(5.0))
    assert n_ties > 10


def test_zero_coefficient() -> None:
    """A coefficient of zero has t = 0 and p = 1; F is 0, and its p 1."""
    found = table([[-1.0], [0.0], [0.0], [1.0]], [1.0, 0.0, 3.0, 1.0])
    row = found.coefficients[1]
    assert (row.coefficient, row.t, row.p) == (0.0, 0.0, 1.0)
    assert (found.f_test.f, found.f_test.p, found.r2) == (0.0, 1.0, 0.0)


def undefined(found: RegressionTable) -> tuple[set[str], set[str]]:
    """Return the names of the statistics that are None, and all reasons."""
    names = {
        name
        for name in ("r2", "adjusted_r2", "residual_standard_deviation", "log_likelihood", "aic")
        if getattr(found, name) is None
    }
    assert names == {*found.reasons} - {"bic"}
    rows = found.coefficients
    assert all((row.reason != "") == (row.t is None) == (row.p is None) for row in rows)
    assert (found.f_test.f is None) == (found.f_test.p is None) == (found.f_test.reason != "")
    reasons = {*found.reasons.values(), *(row.reason for row in rows), found.f_test.reason}
    return names, reasons - {""}


def test_perfect_fit() -> None:
    """Errors are zero, and so are the intervals' widths; t, F and the likelihood are undefined."""
    found = table([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    assert undefined(found) == ({"log_likelihood", "aic"}, {"all residuals are zero"})
    row = found.coefficients[1]
    assert (row.standard_error, row.low, row.high) == (0.0, 2.0, 2.0)
    assert (found.r2, found.adjusted_r2, found.residual_standard_deviation) == (1.0, 1.0, 0.0)


def test_no_degrees_of_freedom() -> None:
    """As many parameters as rows: only R² is known."""
    found = table([[0.0], [1.0]], [1.0, 3.0])
    names, reasons = undefined(found)
    assert reasons == {"there are no residual degrees of freedom"}
    assert names == {"adjusted_r2", "residual_standard_deviation", "log_likelihood", "aic"}
    assert found.r2 == 1.0


def test_penalty() -> None:
    """A ridge penalty leaves nothing defined: its coefficients are biased."""
    found = table([[0.0], [1.0], [2.0]], [1.0, 3.0, 4.0], alpha=1.0)
    names, reasons = undefined(found)
    assert (len(names), reasons) == (5, {"there is a ridge penalty"})


def test_constant_target() -> None:
    """A constant target has no R²; without an intercept it has one about zero."""
    X, y = [[0.0], [1.0], [2.0]], [2.0, 2.0, 2.0]
    names, reasons = undefined(table(X, y))
    assert {"r2", "adjusted_r2"} <= names
    assert reasons == {"the target is constant", "all residuals are zero"}
    assert table(X, y, fit_intercept=False).r2 == pytest.approx(0.6)
    names, _ = undefined(table(X, [0.0, 0.0, 0.0], fit_intercept=False))
    assert "r2" in names


def test_no_column_varies() -> None:
    """A constant column has a coefficient of least norm, zero, and no F."""
    found = table([[1.0], [1.0], [1.0]], [1.0, 2.0, 4.0])
    assert found.f_test.reason == "no column varies"
    assert (found.r2, found.rank, found.degrees_of_freedom) == (0.0, 0, 2)
    row = found.coefficients[1]
    assert (row.standard_error, row.t, row.low, row.high) == (0.0, None, 0.0, 0.0)
    assert row.reason == "its standard error is zero"


def test_one_row() -> None:
    """One row determines nothing."""
    names, _ = undefined(table([[1.0]], [2.0]))
    assert {"r2", "adjusted_r2"} <= names


def test_beyond_float64() -> None:
    """A number of 2**1024 and more is None, with the reason, and the others stay."""
    X = np.array([[-1.0], [0.0], [0.0], [1.0]])
    found = table(X, X[:, 0] * 2.0**1000 + np.array([0.0, 2.0**-30, -(2.0**-30), 0.0]))
    assert (found.f_test.f, found.f_test.reason) == (None, "it is beyond float64")
    row = found.coefficients[1]
    assert (row.coefficient, row.reason, row.p) == (2.0**1000, "it is beyond float64", 0.0)
    assert row.t is None
    assert found.residual_standard_deviation == 2.0**-30


DEPENDENT = np.column_stack(
    [np.arange(8.0), [1.0, 0, 0, 1, 0, 1, 1, 0], np.arange(8.0) * 2 + 1, [3.0, 1, 4, 1, 5, 9, 2, 6]]
)
TARGET = np.array([1.0, 0, 3, 2, 6, 5, 9, 7])


def test_dependent_columns() -> None:
    """With dependent columns standard errors are those of least norm, and F counts the rank."""
    names = ["a", "b", "c", "d"]
    solution = solve(Moments.from_arrays(DEPENDENT, TARGET))
    found = regression_table(solution, names, groups={"g": [1, 3]})
    assert tuple(row.standard_error for row in found.coefficients[1:]) == solution.standard_errors
    assert (found.f_test.numerator, found.rank) == (3, 3)
    kept = solve(Moments.from_arrays(DEPENDENT[:, [0, 1, 3]], TARGET))
    full = regression_table(kept, ["a", "b", "d"])
    assert (found.f_test.f, found.f_test.p, found.bic) == (full.f_test.f, full.f_test.p, full.bic)
    assert found.joint_tests[0].reason == "columns depend on one another"
    shares = multicollinearity(solution, names)
    assert shares.variance_inflation == (None,) * 4
    assert shares.condition_number is None


def test_projected_and_least_norm_agree() -> None:
    """Exactly dependent columns can be projected, too: every number is the same."""
    names, moments = ["a", "b", "c", "d"], Moments.from_arrays(DEPENDENT, TARGET)
    least_norm = regression_table(solve(moments), names, groups={"g": [1, 3]})
    projected = regression_table(
        ProjectedSolution(moments, names, [2]), names, groups={"g": [1, 3]}
    )
    assert projected == least_norm


def test_folded_levels() -> None:
    """A level that is folded has no error; the others are tested together."""
    moments = Moments.from_arrays(DEPENDENT, TARGET)
    inner = solve(moments.select([0, 1, 3]))
    folded = FoldedSolution(inner, [0, 1, 3], 4)
    names = ["a", "t=1", "t=2", "t=3"]
    found = regression_table(folded, names, groups={"t": [1, 2, 3]})
    plain = regression_table(inner, ["a", "t=1", "t=3"], groups={"t": [1, 2]})
    assert [row.name for row in found.coefficients] == ["(intercept)", *names]
    assert found.coefficients[3].reason == "it is folded into the baseline"
    assert (found.coefficients[:3], found.joint_tests) == (
        plain.coefficients[:3],
        plain.joint_tests,
    )
    shares = multicollinearity(folded, names)
    assert shares.variance_inflation[2] is None
    assert (
        shares.variance_inflation[3] == multicollinearity(inner, ["", "", ""]).variance_inflation[2]
    )


def test_wald_of_given_rows() -> None:
    """The test of w0 = w1 compares with the model of the sum of both columns."""
    X, y, *_ = TABLES["stackloss"]()
    solution = solve(Moments.from_arrays(X, y))
    block = ClassicalCovariance(solution).exact_block(range(3))
    found = wald(solution.exact_weights[:3], block, flint.fmpq_mat([[1, -1, 0]]))
    equal = solve(Moments.from_arrays(np.column_stack([X[:, 0] + X[:, 1], X[:, 2]]), y))
    df = solution.degrees_of_freedom
    assert found == (equal.exact_rss - solution.exact_rss) / (solution.exact_rss / df)


class OtherCovariance(ClassicalCovariance):
    """Four times the classical covariance, with other degrees of freedom."""

    kind = "other"

    def __init__(self, solution: Any, degrees_of_freedom: int) -> None:
        super().__init__(solution)
        self._inner, self.degrees_of_freedom = ClassicalCovariance(solution), degrees_of_freedom

    def variances(self) -> Any:
        """Enclose the diagonal."""
        for variances in self._inner.variances():
            yield [4 * variance for variance in variances]

    def exact_variances(self) -> Any:
        """Return the diagonal."""
        return [4 * variance for variance in self._inner.exact_variances()]

    def blocks(self, groups: Any) -> Any:
        """Enclose blocks."""
        for blocks in self._inner.blocks(groups):
            yield [block * 4 for block in blocks]

    def exact_block(self, group: Any) -> Any:
        """Return a block."""
        return self._inner.exact_block(group) * 4


@pytest.mark.parametrize("kind", WAYS)
def test_another_covariance(kind: str) -> None:
    """Errors, t, intervals, F and joint tests are of the covariance that is given."""
    X, y, *_ = TABLES["stackloss"]()
    names = ["a", "b", "c"]
    with way(kind):
        solution = solve(Moments.from_arrays(X, y))
        other = OtherCovariance(solution, 5)
        found = regression_table(solution, names, groups={"g": [1, 2]}, covariance=other)
        plain = regression_table(solution, names, groups={"g": [1, 2]})
    assert found.errors == "other"
    for ours, classical in zip(found.coefficients, plain.coefficients, strict=True):
        assert (ours.standard_error, ours.t) == (classical.standard_error * 2, classical.t / 2)  # type: ignore[operator]
    assert found.f_test.f == plain.f_test.f / 4  # type: ignore[operator]
    assert found.joint_tests[0].f == plain.joint_tests[0].f / 4  # type: ignore[operator]
    assert (found.f_test.denominator, found.joint_tests[0].denominator) == (5, 5)
    assert (found.r2, found.bic) == (plain.r2, plain.bic)


@pytest.mark.parametrize("large", [0, 1000])
def test_wide_tables_have_exact_joint_tests(monkeypatch: pytest.MonkeyPatch, large: int) -> None:
    """More features than are solved exactly at once: F is that of two models, either way."""
    monkeypatch.setattr(coefficient_tests, "_LARGE", large)
    random = np.random.RandomState(3)
    X = random.randint(-9, 9, size=(90, 40)).astype(float)
    y = X[:, 3] + random.normal(size=90)
    solution = solve(Moments.from_arrays(X, y))
    groups = {"first": list(range(30)), "last": [38, 39], "all": list(range(40))}
    found = regression_table(solution, [f"x{j}" for j in range(40)], groups=groups)
    *some, every = found.joint_tests
    assert (every.f, every.p) == (found.f_test.f, found.f_test.p)
    for test in some:
        rest = [j for j in range(40) if j not in groups[test.name]]
        reduced = solve(Moments.from_arrays(X[:, rest], y))
        f = (reduced.exact_rss - solution.exact_rss) / test.numerator
        f /= solution.exact_rss / solution.degrees_of_freedom
        assert test.f == int(f.p) / int(f.q)


def test_dictionary_is_json() -> None:
    """The table is JSON without NaN."""
    example: Example = TABLES["stackloss"]()
    values = table(example.X, example.y).to_dict()
    assert json.loads(json.dumps(values, allow_nan=False)) == values
