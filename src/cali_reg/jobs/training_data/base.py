"""The interface of all training data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from cali_reg.data.summaries.summary import Summary
from cali_reg.runtime.reading.options import Reading
from cali_reg.runtime.schema import Column

EMBEDDED, FILES = "california_housing", "files"  # what the provenance calls the data

Block = npt.NDArray[np.float64]  # (n_rows, n_features)


def holds_out_none(source: dict[str, Any]) -> bool:
    """Tell whether a model was trained on all rows (``--test-size 0``).

    Parameters
    ----------
    source : dict
        The model's provenance, which may be forged.
    """
    split = source.get("split")
    test_size = split.get("test_size") if isinstance(split, dict) else None
    return type(test_size) is float and test_size == 0


class TrainingData(Protocol):
    """The rows that a model is trained on and scored on."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns to predict from."""

    @property
    def target(self) -> str:
        """Name of the column to predict."""

    @property
    def plan(self) -> dict[str, Any] | None:
        """The column plan, the field ``plan`` of ``model.json``; None without one."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What to tell the user about the rows, after `summary`."""

    def summary(self) -> Summary:
        """Return the statistics of the training rows and of the held-out rows; reads all rows."""

    def blocks(self) -> Iterator[Block]:
        """Yield the features of the training rows; reads all rows.

        Yields
        ------
        array of shape (n_rows, n_features)
        """

    @property
    def reading(self) -> Reading:
        """How the files are read, the field ``reading`` of ``model.json``."""

    def provenance(self) -> dict[str, Any]:
        """Return the provenance of the rows, the field ``source`` of ``model.json``."""
