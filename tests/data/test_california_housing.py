"""The embedded data is California Housing, bit for bit."""

import gzip
import hashlib
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import fetch_california_housing
from sklearn.model_selection import train_test_split

import cali_reg
from cali_reg.data import california_housing
from cali_reg.errors import UsageError

ORIGINAL_SHA256 = "a2b44dcc7e1c9091b43c4f458b25cbd1f7e8068d08edd26bc4703108d3fa6214"
EMBEDDED = Path(cali_reg.__file__).parent / "data" / "california_housing.csv.gz"
# The order of the columns in scikit-learn's own cache file.
SKLEARN_ORDER = [8, 7, 2, 3, 4, 5, 6, 1, 0]


@pytest.fixture(scope="module")
def original() -> np.ndarray:
    """Return the nine original columns, read by other means than the package's."""
    with gzip.open(EMBEDDED, "rt") as file:
        next(file)
        return np.array([[float(cell) for cell in line.split(",")] for line in file])


@pytest.fixture(scope="module")
def sklearn_home(original: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a cache folder as scikit-learn's download leaves it."""
    home = tmp_path_factory.mktemp("scikit_learn_data")
    joblib.dump(original[:, SKLEARN_ORDER], home / "cal_housing_py3.pkz", compress=6)
    return str(home)


def test_embedded_data_is_the_original_file(original: np.ndarray) -> None:
    """Written as the original, the embedded columns have the original's hash."""
    text = "".join(",".join(f"{value:.6f}" for value in row) + "\n" for row in original)
    assert hashlib.sha256(text.encode()).hexdigest() == ORIGINAL_SHA256


def test_loader_equals_scikit_learns(sklearn_home: str) -> None:
    """Same bits, names, order and shapes as fetch_california_housing."""
    theirs = fetch_california_housing(data_home=sklearn_home, download_if_missing=False)
    ours = cali_reg.load_california_housing()
    assert ours.data.shape == (20640, 8)
    assert ours.data.tobytes("C") == theirs.data.tobytes("C")
    assert ours.target.tobytes() == theirs.target.tobytes()
    assert ours.feature_names == theirs.feature_names
    assert ours.target_names == theirs.target_names
    assert ours.frame is None
    assert "Pace & Barry" in ours.DESCR


@pytest.mark.network
@pytest.mark.filterwarnings("default")  # a second try is no failure
def test_download_equals_the_embedded_data(tmp_path: Path) -> None:
    """What scikit-learn downloads today has the bits of the embedded data."""
    theirs = fetch_california_housing(data_home=str(tmp_path), n_retries=5, delay=10.0)
    ours = cali_reg.load_california_housing()
    assert ours.data.tobytes("C") == theirs.data.tobytes("C")
    assert ours.target.tobytes() == theirs.target.tobytes()


def test_loader_returns_frames_as_scikit_learn(sklearn_home: str) -> None:
    """With as_frame, data, target and frame are the same pandas objects."""
    theirs = fetch_california_housing(
        data_home=sklearn_home, download_if_missing=False, as_frame=True
    )
    ours = cali_reg.load_california_housing(as_frame=True)
    pd.testing.assert_frame_equal(ours.data, theirs.data, check_exact=True)
    pd.testing.assert_series_equal(ours.target, theirs.target, check_exact=True)
    pd.testing.assert_frame_equal(ours.frame, theirs.frame, check_exact=True)


def test_loader_returns_a_pair() -> None:
    """With return_X_y, it returns data and target, as arrays or as pandas objects."""
    X, y = cali_reg.load_california_housing(return_X_y=True)
    assert (X.shape, y.shape) == ((20640, 8), (20640,))
    X, y = cali_reg.load_california_housing(return_X_y=True, as_frame=True)
    assert list(X.columns) == list(california_housing.FEATURES)
    assert y.name == "MedHouseVal"


def test_split_is_scikit_learns() -> None:
    """The default split is train_test_split(test_size=0.2, random_state=42)."""
    table = california_housing.california_housing()
    rows, held_out = california_housing.split(table, 0.2, 42)
    X, X_test, y, y_test = train_test_split(table.X, table.y, test_size=0.2, random_state=42)
    for ours, theirs in zip(
        (rows.X, held_out.X, rows.y, held_out.y), (X, X_test, y, y_test), strict=True
    ):
        assert ours.tobytes() == theirs.tobytes()


def test_split_without_training_rows_is_refused() -> None:
    """A test size that leaves nothing to train on gets a clear error."""
    with pytest.raises(UsageError, match="leaves no training row of 20640"):
        california_housing.split(california_housing.california_housing(), 0.99999, 42)
