"""Predicting files: time and peak memory, as ratios to polars in the same run.

    python benchmarks/predict.py [--quick]

polars evaluates the same formula, ((b + w0 x0) + w1 x1) + ..., in its streaming engine, and checks
nothing; its files are compressed by default, ours are not, for predictions hardly compress. Each
run is a process of its own; imports are not timed. A ratio is a peer's median time over ours:
above 1, ours is faster.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl
from files import write

from cali_reg import artifacts
from cali_reg.predict import Predictor, Request
from cali_reg.predict_files import predict_files

Peer = Callable[[Path, Path, Path], None]  # takes the model's folder, the input and the output


def ours(folder: Path, path: Path, out: Path, interval: float | None = None) -> None:
    """Predict as ``cali-reg predict`` does."""
    request = Request([str(path)], out=out, interval=interval)
    predict_files(request, Predictor(folder, request))


def polars(folder: Path, path: Path, out: Path, **options: Any) -> None:
    """Predict by an expression of polars."""
    model = artifacts.load_model(folder)
    prediction = pl.lit(model.intercept)
    for feature in model.features:
        prediction = prediction + feature.coefficient * pl.col(feature.name)
    if path.suffix == ".csv":
        pl.scan_csv(path).select(prediction).sink_csv(out, include_header=False)
    else:
        scan = pl.scan_parquet(path).select(prediction.alias("prediction"))
        scan.sink_parquet(out, **options)


PEERS: dict[str, Peer] = {
    "cali-reg": ours,
    "cali-reg, intervals": partial(ours, interval=0.95),
    "polars": polars,
    "polars, uncompressed": partial(polars, compression="uncompressed"),
}


def run(name: str, *paths: Path) -> tuple[float, float]:
    """Return seconds and peak memory in MB of a peer in a process of its own."""
    command = [sys.executable, __file__, "--peer", name, *map(str, paths)]
    output = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    seconds, peak = map(float, output.split())
    return seconds, peak


def measure(name: str, *paths: str) -> None:
    """Print what `run` reads."""
    folder, path, out = map(Path, paths)
    out.unlink(missing_ok=True)
    os.sync()  # we wait for the disk at the end: not for what others wrote before
    start = time.perf_counter()
    PEERS[name](folder, path, out)
    seconds = time.perf_counter() - start
    with open("/proc/self/status") as file:  # getrusage's peak would count the parent's, too
        peak = next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
    print(seconds, peak / 1024)


def report(label: str, names: list[str], folder: Path, path: Path, n_runs: int) -> float:
    """Print a row for each peer; they take turns. Return our peak memory."""
    out = path.with_stem("predictions")
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    sizes = {}
    for _ in range(n_runs):
        for name in names:
            taken[name].append(run(name, folder, path, out))
            sizes[name] = out.stat().st_size / 1e6
    seconds = {name: median(run[0] for run in runs) for name, runs in taken.items()}
    peaks = {name: max(run[1] for run in runs) for name, runs in taken.items()}
    for name in names:
        ratio = seconds[name] / seconds["cali-reg"]
        print(
            f"| {label:<16} | {name:<20} | {seconds[name]:>6.2f} s | {ratio:>5.2f} |"
            f" {peaks[name]:>6.0f} MB | {sizes[name]:>5.0f} MB |",
            flush=True,
        )
    return peaks["cali-reg"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="ten times fewer rows")
    parser.add_argument("--peer", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        measure(*options.peer)
        return
    millions = 1.0 if options.quick else 10.0
    heads = f"{'time':>8} | ratio | {'memory':>9} | {'output':>8}"
    print(f"| {'predicting':<16} | {'by':<20} | {heads} |")
    print(f"|{'-' * 18}|{'-' * 22}|{'-' * 9}:|{'-' * 6}:|{'-' * 10}:|{'-' * 9}:|")
    with tempfile.TemporaryDirectory() as name:
        folder, peaks = Path(name, "artifacts"), []
        train = [sys.executable, "-m", "cali_reg", "train", "--artifacts", str(folder)]
        subprocess.run(train, check=True, stdout=subprocess.DEVNULL)
        for count in (millions / 10, millions):
            path = Path(name, "rows.parquet")
            write(path, round(count * 1e6))
            peaks.append(report(f"{count:g} M parquet", list(PEERS), folder, path, 7))
        path = Path(name, "rows.csv")
        write(path, round(millions * 1e5))
        report(f"{millions / 10:g} M csv", list(PEERS)[::2], folder, path, 5)
    print(f"\nPeak memory of ten times the rows, in times: {peaks[1] / peaks[0]:.2f}")


if __name__ == "__main__":
    main()
