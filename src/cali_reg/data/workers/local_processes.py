"""Run tasks in processes of this machine, through pipes that no other process can open."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from threading import Thread
from typing import Any

from cali_reg.errors import CaliRegError

_MOST_LOSSES = 3  # of processes, one after the other, without a task that is done


@contextmanager
def open_processes(n_processes: int) -> Iterator[Processes]:
    """Yield processes that run tasks, and end them afterwards, whatever they do.

    Parameters
    ----------
    n_processes : int
        How many tasks run at the same time.

    Yields
    ------
    Processes
    """
    others = set(multiprocessing.active_children())
    processes = Processes(n_processes)
    try:
        yield processes
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()  # a task may take minutes
        raise
    finally:
        processes.close()


class Processes:
    """Processes that start with the first task.

    Parameters
    ----------
    n_processes : int

    Attributes
    ----------
    n_processes : int
        How many tasks run at the same time.
    """

    def __init__(self, n_processes: int) -> None:
        self.n_processes = n_processes
        self._pool: ProcessPoolExecutor | None = None

    def run(
        self, task: Callable[[Any], Any], items: Sequence[Any], done: Callable[[int], object]
    ) -> list[Any]:
        """Run a task on items, and again if its process was lost.

        Parameters
        ----------
        task : callable
            Takes an item. It must be possible to pickle it.
        items : sequence
        done : callable
            Takes the index of an item whose task is done.

        Returns
        -------
        list
            The result for each item.

        Raises
        ------
        BaseException
            The first error of a task.
        CaliRegError
            If three processes in a row are lost without a task that is done.
        """
        results: dict[int, Any] = {}
        n_losses = 0
        while left := [k for k in range(len(items)) if k not in results]:
            before = len(results)
            try:
                for k, result in self._results(task, items, left):
                    results[k] = result
                    done(k)
            except BrokenProcessPool:
                self.close()
                n_losses = 1 if len(results) > before else n_losses + 1
                if n_losses == _MOST_LOSSES:
                    raise CaliRegError(
                        f"{_MOST_LOSSES} processes of --dask local were lost, one after the other;"
                        " give them more memory, or use fewer"
                    ) from None
        return [results[k] for k in range(len(items))]

    def close(self) -> None:
        """End the processes; the next task starts others."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _results(
        self, task: Callable[[Any], Any], items: Sequence[Any], left: Sequence[int]
    ) -> Iterator[tuple[int, Any]]:
        """Yield results as they come, with the indices of their items."""
        if self._pool is None:
            # a copy of this process would have the locks of its threads, but not the threads
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.n_processes, context, _start)
        futures: dict[Future[Any], int] = {}
        for k in left:
            futures[self._pool.submit(task, items[k])] = k
        for future in as_completed(futures):
            yield futures[future], future.result()


def _start() -> None:
    """Leave Ctrl-C to the process that started this one, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
