"""Exports of a model for other programs: a C header, an ONNX graph, a JSON file.

The same model is the same bytes on every machine; none of them holds a version or a time.

The JSON file has these fields:

- ``target`` and ``features``: what is predicted, and the names of x[0], x[1], ... in order;
- ``intercept`` and ``coefficients``: decimals that read back as the exact float64 numbers;
- ``prediction``: the formula, whose order of operations defines the bits of a prediction;
- ``precision``: ``float64`` or, of a quantized model, ``uint8`` (``uint`` and its bits);
- ``model``: the fingerprint in ``model.json``;
- ``format``, ``version`` and ``fingerprint``: of the export itself, as in every file of ours;
- of a quantized model also ``bits``, ``codes``, ``exponents``, ``scale``, ``zero_point`` and, in
  ``dequantization``, the formula that turns them into ``coefficients``.
"""

from __future__ import annotations

import json
import math
import string
import struct
from collections.abc import Sequence
from pathlib import Path

from cali_reg.errors import UsageError
from cali_reg.runtime import artifacts, fingerprinted_json
from cali_reg.runtime.model import LinearModel, QuantizedModel

TYPE_CHECKING = False  # see __init__.py
if TYPE_CHECKING:
    from typing import Any

PREDICTION = (
    "((intercept + coefficients[0]*x[0]) + coefficients[1]*x[1]) + ..., each rounded to float64"
)
DEQUANTIZATION = "coefficients[j] = scale * (codes[j] - zero_point) * 2**(exponents[j] - 8)"

# What a C string and a C comment may hold as it is: a quote, a backslash, */ or a trigraph would
# end or change them, and invisible characters could hide what a compiler sees.
_PLAIN = frozenset(f"{string.ascii_letters}{string.digits} _-+=.,:;()[]<>%&".encode())

_C_NOTES = """\
 *
 * A prediction is ((b + w0*x0) + w1*x1) + ..., left to right in float64, one rounding an
 * operation, and has the bits of `cali-reg predict`. A compiler may round a product and a sum at
 * once, as if by fma(); -ffp-contract=off forbids it, and here, under any flags, volatile does.
 */"""

_C_CHECK = """\
#if DBL_MANT_DIG != 53 || FLT_EVAL_METHOD < 0 || FLT_EVAL_METHOD == 2 || defined __FAST_MATH__
#error "needs plain float64 arithmetic: no -ffast-math; on 32-bit x86, -msse2 -mfpmath=sse"
#endif"""

_C_PREDICT = """\
/* Predict one row: x[j] is the value of the feature cali_reg_features[j]. */
static inline double cali_reg_predict(const double x[CALI_REG_N_FEATURES])
{
    double prediction = CALI_REG_INTERCEPT;
    for (int j = 0; j < CALI_REG_N_FEATURES; j++) {
        volatile double product = cali_reg_coefficient(j) * x[j];
        prediction += product;
    }
    return prediction;
}"""


def export(folder: Path, kind: str, precision: str) -> bytes:
    """Return the bytes of an export; `kind` is c, onnx or json, `precision` float64 or uint8.

    Raises ArtifactError or FormatError if the model is missing or damaged, UsageError if onnx is
    not installed.
    """
    model = artifacts.load_model(folder)
    quantized = artifacts.load_quantized(folder, model) if precision == "uint8" else None
    return {"c": to_c, "onnx": to_onnx, "json": to_json}[kind](model, quantized)


def to_json(model: LinearModel, quantized: QuantizedModel | None = None) -> bytes:
    """Return a JSON file that explains itself; see above for its fields."""
    used = quantized or model
    content = {
        "target": model.target,
        "features": model.names,
        "intercept": used.intercept,
        "coefficients": used.coefficients,
        "prediction": PREDICTION,
        "precision": _precision(quantized),
        "model": model.fingerprint,
    }
    if quantized is not None:
        fields = ("bits", "codes", "exponents", "scale", "zero_point")
        content |= {field: getattr(quantized, field) for field in fields}
        content["dequantization"] = DEQUANTIZATION
    return fingerprinted_json.dump("export", 1, content)


def to_c(model: LinearModel, quantized: QuantizedModel | None = None) -> bytes:
    """Return a C99 header with the model's numbers, exactly, and ``cali_reg_predict``.

    It needs no library, and compiles as C++17, too.
    """
    names = [_c_string(name) for name in model.names]
    # Of the model, so that including two models is an error and not silently the first of them.
    guard = f"CALI_REG_{model.fingerprint[:16]}_{_precision(quantized)}_H".upper()
    values = _c_coefficients(model) if quantized is None else _c_codes(model, quantized)
    parts = [
        "/* A linear regression, exported by cali-reg: C99, or C++17, without dependencies.\n *",
        f" * Predicts {_c_string(model.target)} from",
        *(f" *     x[{j}] {name}" for j, name in enumerate(names)),
        f" * Precision: {_precision(quantized)}\n * Model: {model.fingerprint}",
        f"{_C_NOTES}\n#ifndef {guard}\n#define {guard}\n\n#include <float.h>",
        *(["#include <stdint.h>"] if quantized else []),
        f"\n{_C_CHECK}\n",
        f"#define CALI_REG_N_FEATURES {len(names)}",
        f"#define CALI_REG_INTERCEPT ({_c_float((quantized or model).intercept)})\n",
        f"{_c_array('char *const', 'features', names)}\n\n{values}\n\n{_C_PREDICT}\n\n#endif\n",
    ]
    return "\n".join(parts).encode("ascii")


def to_onnx(model: LinearModel, quantized: QuantizedModel | None = None) -> bytes:
    """Return an ONNX model: X (n_samples, n_features) to y (n_samples, 1), both float64.

    ``MatMul`` adds up in an order of its own: the last bits may differ from `LinearModel.predict`.
    The codes of a quantized model stay integers and become float64 inside of the graph, exactly.

    Raises
    ------
    UsageError
        If onnx is not installed.
    """
    try:
        from onnx import TensorProto, helper
    except ImportError:
        raise UsageError("needs the extra cali-reg[onnx]: pip install 'cali-reg[onnx]'") from None
    nodes, tensors = _onnx_coefficients(model, quantized)
    nodes += [
        helper.make_node("MatMul", ["X", "coefficients"], ["weighted_sum"]),
        helper.make_node("Add", ["weighted_sum", "intercept"], ["y"]),
    ]
    tensors.append(_onnx_tensor("intercept", "d", [(quantized or model).intercept]))
    float64 = TensorProto.DOUBLE
    X = helper.make_tensor_value_info("X", float64, ["n_samples", len(model.names)])
    y = helper.make_tensor_value_info("y", float64, ["n_samples", 1])
    exported = helper.make_model(
        helper.make_graph(nodes, "linear_regression", [X], [y], tensors),
        producer_name="cali-reg",
        ir_version=7,  # with opset 13 all that is needed, and understood since 2020
        opset_imports=[helper.make_opsetid("", 13)],
    )
    metadata = {
        "features": json.dumps(model.names),
        "model": model.fingerprint,
        "precision": _precision(quantized),
        "target": model.target,
    }
    helper.set_model_props(exported, metadata)
    return bytes(exported.SerializeToString(deterministic=True))


def _onnx_coefficients(
    model: LinearModel, quantized: QuantizedModel | None
) -> tuple[list[Any], list[Any]]:
    """Return the nodes and tensors that make the tensor ``coefficients``."""
    from onnx import TensorProto, helper

    if quantized is None:
        return [], [_onnx_tensor("coefficients", "d", model.coefficients)]
    steps = [quantized.scale * power for power in _powers(model, quantized)]
    tensors = [
        _onnx_tensor("codes", "B" if quantized.bits <= 8 else "H", quantized.codes),
        _onnx_tensor("zero_point", "d", [quantized.zero_point]),
        _onnx_tensor("steps", "d", steps),
    ]
    nodes = [  # DequantizeLinear knows no float64
        helper.make_node("Cast", ["codes"], ["float_codes"], to=TensorProto.DOUBLE),
        helper.make_node("Sub", ["float_codes", "zero_point"], ["multiples"]),
        helper.make_node("Mul", ["multiples", "steps"], ["coefficients"]),
    ]
    return nodes, tensors


def _onnx_tensor(name: str, form: str, values: Sequence[float]) -> Any:
    """Return a column of float64 (`form` d), uint8 (B) or uint16 (H)."""
    from onnx import TensorProto, helper

    kinds = {"d": TensorProto.DOUBLE, "B": TensorProto.UINT8, "H": TensorProto.UINT16}
    raw = struct.pack(f"<{len(values)}{form}", *values)
    return helper.make_tensor(name, kinds[form], [len(values), 1], raw, raw=True)


def _precision(quantized: QuantizedModel | None) -> str:
    return "float64" if quantized is None else f"uint{quantized.bits}"


def _powers(model: LinearModel, quantized: QuantizedModel) -> list[float]:
    """Return 2**(exponent - 8) of each feature, exactly."""
    powers = []
    for name, exponent in zip(model.names, quantized.exponents, strict=True):
        if not -1066 <= exponent <= 1023:  # else this, or the scale times this, is no float64
            raise UsageError(
                f"feature {name!r}: its code has the exponent {exponent}; expected -1066 to 1023:"
                " use --precision float64"
            )
        powers.append(math.ldexp(1.0, exponent - 8))
    return powers


def _c_coefficients(model: LinearModel) -> str:
    values = [_c_float(value) for value in model.coefficients]
    return f"""\
{_c_array("double", "coefficients", values)}

/* Return the coefficient of x[j]. */
static inline double cali_reg_coefficient(int j)
{{
    return cali_reg_coefficients[j];
}}"""


def _c_codes(model: LinearModel, quantized: QuantizedModel) -> str:
    powers = [f"0x1p{math.frexp(power)[1] - 1}" for power in _powers(model, quantized)]
    kind = "uint8_t" if quantized.bits <= 8 else "uint16_t"
    return f"""\
#define CALI_REG_SCALE {quantized.scale} /* over 256 */
#define CALI_REG_ZERO_POINT {quantized.zero_point}

{_c_array(kind, "codes", quantized.codes)}

{_c_array("int16_t", "exponents", quantized.exponents)}

/* 2**(exponent - 8) */
{_c_array("double", "powers", powers)}

/* Return scale/256 * (code - zero_point) * 2**exponent, which is exact. */
static inline double cali_reg_coefficient(int j)
{{
    int32_t steps = (int32_t)cali_reg_codes[j] - CALI_REG_ZERO_POINT;
    return (double)(CALI_REG_SCALE * steps) * cali_reg_powers[j];
}}"""


def _c_array(kind: str, name: str, values: Sequence[object]) -> str:
    lines = ",\n".join(f"    {value}" for value in values)
    return f"static const {kind} cali_reg_{name}[CALI_REG_N_FEATURES] = {{\n{lines}\n}};"


def _c_float(value: float) -> str:
    """Return a C99 literal of the very float64."""
    return float(value).hex()


def _c_string(text: str) -> str:
    """Return a C string literal of the UTF-8 text that is safe in a C comment, too.

    Three octal digits end an escape, whatever follows; hexadecimal digits would not.
    """
    plain = (chr(byte) if byte in _PLAIN else f"\\{byte:03o}" for byte in text.encode())
    return f'"{"".join(plain)}"'
