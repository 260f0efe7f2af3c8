"""Exact products of columns: error-free slices, multiplied by BLAS without a rounding.

Each column is cut into slices whose entries are integers of at most 2**21 times one power of two
(Ozaki, Ogita, Oishi & Rump 2012). With at most 2**11 rows every product and every partial sum
inside ``slices @ slices.T`` is an integer of at most 2**53 times that power, so the matrix
product is exact in whatever order BLAS adds. ``docs/exactness.md`` has the proof.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Block = npt.NDArray[np.float64]  # (n_columns, n_rows): a column's values lie together
Values = npt.NDArray[np.float64]  # (n_rows,)
Rows = npt.NDArray[np.intp]  # indices of rows in a block
Integers = npt.NDArray[np.object_]  # Python integers

UNIT = -2148  # the smallest float64 is 2**-1074, the smallest product of two 2**UNIT
_ROWS = 2048  # in a matrix product at most
_BITS = 22  # rounding to nearest leaves signed slices: 2 * (22 - 1) + 11 = 53
_DEPTH = 12  # slices a column at most: 264 bits from its largest value to its smallest
_EXPONENT = 400  # slices lie between 2**-400 and 2**400: their products are normal numbers
_SAMPLE = 512  # rows that a window is fitted to
_FEW = 16  # rows that are not worth a window of their own
_FLUSH = 1000  # so many matrix products, and a block's more, add up within int64


class NotFiniteError(ValueError):
    """A block holds NaN or infinity at (`column`, `row`)."""

    def __init__(self, column: int, row: int) -> None:
        super().__init__(column, row)
        self.column, self.row = column, row


def rows_per_block(n_columns: int) -> int:
    """Return how many rows to add at once: many enough for NumPy, few enough for the cache."""
    return _ROWS * max(1, min(3, 40 // n_columns))


class Accumulator:
    """Exact sums of the products of all pairs of columns, over all blocks added.

    Rows that would cost all others a slice more, for a value much larger or smaller than is
    usual in its column, wait for a second accumulator with wider windows. What does not fit
    there either is summed up by Python's integers.
    """

    def __init__(self, n_columns: int, *, wide: bool = False) -> None:
        self._total: Integers = np.zeros((n_columns, n_columns), dtype=object)
        self._window: _Window | None = None
        self._wide = wide
        self._next: Accumulator | None = None
        self._waiting: list[Block] = []

    def add(self, block: Block) -> None:
        """Add rows; `block` is (n_columns, 1 or more rows). Raises NotFiniteError."""
        tolerated = block.shape[1] // (64 if self._wide else 2)
        outside = self._window.split(block) if self._window else None
        if self._window is None or outside is None or outside.size > tolerated:
            _check_finite(block, slice(None))
            self._drain()
            self._window = self._fit(block)
            outside = self._window.split(block)
        self._window.multiply(outside)
        if outside.size:
            _check_finite(block, outside)
            self._add_outside(block[:, outside])
        if self._window.is_full:
            self._drain()

    def total(self) -> Integers:
        """Return the sums as integer multiples of ``2**UNIT``, (n_columns, n_columns)."""
        self._drain()
        self._add_waiting()
        return self._total if self._next is None else self._total + self._next.total()

    def _fit(self, block: Block) -> _Window:
        if self._wide:
            return _Window(block, spare=0, margin=8)
        sample = block[:, :: -(-block.shape[1] // _SAMPLE)]
        return _Window(sample, spare=sample.shape[1] // (4 * len(sample)))

    def _drain(self) -> None:
        if self._window:
            self._window.drain(self._total)

    def _add_outside(self, rows: Block) -> None:
        if self._wide:
            self._total += _products(rows)
            return
        self._waiting.append(rows)
        if sum(part.shape[1] for part in self._waiting) >= _ROWS:
            self._add_waiting()

    def _add_waiting(self) -> None:
        if not self._waiting:
            return
        rows = np.concatenate(self._waiting, axis=1)
        self._waiting = []
        if rows.shape[1] <= _FEW:
            self._total += _products(rows)
            return
        self._next = self._next or Accumulator(len(rows), wide=True)
        self._next.add(rows)


class _Window:
    """A grid of slices for each column, between two powers of two."""

    def __init__(self, block: Block, *, spare: int, margin: int = 0) -> None:
        """Fit the grid to finite rows, but for `spare` values a column, and `margin` bits below."""
        highest, lowest = _bit_ranges(block, spare)
        levels = [_levels(*bits) for bits in zip(highest, lowest - margin, strict=True)]
        q = np.concatenate(levels)
        lowest = np.array([column[-1] for column in levels])
        self._constants = [np.ldexp(1.5, 52 + column).tolist() for column in levels]
        self._limit = np.ldexp(1.0, np.array([column[0] + _BITS - 1 for column in levels]))
        self._surely_fits = np.ldexp(1.0, lowest + 52)
        self._starts = np.cumsum([0, *(len(column) for column in levels[:-1])])
        above = q - np.repeat(lowest, [len(column) for column in levels])
        self._to_integer = np.ldexp(1.0, -(q[:, None] + q))
        self._shift = (above[:, None] + above).astype(object)
        self._unit = (lowest[:, None] + lowest - UNIT).astype(object)
        self._buffer = self._slices = np.empty((len(q), 0))
        self._gram = np.zeros((len(q), len(q)), dtype=np.int64)
        self._n_grams = 0

    @property
    def is_full(self) -> bool:
        return self._n_grams >= _FLUSH

    def split(self, block: Block) -> Rows:
        """Cut the rows into slices; return the indices of those that do not fit the grid."""
        if self._buffer.shape[1] < block.shape[1]:
            self._buffer = np.empty((len(self._buffer), block.shape[1]))
        self._slices = self._buffer[:, : block.shape[1]]
        outside = np.zeros(block.shape[1], dtype=bool)
        low, high = block.min(axis=1), block.max(axis=1)
        over = ~(np.maximum(high, -low) <= self._limit)
        if over.any():  # NaN, too
            outside |= ~(np.abs(block) <= self._limit[:, None]).all(axis=0)
            block = np.where(outside, 0.0, block)
        # a column of one sign, and of some size throughout, has no bits below its last slice
        fits = np.maximum(low, -high) >= self._surely_fits
        rest = np.empty(block.shape[1])
        slices = iter(self._slices)
        for values, constants, surely in zip(block, self._constants, fits.tolist(), strict=True):
            for constant in constants[:-1]:
                piece = _round(values, constant, out=next(slices))
                values = np.subtract(values, piece, out=rest)  # without error
            if surely:
                np.copyto(next(slices), values)
            else:
                outside |= values != _round(values, constants[-1], out=next(slices))
        return np.flatnonzero(outside)

    def multiply(self, outside: Rows) -> None:
        """Add the products of the rows last split, but for those outside."""
        self._slices[:, outside] = 0.0
        for start in range(0, self._slices.shape[1], _ROWS):
            slices = self._slices[:, start : start + _ROWS]
            gram = slices @ slices.T
            gram *= self._to_integer
            self._gram += gram.astype(np.int64)
            self._n_grams += 1

    def drain(self, total: Integers) -> None:
        """Move what has been added up into `total`."""
        pairs = self._gram.astype(object) << self._shift
        sums = np.add.reduceat(np.add.reduceat(pairs, self._starts, axis=0), self._starts, axis=1)
        total += sums << self._unit
        self._gram[:] = 0
        self._n_grams = 0


def _round(values: Values, constant: float, *, out: Values) -> Values:
    """Round to the multiples of 2**q that ``constant = 1.5 * 2**(52 + q)`` stands for."""
    np.add(values, constant, out=out)
    return np.subtract(out, constant, out=out)


def _bit_ranges(block: Block, spare: int) -> tuple[Rows, Rows]:
    """Return for each column the exponents of its highest and its lowest bits, (n_columns,)."""
    mantissas, exponents = np.frexp(block)
    integers = np.ldexp(mantissas, 53).astype(np.int64)
    trailing_zeros = np.frexp((integers & -integers).astype(np.float64))[1] - 1
    highest = np.where(block != 0.0, exponents, -_EXPONENT)
    lowest = np.where(block != 0.0, exponents - 53 + trailing_zeros, _EXPONENT)
    largest, usual = highest.max(axis=1), np.partition(highest, -1 - spare, axis=1)[:, -1 - spare]
    lowest = np.partition(lowest, spare, axis=1)[:, spare]
    return np.where(largest - usual > _BITS, usual, largest), lowest


def _levels(highest: int, lowest: int) -> Rows:
    """Return the exponents q of a column's slices, highest first, with what is spare shared."""
    highest = max(min(highest, _EXPONENT), _DEPTH * _BITS - _EXPONENT)
    n_bits = max(1, highest - lowest + 1)  # with the sign
    depth = min(-(-n_bits // _BITS), _DEPTH)
    # most of what is spare goes above: one large value is a row that waits
    top = min(highest + max(0, depth * _BITS - n_bits) * 3 // 4, _EXPONENT)
    return top + 1 - _BITS * np.arange(1, depth + 1)


def _products(rows: Block) -> Integers:
    """Sum up products by Python's integers alone: slow, and right for any finite float64."""
    mantissas, exponents = np.frexp(rows)
    integers = np.ldexp(mantissas, 53).astype(np.int64).astype(object)
    lowest = exponents.min(axis=1, keepdims=True)
    values = integers << (exponents - lowest).astype(object)
    unit = (lowest + lowest.T - 2 * 53 - UNIT).astype(object)
    # below 2**-1022 a float64 has fewer bits: `unit` may be negative, but what it cuts is zero
    products: Integers = ((values @ values.T) << (unit + 200)) >> 200
    return products


def _check_finite(block: Block, rows: Rows | slice) -> None:
    finite = np.isfinite(block[:, rows])
    if not finite.all():
        row, column = np.argwhere(~finite.T)[0]
        raise NotFiniteError(int(column), int(np.arange(block.shape[1])[rows][row]))
