"""Training on files: time and peak memory of cali-reg and of other programs, in the same run.

    python benchmarks/files.py [--quick]

The others do not split the rows and are not exact. pandas + scikit-learn read all rows at once.
Polars (its streaming engine) and PyArrow with NumPy (in batches) add up products in one pass and
solve the normal equations. Each run is a separate process; imports are not timed. A ratio is the
median time of the other program divided by that of cali-reg: above 1, cali-reg is faster.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from processes import Run, measure, run, summary
from sklearn.linear_model import LinearRegression

from cali_reg.data.california_housing import FEATURES, TARGET, california_housing
from cali_reg.jobs.train import train
from cali_reg.jobs.training_data.file_data import FileData
from cali_reg.jobs.training_data.file_options import FileOptions

COLUMNS = (*FEATURES, TARGET)
Array = npt.NDArray[np.float64]


def cali_reg(path: str) -> object:
    """Train as ``cali-reg train --data`` does, without writing the files."""
    return train(FileData(FileOptions([path], TARGET)))


def pandas_and_scikit_learn(path: str) -> object:
    """Read all rows, then fit."""
    frame = pd.read_parquet(path) if path.endswith(".parquet") else pd.read_csv(path)
    return LinearRegression().fit(frame[list(FEATURES)], frame[TARGET])


def polars_stream(path: str) -> object:
    """Add up all products in polars' streaming engine."""
    scan = pl.scan_parquet(path) if path.endswith(".parquet") else pl.scan_csv(path)
    pairs = [(a, b) for i, a in enumerate(COLUMNS) for b in COLUMNS[i:]]
    sums = [pl.col(a).sum() for a in COLUMNS] + [pl.len().alias("n")]
    products = [(pl.col(a) * pl.col(b)).sum().alias(f"{a}*{b}") for a, b in pairs]
    row = scan.select(sums + products).collect(engine="streaming").row(0, named=True)
    gram = np.empty((len(COLUMNS), len(COLUMNS)))
    for a, b in pairs:
        i, j = COLUMNS.index(a), COLUMNS.index(b)
        gram[i, j] = gram[j, i] = row[f"{a}*{b}"]
    return solved(gram, np.array([row[name] for name in COLUMNS]), row["n"])


def pyarrow_and_numpy(path: str) -> object:
    """Add up all products of PyArrow's batches with BLAS."""
    gram, total, n = np.zeros((9, 9)), np.zeros(9), 0
    for batch in batches(path):
        block = np.stack([column.to_numpy() for column in batch.columns])
        gram += block @ block.T
        total += block.sum(axis=1)
        n += block.shape[1]
    return solved(gram, total, n)


def batches(path: str) -> Iterator[Any]:
    """Yield record batches, which all threads decode."""
    if path.endswith(".parquet"):
        yield from pyarrow.parquet.ParquetFile(path).iter_batches(16384)
    else:
        yield from pyarrow.csv.open_csv(path)


def solved(gram: Array, total: Array, n: int) -> Array:
    """Solve the normal equations of centered columns."""
    centered = gram - np.outer(total, total) / n
    solution: Array = np.asarray(np.linalg.solve(centered[:-1, :-1], centered[:-1, -1]))
    return solution


PEERS: dict[str, Callable[[str], object]] = {
    "cali-reg": cali_reg,
    "pandas + scikit-learn": pandas_and_scikit_learn,
    "polars streaming": polars_stream,
    "PyArrow + NumPy": pyarrow_and_numpy,
}


def write(path: Path, n_rows: int) -> None:
    """Write rows of California Housing, drawn with replacement, a million at a time."""
    table = california_housing()
    rows = np.column_stack([table.X, table.y])
    rng = np.random.default_rng(0)
    schema = pa.schema([(name, pa.float64()) for name in COLUMNS])
    writer = pyarrow.parquet.ParquetWriter if path.suffix == ".parquet" else pyarrow.csv.CSVWriter
    with writer(path, schema) as file:
        for first in range(0, n_rows, 1_000_000):
            drawn = rows[rng.integers(0, len(rows), min(1_000_000, n_rows - first))]
            file.write_table(pa.table(list(drawn.T), schema=schema))


def report(label: str, path: Path, n_runs: int, names: Sequence[str]) -> float:
    """Run the programs in turns and print a row for each. Returns cali-reg's peak memory."""
    taken: dict[str, list[Run]] = {name: [] for name in names}
    for _ in range(n_runs):
        for name in names:
            taken[name].append(run(__file__, name, path))
    measured = summary(taken)
    ours, our_peak = measured["cali-reg"]
    for name, (seconds, peak) in measured.items():
        print(
            f"| {label:<16} | {name:<21} | {seconds:>6.2f} s | {seconds / ours:>5.2f} |"
            f" {peak:>6.0f} MB |",
            flush=True,
        )
    return our_peak


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="ten times fewer rows")
    parser.add_argument("--peer", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        name, path = options.peer
        measure(lambda: PEERS[name](path))
        return
    millions = 1.5 if options.quick else 15.0
    print(f"| {'training on':<16} | {'by':<21} | {'time':>8} | ratio | {'memory':>9} |")
    print(f"|{'-' * 18}|{'-' * 23}|{'-' * 9}:|{'-' * 6}:|{'-' * 10}:|")
    with tempfile.TemporaryDirectory() as folder:
        growth = []
        for suffix, n_runs in ((".parquet", 5), (".csv", 3)):
            peaks = []
            for count in (millions / 10, millions):
                rows = Path(folder, "rows").with_suffix(suffix)
                write(rows, round(count * 1e6))
                peaks.append(report(f"{count:g} M {suffix[1:]}", rows, n_runs, list(PEERS)))
                rows.unlink()
            growth.append(f"{suffix[1:]} {peaks[1] / peaks[0]:.2f}")
    print(f"\nPeak memory of ten times the rows, in times: {', '.join(growth)}")


if __name__ == "__main__":
    main()
