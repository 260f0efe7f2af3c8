"""Linear regression that can be audited to the last bit.

Examples
--------
>>> from cali_reg import ExactLinearRegression, load_california_housing
>>> X, y = load_california_housing(return_X_y=True)
>>> float(ExactLinearRegression().fit(X, y).intercept_)
-36.94192020718439
"""

TYPE_CHECKING = False  # importing typing for it would take an eighth of a prediction's time
if TYPE_CHECKING:
    from cali_reg.data.california_housing import load_california_housing
    from cali_reg.estimator import ExactLinearRegression
    from cali_reg.least_squares.moments import Moments

__version__ = "0.1.0"
__all__ = ["ExactLinearRegression", "Moments", "load_california_housing"]

_HOMES = {
    "ExactLinearRegression": "estimator",
    "Moments": "least_squares.moments",
    "load_california_housing": "data.california_housing",
}


def __getattr__(name: str) -> object:
    """Import on first use: a prediction needs neither NumPy nor scikit-learn."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
