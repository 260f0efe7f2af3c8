"""Run a task on all fragments of a dataset: in this process, in several, or on a Dask cluster.

On a cluster each of Dask's workers takes some of the fragments, and the results are added up in a
tree. Rows stay on their worker: only results of some kilobytes are sent. Dask repeats a task whose
worker was lost. On this machine `local_processes` does the same without a scheduler: one of Dask
would listen on a port, where any user of the machine could run code as this one.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial, reduce
from importlib.util import find_spec
from typing import Any

from cali_reg.data.formats.base import Fragment
from cali_reg.data.readers import Progress
from cali_reg.data.workers.local_processes import Processes, open_processes
from cali_reg.errors import CaliRegError, UsageError

TASKS = 20  # for each thread of the cluster: few enough to schedule, enough to balance the load
FAN_IN = 8  # results that one task adds up
_TIMEOUT = 20  # seconds in which a scheduler answers

Task = Callable[..., Any]  # takes fragments and, by name, a progress
Add = Callable[[Any, Any], Any]
Run = Callable[[Task, Sequence[Fragment], Add, Progress], Any]


@contextmanager
def open_runner(dask: str | None) -> Iterator[Run]:
    """Yield a function that runs a task on fragments and adds up the results.

    Parameters
    ----------
    dask : str or None
        Address of a scheduler, such as ``tcp://host:8786``; ``local`` for one process for each
        core of this machine, or ``local:4`` for four. None for this process.

    Yields
    ------
    callable
        Takes the task, the fragments, a function that adds two results, and one that is called
        with the number of rows read since the last call. Returns the sum of the results.

    Raises
    ------
    UsageError
        If Dask is not installed, or no scheduler answers.
    """
    if dask is None:
        yield _run_here
        return
    if find_spec("distributed") is None:
        raise UsageError("--dask needs the extra cali-reg[dask]: pip install 'cali-reg[dask]'")
    if dask.partition(":")[0] == "local":
        with open_processes(_n_workers(dask)) as processes:
            yield partial(_run_in_processes, processes)
    else:
        with _connect(dask) as client:
            yield partial(_run_on_cluster, client)


def _run_here(task: Task, fragments: Sequence[Fragment], _add: Add, progress: Progress) -> Any:
    return task(fragments, progress=progress)


@contextmanager
def _connect(address: str) -> Iterator[Any]:
    from distributed import Client
    from distributed.security import Security

    if address.startswith("tls:") and not Security().get_tls_config_for_role("client")["cert"]:
        raise UsageError(
            f"--dask {address}: no certificate for this client; name it in the configuration of"
            " Dask, distributed.comm.tls.client"
        )
    with ExitStack() as stack:
        try:
            logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
            client = stack.enter_context(Client(address, timeout=_TIMEOUT, set_as_default=False))
            client.wait_for_workers(1, timeout=_TIMEOUT)
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            raise UsageError(
                f"--dask {address}: no scheduler with workers answers ({str(error)[:100]}); start"
                " one, or use --dask local"
            ) from None
        yield client


def _n_workers(address: str) -> int:
    count = address.partition(":")[2]
    if count and not (count.isascii() and count.isdigit() and 0 < int(count) < 1000):
        raise UsageError(
            f"--dask {address}: {count!r} is not a number of workers; expected such as local:4"
        )
    return int(count) if count else os.cpu_count() or 1


def _run_in_processes(
    processes: Processes, task: Task, fragments: Sequence[Fragment], add: Add, progress: Progress
) -> Any:
    groups = _group(fragments, processes.n_processes)
    results = processes.run(task, groups, lambda k: progress(_n_rows(groups[k])))
    return reduce(add, results)


def _group(fragments: Sequence[Fragment], n_threads: int) -> list[list[Fragment]]:
    """Return what one task reads, for all tasks."""
    pieces = [piece for fragment in fragments for piece in fragment.split()]
    size = max(1, len(pieces) // (n_threads * TASKS))
    return [pieces[start : start + size] for start in range(0, len(pieces), size)]


def _n_rows(group: Sequence[Fragment]) -> int:
    return sum(piece.n_rows or 0 for piece in group)


def _run_on_cluster(
    client: Any, task: Task, fragments: Sequence[Fragment], add: Add, progress: Progress
) -> Any:
    from distributed import CancelledError, KilledWorker, as_completed
    from distributed.comm import CommClosedError

    groups = _group(fragments, sum(client.nthreads().values()))
    submit = partial(client.submit, pure=False)
    leaves = {submit(task, group): _n_rows(group) for group in groups}
    results = list(leaves)
    while len(results) > 1:
        starts = range(0, len(results), FAN_IN)
        results = [submit(_add_up, add, results[i : i + FAN_IN]) for i in starts]
    try:
        for leaf in as_completed(leaves, loop=client.loop):
            if error := leaf.exception():
                raise error
            progress(leaves[leaf])
        return results[0].result()
    except (KilledWorker, CommClosedError, CancelledError) as error:
        reason = str(error).partition("\n")[0][:150]
        raise CaliRegError(f"the Dask cluster failed ({reason}); see its logs") from None


def _add_up(add: Add, results: Sequence[Any]) -> Any:
    return reduce(add, results)
