"""The gates: a model that fails one is not written."""

from __future__ import annotations

import math
from typing import Any

from cali_reg.errors import GateError
from cali_reg.least_squares.statistics.scores import Scores

_NEGLIGIBLE = 1e-9  # no threshold for R² means a difference as small as this


def check_r2(test: Scores, rounding_bound: float | None, min_r2: float | None) -> None:
    """Check the R² of a trained model.

    Parameters
    ----------
    test : Scores
        On the held-out rows, of exact predictions.
    rounding_bound : float or None
        By how much R² of the float64 predictions can differ; None if that is not known.
    min_r2 : float or None
        The least R² of the float64 predictions that passes; None if any does.

    Raises
    ------
    GateError
        If `min_r2` is given, and R² is undefined or can be below it.
    """
    if min_r2 is None:
        return
    if not test.n_samples:
        raise GateError(
            "no row is held out (--test-size 0), so --min-r2 cannot be checked: leave it out, or"
            " train again with held-out rows; the artifacts were left as they are"
        )
    loss = math.inf if rounding_bound is None else rounding_bound
    if test.r2 >= min_r2 and loss <= _NEGLIGIBLE:
        return
    if not test.r2 - loss >= min_r2:
        rounded = f" (that of float64 predictions can be {loss:.2g} lower)" * (loss > _NEGLIGIBLE)
        found = "undefined" if math.isnan(test.r2) else f"{test.r2!r}{rounded}"
        verdict = "which fails" if math.isnan(test.r2) else "below"
        raise GateError(
            f"R² on the {test.n_samples} held-out rows is {found}, {verdict}"
            f" --min-r2 {min_r2!r}; the artifacts were left as they are"
        )


def check_contract(
    contract: dict[str, Any], *, max_r2_loss: float, max_change: float | None
) -> None:
    """Check the accuracy contract of a quantized model.

    Parameters
    ----------
    contract : dict
        That of a QuantizedModel. Where the loss on the held-out rows is undefined (no held-out row,
        a single one, or a target that is the same in all of them), the training rows decide.
    max_r2_loss : float
        The most that R² may fall by, on the training and on the held-out rows.
    max_change : float or None
        The most that a prediction for inputs inside the training ranges may change by, in units of
        the target; None if any change passes.

    Raises
    ------
    GateError
        If R² falls by more, its loss on the training rows is undefined, or a prediction may change
        by more.
    """
    for rows, key in (("training", "r2_loss_train"), ("held-out", "r2_loss_test")):
        loss = contract[key]
        if loss is None and rows == "held-out":
            continue
        if loss is None or not loss <= max_r2_loss:
            found = "is undefined" if loss is None else f"falls by {loss:.6g}"
            raise GateError(
                f"R² on the {rows} rows {found}; allowed is --max-r2-loss {max_r2_loss:g}:"
                " use more bits; the artifacts were left as they are"
            )
    bound = contract["max_change_bound"]
    if max_change is not None and not bound <= max_change:
        raise GateError(
            f"a prediction inside the training ranges may change by {bound:.6g}; allowed is"
            f" --max-change {max_change:g}: use more bits; the artifacts were left as they are"
        )
