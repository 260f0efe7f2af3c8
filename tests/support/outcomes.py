"""Results that may be beyond float64."""

from collections.abc import Callable
from typing import Any

from cali_reg.errors import DataError

BEYOND = "beyond float64"


def outcome(compute: Callable[[], Any]) -> Any:
    """Return a result, or that it is beyond float64."""
    try:
        return compute()
    except OverflowError:
        return BEYOND
    except DataError as error:
        return BEYOND if BEYOND in str(error) else error
