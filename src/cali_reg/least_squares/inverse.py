"""The inverse of the features' sums of products: parts of it, and its Cholesky factor, rounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import flint

from cali_reg.errors import DataError
from cali_reg.least_squares.normal_equations import NormalEquations
from cali_reg.least_squares.rounding import IMPOSSIBLE, round_balls, sqrt_to_float

Groups = Sequence[Sequence[int]]  # indices of features


def inverse_blocks(equations: NormalEquations, groups: Groups) -> Iterator[list[flint.arb_mat]]:
    """Enclose parts of the inverse of the features' sums of products, more closely each time.

    Parameters
    ----------
    equations : NormalEquations
    groups : sequence of sequences of int

    Yields
    ------
    list of arb_mat
        The rows and columns of each group. While it is used, FLINT's precision is that of these
        balls.
    """

    def scaled(block_of: Callable[[Sequence[int]], Any]) -> list[flint.arb_mat]:
        return [equations.in_data_units(block_of(group), group) for group in groups]

    yield from equations.enclose(
        lambda solver: scaled(solver.inverse_block),
        lambda inverse: scaled(lambda group: _part(inverse, group)),
    )


def exact_inverse_block(equations: NormalEquations, group: Sequence[int]) -> flint.fmpq_mat:
    """Return one of `inverse_blocks`, exactly.

    Parameters
    ----------
    equations : NormalEquations
    group : sequence of int
    """
    block: flint.fmpq_mat = equations.in_data_units(_part(equations.inverse(), group), group)
    return block


def _part(matrix: Any, group: Sequence[int]) -> Any:
    return type(matrix)([[matrix[i, j] for j in group] for i in group])


def round_inverse_cholesky(equations: NormalEquations) -> tuple[tuple[float, ...], ...]:
    """Return the rows of the inverse Cholesky factor, rounded: from balls or, for ties, exactly.

    Parameters
    ----------
    equations : NormalEquations
        Of independent columns.

    Raises
    ------
    DataError
        For moments that no rows have.
    """
    rows: list[tuple[float, ...] | None] = [None] * equations.rank
    for balls in equations.inverse_cholesky_balls():
        rows = [round_balls(row) for row in balls]
        if None not in rows:
            break
    return tuple(row or _round_row(equations, k) for k, row in enumerate(rows))


def _round_row(equations: NormalEquations, k: int) -> tuple[float, ...]:
    try:
        pairs = equations.inverse_cholesky_row(k)
    except ZeroDivisionError:
        raise DataError(IMPOSSIBLE) from None
    roots = [(v, sqrt_to_float(v * v * square)) for v, square in pairs]
    return tuple((-root if v < 0 else root) + 0.0 for v, root in roots)
