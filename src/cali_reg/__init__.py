"""Linear regression that can be audited to the last bit.

Examples
--------
>>> from cali_reg import ExactLinearRegression, load_california_housing
>>> X, y = load_california_housing(return_X_y=True)
>>> float(ExactLinearRegression().fit(X, y).intercept_)
-36.94192020718439
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # typing takes time to import
if TYPE_CHECKING:
    from collections.abc import Callable

    from cali_reg.api.model import Model, load_model
    from cali_reg.api.training import TrainedModel, train
    from cali_reg.data.california_housing import load_california_housing
    from cali_reg.estimator import ExactLinearRegression
    from cali_reg.least_squares.moments import Moments

__version__ = "0.1.0"
__all__ = [
    "ExactLinearRegression",
    "Model",
    "Moments",
    "TrainedModel",
    "load_california_housing",
    "load_model",
    "train",
]


def lazy_exports(
    package: str, modules: dict[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and ``__dir__`` of a package that imports its names on first use.

    Importing the package then costs nothing: a prediction needs neither NumPy nor scikit-learn.

    Parameters
    ----------
    package : str
        The package's ``__name__``.
    modules : dict of str
        For each exported name the module that defines it, relative to the package.

    Returns
    -------
    __getattr__, __dir__ : callables
        See PEP 562.
    """

    def get(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"{package}.{modules[name]}"), name)

    return get, lambda: sorted({*vars(sys.modules[package]), *modules})


__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "ExactLinearRegression": "estimator",
        "Model": "api.model",
        "Moments": "least_squares.moments",
        "TrainedModel": "api.training",
        "load_california_housing": "data.california_housing",
        "load_model": "api.model",
        "train": "api.training",
    },
)
