"""Gathering: a task on all parts of a source, here or on a cluster, and the sum of its results.

On a cluster Dask's workers take a part each, and the results add up in a tree. No row leaves its
worker; only results travel, some kilobytes each. Dask does a task again whose worker was lost.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial, reduce
from typing import Any

from cali_reg.data.readers import Part, Progress
from cali_reg.errors import CaliRegError, UsageError

TASKS = 20  # for each thread of the cluster: few enough to schedule, enough to share out
FAN_IN = 8  # results that one task adds up
_PATIENCE = 20  # seconds in which a scheduler answers


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
                        n_workers=_n_workers(address),
                        threads_per_worker=1,
                        dashboard_address="127.0.0.1:0",  # None stands for port 8787, taken or not
                        silence_logs=logging.CRITICAL,  # an error becomes one line of ours
                    )
                )
            logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
            client = stack.enter_context(Client(cluster, timeout=_PATIENCE, set_as_default=False))
            client.wait_for_workers(1, timeout=_PATIENCE)
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
    from distributed import CancelledError, KilledWorker, as_completed
    from distributed.comm import CommClosedError

    pieces = [piece for part in parts for piece in part.split()]
    n_threads = sum(client.nthreads().values())
    size = max(1, len(pieces) // (n_threads * TASKS))
    shares = [pieces[start : start + size] for start in range(0, len(pieces), size)]
    submit = partial(client.submit, pure=False)
    leaves = {submit(task, share): sum(p.n_rows or 0 for p in share) for share in shares}
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
        raise CaliRegError(f"the cluster failed ({reason}); look at its logs") from None


def _add_up(add: Add, results: Sequence[Any]) -> Any:
    return reduce(add, results)
