"""The embedded data set California Housing, and its usual split into two tables."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from cali_reg.errors import UsageError

FEATURES = (
    "MedInc",
    "HouseAge",
    "AveRooms",
    "AveBedrms",
    "Population",
    "AveOccup",
    "Latitude",
    "Longitude",
)
TARGET = "MedHouseVal"


@dataclass(frozen=True)
class Table:
    """A numeric table in memory.

    Attributes
    ----------
    names : tuple of str
        Names of the features.
    target : str
        Name of the target.
    X : array of shape (n_samples, n_features)
    y : array of shape (n_samples,)
    """

    names: tuple[str, ...]
    target: str
    X: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]


def load_california_housing(return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Return California Housing as scikit-learn's `fetch_california_housing` does, bit for bit.

    20,640 block groups of the 1990 census with 8 features; the target is the median house value
    in 100,000 dollars (Pace & Barry, Sparse Spatial Autoregressions, Statistics and Probability
    Letters 33, 1997). The data is part of this package: no network is needed.

    Parameters
    ----------
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Return pandas objects; needs pandas.

    Returns
    -------
    Bunch, or tuple of two arrays
        The Bunch has ``data`` (20640, 8), ``target`` (20640,), ``feature_names``, ``target_names``,
        ``DESCR`` and ``frame``.

    Examples
    --------
    >>> from cali_reg import load_california_housing
    >>> X, y = load_california_housing(return_X_y=True)
    >>> X.shape, float(y[0])
    ((20640, 8), 4.526)
    """
    from sklearn.utils import Bunch

    X, y = _california_housing()
    frame = None
    if as_frame:
        import pandas as pd

        frame = pd.DataFrame(np.column_stack([X, y]), columns=[*FEATURES, TARGET])
        X, y = frame[list(FEATURES)], frame[TARGET]
    if return_X_y:
        return X, y
    return Bunch(
        data=X,
        target=y,
        frame=frame,
        target_names=[TARGET],
        feature_names=list(FEATURES),
        DESCR=load_california_housing.__doc__,
    )


def california_housing() -> Table:
    """Return California Housing as a Table."""
    X, y = _california_housing()
    return Table(FEATURES, TARGET, X, y)


def split(table: Table, test_size: float = 0.2, seed: int = 42) -> tuple[Table, Table]:
    """Split a table as scikit-learn's ``train_test_split`` does, with ``random_state=seed``.

    Parameters
    ----------
    table : Table
    test_size : float, default=0.2
        Fraction of the rows to hold out, below 1; with 0 no row is held out.
    seed : int, default=42
        0 to 2**32 - 1.

    Returns
    -------
    rows, held_out : Table
        The training rows and the held-out rows.

    Raises
    ------
    UsageError
        If no training row is left.
    """
    if not test_size:
        return table, Table(table.names, table.target, table.X[:0], table.y[:0])
    from sklearn.model_selection import train_test_split

    try:
        X, X_test, y, y_test = train_test_split(
            table.X, table.y, test_size=test_size, random_state=seed
        )
    except ValueError:
        raise UsageError(
            f"--test-size {test_size} leaves no training row of {len(table.y)}; choose a smaller"
            " fraction"
        ) from None
    names, target = table.names, table.target
    return Table(names, target, X, y), Table(names, target, X_test, y_test)


def _california_housing() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Compute the features from the original columns, by scikit-learn's own operations."""
    resource = resources.files("cali_reg") / "data" / "california_housing.csv.gz"
    with resources.as_file(resource) as path:
        columns = np.loadtxt(path, delimiter=",", skiprows=1, unpack=True)
    longitude, latitude, age, rooms, bedrooms, population, households, income, value = columns
    rooms, bedrooms, occupancy = rooms / households, bedrooms / households, population / households
    X = [income, age, rooms, bedrooms, population, occupancy, latitude, longitude]
    return np.column_stack(X), value / 100000.0
