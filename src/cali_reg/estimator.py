"""ExactLinearRegression: exact least squares as a scikit-learn estimator."""

from __future__ import annotations

import math
import warnings
from decimal import Decimal
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from cali_reg.errors import CollinearityWarning, DataError
from cali_reg.least_squares.collinearity import find_rounding_dependent
from cali_reg.least_squares.conversion import check_table, exact_float64, strip_names
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.predictions import predict
from cali_reg.least_squares.solution import Solution, solve
from cali_reg.least_squares.statistics.multicollinearity import multicollinearity
from cali_reg.least_squares.statistics.regression_table import RegressionTable, regression_table
from cali_reg.least_squares.statistics.summary import Summary
from cali_reg.runtime.schema import format_names


class ExactLinearRegression(RegressorMixin, BaseEstimator):
    """Linear least squares, correctly rounded: the same bits on every machine, in any row order.

    It minimizes ``sum((y - intercept - X @ coef)**2) + alpha * sum(coef**2)`` in exact arithmetic
    and rounds each result once. For linearly dependent columns it returns the solution of least
    norm. It follows scikit-learn's conventions and works in its pipelines and searches.

    Parameters
    ----------
    fit_intercept : bool, default=True
        Whether to fit an intercept; without one it is zero.
    alpha : float, default=0.0
        Ridge penalty on the squared coefficients, zero or above; the intercept has none.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Coefficients, in target units over the units of each feature.
    intercept_ : float
        0.0 without an intercept.
    standard_errors_ : ndarray of shape (n_features,)
        Standard errors of the coefficients; NaN without residual degrees of freedom, and with a
        penalty. Computed when first read.
    r2_uncentered_ : float
        ``1 - sum((y - prediction)**2) / sum(y**2)`` over the rows of `fit`, exactly, rounded once:
        the R² that R, Stata, statsmodels and NIST print for a fit without an intercept. NaN if all
        targets are zero. Computed when first read.
    params_, bse_, tvalues_, pvalues_ : ndarray of shape (n_features + 1,)
        Coefficients, their (classical) standard errors, t, and p of two-sided tests that they are
        zero, as statsmodels names and orders them: that of the intercept first, if there is one.
        NaN where undefined.
    nobs_, df_model_, df_resid_ : int
        Number of rows, rank of the features, and residual degrees of freedom.
    rsquared_, rsquared_adj_, fvalue_, f_pvalue_, llf_, aic_, bic_, scale_ : float
        As statsmodels defines them: without an intercept R² and F are about zero; AIC and BIC count
        the coefficients and the intercept; `scale_` is the residual variance. NaN where undefined:
        `summary` says why. All these are correctly rounded, and computed when first read.
    rank_ : int
        Rank of the features about their means (about zero without an intercept), exactly.
    moments_ : Moments
        The exact sums of the rows: all that the fit keeps of them.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns; only if `fit` got a table whose column names are strings.

    Notes
    -----
    `X` is anything with rows and columns that scikit-learn accepts: a NumPy array, a list of lists,
    a pandas or polars DataFrame, a PyArrow Table; `y` an array, a list, a Series or an Arrow array.
    Columns hold floats, integers, booleans or decimals, which become the nearest float64. No other
    number is rounded: `fit` and `predict` reject what no float64 is equal to, such as the integer
    2**53 + 1. Blanks around the names of columns do not count. Files are read by the same rules.
    Messages count rows from 1.

    ``score(X, y)`` is scikit-learn's: R² of `predict`, in ordinary float64 arithmetic. It compares
    with the mean of `y`, with ``fit_intercept=False``, too, where other programs compare with zero
    (`r2_uncentered_`). Exact scores are in `cali_reg.least_squares`.

    Examples
    --------
    >>> from cali_reg import ExactLinearRegression
    >>> model = ExactLinearRegression().fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 4.0])
    >>> model.coef_, model.intercept_
    (array([2.]), -0.3333333333333333)
    >>> model.predict([[3.0]])
    array([5.66666667])
    """

    _solution: Solution

    def __init__(self, fit_intercept: bool = True, alpha: float = 0.0) -> None:
        self.fit_intercept = fit_intercept
        self.alpha = alpha

    def fit(self, X: Any, y: Any) -> Self:
        """Fit the model to rows; what was fitted before is forgotten.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            The features; see Notes of the class for the types.
        y : array-like of shape (n_samples,)
            The target.

        Returns
        -------
        self

        Raises
        ------
        DataError
            For NaN, infinity, missing or masked values, a number that no float64 is equal to, a
            column of dates or categories, an invalid parameter, or a coefficient beyond float64.
            It is a ValueError; the message names the column and the row.
        ValueError
            For text, complex numbers, no rows, and shapes that do not fit.
        TypeError
            For a sparse matrix.

        Warns
        -----
        CollinearityWarning
            If columns depend on others up to the rounding of their values, as ``total = net +
            ship`` in cents does: the coefficients are exact, and fit the roundings. Not with a
            penalty.
        """
        return self._solve(self._moments(X, y, reset=True))

    def partial_fit(self, X: Any, y: Any) -> Self:
        """Add rows to those of earlier calls of `fit` and `partial_fit`.

        The model then has the same bits as one that was fitted to all rows at once.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            More rows of the same columns.
        y : array-like of shape (n_samples,)
            The target.

        Returns
        -------
        self

        Raises
        ------
        DataError, ValueError, TypeError
            As `fit` does, and ValueError for other columns. The model is then as it was before.

        Examples
        --------
        >>> model = ExactLinearRegression().partial_fit([[0.0], [1.0]], [0.0, 1.0])
        >>> model.partial_fit([[2.0]], [4.0]).coef_
        array([2.])
        """
        first = not hasattr(self, "moments_")
        moments = self._moments(X, y, reset=first)
        return self._solve(moments if first else self.moments_ + moments)

    def predict(self, X: Any) -> npt.NDArray[np.float64]:
        """Predict rows: ``((b + w0 x0) + w1 x1) + ...``, left to right, one rounding an operation.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            The features, of the types that `fit` takes.

        Returns
        -------
        ndarray of shape (n_samples,)
            In target units.

        Raises
        ------
        NotFittedError
            Before the first `fit`.
        DataError
            For a number that no float64 is equal to. It is a ValueError; the message names the
            column and the row.
        ValueError
            For NaN, infinity, text, other columns or other shapes than in `fit`.
        TypeError
            For a sparse matrix.
        """
        check_is_fitted(self)
        X = strip_names(X)
        check_table(X)
        X = validate_data(self, X, dtype="numeric", reset=False)
        X = exact_float64(X, self._names).astype(np.float64, copy=False)
        return predict(X, self.coef_.tolist(), self.intercept_)

    @property
    def standard_errors_(self) -> npt.NDArray[np.float64]:
        """Standard errors of the coefficients, (n_features,); computed when first read."""
        check_is_fitted(self)
        return np.array(self._solution.standard_errors)

    @property
    def r2_uncentered_(self) -> float:
        """R² of the rows of `fit` about zero; computed when first read."""
        check_is_fitted(self)
        return self._solution.r2_uncentered

    @property
    def params_(self) -> npt.NDArray[np.float64]:
        """The intercept, if there is one, and the coefficients."""
        return self._column("coefficient")

    @property
    def bse_(self) -> npt.NDArray[np.float64]:
        """Standard errors of `params_`."""
        return self._column("standard_error")

    @property
    def tvalues_(self) -> npt.NDArray[np.float64]:
        """Student's t of `params_`."""
        return self._column("t")

    @property
    def pvalues_(self) -> npt.NDArray[np.float64]:
        """Two-sided p values of `params_`."""
        return self._column("p")

    @property
    def nobs_(self) -> int:
        """Number of rows."""
        return self._table().n_samples

    @property
    def df_model_(self) -> int:
        """Rank of the features."""
        return self._table().rank

    @property
    def df_resid_(self) -> int:
        """Residual degrees of freedom."""
        return self._table().degrees_of_freedom

    @property
    def rsquared_(self) -> float:
        """R², about zero without an intercept."""
        return _or_nan(self._table().r2)

    @property
    def rsquared_adj_(self) -> float:
        """Adjusted R², about zero without an intercept."""
        return _or_nan(self._table().adjusted_r2)

    @property
    def fvalue_(self) -> float:
        """F of the test that all coefficients are zero."""
        return _or_nan(self._table().f_test.f)

    @property
    def f_pvalue_(self) -> float:
        """P of `fvalue_`."""
        return _or_nan(self._table().f_test.p)

    @property
    def llf_(self) -> float:
        """Log-likelihood of normal errors."""
        return _or_nan(self._table().log_likelihood)

    @property
    def aic_(self) -> float:
        """Akaike's information criterion."""
        return _or_nan(self._table().aic)

    @property
    def bic_(self) -> float:
        """Bayesian information criterion."""
        return _or_nan(self._table().bic)

    @property
    def scale_(self) -> float:
        """Residual variance."""
        check_is_fitted(self)
        return math.nan if self.alpha else self._solution.residual_variance

    def conf_int(self, alpha: float = 0.05) -> npt.NDArray[np.float64]:
        """Return confidence intervals of `params_`.

        Parameters
        ----------
        alpha : float, default=0.05
            1 less the level, as in statsmodels; the penalty has the same name.

        Returns
        -------
        ndarray of shape (n_features + 1, 2)
            Lower and upper ends; NaN where undefined.

        Raises
        ------
        NotFittedError
            Before the first `fit`.
        DataError
            For a number that is not between 0 and 1.

        Examples
        --------
        >>> model = ExactLinearRegression().fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 4.0])
        >>> model.conf_int().round(3).tolist()
        [[-9.804, 9.137], [-5.336, 9.336]]
        """
        level = float(1 - Decimal(str(float(alpha))))
        return np.column_stack([self._column("low", level), self._column("high", level)])

    def summary(self, level: float = 0.95, *, details: bool = False) -> Summary:
        """Return the regression table of the rows of `fit`.

        Parameters
        ----------
        level : float, default=0.95
            Of the confidence intervals, between 0 and 1.
        details : bool, default=False
            Whether to compute the inflation of variances and the condition number, too.

        Returns
        -------
        Summary
            It prints as text; notebooks show it as HTML; ``to_dict()`` has the numbers.

        Raises
        ------
        NotFittedError
            Before the first `fit`.
        DataError
            For a level that is not between 0 and 1.

        Examples
        --------
        >>> model = ExactLinearRegression().fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 4.0])
        >>> model.summary().to_dict()["f_test"]["f"]
        12.0
        """
        table = self._table(level)
        return Summary(table, multicollinearity(self._solution, self._names) if details else None)

    def _table(self, level: float = 0.95) -> RegressionTable:
        check_is_fitted(self)
        if level not in self._tables:
            self._tables[level] = regression_table(self._solution, self._names, level=level)
        return self._tables[level]

    def _column(self, name: str, level: float = 0.95) -> npt.NDArray[np.float64]:
        rows = self._table(level).coefficients
        return np.array([_or_nan(getattr(row, name)) for row in rows])

    def _moments(self, X: Any, y: Any, *, reset: bool) -> Moments:
        X = strip_names(X)
        check_table(X)
        check_table(y)
        X, y = validate_data(
            self, X, y, reset=reset, dtype="numeric", y_numeric=True, ensure_all_finite=False
        )
        return Moments.from_arrays(X, y, names=[*self._names, "y"])

    @property
    def _names(self) -> list[str]:
        """Names of the columns, for messages."""
        return list(
            getattr(self, "feature_names_in_", [f"x{j}" for j in range(self.n_features_in_)])
        )

    def _warn_of_roundings(self, moments: Moments, names: Any) -> None:
        found = find_rounding_dependent(
            moments, self._solution.dependent, fit_intercept=bool(self.fit_intercept)
        )
        if found:
            columns = [f"x{j}" if names is None else str(names[j]) for j in found]
            warnings.warn(
                f"columns that depend on others up to the rounding of their values:"
                f" {format_names(columns)}; their coefficients fit roundings: drop them, or use"
                " alpha > 0",
                CollinearityWarning,
                stacklevel=4,
            )

    def _solve(self, moments: Moments) -> Self:
        if not isinstance(self.fit_intercept, bool | np.bool_):
            raise DataError(f"fit_intercept is {self.fit_intercept!r}; expected True or False")
        names = getattr(self, "feature_names_in_", None)
        self._solution = solve(
            moments, fit_intercept=bool(self.fit_intercept), alpha=self.alpha, names=names
        )
        if not self.alpha:
            self._warn_of_roundings(moments, names)
        self.moments_ = moments
        self._tables: dict[float, RegressionTable] = {}
        self.coef_ = np.array(self._solution.coefficients)
        self.intercept_ = self._solution.intercept
        self.rank_ = self._solution.rank
        return self


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
