"""An ONNX graph: the model for ONNX Runtime and other programs that read this format."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any

from cali_reg.errors import UsageError
from cali_reg.export.common import powers_of_two, precision_name
from cali_reg.runtime.model import LinearModel, QuantizedModel


def to_onnx(model: LinearModel, quantized: QuantizedModel | None = None) -> bytes:
    """Return an ONNX model: X (n_samples, n_features) to y (n_samples, 1), both float64.

    ``MatMul`` may add in any order: the last bits may differ from `LinearModel.predict`. The codes
    of a quantized model stay integers; the graph turns them into float64, exactly.

    Parameters
    ----------
    model : LinearModel
    quantized : QuantizedModel, optional
        Its codes, if these are to be exported instead of the float64 coefficients.

    Returns
    -------
    bytes

    Raises
    ------
    UsageError
        If onnx is not installed, or an exponent of the codes is too large or too small for float64.
    """
    try:
        from onnx import helper
    except ImportError:
        raise UsageError("needs the extra cali-reg[onnx]: pip install 'cali-reg[onnx]'") from None
    exported = helper.make_model(
        _graph(model, quantized),
        producer_name="cali-reg",
        ir_version=7,  # with opset 13 all that is needed, and understood since 2020
        opset_imports=[helper.make_opsetid("", 13)],
    )
    metadata = {
        "features": json.dumps(model.names),
        "model": model.fingerprint,
        "precision": precision_name(quantized),
        "target": model.target,
    }
    helper.set_model_props(exported, metadata)
    return bytes(exported.SerializeToString(deterministic=True))


def _graph(model: LinearModel, quantized: QuantizedModel | None) -> Any:
    """Return the graph of ``y = X @ coefficients + intercept``."""
    from onnx import TensorProto, helper

    nodes, tensors = _coefficients(model, quantized)
    nodes += [
        helper.make_node("MatMul", ["X", "coefficients"], ["weighted_sum"]),
        helper.make_node("Add", ["weighted_sum", "intercept"], ["y"]),
    ]
    tensors.append(_tensor("intercept", "d", [(quantized or model).intercept]))
    float64 = TensorProto.DOUBLE
    X = helper.make_tensor_value_info("X", float64, ["n_samples", len(model.names)])
    y = helper.make_tensor_value_info("y", float64, ["n_samples", 1])
    return helper.make_graph(nodes, "linear_regression", [X], [y], tensors)


def _coefficients(
    model: LinearModel, quantized: QuantizedModel | None
) -> tuple[list[Any], list[Any]]:
    """Return the nodes and tensors that make the tensor ``coefficients``."""
    from onnx import TensorProto, helper

    if quantized is None:
        return [], [_tensor("coefficients", "d", model.coefficients)]
    steps = [quantized.scale * power for power in powers_of_two(model, quantized)]
    tensors = [
        _tensor("codes", "B" if quantized.bits <= 8 else "H", quantized.codes),
        _tensor("zero_point", "d", [quantized.zero_point]),
        _tensor("steps", "d", steps),
    ]
    nodes = [  # DequantizeLinear knows no float64
        helper.make_node("Cast", ["codes"], ["float_codes"], to=TensorProto.DOUBLE),
        helper.make_node("Sub", ["float_codes", "zero_point"], ["multiples"]),
        helper.make_node("Mul", ["multiples", "steps"], ["coefficients"]),
    ]
    return nodes, tensors


def _tensor(name: str, form: str, values: Sequence[float]) -> Any:
    """Return a column of float64 (`form` d), uint8 (B) or uint16 (H)."""
    from onnx import TensorProto, helper

    kinds = {"d": TensorProto.DOUBLE, "B": TensorProto.UINT8, "H": TensorProto.UINT16}
    raw = struct.pack(f"<{len(values)}{form}", *values)
    return helper.make_tensor(name, kinds[form], [len(values), 1], raw, raw=True)
