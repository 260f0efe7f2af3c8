"""A model as a scikit-learn estimator, in a joblib file that loads without cali-reg."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LinearRegression

from cali_reg.export.joblib_file import joblib_bytes
from cali_reg.runtime.model import LinearModel


def to_scikit_learn(model: LinearModel) -> bytes:
    """Return a joblib file of a `LinearRegression` with the model's coefficients.

    Parameters
    ----------
    model : LinearModel
    """
    regression = LinearRegression()
    regression.coef_ = np.array(model.coefficients)
    regression.intercept_ = model.intercept
    regression.n_features_in_ = len(model.features)
    return joblib_bytes(regression)
