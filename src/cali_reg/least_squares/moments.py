"""Moments: the exact sums of a table's columns and of all their products.

Least squares needs nothing else of the data. The sums are exact, so they can be added in any order
and subtracted again: however the rows are split into batches, the result has the same bits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from cali_reg.errors import DataError, FormatError
from cali_reg.least_squares.conversion import check_table, exact_float64
from cali_reg.least_squares.exact_gram import (
    UNIT,
    GramAccumulator,
    NotFiniteError,
    rows_per_block,
)
from cali_reg.least_squares.solvers.integers import Integers

_HIGHEST = 2 * 1024 + 63  # no sum of fewer than 2**63 squares of float64 reaches this power of two
_MANY_ZEROS = 16  # in a row, that are stored as their number
_SUM = re.compile(r"0|(-?)0x((?=[1-9a-f])[0-9a-f]{0,1199}[13579bdf])p(0|-?[1-9][0-9]{0,3})")


class Moments:
    """Exact sums of 1, x, y and of all their products over the rows of a table.

    ``a + b`` are the moments of the rows of both tables, ``a - b`` those of the rows of `a` without
    the rows of `b`. Both raise DataError for other columns, and ``a - b`` also if no rows could
    have the sums that remain. ``a == b`` if every sum is equal.

    Make them with `from_arrays`, or read them with `from_json`.

    Parameters
    ----------
    sums : ndarray of shape (n_features + 2, n_features + 2)
        Python integers; see the attribute.

    Attributes
    ----------
    n_samples : int
        Number of rows.
    n_features : int
        Number of columns of X.
    sums : ndarray of shape (n_features + 2, n_features + 2)
        The sums of z zᵀ with z = (1, x1, ..., xp, y), as integers in units of ``2**-2148``. A copy.

    Examples
    --------
    >>> import numpy as np
    >>> from cali_reg import Moments
    >>> X, y = np.array([[0.1], [0.2], [0.3]]), np.array([1, 2, 4])
    >>> first, rest = Moments.from_arrays(X[:1], y[:1]), Moments.from_arrays(X[1:], y[1:])
    >>> rest + first == Moments.from_arrays(X, y)
    True
    """

    __slots__ = ("_sums",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, sums: Integers) -> None:
        # of z = (1, x1, ..., xp, y), as integer multiples of 2**UNIT: (p + 2, p + 2), symmetric
        self._sums = sums

    @classmethod
    def from_arrays(
        cls, X: npt.ArrayLike, y: npt.ArrayLike, *, names: Sequence[str] | None = None
    ) -> Self:
        """Sum up the rows of `X` and `y`, exactly.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Floats of any width, integers or booleans, in any array or table that NumPy converts.
            Each number must be equal to a float64.
        y : array-like of shape (n_samples,)
            The target, of the same types.
        names : sequence of n_features + 1 strings, optional
            The columns' names for error messages, the target's last.

        Returns
        -------
        Moments

        Raises
        ------
        DataError
            For NaN, infinity, a masked value, anything that is not a number, a number that no
            float64 equals, or shapes that do not fit.

        Examples
        --------
        >>> Moments.from_arrays([[0.5], [1.5]], [1, 2])
        Moments(n_samples=2, n_features=1)
        """
        check_table(X)
        check_table(y)
        X, y = np.asarray(X), np.asarray(y)
        if X.ndim != 2 or y.ndim != 1 or len(X) != len(y):
            raise DataError(
                f"X has shape {X.shape} and y {y.shape}; expected (n, p) and (n,): reshape them"
            )
        if names is None:
            names = [*(f"x{j}" for j in range(X.shape[1])), "y"]
        return cls(_sum_rows(X, y, names))

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return int(self._sums[0, 0]) >> -UNIT

    @property
    def n_features(self) -> int:
        """Number of columns of X."""
        return len(self._sums) - 2

    @property
    def sums(self) -> Integers:
        """Sums of z zᵀ with z = (1, x1, ..., xp, y), in units of ``2**-2148``: (p + 2, p + 2)."""
        return self._sums.copy()

    def select(self, columns: Sequence[int]) -> Self:
        """Return the moments of some of the features, and of the target.

        Parameters
        ----------
        columns : sequence of int
            Indices of features.

        Returns
        -------
        Moments
        """
        kept = [0, *(column + 1 for column in columns), len(self._sums) - 1]
        return type(self)(self._sums[np.ix_(kept, kept)])

    def mean(self, column: int) -> Fraction:
        """Return the exact mean of a column.

        Parameters
        ----------
        column : int
            The index in (x1, ..., xp, y).

        Returns
        -------
        Fraction

        Raises
        ------
        ZeroDivisionError
            Without a row.
        """
        return Fraction(int(self._sums[0, column + 1]), int(self._sums[0, 0]))

    def is_constant(self, column: int) -> bool:
        """Tell whether a column has the same value in every row.

        Parameters
        ----------
        column : int
            The index in (x1, ..., xp, y).

        Returns
        -------
        bool
        """
        n, total, squares = (
            self._sums[i, j] for i, j in ((0, 0), (0, column + 1), (column + 1,) * 2)
        )
        return bool(n * squares == total * total)

    def __add__(self, other: Moments) -> Moments:
        if not isinstance(other, Moments):
            return NotImplemented
        return Moments(self._sums + self._same_columns(other)._sums)

    def __sub__(self, other: Moments) -> Moments:
        if not isinstance(other, Moments):
            return NotImplemented
        difference = Moments(self._sums - self._same_columns(other)._sums)
        if not difference._is_possible():
            raise DataError(
                f"the {other.n_samples} rows to remove are not all among the {self.n_samples} rows:"
                " no rows have the sums that would remain; check which rows are removed"
            )
        return difference

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Moments):
            return NotImplemented
        return self._sums.shape == other._sums.shape and bool((self._sums == other._sums).all())

    def __repr__(self) -> str:
        return f"Moments(n_samples={self.n_samples}, n_features={self.n_features})"

    def to_dict(self) -> dict[str, Any]:
        """Return the sums as JSON values.

        Returns
        -------
        dict
            ``n_features``, and ``sums``: the upper triangle row by row, each as an odd hexadecimal
            integer times a power of two, such as ``0x1fp-3``, or ``0``. Sixteen zeros or more in a
            row, as levels of one column have, are one integer: how many they are.
        """
        upper = self._sums[np.triu_indices(len(self._sums))]
        return {"n_features": self.n_features, "sums": _join_zeros(map(_to_text, upper))}

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """Read what `to_dict` returns.

        Parameters
        ----------
        values : dict

        Returns
        -------
        Moments

        Raises
        ------
        FormatError
            For anything that `to_dict` does not return, and for sums that no rows have.
        """
        n_features = values.get("n_features") if isinstance(values, dict) else None
        sums = values.get("sums") if isinstance(values, dict) else None
        if type(n_features) is not int or not isinstance(sums, list) or n_features < 0:
            raise FormatError("moments: expected n_features and a list of sums")
        size = n_features + 2
        n_sums = sum(map(_count_sums, sums))
        if n_sums != size * (size + 1) // 2:
            raise FormatError(f"moments: {n_sums} sums do not fit {n_features} features")
        full = np.zeros((size, size), dtype=object)
        upper = list(map(_from_text, spread_zeros(sums)))
        full[np.triu_indices(size)] = full.T[np.triu_indices(size)] = upper
        moments = cls(full)
        if int(full[0, 0]) % 2**-UNIT or not moments._is_possible():
            raise FormatError("moments: no rows have these sums")
        return moments

    def to_json(self) -> str:
        """Return `to_dict` as JSON text; equal moments give equal text."""
        return json.dumps(self.to_dict(), indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what `to_json` returns.

        Parameters
        ----------
        text : str or bytes

        Returns
        -------
        Moments

        Raises
        ------
        FormatError
            As `from_dict` does, and for text that is not JSON.
        """
        try:
            return cls.from_dict(json.loads(text))
        except (ValueError, RecursionError) as error:
            if isinstance(error, FormatError):
                raise
            raise FormatError(f"moments: not JSON ({error})") from None

    def _same_columns(self, other: Moments) -> Moments:
        if self.n_features != other.n_features:
            raise DataError(
                f"moments of {self.n_features} and of {other.n_features} features"
                " cannot be combined; expected the same columns"
            )
        return other

    def _is_possible(self) -> bool:
        """Tell whether any two columns satisfy the Cauchy-Schwarz inequality, as in real rows."""
        squares = self._sums.diagonal()
        if squares[0] == 0 and self._sums.any():
            return False
        if not (squares >= 0).all():
            return False
        rows = (self._sums[k, k:] for k in range(len(squares)))  # the products take much memory
        return all((squares[k] * squares[k:] >= row**2).all() for k, row in enumerate(rows))


def spread_zeros(sums: Sequence[Any]) -> list[Any]:
    """Return sums as `Moments.to_dict` has them, with each zero in place of their number.

    Parameters
    ----------
    sums : sequence of str or int
        Of which somebody has checked how many they stand for.
    """
    spread: list[Any] = []
    for value in sums:
        count = _count_sums(value)
        spread += ["0"] * count if count > 1 else [value]
    return spread


def _sum_rows(X: npt.NDArray[Any], y: npt.NDArray[Any], names: Sequence[str]) -> Integers:
    accumulator = GramAccumulator(X.shape[1] + 2)
    n_rows = rows_per_block(X.shape[1] + 2)
    block = np.ones((X.shape[1] + 2, min(n_rows, len(X))))
    for start in range(0, len(X), n_rows):
        stop = min(start + n_rows, len(X))
        block = block[:, : stop - start]
        block[1:-1] = exact_float64(X[start:stop], names, start + 1).T
        block[-1] = exact_float64(y[start:stop, None], names[-1:], start + 1).T
        try:
            accumulator.add(block)
        except NotFiniteError as error:
            value = "NaN" if np.isnan(block[error.column, error.row]) else "inf"
            raise DataError(
                f"column {names[error.column - 1]!r} holds {value} (row {start + error.row + 1});"
                " expected finite numbers: drop or fill such rows"
            ) from None
    return accumulator.total()


def _join_zeros(texts: Iterable[str]) -> list[str | int]:
    """Return the texts, with a number in place of many zeros."""
    joined: list[str | int] = []
    for is_zero, run in groupby(texts, key="0".__eq__):
        found = list(run)
        joined += [len(found)] if is_zero and len(found) >= _MANY_ZEROS else found
    return joined


def _count_sums(value: object) -> int:
    """Return how many sums a JSON value stands for: one, or many zeros."""
    return value if type(value) is int and value >= _MANY_ZEROS else 1


def _to_text(value: int) -> str:
    if value == 0:
        return "0"
    zeros = (value & -value).bit_length() - 1
    return f"{'-' * (value < 0)}0x{abs(value) >> zeros:x}p{zeros + UNIT}"


def _from_text(text: object) -> int:
    match = _SUM.fullmatch(text) if isinstance(text, str) else None
    if not match or (match[2] and not UNIT <= int(match[3]) <= _HIGHEST):
        raise FormatError(f"moments: {str(text)[:40]!r} is not a sum; expected the form 0x1fp-3")
    if not match[2]:
        return 0
    value = int(match[2], 16) << (int(match[3]) - UNIT)
    return -value if match[1] else value
