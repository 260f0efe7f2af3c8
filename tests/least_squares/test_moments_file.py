"""moments.json with a correct fingerprint, but a content that no training writes."""

from typing import Any

import numpy as np
import pytest
from forgeries import resealed

from cali_reg.errors import FormatError
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.moments_file import TrainTestMoments

ROWS = Moments.from_arrays(np.array([[1.0], [2.0]]), np.array([1.0, 3.0]))
GOOD = TrainTestMoments(("x",), "y", ROWS, ROWS)


def test_round_trip() -> None:
    """What is written is read back."""
    assert TrainTestMoments.from_json(GOOD.to_json()).to_json() == GOOD.to_json()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": None}, "unexpected content"),
        ({"train": {}}, "expected n_features"),
        ({"features": ["x", "z"]}, "train and test have different columns"),
    ],
)
def test_other_contents_are_rejected(changes: dict[str, Any], message: str) -> None:
    """A forged fingerprint does not help: one line says what is wrong."""
    with pytest.raises(FormatError, match=message):
        TrainTestMoments.from_json(resealed(GOOD.to_json(), **changes))
