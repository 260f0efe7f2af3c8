"""A JSON file for other programs.

Its fields are:

- ``target`` and ``features``: what is predicted, and the names of x[0], x[1], ... in order;
- ``intercept`` and ``coefficients``: decimals that read back as the exact float64 numbers;
- ``prediction``: the formula, whose order of operations defines the bits of a prediction;
- ``precision``: ``float64`` or, of a quantized model, ``uint8`` (``uint`` and its bits);
- ``model``: the fingerprint in ``model.json``;
- ``format``, ``version`` and ``fingerprint``: of the export itself, as in every JSON artifact;
- of a quantized model also ``bits``, ``codes``, ``exponents``, ``scale``, ``zero_point`` and, in
  ``dequantization``, the formula that turns them into ``coefficients``.
"""

from __future__ import annotations

from cali_reg.export.common import precision_name
from cali_reg.runtime import fingerprinted_json
from cali_reg.runtime.model import LinearModel, QuantizedModel

PREDICTION = (
    "((intercept + coefficients[0]*x[0]) + coefficients[1]*x[1]) + ..., each rounded to float64"
)
DEQUANTIZATION = "coefficients[j] = scale * (codes[j] - zero_point) * 2**(exponents[j] - 8)"


def to_json(model: LinearModel, quantized: QuantizedModel | None = None) -> bytes:
    """Return a JSON file that names its fields and states its formulas.

    Parameters
    ----------
    model : LinearModel
    quantized : QuantizedModel, optional
        Its codes, if these are to be exported instead of the float64 coefficients.

    Returns
    -------
    bytes
    """
    used = quantized or model
    content = {
        "target": model.target,
        "features": model.names,
        "intercept": used.intercept,
        "coefficients": used.coefficients,
        "prediction": PREDICTION,
        "precision": precision_name(quantized),
        "model": model.fingerprint,
    }
    if quantized is not None:
        fields = ("bits", "codes", "exponents", "scale", "zero_point")
        content |= {field: getattr(quantized, field) for field in fields}
        content["dequantization"] = DEQUANTIZATION
    return fingerprinted_json.dump("export", 1, content)[0]
