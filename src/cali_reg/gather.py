"""Gathering: a task on all parts of a source, here or on a cluster, and the sum of its results.

On a cluster Dask's workers take a part each, and the results add up in a tree. No row leaves its
worker; only results travel, some kilobytes each. Dask does a task again whose worker was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial, reduce
from typing import Any

from cali_reg.batches import Part, Progress
from cali_reg.errors import CaliRegError, UsageError

_TASKS = 20  # for each thread of the cluster: few enough to schedule, enough to share out
_FAN_IN = 8  # results that one task adds up
_RETRIES = 5  # of a task whose worker was lost


Task = Callable[..., Any]  # of parts and, by name, of a Progress
Add = Callable[[Any, Any], Any]
Gather = Callable[[Task, Sequence[Part], Add, Progress], Any]


@contextmanager
def gathering(dask: str | None) -> Iterator[Gather]:
    """Yield what gathers: this process, or the cluster at an address."""
    if dask is None:
        yield _gather_here
        return
    with _connected(dask) as client:
        yield partial(_gather, client)


def _gather_here(task: Task, parts: Sequence[Part], _add: Add, progress: Progress) -> Any:
    return task(parts, progress=progress)


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Yield a Dask client.

    Parameters
    ----------
    address : str
        Of a scheduler, such as ``tcp://host:8786``; ``local`` for processes on this machine, one
        for each core, or ``local:4`` for four.
    """
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
                        n_workers=_n_workers(address), threads_per_worker=1, dashboard_address=None
                    )
                )
            client = stack.enter_context(Client(cluster, timeout=20))
            client.wait_for_workers(1, timeout=60)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"--dask {address}: no scheduler with workers answers ({str(error)[:100]}); start"
                " them, or use --dask local"
            ) from None
        yield client


def _n_workers(address: str) -> int | None:
    count = address.partition(":")[2]
    if count and not (count.isascii() and count.isdigit() and 0 < int(count) < 1000):
        raise UsageError(f"--dask {address}: {count!r} is no number of workers; try local:4")
    return int(count) if count else None


def _gather(client: Any, task: Task, parts: Sequence[Part], add: Add, progress: Progress) -> Any:
    from distributed import KilledWorker, as_completed
    from distributed.comm import CommClosedError

    pieces = [piece for part in parts for piece in part.split()]
    n_threads = sum(client.nthreads().values())
    size = max(1, len(pieces) // (n_threads * _TASKS))
    shares = [pieces[start : start + size] for start in range(0, len(pieces), size)]
    submit = partial(client.submit, pure=False, retries=_RETRIES)
    leaves = {submit(task, share): sum(p.n_rows or 0 for p in share) for share in shares}
    results = list(leaves)
    while len(results) > 1:
        starts = range(0, len(results), _FAN_IN)
        results = [submit(_add_up, add, results[i : i + _FAN_IN]) for i in starts]
    try:
        for leaf in as_completed(leaves):
            progress(leaves[leaf])
        return results[0].result()
    except (KilledWorker, CommClosedError) as error:
        raise CaliRegError(
            f"the cluster lost its workers ({str(error)[:100]}); look at their logs"
        ) from None


def _add_up(add: Add, results: Sequence[Any]) -> Any:
    return reduce(add, results)
