"""Process items in threads while others are read. NumPy and Arrow release Python's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Lock
from typing import Protocol, TypeVar

_Item = TypeVar("_Item")
_ItemIn = TypeVar("_ItemIn", contravariant=True)

_MOST_THREADS = 4  # what they do between NumPy's calls, only one does at a time


class Worker(Protocol[_ItemIn]):
    """An object that processes items, one after the other."""

    def add(self, item: _ItemIn) -> None:
        """Process one item.

        Parameters
        ----------
        item : object
        """


_Worker = TypeVar("_Worker", bound=Worker)  # type: ignore[type-arg]


def prefetch(items: Iterator[_Item]) -> Iterator[_Item]:
    """Yield items while another thread prepares the next one.

    Parameters
    ----------
    items : iterator
    """
    end = object()
    with ThreadPoolExecutor(1) as thread:
        future = thread.submit(next, items, end)
        while (item := future.result()) is not end:
            future = thread.submit(next, items, end)
            yield item  # type: ignore[misc]


def run_workers(
    items: Iterator[_Item], make_worker: Callable[[], _Worker], n_threads: int | None = None
) -> list[_Worker]:
    """Process items in several threads, each with a worker of its own.

    Parameters
    ----------
    items : iterator
        Each thread takes the next item when it is done with the last one.
    make_worker : callable
        Returns a new worker; its `add` is called with each item that the thread takes.
    n_threads : int, optional
        By default one for each core, but at least two, since reading waits, and at most four.

    Returns
    -------
    list of workers
        One for each thread, after all items.

    Raises
    ------
    BaseException
        The error at the earliest item, if there is any.
    """
    n_threads = n_threads or max(2, min(_MOST_THREADS, os.cpu_count() or 1))
    queue = _Queue(items)
    with ThreadPoolExecutor(n_threads) as pool:
        try:
            futures = [pool.submit(queue.work, make_worker()) for _ in range(n_threads)]
            workers = [future.result() for future in futures]
        except BaseException as interrupt:
            queue.errors[-1] = interrupt  # no thread takes another item
            raise
    if queue.errors:
        raise queue.errors[min(queue.errors)]
    return workers


class _Queue:
    """Items that threads take one after the other, until one of them fails."""

    def __init__(self, items: Iterator[object]) -> None:
        self._items, self._numbers, self._lock = items, count(), Lock()
        self.errors: dict[int, BaseException] = {}  # by the number of the item

    def work(self, worker: _Worker) -> _Worker:
        """Give items to a worker until there are no more."""
        end, number = object(), -1
        while not self.errors:
            try:
                with self._lock:
                    number = next(self._numbers)
                    item = next(self._items, end)
                if item is end:
                    break
                worker.add(item)
            except BaseException as error:
                self.errors[number] = error
        return worker
