"""Exact products of columns: error-free slices, multiplied by BLAS without a rounding.

Each column is cut into slices whose entries are integers of at most 2**21, times one power of two
(Ozaki, Ogita, Oishi & Rump, Numerical Algorithms 59, 2012). With at most 2**11 rows every product
and every partial sum inside ``slices @ slices.T`` is an integer of at most 2**53, times a power of
two: the matrix product is exact in whatever order BLAS adds. The proof is in
``docs/explanation/exactness.md``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cali_reg.least_squares.solvers.integers import Integers, from_digits, sum_products, to_digits

Block = npt.NDArray[np.float64]  # (n_columns, n_rows): a column's values lie together
Values = npt.NDArray[np.float64]  # (n_rows,)
Rows = npt.NDArray[np.intp]  # indices of rows
Flags = npt.NDArray[np.bool_]  # (n_rows,)

UNIT = -2148  # the smallest float64 is 2**-1074, the smallest product of two is 2**UNIT
_ROWS = 2048  # of one matrix product, at most
_BITS = 22  # of a slice with its sign: two slices of 21 bits and 2**11 rows make 2 * 21 + 11 = 53
_DEPTH = 12  # slices a column, at most: 264 bits from its largest value to its smallest
_EXPONENT = 400  # slices lie between 2**-400 and 2**400: their products do not under- or overflow
_SAMPLE = 512  # rows that a window is fitted to
_FEW = 16  # rows or less are summed by Python's integers at once
_FEW_WIDE = 4  # the same for tables of more than _NARROW columns
_FLUSH = 1000  # matrix products, and those of one more block, are summed in int64
# Up to _NARROW slices are multiplied in pieces of _SHORT rows and _STRIP slices.
_SHORT, _STRIP, _NARROW = 512, 8, 48
_WIDE_STRIP = 384  # slices of a piece of more slices: its products stay in the cache


class NotFiniteError(ValueError):
    """A block holds NaN or infinity.

    Attributes
    ----------
    column, row : int
        Where: the first such row of the block, and in it the first such column.
    """

    def __init__(self, column: int, row: int) -> None:
        super().__init__(column, row)
        self.column, self.row = column, row


def rows_per_block(n_columns: int) -> int:
    """Return how many rows a block should have: few calls of NumPy, and still in the cache.

    Parameters
    ----------
    n_columns : int
        Of the block, with the constant and the target.

    Returns
    -------
    int
        A multiple of 2048.
    """
    return _ROWS * max(1, min(6, 60 // n_columns))


class Workspace:
    """Memory for the slices of one block at a time; the accumulators of a thread can share one."""

    def __init__(self) -> None:
        self._values = np.empty(0)

    def block(self, n_slices: int, n_rows: int) -> Block:
        """Return memory for the slices of a block; those of the block before are overwritten.

        Parameters
        ----------
        n_slices, n_rows : int

        Returns
        -------
        ndarray of shape (n_slices, n_rows)
            Its values are not defined.
        """
        if self._values.size < n_slices * n_rows:
            self._values = np.empty(n_slices * n_rows)
        return self._values[: n_slices * n_rows].reshape(n_slices, n_rows)


class GramAccumulator:
    """Exact sums of the products of all pairs of columns, over all blocks added.

    The number of slices depends on the largest and the smallest values of a column. A row with an
    unusually large or small value would need one more slice for all rows. Such rows wait, and go to
    a second accumulator with wider windows; what does not fit there either is summed by Python's
    integers.

    Parameters
    ----------
    n_columns : int
    workspace : Workspace, optional
        To be shared with other accumulators of the same thread; default: one of its own.
    wide : bool, default=False
        Whether this is the second accumulator of another one.

    Attributes
    ----------
    minima, maxima : ndarray of shape (n_columns,)
        Of each column; infinite before the first block.

    Examples
    --------
    >>> accumulator = GramAccumulator(2)
    >>> accumulator.add(np.array([[1.0, 1.0], [3.0, 2.0]]))
    >>> (accumulator.total() >> -UNIT).tolist()
    [[2, 5], [5, 13]]
    """

    def __init__(
        self, n_columns: int, workspace: Workspace | None = None, *, wide: bool = False
    ) -> None:
        self._upper = np.triu_indices(n_columns)
        self._total: Integers = np.zeros(len(self._upper[0]), dtype=object)  # of pairs i <= j
        self._window: _Window | None = None
        self.minima, self.maxima = np.full(n_columns, np.inf), np.full(n_columns, -np.inf)
        self._workspace, self._wide = workspace or Workspace(), wide
        self._next: GramAccumulator | None = None
        self._waiting: list[Block] = []
        self._n_waiting = 0

    def add(self, block: Block) -> None:
        """Add the products of some rows.

        Parameters
        ----------
        block : ndarray of shape (n_columns, n_rows)
            1 to 40,000 rows; `rows_per_block` says how many are fast.

        Raises
        ------
        NotFiniteError
            For NaN or infinity. The sums are then incomplete.
        """
        low, high = block.min(axis=1), block.max(axis=1)
        window, slices, outside = self._split(block, low, high)
        window.add_products(slices, outside)
        if outside.size:
            _check_finite(block, outside)
            self._add_outside(block[:, outside])
        np.minimum(self.minima, low, out=self.minima)
        np.maximum(self.maxima, high, out=self.maxima)
        if window.is_full:
            self._drain()

    def total(self) -> Integers:
        """Return the sums of all blocks so far.

        Returns
        -------
        ndarray of shape (n_columns, n_columns)
            Python integers in units of ``2**UNIT``; symmetric.
        """
        total = self._upper_total()
        sums: Integers = np.empty((len(self.minima),) * 2, dtype=object)
        sums[self._upper] = sums.T[self._upper] = total
        return sums

    def _upper_total(self) -> Integers:
        """Return the sums of all blocks so far, for the pairs of columns i <= j."""
        self._drain()
        self._add_waiting()
        return self._total if self._next is None else self._total + self._next._upper_total()

    def _split(self, block: Block, low: Values, high: Values) -> tuple[_Window, Block, Rows]:
        """Cut a block into slices by the last window or, if many rows do not fit it, by a new one.

        Return the window, the slices and the indices of the rows that do not fit.
        """
        tolerated = block.shape[1] // (64 if self._wide else 2)
        if self._window is not None:
            slices, outside = self._window.split(block, low, high)
            if outside.size <= tolerated:
                return self._window, slices, outside
        _check_finite(block, slice(None))
        self._drain()
        self._window = self._fit(block)
        return self._window, *self._window.split(block, low, high)

    def _fit(self, block: Block) -> _Window:
        if self._wide:
            return _Window(block, self._workspace, spare=0, margin=8)
        sample = block[:, :: -(-block.shape[1] // _SAMPLE)]
        spare = sample.shape[1] // (4 * len(sample))
        # A row waits if one value has lower bits than the sample: in a wide table most rows would.
        margin = 0 if len(sample) <= _NARROW else 2 if len(sample) <= 256 else 6  # as measured
        return _Window(sample, self._workspace, spare=spare, margin=margin)

    def _drain(self) -> None:
        if self._window and self._window.n_grams:
            self._total += self._window.drain(self._upper)

    def _add_outside(self, rows: Block) -> None:
        if self._wide:
            self._total += sum_products(rows, UNIT)[self._upper]
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
        if rows.shape[1] <= (_FEW if len(rows) <= _NARROW else _FEW_WIDE):
            self._total += sum_products(rows, UNIT)[self._upper]
            return
        self._next = self._next or GramAccumulator(len(rows), self._workspace, wide=True)
        self._next.add(rows)


class _Window:
    """How many slices each column is cut into, and the powers of two between which they lie.

    Columns are scaled by powers of two, so that the last slice of each holds integers, the one
    before it multiples of ``2**_BITS``, and so on: one step cuts the same slice of all columns.
    """

    def __init__(self, block: Block, workspace: Workspace, *, spare: int, margin: int = 0) -> None:
        """Fit the slices to finite rows, except for `spare` values of each column.

        `margin` is how many bits to add below the lowest bit.
        """
        highest, lowest = _bit_ranges(block, spare)
        grids = [_grid(*bits) for bits in zip(highest, lowest - margin, strict=True)]
        depths, self._lowest = np.array(grids).T
        self._scales = np.ldexp(1.0, -self._lowest).tolist()
        self._limit = np.ldexp(1.0, self._lowest + _BITS * depths - 1)
        self._surely_fits = np.ldexp(1.0, self._lowest + 52)
        # First come the last slices of all columns, those with the most slices first; then the
        # last but one of the columns that have one, in the same order; and so on.
        self._order = np.argsort(-depths, kind="stable")
        self._counts = [int((depths > k).sum()) for k in range(depths.max())]
        exponents = _BITS * np.repeat(np.arange(len(self._counts)), self._counts)
        self._to_integer = np.ldexp(1.0, -exponents)
        self._workspace = workspace
        self._gram = np.zeros((len(exponents),) * 2, dtype=np.int64)  # its upper triangle
        self.n_grams = 0

    @property
    def is_full(self) -> bool:
        return self.n_grams >= _FLUSH

    @np.errstate(over="ignore", invalid="ignore")  # in rows that do not fit anyway
    def split(self, block: Block, low: Values, high: Values) -> tuple[Block, Rows]:
        """Cut the rows into slices; return these, and the indices of the rows that do not fit.

        The slices, (n_slices, n_rows), are in the workspace: the next block overwrites them. `low`
        and `high` are the columns' minima and maxima, NaN where a value is.
        """
        slices = self._workspace.block(len(self._gram), block.shape[1])
        fits = np.ones(block.shape[1], dtype=bool)
        self._exclude_large_values(block, low, high, fits)
        self._scale_columns(block, slices, fits)
        self._cut(slices)
        self._exclude_low_bits(slices, low, high, fits)
        return slices, np.flatnonzero(~fits)

    def _exclude_large_values(self, block: Block, low: Values, high: Values, fits: Flags) -> None:
        """Clear `fits` for rows with a value beyond the first slice, or NaN."""
        for column in np.flatnonzero(~(high <= self._limit)).tolist():  # true for NaN, too
            fits &= block[column] <= self._limit[column]
        for column in np.flatnonzero(~(low >= -self._limit)).tolist():
            fits &= block[column] >= -self._limit[column]

    def _scale_columns(self, block: Block, slices: Block, fits: Flags) -> None:
        """Write the columns, scaled and in the order of depth, where the last slices will be.

        Clear `fits` for rows with a value so tiny that the scale turns it into zero.
        """
        for place, column in enumerate(self._order.tolist()):
            scaled = np.multiply(block[column], self._scales[column], out=slices[place])
            if self._scales[column] < 1.0:
                fits &= (scaled != 0.0) | (block[column] == 0.0)

    def _cut(self, slices: Block) -> None:
        """Move all but the last slice of each column to its place: the highest bits first."""
        end = len(slices)
        for k in range(len(self._counts) - 1, 0, -1):
            count = self._counts[k]  # of columns that are deep enough
            values, pieces = slices[:count], slices[end - count : end]
            rounding = 1.5 * 2.0 ** (52 + _BITS * k)  # leaves no bits below _BITS * k
            np.add(values, rounding, out=pieces)
            np.subtract(pieces, rounding, out=pieces)
            np.subtract(values, pieces, out=values)  # exact
            end -= count

    def _exclude_low_bits(self, slices: Block, low: Values, high: Values, fits: Flags) -> None:
        """Clear `fits` for rows with a value that has bits below its last slice.

        A column without a sign change whose values are all large enough has none: skip it.
        """
        unsure = np.flatnonzero(~(np.maximum(low, -high) >= self._surely_fits)[self._order])
        if unsure.size:
            values = slices[unsure[0] : unsure[-1] + 1]
            integers = values == np.rint(values)
            if not integers.all():
                fits &= integers.all(axis=0)

    def add_products(self, slices: Block, outside: Rows) -> None:
        """Add the products of the rows that `split` has cut, but for those outside."""
        if outside.size:
            slices[:, outside] = 0.0
        n_rows = slices.shape[1]
        whole = n_rows - n_rows % _ROWS
        if whole:
            self._add(slices[:, :whole], _ROWS)
        if whole < n_rows:
            self._add(slices[:, whole:], n_rows - whole)

    def _add(self, slices: Block, n_rows: int) -> None:
        """Add the exact products of all rows, `n_rows` of them at a time."""
        if len(slices) <= _NARROW:
            grams = _upper_products(slices, n_rows)
            grams *= self._to_integer[:, None] * self._to_integer
            self._gram += grams.astype(np.int64).sum(axis=0)
        else:
            for start in range(0, slices.shape[1], n_rows):
                self._add_wide(slices[:, start : start + n_rows])
        self.n_grams += slices.shape[1] // n_rows

    def _add_wide(self, slices: Block) -> None:
        """Add the products of many slices, a strip of the upper triangle at a time."""
        for i in range(0, len(slices), _WIDE_STRIP):
            strip = slice(i, i + _WIDE_STRIP)
            rest = slice(max(i - 1, 0), None)  # one slice more, as in `_upper_products`
            products = np.matmul(slices[strip], slices[rest].T)
            products *= self._to_integer[strip, None]
            products *= self._to_integer[rest]
            self._gram[strip, rest] += products.astype(np.int64)

    def drain(self, upper: tuple[Rows, Rows]) -> Integers:
        """Return the sums of what has been added up, for pairs of columns, and start again."""
        place = np.argsort(self._order)
        rows, columns = place[upper[0]], place[upper[1]]
        digits = to_digits(self._gram, self._counts, _BITS)
        sums = from_digits([digit[rows, columns] for digit in digits], _BITS)
        self._gram[:] = 0
        self.n_grams = 0
        shifts = self._lowest[upper[0]] + self._lowest[upper[1]] - UNIT
        sums <<= shifts.astype(object)
        return sums


def _upper_products(slices: Block, n_rows: int) -> npt.NDArray[np.float64]:
    """Return ``slices @ slices.T`` of every `n_rows` rows; below the diagonal it is undefined.

    Few slices are multiplied in short and narrow pieces, which BLAS does not copy first: that is
    about a third faster than its product of a matrix with its own transpose.
    """
    n_slices = len(slices)
    short = n_rows % _SHORT == 0
    parts = slices.reshape(n_slices, -1, _SHORT if short else n_rows).transpose(1, 0, 2)
    products = np.zeros((len(parts), n_slices, n_slices))
    if not short:
        return np.matmul(parts, parts.transpose(0, 2, 1), out=products)
    for i in range(0, n_slices, _STRIP):
        strip = slice(i, i + _STRIP)
        # One slice more than is needed, as NumPy calls a slower routine for two equal factors.
        rest = slice(max(i - 1, 0), None)
        np.matmul(parts[:, strip], parts[:, rest].transpose(0, 2, 1), out=products[:, strip, rest])
    pieces = products.reshape(-1, n_rows // _SHORT, n_slices, n_slices)
    sums: npt.NDArray[np.float64] = pieces.sum(axis=1)
    return sums


def _bit_ranges(block: Block, spare: int) -> tuple[Rows, Rows]:
    """Return for each column the exponents of its highest and its lowest bits, (n_columns,) each.

    The `spare` largest values are left out if they are far above the others, as are the `spare`
    values with the lowest bits.
    """
    mantissas, exponents = np.frexp(block)
    integers = np.ldexp(mantissas, 53).astype(np.int64)
    trailing_zeros = np.frexp((integers & -integers).astype(np.float64))[1] - 1
    highest = np.where(block != 0.0, exponents, -_EXPONENT)
    lowest = np.where(block != 0.0, exponents - 53 + trailing_zeros, _EXPONENT)
    largest, usual = highest.max(axis=1), np.partition(highest, -1 - spare, axis=1)[:, -1 - spare]
    lowest = np.partition(lowest, spare, axis=1)[:, spare]
    return np.where(largest - usual > _BITS, usual, largest), lowest


def _grid(highest: int, lowest: int) -> tuple[int, int]:
    """Return how many slices a column has, and the exponent of the last one.

    Bits that the slices have and the column does not need go above and below.
    """
    highest = max(min(highest, _EXPONENT), _DEPTH * _BITS - _EXPONENT)
    n_bits = max(1, highest - lowest + 1)  # with the sign
    depth = min(-(-n_bits // _BITS), _DEPTH)
    # three quarters above: a single large value makes its row wait
    top = min(highest + max(0, depth * _BITS - n_bits) * 3 // 4, _EXPONENT)
    return depth, top + 1 - _BITS * depth


def _check_finite(block: Block, rows: Rows | slice) -> None:
    finite = np.isfinite(block[:, rows])
    if not finite.all():
        row, column = np.argwhere(~finite.T)[0]
        raise NotFiniteError(int(column), int(np.arange(block.shape[1])[rows][row]))
