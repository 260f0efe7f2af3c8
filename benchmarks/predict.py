"""Predicting files: time and peak memory of cali-reg and of polars, in the same run.

    python benchmarks/predict.py [--quick]

polars evaluates the same formula, ((b + w0 x0) + w1 x1) + ..., in its streaming engine, and checks
nothing. It compresses its files by default; cali-reg does not, since predictions hardly compress.
Each run is a separate process; imports are not timed. A ratio is the median time of polars divided
by that of cali-reg: above 1, cali-reg is faster.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from files import write
from processes import Run, measure, run, summary

from cali_reg.jobs.predict import predict_files
from cali_reg.runtime import artifacts
from cali_reg.runtime.predictor import PredictOptions, open_predictor

Peer = Callable[[Path, Path, Path], None]  # takes the model's folder, the input and the output


def ours(folder: Path, path: Path, out: Path, interval: float | None = None) -> None:
    """Predict as ``cali-reg predict`` does."""
    options = PredictOptions(folder, [str(path)], out=out, interval=interval)
    predict_files(options, open_predictor(options))


def polars(folder: Path, path: Path, out: Path, **options: Any) -> None:
    """Predict with an expression of polars."""
    model = artifacts.read_model(folder)
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


def predict(name: str, folder: Path, path: Path, out: Path) -> None:
    """Predict, and print time and memory for `run`."""
    out.unlink(missing_ok=True)
    os.sync()  # or the run would wait for the disk to write files of earlier runs
    measure(lambda: PEERS[name](folder, path, out))


def report(label: str, names: list[str], folder: Path, path: Path, n_runs: int) -> float:
    """Run the programs in turns and print a row for each. Returns cali-reg's peak memory."""
    out = path.with_stem("predictions")
    taken: dict[str, list[Run]] = {name: [] for name in names}
    sizes = {}
    for _ in range(n_runs):
        for name in names:
            taken[name].append(run(__file__, name, folder, path, out))
            sizes[name] = out.stat().st_size / 1e6
    measured = summary(taken)
    ours, our_peak = measured["cali-reg"]
    for name, (seconds, peak) in measured.items():
        print(
            f"| {label:<16} | {name:<20} | {seconds:>6.2f} s | {seconds / ours:>5.2f} |"
            f" {peak:>6.0f} MB | {sizes[name]:>5.0f} MB |",
            flush=True,
        )
    return our_peak


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="ten times fewer rows")
    parser.add_argument("--peer", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        peer, *paths = options.peer
        predict(peer, *map(Path, paths))
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
