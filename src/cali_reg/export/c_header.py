"""A C header: the model's numbers, and a function that predicts with them."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence

from cali_reg.export.common import powers_of_two, precision_name
from cali_reg.runtime.model import LinearModel, QuantizedModel

# Characters that a C string and a C comment can hold unchanged. A quote, a backslash, */ or a
# trigraph would end or change them; invisible characters could hide code from a reader.
_PLAIN = frozenset(f"{string.ascii_letters}{string.digits} _-+=.,:;()[]<>%&".encode())

_NOTES = """\
 *
 * A prediction is ((b + w0*x0) + w1*x1) + ..., left to right in float64, one rounding an
 * operation, and has the bits of `cali-reg predict`. A compiler may round a product and a sum at
 * once, as if by fma(); -ffp-contract=off forbids it, and here, under any flags, volatile does.
 */"""

_CHECK = """\
#if DBL_MANT_DIG != 53 || FLT_EVAL_METHOD < 0 || FLT_EVAL_METHOD == 2 || defined __FAST_MATH__
#error "needs plain float64 arithmetic: no -ffast-math; on 32-bit x86, -msse2 -mfpmath=sse"
#endif"""

_PREDICT = """\
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


def to_c(model: LinearModel, quantized: QuantizedModel | None = None) -> bytes:
    """Return a C99 header with the model's numbers, exactly, and ``cali_reg_predict``.

    It needs no library, and is valid C++17, too.

    Parameters
    ----------
    model : LinearModel
    quantized : QuantizedModel, optional
        Its codes, if these are to be exported instead of the float64 coefficients.

    Returns
    -------
    bytes
        ASCII text.

    Raises
    ------
    UsageError
        If an exponent of the codes is too large or too small for float64.
    """
    names = [_string_literal(name) for name in model.names]
    # One guard for each model: a program that includes two gets an error, not silently the first.
    guard = f"CALI_REG_{model.fingerprint[:16]}_{precision_name(quantized)}_H".upper()
    values = _coefficients(model) if quantized is None else _codes(model, quantized)
    parts = [
        "/* A linear regression, exported by cali-reg: C99, or C++17, without dependencies.\n *",
        f" * Predicts {_string_literal(model.target)} from",
        *(f" *     x[{j}] {name}" for j, name in enumerate(names)),
        f" * Precision: {precision_name(quantized)}\n * Model: {model.fingerprint}",
        f"{_NOTES}\n#ifndef {guard}\n#define {guard}\n\n#include <float.h>",
        *(["#include <stdint.h>"] if quantized else []),
        f"\n{_CHECK}\n",
        f"#define CALI_REG_N_FEATURES {len(names)}",
        f"#define CALI_REG_INTERCEPT ({_float_literal((quantized or model).intercept)})\n",
        f"{_array('char *const', 'features', names)}\n\n{values}\n\n{_PREDICT}\n\n#endif\n",
    ]
    return "\n".join(parts).encode("ascii")


def _coefficients(model: LinearModel) -> str:
    values = [_float_literal(value) for value in model.coefficients]
    return f"""\
{_array("double", "coefficients", values)}

/* Return the coefficient of x[j]. */
static inline double cali_reg_coefficient(int j)
{{
    return cali_reg_coefficients[j];
}}"""


def _codes(model: LinearModel, quantized: QuantizedModel) -> str:
    powers = [f"0x1p{math.frexp(power)[1] - 1}" for power in powers_of_two(model, quantized)]
    kind = "uint8_t" if quantized.bits <= 8 else "uint16_t"
    return f"""\
#define CALI_REG_SCALE {quantized.scale} /* over 256 */
#define CALI_REG_ZERO_POINT {quantized.zero_point}

{_array(kind, "codes", quantized.codes)}

{_array("int16_t", "exponents", quantized.exponents)}

/* 2**(exponent - 8) */
{_array("double", "powers", powers)}

/* Return scale/256 * (code - zero_point) * 2**exponent, which is exact. */
static inline double cali_reg_coefficient(int j)
{{
    int32_t steps = (int32_t)cali_reg_codes[j] - CALI_REG_ZERO_POINT;
    return (double)(CALI_REG_SCALE * steps) * cali_reg_powers[j];
}}"""


def _array(kind: str, name: str, values: Sequence[object]) -> str:
    lines = ",\n".join(f"    {value}" for value in values)
    return f"static const {kind} cali_reg_{name}[CALI_REG_N_FEATURES] = {{\n{lines}\n}};"


def _float_literal(value: float) -> str:
    """Return a C99 literal that is exactly this float64."""
    return float(value).hex()


def _string_literal(text: str) -> str:
    """Return a C string literal of the UTF-8 text that is safe in a C comment, too.

    Three octal digits end an escape, whatever follows; hexadecimal digits would not.
    """
    plain = (chr(byte) if byte in _PLAIN else f"\\{byte:03o}" for byte in text.encode())
    return f'"{"".join(plain)}"'
