"""Other confidence levels for a prediction interval."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from cali_reg.errors import UsageError
from cali_reg.least_squares.statistics.distributions import two_sided_quantile
from cali_reg.runtime.prediction_interval import Interval


def with_levels(interval: Interval, levels: Sequence[float]) -> Interval:
    """Return an interval with other confidence levels.

    Parameters
    ----------
    interval : Interval
    levels : sequence of float
        Ascending, between 0 and 1.

    Returns
    -------
    Interval

    Raises
    ------
    UsageError
        For levels so close to each other, to 0 or to 1 that six digits do not tell their quantiles
        apart.
    """
    degrees_of_freedom = interval.degrees_of_freedom
    quantiles = [two_sided_quantile(degrees_of_freedom, level) for level in levels]
    limits = [0.0, *quantiles, math.inf]
    if not all(low < high for low, high in itertools.pairwise(limits)):
        raise UsageError(
            f"confidence levels {', '.join(map(str, levels))}: too close to each other, to 0 or to"
            f" 1 with {degrees_of_freedom} degrees of freedom; expected levels such as 0.9,0.95"
        )
    return interval._replace(quantiles=tuple(zip(levels, quantiles, strict=True)))
