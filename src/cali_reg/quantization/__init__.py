"""Coefficients to the closest integer codes, with an accuracy contract."""

from __future__ import annotations

from cali_reg import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cali_reg.quantization.closest_vector import Closest, closest
    from cali_reg.quantization.quantizer import Quantized, narrowest, quantize

__all__ = ["Closest", "Quantized", "closest", "narrowest", "quantize"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Closest": "closest_vector",
        "Quantized": "quantizer",
        "closest": "closest_vector",
        "narrowest": "quantizer",
        "quantize": "quantizer",
    },
)
