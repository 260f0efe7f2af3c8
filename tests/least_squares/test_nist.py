"""NIST's certified regressions: equal to rational arithmetic, and to every certified digit."""

import json
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_tables import Table
from reference import RESULTS, LeastSquares, is_same
from ways import WAYS, way

from cali_reg.estimator import ExactLinearRegression
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.solution import Solution, solve

FOLDER = Path(__file__).parents[1] / "support" / "nist"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))

# All numbers, and all powers, are float64 numbers: the data are NIST's own.
EXACT = ["NoInt1", "NoInt2", "Wampler1", "Wampler3", "Wampler4", "Wampler5"]

# Decimal fractions are rounded when they are read as float64, so the exact solution of what is
# left differs from the certified one: by so much, relatively, in coefficients and in errors.
FLOORS = {
    "Longley": (2.4e-15, 1.3e-15),
    "Norris": (8.6e-15, 1.3e-14),
    "Pontius": (3.1e-14, 1.8e-14),
}


@cache
def dataset(name: str) -> dict[str, Any]:
    """Return a dataset as stored: every number a string."""
    values: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return values


def rows(name: str) -> Table:
    """Return the float64 inputs; powers come from repeated multiplication."""
    data = dataset(name)
    columns = [np.array([float(cell) for cell in column]) for column in data["columns"]]
    for _ in range((data["degree"] or 1) - 1):
        columns.append(columns[-1] * columns[0])
    return np.column_stack(columns), np.array([float(cell) for cell in data["y"]])


@cache
def solution(name: str) -> Solution:
    """Return the solution of a dataset."""
    return solve(Moments.from_arrays(*rows(name)), fit_intercept=dataset(name)["intercept"])


def found(name: str) -> tuple[list[float], list[float]]:
    """Return coefficients and standard errors in NIST's order: from the intercept up."""
    fit = solution(name)
    coefficients, errors = [*fit.coefficients], [*fit.standard_errors]
    if dataset(name)["intercept"]:
        return [fit.intercept, *coefficients], [fit.intercept_standard_error, *errors]
    return coefficients, errors


def digits(value: float, certified: str) -> Decimal:
    """Round a float64 to the last decimal place that is printed."""
    return Decimal(value).quantize(Decimal(certified))


def differences(values: list[float], certified: list[str]) -> list[float]:
    """Return relative differences."""
    pairs = zip(map(Decimal, values), map(Decimal, certified), strict=True)
    return [float(abs((value - known) / known)) for value, known in pairs]


def test_all_eleven_are_here() -> None:
    """NIST has eleven linear regressions; each is in exactly one of the groups below."""
    assert sorted([*EXACT, *FLOORS, "Wampler2", "Filip"]) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_solution_equals_rational_arithmetic(name: str) -> None:
    """Every result is the exact one of the float64 inputs, rounded once."""
    expected = LeastSquares(*rows(name), fit_intercept=dataset(name)["intercept"])
    for result in RESULTS:
        assert is_same(getattr(solution(name), result), getattr(expected, result)), result


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("name_of_way", WAYS)
def test_the_three_ways_agree(name: str, name_of_way: str) -> None:
    """Filip's too, whose columns a float64 inverse cannot tell from dependent ones."""
    usual = solution(name)
    with way(name_of_way):
        fit = solve(Moments.from_arrays(*rows(name)), fit_intercept=dataset(name)["intercept"])
        for result in RESULTS:
            assert is_same(getattr(fit, result), getattr(usual, result)), result


@pytest.mark.parametrize("name", NAMES)
def test_estimator_gives_the_solution(name: str) -> None:
    """scikit-learn's face shows the same bits."""
    model = ExactLinearRegression(fit_intercept=dataset(name)["intercept"]).fit(*rows(name))
    assert tuple(model.coef_) == solution(name).coefficients
    assert model.intercept_ == solution(name).intercept
    assert tuple(model.standard_errors_) == solution(name).standard_errors
    assert model.r2_uncentered_ == solution(name).r2_uncentered


@pytest.mark.parametrize("name", EXACT)
def test_inputs_are_the_certified_data(name: str) -> None:
    """In this group no number changes on its way to float64, and no power is rounded."""
    data, (X, y) = dataset(name), rows(name)
    x = [int(Decimal(cell)) for cell in data["columns"][0]]
    assert X.tolist() == [[v ** (k + 1) for k in range(data["degree"])] for v in x]
    assert [Decimal(value) for value in y.tolist()] == [Decimal(cell) for cell in data["y"]]


@pytest.mark.parametrize("name", EXACT)
def test_every_certified_digit(name: str) -> None:
    """Rounded to the decimal place that NIST prints, results are what NIST prints.

    A threshold on the relative error would not do: for a value such as 1.00000000000000 the
    certified digits themselves are only good to 5e-15, and for 9.99999999999999 an error of
    1e-15 may be a wrong digit. A float64 is good for any 15 digits, so all must be right.
    """
    certified, fit = dataset(name)["certified"], solution(name)
    for values, known in zip(
        found(name), (certified["coefficients"], certified["standard_errors"]), strict=True
    ):
        assert [digits(*pair) for pair in zip(values, known, strict=True)] == [*map(Decimal, known)]
    deviation = certified["residual_standard_deviation"]
    assert digits(fit.residual_standard_deviation, deviation) == Decimal(deviation)
    # NIST's R2 without an intercept is about zero
    r2 = fit.r2 if dataset(name)["intercept"] else fit.r2_uncentered
    assert digits(r2, certified["r_squared"]) == Decimal(certified["r_squared"])


@pytest.mark.parametrize("name", FLOORS)
def test_nothing_is_lost_but_in_reading(name: str) -> None:
    """Results differ from the certified ones by what reading decimals as float64 costs."""
    certified = dataset(name)["certified"]
    coefficients, errors = found(name)
    floor, errors_floor = FLOORS[name]
    assert max(differences(coefficients, certified["coefficients"])) <= floor
    assert max(differences(errors, certified["standard_errors"])) <= errors_floor
    assert abs(Decimal(solution(name).r2) - Decimal(certified["r_squared"])) <= Decimal("1e-15")


def test_wampler2() -> None:
    """The certified errors are zero; the float64 targets leave residuals of their rounding."""
    certified = dataset("Wampler2")["certified"]
    coefficients, errors = found("Wampler2")
    assert max(differences(coefficients, certified["coefficients"])) <= 6.3e-14
    assert max(errors) <= 1e-15
    assert solution("Wampler2").residual_standard_deviation <= 1e-15


def test_filip() -> None:
    """Float64 powers up to x**10 change the problem itself: its exact solution differs so far."""
    certified = dataset("Filip")["certified"]
    coefficients, errors = found("Filip")
    assert 1e-8 < max(differences(coefficients, certified["coefficients"])) < 10**-7.5
    assert 1e-9 < max(differences(errors, certified["standard_errors"])) < 10**-8.5
