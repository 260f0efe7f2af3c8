"""Threads: rows are read while others are worked on. NumPy and Arrow release Python's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Lock
from typing import TypeVar

_T = TypeVar("_T")
_Result = TypeVar("_Result")

_MOST = 4  # threads: what they do between NumPy's calls, only one does at a time


def ahead(items: Iterator[_T]) -> Iterator[_T]:
    """Yield items, with the next one made in another thread meanwhile."""
    end = object()
    with ThreadPoolExecutor(1) as thread:
        future = thread.submit(next, items, end)
        while (item := future.result()) is not end:
            future = thread.submit(next, items, end)
            yield item  # type: ignore[misc]


def share(
    items: Iterator[_T], work: Callable[[Iterator[_T]], _Result], n_threads: int | None = None
) -> list[_Result]:
    """Let each thread work on the items that it draws, in order; return what each makes of them.

    Parameters
    ----------
    n_threads : int, optional
        One for each core by default, but two at least, since reading waits, and four at most.

    Raises
    ------
    BaseException
        What `items` or `work` raised at the earliest item at which any of them did.
    """
    n_threads = n_threads or max(2, min(_MOST, os.cpu_count() or 1))
    errors: dict[int, BaseException] = {}
    lock, numbers, end = Lock(), count(), object()

    def run() -> _Result | None:
        number = 0

        def draw() -> Iterator[_T]:
            nonlocal number
            while not errors:
                with lock:
                    number = next(numbers)
                    item = next(items, end)
                if item is end:
                    return
                yield item  # type: ignore[misc]

        try:
            return work(draw())
        except BaseException as error:
            errors[number] = error
            return None

    with ThreadPoolExecutor(n_threads) as pool:
        try:
            results = [future.result() for future in [pool.submit(run) for _ in range(n_threads)]]
        except BaseException as interrupt:
            errors[-1] = interrupt  # no thread draws another item
            raise
    if errors:
        raise errors[min(errors)]
    return [result for result in results if result is not None]
