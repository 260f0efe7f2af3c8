"""Run a task on all fragments of a dataset: in this process, or on a Dask cluster.

On a cluster each of Dask's workers takes some of the fragments, and the results are added up in a
tree. Rows stay on their worker: only results of some kilobytes are sent. Dask repeats a task whose
worker was lost.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial, reduce
from typing import Any

from cali_reg.data.formats.base import Fragment
from cali_reg.data.readers import Progress
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
    with _connect(dask) as client:
        yield partial(_run_on_cluster, client)


def _run_here(task: Task, fragments: Sequence[Fragment], _add: Add, progress: Progress) -> Any:
    return task(fragments, progress=progress)


@contextmanager
def _connect(address: str) -> Iterator[Any]:
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise UsageError(
            "--dask needs the extra cali-reg[dask]: pip install 'cali-reg[dask]'"
        ) from None
    with ExitStack() as stack:
        try:
            cluster: Any = address
            if address.partition(":")[0] == "local":
                cluster = stack.enter_context(
                    LocalCluster(
                        n_workers=_n_workers(address),
                        threads_per_worker=1,
                        dashboard_address="127.0.0.1:0",  # None would ask for port 8787
                        silence_logs=logging.CRITICAL,  # errors become one line
                    )
                )
            logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
            client = stack.enter_context(Client(cluster, timeout=_TIMEOUT, set_as_default=False))
            client.wait_for_workers(1, timeout=_TIMEOUT)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"--dask {address}: no scheduler with workers answers ({str(error)[:100]}); start"
                " one, or use --dask local"
            ) from None
        yield client


def _n_workers(address: str) -> int | None:
    count = address.partition(":")[2]
    if count and not (count.isascii() and count.isdigit() and 0 < int(count) < 1000):
        raise UsageError(
            f"--dask {address}: {count!r} is not a number of workers; expected such as local:4"
        )
    return int(count) if count else None


def _run_on_cluster(
    client: Any, task: Task, fragments: Sequence[Fragment], add: Add, progress: Progress
) -> Any:
    from distributed import CancelledError, KilledWorker, as_completed
    from distributed.comm import CommClosedError

    pieces = [piece for fragment in fragments for piece in fragment.split()]
    n_threads = sum(client.nthreads().values())
    size = max(1, len(pieces) // (n_threads * TASKS))
    groups = [pieces[start : start + size] for start in range(0, len(pieces), size)]
    submit = partial(client.submit, pure=False)
    leaves = {submit(task, group): sum(p.n_rows or 0 for p in group) for group in groups}
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
