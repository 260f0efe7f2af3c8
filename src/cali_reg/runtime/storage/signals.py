"""Handle Control-C and requests to stop; postpone them while files are replaced."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` takes longer to import
import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def handled(handler: Callable[[int, object], None]) -> Iterator[None]:
    """Call a function for the signals that stop a process, until the block ends.

    A signal that is ignored stays ignored, as under nohup. Only the main thread handles signals; in
    another thread there is nothing to do.

    Parameters
    ----------
    handler : callable
        Takes the number of the signal, and a frame.

    Yields
    ------
    None
    """
    previous = {}
    with contextlib.suppress(ValueError):  # not the main thread
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(_signal, name, None)
            if number is not None and _signal.getsignal(number) not in (_signal.SIG_IGN, None):
                previous[number] = _signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in previous.items():
            _signal.signal(number, old)


@contextmanager
def deferred() -> Iterator[None]:
    """Let the signals that stop a process wait until the block ends.

    Yields
    ------
    None
    """
    received: list[int] = []
    try:
        with handled(lambda number, frame: received.append(number)):
            yield
    finally:
        for number in received[:1]:
            _signal.raise_signal(number)
