"""Load a model and predict rows, with the standard library only, as in the container."""

from __future__ import annotations

from cali_reg import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cali_reg.runtime.model import LinearModel, QuantizedModel
    from cali_reg.runtime.predictor import Prediction, Predictor, load_model
    from cali_reg.runtime.row_validator import RowValidator
    from cali_reg.runtime.schema import Column

__all__ = [
    "Column",
    "LinearModel",
    "Prediction",
    "Predictor",
    "QuantizedModel",
    "RowValidator",
    "load_model",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Column": "schema",
        "LinearModel": "model",
        "Prediction": "predictor",
        "Predictor": "predictor",
        "QuantizedModel": "model",
        "RowValidator": "row_validator",
        "load_model": "predictor",
    },
)
