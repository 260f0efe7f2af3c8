"""The values that one quantized coefficient can take."""

from __future__ import annotations

import math
from collections.abc import Iterator


class CodeGrid:
    """The values that one coefficient can take at one scale, as integer multiples of `unit`.

    With T = 2**(bits - 1) they are all integers up to T in size, the even ones up to 2 T, and
    the multiples of four up to 4 T: steps at three exponents. A weight of zero stays zero.

    Parameters
    ----------
    weight : float
        The coefficient to be quantized.
    scale : int
        256 to 511, over 256.
    bits : int
        Of a code.

    Attributes
    ----------
    exponent : int
        The second of the three exponents: with it, steps of half the range or more reach `weight`.
    unit : float
        The value of a step at the first, smallest exponent.
    target : float
        `weight` in units.
    """

    def __init__(self, weight: float, scale: int, bits: int) -> None:
        self._half = 1 << (bits - 1) if weight else 0
        # half / 2 <= |weight| / (scale / 256 * 2**exponent) < half
        self.exponent = math.frexp(weight / scale)[1] + 9 - bits
        self.unit = math.ldexp(scale, self.exponent - 9)
        self.target = weight / self.unit

    def nearest(self, x: float) -> int:
        """Return the grid value nearest to `x`.

        Parameters
        ----------
        x : float
            In units, as all values of the grid are.

        Returns
        -------
        int
        """
        half = self._half
        width = 1 if abs(x) <= half else 2 if abs(x) <= 2 * half else 4
        return max(-4 * half, min(width * round(x / width), 4 * half - 4))

    def outward(self, x: float) -> Iterator[int]:
        """Yield all grid values, the nearest to `x` first; of two as near, the smaller.

        Parameters
        ----------
        x : float
            In units.

        Yields
        ------
        int

        Examples
        --------
        >>> list(CodeGrid(1.0, 256, 2).outward(0.9))
        [1, 0, 2, -1, -2, 4, -4, -8]
        """
        t = self.nearest(x)
        yield t
        below, above = self.below(t), self.above(t)
        while below is not None or above is not None:
            if below is not None and (above is None or x - below <= above - x):
                yield below
                below = self.below(below)
            elif above is not None:
                yield above
                above = self.above(above)

    def above(self, t: int) -> int | None:
        """Return the next grid value after `t`; None after the last.

        Parameters
        ----------
        t : int
            A grid value.
        """
        half = self._half
        width = 1 if -half <= t < half else 2 if -2 * half <= t < 2 * half else 4
        return t + width if t + width <= 4 * half - 4 else None

    def below(self, t: int) -> int | None:
        """Return the next grid value before `t`; None before the first.

        Parameters
        ----------
        t : int
            A grid value.
        """
        half = self._half
        width = 1 if -half < t <= half else 2 if -2 * half < t <= 2 * half else 4
        return t - width if t - width >= -4 * half else None

    def code(self, t: int) -> tuple[int, int]:
        """Return the code of a grid value.

        Parameters
        ----------
        t : int
            A grid value.

        Returns
        -------
        exponent, step : int
            The smallest exponent at which a step is equal to `t`, and that step.
        """
        shift = 0
        while (t and not -self._half <= t >> shift < self._half) or (t >> shift) << shift != t:
            shift += 1
        return self.exponent - 1 + shift, t >> shift
