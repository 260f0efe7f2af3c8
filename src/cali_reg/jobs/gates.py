"""The gates: a model that fails one is not written."""

from __future__ import annotations

from typing import Any

from cali_reg.errors import GateError
from cali_reg.least_squares.statistics.scores import Scores


def check_r2(test: Scores, min_r2: float | None) -> None:
    """Check the R² of a trained model.

    Parameters
    ----------
    test : Scores
        On the held-out rows.
    min_r2 : float or None
        The least R² that passes; None if any does.

    Raises
    ------
    GateError
        If R² is below `min_r2` or undefined.
    """
    if min_r2 is not None and not test.r2 >= min_r2:
        raise GateError(
            f"R² on the {test.n_samples} held-out rows is {test.r2!r}, below --min-r2 {min_r2!r};"
            " the artifacts were left as they are"
        )


def check_contract(
    contract: dict[str, Any], *, max_r2_loss: float, max_change: float | None
) -> None:
    """Check the accuracy contract of a quantized model.

    Parameters
    ----------
    contract : dict
        Of a QuantizedModel.
    max_r2_loss : float
        The most that R² may fall by, on the training and on the held-out rows.
    max_change : float or None
        The most that a prediction inside the training ranges may change by, in target units; None
        if by any amount.

    Raises
    ------
    GateError
        If R² falls by more, its loss is undefined, or a prediction may change by more.
    """
    for rows, key in (("training", "r2_loss_train"), ("held-out", "r2_loss_test")):
        loss = contract[key]
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
