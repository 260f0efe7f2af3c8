"""Exact products of columns: error-free slices, multiplied by BLAS without a rounding.

Each column is cut into slices whose entries are integers of at most 2**21 times one power of two
(Ozaki, Ogita, Oishi & Rump 2012). With at most 2**11 rows every product and every partial sum
inside ``slices @ slices.T`` is an integer of at most 2**53 times that power, so the matrix
product is exact in whatever order BLAS adds. ``docs/explanation/exactness.md`` has the proof.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Block = npt.NDArray[np.float64]  # (n_columns, n_rows): a column's values lie together
Values = npt.NDArray[np.float64]  # (n_rows,)
Rows = npt.NDArray[np.intp]  # indices of rows
Integers = npt.NDArray[np.object_]  # Python integers

UNIT = -2148  # the smallest float64 is 2**-1074, the smallest product of two 2**UNIT
_ROWS = 2048  # in a matrix product at most
_SHORT, _STRIP, _NARROW = 512, 8, 48  # rows, and slices, of a piece; for at most so many slices
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
    return _ROWS * max(1, min(6, 60 // n_columns))


class Workspace:
    """Memory for the slices of one block at a time, which accumulators of one thread may share."""

    def __init__(self) -> None:
        self._values = np.empty(0)

    def block(self, n_slices: int, n_rows: int) -> Block:
        """Return memory for a block's slices, (n_slices, n_rows); what was there is lost."""
        if self._values.size < n_slices * n_rows:
            self._values = np.empty(n_slices * n_rows)
        return self._values[: n_slices * n_rows].reshape(n_slices, n_rows)


class GramAccumulator:
    """Exact sums of the products of all pairs of columns, over all blocks added.

    Rows that would cost all others a slice more, for a value much larger or smaller than is
    usual in its column, wait for a second accumulator with wider windows. What does not fit
    there either is summed up by Python's integers. `minima` and `maxima` are those of each column.
    """

    def __init__(
        self, n_columns: int, workspace: Workspace | None = None, *, wide: bool = False
    ) -> None:
        self._total: Integers = np.zeros((n_columns, n_columns), dtype=object)
        self._window: _Window | None = None
        self.minima, self.maxima = np.full(n_columns, np.inf), np.full(n_columns, -np.inf)
        self._workspace, self._wide = workspace or Workspace(), wide
        self._next: GramAccumulator | None = None
        self._waiting: list[Block] = []
        self._n_waiting = 0

    def add(self, block: Block) -> None:
        """Add rows; `block` is (n_columns, 1 to 40,000 rows). Raises NotFiniteError."""
        low, high = block.min(axis=1), block.max(axis=1)
        tolerated = block.shape[1] // (64 if self._wide else 2)
        outside = self._window.split(block, low, high) if self._window else None
        if self._window is None or outside is None or outside.size > tolerated:
            _check_finite(block, slice(None))
            self._drain()
            self._window = self._fit(block)
            outside = self._window.split(block, low, high)
        self._window.multiply(outside)
        if outside.size:
            _check_finite(block, outside)
            self._add_outside(block[:, outside])
        np.minimum(self.minima, low, out=self.minima)
        np.maximum(self.maxima, high, out=self.maxima)
        if self._window.is_full:
            self._drain()

    def total(self) -> Integers:
        """Return the sums as integer multiples of ``2**UNIT``, (n_columns, n_columns)."""
        self._drain()
        self._add_waiting()
        return self._total if self._next is None else self._total + self._next.total()

    def _fit(self, block: Block) -> _Window:
        if self._wide:
            return _Window(block, self._workspace, spare=0, margin=8)
        sample = block[:, :: -(-block.shape[1] // _SAMPLE)]
        return _Window(sample, self._workspace, spare=sample.shape[1] // (4 * len(sample)))

    def _drain(self) -> None:
        if self._window:
            self._window.drain(self._total)

    def _add_outside(self, rows: Block) -> None:
        if self._wide:
            self._total += _products(rows)
            return
        self._waiting.append(rows)
        self._n_waiting += rows.shape[1]
        if self._n_waiting >= _ROWS:
            self._add_waiting()

    def _add_waiting(self) -> None:
        if not self._waiting:
            return
        rows = np.concatenate(self._waiting, axis=1)
        self._waiting, self._n_waiting = [], 0
        if rows.shape[1] <= _FEW:
            self._total += _products(rows)
            return
        self._next = self._next or GramAccumulator(len(rows), self._workspace, wide=True)
        self._next.add(rows)


class _Window:
    """A grid of slices for each column, between two powers of two.

    Columns are scaled by powers of two, so that each one's last slice holds integers, the one
    before it multiples of ``2**_BITS``, and so on: one step cuts all columns deep enough at once.
    """

    def __init__(self, block: Block, workspace: Workspace, *, spare: int, margin: int = 0) -> None:
        """Fit the grid to finite rows, but for `spare` values a column, and `margin` bits below."""
        highest, lowest = _bit_ranges(block, spare)
        grids = [_grid(*bits) for bits in zip(highest, lowest - margin, strict=True)]
        depths, self._lowest = np.array(grids).T
        self._scales = np.ldexp(1.0, -self._lowest).tolist()
        self._limit = np.ldexp(1.0, self._lowest + _BITS * depths - 1)
        self._surely_fits = np.ldexp(1.0, self._lowest + 52)
        # the last slices of all columns, the deepest first; those before the last; and so on
        self._order = np.argsort(-depths, kind="stable")
        self._counts = [int((depths > k).sum()) for k in range(depths.max())]
        self._columns = np.concatenate([self._order[:count] for count in self._counts])
        q = _BITS * np.repeat(np.arange(len(self._counts)), self._counts)
        self._to_integer = np.ldexp(1.0, -np.add.outer(q, q))
        self._shift = np.add.outer(q, q).astype(object)
        self._workspace = workspace
        self._slices = np.empty((len(q), 0))
        self._gram = np.zeros((len(q), len(q)), dtype=np.int64)
        self._n_grams = 0

    @property
    def is_full(self) -> bool:
        return self._n_grams >= _FLUSH

    @np.errstate(over="ignore", invalid="ignore")  # in rows that are outside anyway
    def split(self, block: Block, low: Values, high: Values) -> Rows:
        """Cut the rows into slices; return the indices of those that do not fit the grid.

        `low` and `high` are the columns' minima and maxima, NaN where a value is.
        """
        n_rows = block.shape[1]
        self._slices = self._workspace.block(len(self._gram), n_rows)
        fits = np.ones(n_rows, dtype=bool)
        for column in np.flatnonzero(~(high <= self._limit)).tolist():  # NaN, too
            fits &= block[column] <= self._limit[column]
        for column in np.flatnonzero(~(low >= -self._limit)).tolist():
            fits &= block[column] >= -self._limit[column]
        rest = self._slices[: len(block)]
        for place, column in enumerate(self._order.tolist()):
            np.multiply(block[column], self._scales[column], out=rest[place])
            if self._scales[column] < 1.0:  # what is tiny becomes zero, unlike what is small
                fits &= (rest[place] != 0.0) | (block[column] == 0.0)
        end = len(self._slices)
        for k in range(len(self._counts) - 1, 0, -1):
            values, pieces = rest[: self._counts[k]], self._slices[end - self._counts[k] : end]
            rounding = 1.5 * 2.0 ** (52 + _BITS * k)  # leaves no bits below _BITS * k
            np.add(values, rounding, out=pieces)
            np.subtract(pieces, rounding, out=pieces)
            np.subtract(values, pieces, out=values)  # without error
            end -= self._counts[k]
        # a column of one sign, and of some size throughout, has no bits below its last slice
        unsure = np.flatnonzero(~(np.maximum(low, -high) >= self._surely_fits)[self._order])
        if unsure.size:
            values = rest[unsure[0] : unsure[-1] + 1]
            integers = values == np.rint(values)
            if not integers.all():
                fits &= integers.all(axis=0)
        return np.flatnonzero(~fits)

    def multiply(self, outside: Rows) -> None:
        """Add the products of the rows last split, but for those outside."""
        if outside.size:
            self._slices[:, outside] = 0.0
        n_rows = self._slices.shape[1]
        whole = n_rows - n_rows % _ROWS
        if whole:
            self._add(self._slices[:, :whole], _ROWS)
        if whole < n_rows:
            self._add(self._slices[:, whole:], n_rows - whole)

    def _add(self, slices: Block, n_rows: int) -> None:
        """Add the exact products of every `n_rows` rows."""
        grams = _upper_products(slices, n_rows)
        grams *= self._to_integer
        self._gram += grams.astype(np.int64).sum(axis=0)
        self._n_grams += len(grams)

    def drain(self, total: Integers) -> None:
        """Move what has been added up into `total`."""
        gram = np.triu(self._gram) + np.triu(self._gram, 1).T
        sums = np.zeros_like(total)
        np.add.at(sums, (self._columns[:, None], self._columns), gram.astype(object) << self._shift)
        total += sums << (np.add.outer(self._lowest, self._lowest) - UNIT).astype(object)
        self._gram[:] = 0
        self._n_grams = 0


def _upper_products(slices: Block, n_rows: int) -> npt.NDArray[np.float64]:
    """Return ``slices @ slices.T`` of every `n_rows` rows; below the diagonal it has no meaning.

    Few slices are multiplied in short and narrow pieces, whose products BLAS takes without
    packing; it then is about a third faster than its product of a matrix with itself.
    """
    n_slices = len(slices)
    short = n_slices <= _NARROW and n_rows % _SHORT == 0
    parts = slices.reshape(n_slices, -1, _SHORT if short else n_rows).transpose(1, 0, 2)
    products = np.zeros((len(parts), n_slices, n_slices))
    if not short:
        return np.matmul(parts, parts.transpose(0, 2, 1), out=products)
    for i in range(0, n_slices, _STRIP):
        strip = slice(i, i + _STRIP)
        # one slice more than the upper part has: of equal factors NumPy makes the slow product
        rest = slice(max(i - 1, 0), None)
        np.matmul(parts[:, strip], parts[:, rest].transpose(0, 2, 1), out=products[:, strip, rest])
    pieces = products.reshape(-1, n_rows // _SHORT, n_slices, n_slices)
    sums: npt.NDArray[np.float64] = pieces.sum(axis=1)
    return sums


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


def _grid(highest: int, lowest: int) -> tuple[int, int]:
    """Return how many slices a column has, and the last one's exponent; share what is spare."""
    highest = max(min(highest, _EXPONENT), _DEPTH * _BITS - _EXPONENT)
    n_bits = max(1, highest - lowest + 1)  # with the sign
    depth = min(-(-n_bits // _BITS), _DEPTH)
    # most of what is spare goes above: one large value is a row that waits
    top = min(highest + max(0, depth * _BITS - n_bits) * 3 // 4, _EXPONENT)
    return depth, top + 1 - _BITS * depth


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
