"""The values that one quantized coefficient can take."""

from __future__ import annotations

import math


class Axis:
    """The values that one coefficient can take at one scale, as integer multiples of `unit`.

    With T = 2**(bits - 1) they are all integers up to T in size, the even ones up to 2 T, and
    the multiples of four up to 4 T: steps at three exponents. A weight of zero stays zero.
    """

    def __init__(self, weight: float, scale: int, bits: int) -> None:
        self._half = 1 << (bits - 1) if weight else 0
        # the exponent that suits: half / 2 <= |weight| / (scale / 256 * 2**exponent) < half
        self.exponent = math.frexp(weight / scale)[1] + 9 - bits
        self.unit = math.ldexp(scale, self.exponent - 9)
        self.target = weight / self.unit

    def nearest(self, x: float) -> int:
        """Return the allowed integer nearest to `x`."""
        half = self._half
        width = 1 if abs(x) <= half else 2 if abs(x) <= 2 * half else 4
        return max(-4 * half, min(width * round(x / width), 4 * half - 4))

    def above(self, t: int) -> int | None:
        """Return the next allowed integer after `t`."""
        half = self._half
        width = 1 if -half <= t < half else 2 if -2 * half <= t < 2 * half else 4
        return t + width if t + width <= 4 * half - 4 else None

    def below(self, t: int) -> int | None:
        """Return the next allowed integer before `t`."""
        half = self._half
        width = 1 if -half < t <= half else 2 if -2 * half < t <= 2 * half else 4
        return t - width if t - width >= -4 * half else None

    def code(self, t: int) -> tuple[int, int]:
        """Return the smallest exponent that can hold `t`, and the step."""
        shift = 0
        while (t and not -self._half <= t >> shift < self._half) or (t >> shift) << shift != t:
            shift += 1
        return self.exponent - 1 + shift, t >> shift
