"""A model as a scikit-learn estimator, in a joblib file that loads without cali-reg."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LinearRegression

from cali_reg.export.joblib_file import joblib_bytes
from cali_reg.runtime.model import LinearModel


def to_scikit_learn(model: LinearModel) -> bytes:
    """Return a joblib file of a `LinearRegression` with the model's coefficients.

    It has what fitting on a data frame gives, with the same types, but for ``singular_``: singular
    values come from LAPACK, whose roundings differ from machine to machine.

    Parameters
    ----------
    model : LinearModel
        One of version 1 gives the file of its time: no names, no rank, and Python's float.
    """
    regression = LinearRegression(fit_intercept=model.fit_intercept)
    regression.coef_ = np.array(model.coefficients)
    regression.intercept_ = model.intercept
    regression.n_features_in_ = len(model.features)
    if model.version > 1:
        if model.fit_intercept:  # without one scikit-learn has Python's 0.0
            regression.intercept_ = np.float64(model.intercept)
        regression.feature_names_in_ = np.array(model.names, dtype=object)
        regression.rank_ = model.rank
    return joblib_bytes(regression)
