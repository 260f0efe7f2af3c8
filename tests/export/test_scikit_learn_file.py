"""The joblib file of scikit-learn: what a fit on a data frame leaves, and nothing that may vary."""

import io
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from cali_reg.data import california_housing
from cali_reg.export.scikit_learn_file import to_scikit_learn
from cali_reg.runtime import artifacts
from cali_reg.runtime.model import LinearModel

VERSION_1 = Path(__file__).parents[1] / "support" / "version_1"


@pytest.fixture(scope="module")
def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the default training and held-out rows, with the target in the last column."""
    parts = california_housing.split(california_housing.california_housing())
    names = list(california_housing.FEATURES)
    train, test = (pd.DataFrame(part.X, columns=names).assign(y=part.y) for part in parts)
    return train, test


@pytest.fixture
def loaded(made: Path) -> LinearRegression:
    """Return the default model as scikit-learn's object."""
    return joblib.load(made / "linear_model.joblib")


def test_it_is_what_fitting_gives(
    loaded: LinearRegression, frames: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    """The attributes of a fit on a data frame, with their types, but for the singular values."""
    train, _ = frames
    fitted = vars(LinearRegression().fit(train.drop(columns="y"), train["y"]))
    del fitted["singular_"]
    found = vars(loaded)
    types = {name: type(value) for name, value in fitted.items()}
    assert {name: type(value) for name, value in found.items()} == types
    for name in ("coef_", "feature_names_in_"):
        assert (found[name].dtype, found[name].shape) == (fitted[name].dtype, fitted[name].shape)
    assert found["rank_"] == fitted["rank_"]
    assert found["feature_names_in_"].tolist() == fitted["feature_names_in_"].tolist()


@pytest.mark.filterwarnings("error")
def test_columns_are_known_by_name(
    loaded: LinearRegression, frames: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    """A frame in the order of training predicts without a warning; in another it is an error."""
    _, test = frames
    X = test.drop(columns="y")
    assert np.sqrt(np.mean((loaded.predict(X) - test["y"]) ** 2)) == pytest.approx(0.7455813830)
    with pytest.raises(ValueError, match="same order"):
        loaded.predict(X[sorted(X.columns)])
    with pytest.raises(ValueError, match="feature names"):
        loaded.predict(X.rename(columns={"MedInc": "income"}))


def test_the_intercept_has_the_methods_of_numpy(loaded: LinearRegression) -> None:
    """Converters to ONNX call them on the intercept, as on the coefficients."""
    assert loaded.intercept_.astype(np.float64).reshape(1).tolist() == [loaded.intercept_]


def test_names_of_any_text(made: Path) -> None:
    """Names of features are text, whatever they hold, and the same bytes each time."""
    model = artifacts.read_model(made)
    names = ("a=1", "é", "", "x y", "MedInc", "'", "\n", "日" * 50)
    features = [f._replace(name=name) for f, name in zip(model.features, names, strict=True)]
    data = to_scikit_learn(model._replace(features=tuple(features)))
    assert tuple(joblib.load(io.BytesIO(data)).feature_names_in_) == names
    copies = [f._replace(name="".join(list(f.name))) for f in features]
    assert to_scikit_learn(model._replace(features=tuple(copies))) == data


def test_version_1_keeps_its_form() -> None:
    """A model of the first version gives the attributes that its file always had."""
    model: LinearModel = artifacts.read_model(VERSION_1)
    found = vars(joblib.load(io.BytesIO(to_scikit_learn(model))))
    assert not {"feature_names_in_", "rank_"} & found.keys()
    assert type(found["intercept_"]) is float
