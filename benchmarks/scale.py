"""Estimate what training on a cluster takes, from rates that are measured on this machine.

    python benchmarks/scale.py [--rows 1e12] [--workers 1000] [--quick]

Measured: how fast one worker (one thread) summarizes rows of Parquet, the bytes that it reads, the
size of a summary, how long two take to add up, what Dask takes to schedule a task.
"""

from __future__ import annotations

import argparse
import math
import pickle
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from distributed import Client, LocalCluster
from files import write

from cali_reg.data.california_housing import TARGET
from cali_reg.data.columns.selection import select
from cali_reg.data.content_split import ContentSplit
from cali_reg.data.dask_cluster import FAN_IN, TASKS
from cali_reg.data.dataset import open_dataset
from cali_reg.data.readers import BATCH_SIZE
from cali_reg.data.summaries.splitter import Layout
from cali_reg.data.summaries.summarizer import summarize


def main() -> None:
    """Print the rates and the estimate."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=float, default=1e12)
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--quick", action="store_true", help="ten times fewer rows to measure on")
    options = parser.parse_args()
    n_rows = 500_000 if options.quick else 5_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.parquet")
        write(path, n_rows)
        dataset = open_dataset([str(path)])
        columns = select(dataset, TARGET, None, (), {})
        layout = Layout(columns, ContentSplit(42, 0.2), 5)
        seconds = process_time(
            lambda: summarize(dataset.fragments, layout, BATCH_SIZE, n_threads=1)
        )
        summary = summarize(dataset.fragments, layout, BATCH_SIZE)
        rate, width = n_rows / seconds, path.stat().st_size / n_rows
    size = len(pickle.dumps(summary))
    adding = process_time(lambda: [summary + summary for _ in range(100)]) / 100
    task = seconds_a_task(200 if options.quick else 2000)
    print(f"one thread summarizes {rate / 1e6:.2f} M rows a second ({width:.1f} bytes a row)")
    print(f"a summary takes {size / 1000:.0f} kB; two add up in {adding * 1e3:.2f} ms")
    print(f"Dask schedules {1 / task:.0f} tasks a second\n")

    n_leaves = options.workers * TASKS
    n_tasks = math.ceil(n_leaves * FAN_IN / (FAN_IN - 1))
    share = options.rows / options.workers
    depth = math.ceil(math.log(n_leaves, FAN_IN))
    print(f"{options.rows:.3g} rows on {options.workers} workers of one thread each:")
    print(
        f"  read      {options.rows * width / 1e12:.3g} TB, {share * width / 1e9:.3g} GB a worker"
    )
    print(f"  moved     {n_tasks * size / 1e9:.3g} GB in all, {n_tasks:,} tasks")
    print(f"  reading   {share / rate / 60:.3g} minutes, at {rate * width / 1e6:.0f} MB/s a worker")
    print(f"  adding up {depth} levels, {depth * FAN_IN * adding:.3g} s")
    print(f"  schedule  {n_tasks * task:.3g} s, while the workers read")


def process_time(run: Callable[[], object]) -> float:
    """Return the processor time of a call in seconds, of all threads."""
    start = time.process_time()
    run()
    return time.process_time() - start


def seconds_a_task(n_tasks: int) -> float:
    """Return the seconds that an empty task takes on two workers."""
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
    ):
        client.submit(pow, 2, 2, pure=False).result()
        start = time.perf_counter()
        client.gather([client.submit(pow, 2, k, pure=False) for k in range(n_tasks)])
        return (time.perf_counter() - start) / n_tasks


if __name__ == "__main__":
    main()
