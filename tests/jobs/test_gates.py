"""The gates: what is below its threshold, or undefined, does not pass."""

import math
import re
from dataclasses import replace

import pytest

from cali_reg.errors import GateError
from cali_reg.jobs.gates import check_contract, check_r2
from cali_reg.least_squares.statistics.scores import Scores


def test_undefined_loss_breaks_the_contract() -> None:
    """A loss that cannot be told is within no limit; of held-out rows, training rows decide."""
    contract = {"r2_loss_train": 0.5, "r2_loss_test": None, "max_change_bound": 0.0}
    check_contract(contract, max_r2_loss=0.5, max_change=None)
    with pytest.raises(GateError, match=r"training rows falls by 0\.5; allowed is"):
        check_contract(contract, max_r2_loss=0.4, max_change=None)
    with pytest.raises(GateError, match="training rows is undefined"):
        check_contract({**contract, "r2_loss_train": None}, max_r2_loss=1.0, max_change=None)


def test_no_held_out_rows_to_check() -> None:
    """Nothing says whether the model reaches the threshold; without one it passes."""
    none = Scores(0, math.nan, math.nan, math.nan)
    with pytest.raises(GateError, match="no row is held out"):
        check_r2(none, None, -1e9)
    check_r2(none, None, None)


TEST = Scores(n_samples=100, r2=0.5, rmse=1.0, bias=0.0)
CONTRACT = {"r2_loss_train": 0.001, "r2_loss_test": -0.002, "max_change_bound": 0.25}


@pytest.mark.parametrize("min_r2", [None, 0.5, -1.0])
def test_r2_that_passes(min_r2: float | None) -> None:
    """At the threshold or above, or without one."""
    check_r2(TEST, 1e-13, min_r2)


@pytest.mark.parametrize("r2", [0.5, math.nan])
def test_r2_that_fails(r2: float) -> None:
    """Just below the threshold, or undefined: the message has both figures."""
    least = math.nextafter(0.5, 1.0)
    found = "undefined, which fails" if math.isnan(r2) else f"{r2!r}, below"
    message = re.escape(f"R² on the 100 held-out rows is {found} --min-r2 {least!r};")
    with pytest.raises(GateError, match=message):
        check_r2(replace(TEST, r2=r2), 1e-13, least)


@pytest.mark.parametrize("bound", [0.1, math.inf, None])
def test_r2_that_roundings_can_lower(bound: float | None) -> None:
    """A model passes only if its float64 predictions surely reach the threshold."""
    with pytest.raises(GateError, match=r"rows is 0\.5 \(that of float64 .* lower\), below"):
        check_r2(TEST, bound, 0.45)
    check_r2(TEST, 0.1, 0.4)
    check_r2(TEST, None, None)


@pytest.mark.parametrize("max_change", [None, 0.25])
def test_contract_that_passes(max_change: float | None) -> None:
    """At the limits; a gain on the held-out rows is no loss."""
    check_contract(CONTRACT, max_r2_loss=0.001, max_change=max_change)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"r2_loss_train": 0.0011}, r"R² on the training rows falls by 0\.0011; allowed is"),
        ({"r2_loss_test": 0.0011}, r"R² on the held-out rows falls by 0\.0011; allowed is"),
        ({"r2_loss_test": math.nan}, "R² on the held-out rows falls by nan; allowed is"),
        ({"max_change_bound": 0.26}, r"may change by 0\.26; allowed is --max-change 0\.25"),
        ({"max_change_bound": math.nan}, "may change by nan; allowed is"),
    ],
)
def test_contract_that_fails(broken: dict[str, float], message: str) -> None:
    """Each limit on its own."""
    with pytest.raises(GateError, match=message):
        check_contract({**CONTRACT, **broken}, max_r2_loss=0.001, max_change=0.25)
