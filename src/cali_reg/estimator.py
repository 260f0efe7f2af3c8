"""scikit-learn's face of the exact solution."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from cali_reg.errors import DataError
from cali_reg.least_squares.conversion import check_table
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.predictions import predict
from cali_reg.least_squares.solution import Solution, solve


class ExactLinearRegression(RegressorMixin, BaseEstimator):
    """Least squares, correctly rounded: the same bits on every machine, in any row order.

    Parameters
    ----------
    fit_intercept : bool, default=True
    alpha : float, default=0.0
        Ridge penalty on the squared coefficients (not on the intercept).

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
    intercept_ : float
    standard_errors_ : ndarray of shape (n_features,)
        NaN without residual degrees of freedom, and with a penalty.
    moments_ : Moments
        All that the fit keeps of the data.
    rank_ : int
        Rank of the centred data, exactly.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from cali_reg import ExactLinearRegression
    >>> model = ExactLinearRegression().fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 4.0])
    >>> model.coef_, model.intercept_
    (array([2.]), -0.3333333333333333)
    """

    _solution: Solution

    def __init__(self, fit_intercept: bool = True, alpha: float = 0.0) -> None:
        self.fit_intercept = fit_intercept
        self.alpha = alpha

    def fit(self, X: Any, y: Any) -> Self:
        """Fit to the rows of `X` (n_samples, n_features) and `y` (n_samples,)."""
        return self._solve(self._moments(X, y, reset=True))

    def partial_fit(self, X: Any, y: Any) -> Self:
        """Add rows to those of earlier calls; the model is then that of all rows at once."""
        first = not hasattr(self, "moments_")
        moments = self._moments(X, y, reset=first)
        return self._solve(moments if first else self.moments_ + moments)

    def predict(self, X: Any) -> npt.NDArray[np.float64]:
        """Return ``((b + w0 x0) + w1 x1) + ...`` for each row, one rounding an operation."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return predict(X, self.coef_.tolist(), self.intercept_)

    @property
    def standard_errors_(self) -> npt.NDArray[np.float64]:
        """Standard errors of the coefficients, (n_features,); computed when first asked for."""
        check_is_fitted(self)
        return np.array(self._solution.standard_errors)

    def _moments(self, X: Any, y: Any, *, reset: bool) -> Moments:
        check_table(X)
        check_table(y)
        X, y = validate_data(
            self, X, y, reset=reset, dtype="numeric", y_numeric=True, ensure_all_finite=False
        )
        names = getattr(self, "feature_names_in_", [f"x{j}" for j in range(X.shape[1])])
        return Moments.from_arrays(X, y, names=[*names, "y"])

    def _solve(self, moments: Moments) -> Self:
        if not isinstance(self.fit_intercept, bool | np.bool_):
            raise DataError(f"fit_intercept is {self.fit_intercept!r}; expected True or False")
        names = getattr(self, "feature_names_in_", None)
        self._solution = solve(
            moments, fit_intercept=bool(self.fit_intercept), alpha=self.alpha, names=names
        )
        self.moments_ = moments
        self.coef_ = np.array(self._solution.coefficients)
        self.intercept_ = self._solution.intercept
        self.rank_ = self._solution.rank
        return self
