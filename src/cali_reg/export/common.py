"""What several export formats share."""

from __future__ import annotations

import math

from cali_reg.errors import UsageError
from cali_reg.runtime.model import LinearModel, QuantizedModel


def precision_name(quantized: QuantizedModel | None) -> str:
    """Return the name of an export's precision: ``float64``, or ``uint`` and the codes' bits.

    Parameters
    ----------
    quantized : QuantizedModel or None
        None for the float64 model.
    """
    return "float64" if quantized is None else f"uint{quantized.bits}"


def powers_of_two(model: LinearModel, quantized: QuantizedModel) -> list[float]:
    """Return ``2**(exponent - 8)`` of each feature, exactly.

    Parameters
    ----------
    model : LinearModel
        For the features' names.
    quantized : QuantizedModel
        With the exponents.

    Returns
    -------
    list of n_features floats

    Raises
    ------
    UsageError
        If this power, or the scale times it, is not a float64.
    """
    powers = []
    for name, exponent in zip(model.names, quantized.exponents, strict=True):
        if not -1066 <= exponent <= 1023:
            raise UsageError(
                f"feature {name!r}: its code has the exponent {exponent}; expected -1066 to 1023:"
                " use --precision float64"
            )
        powers.append(math.ldexp(1.0, exponent - 8))
    return powers
