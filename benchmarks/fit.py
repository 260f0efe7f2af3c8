"""Time and memory of fitting: ExactLinearRegression and others, in the same run.

    python benchmarks/fit.py [--quick]

The others are scikit-learn's LinearRegression; the fastest inexact fit in one pass with NumPy
(Gram matrix of shifted chunks, Cholesky factorization); and ``X.sum()``, which reads the data once.
A ratio is the median time of the other divided by ours: above 1, cali-reg is faster.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LinearRegression

from cali_reg import ExactLinearRegression, Moments
from cali_reg.data.california_housing import california_housing
from cali_reg.errors import DataError
from cali_reg.jobs.fit import _solve as solve_or_reject
from cali_reg.least_squares.exact_gram import GramAccumulator
from cali_reg.least_squares.moments_file import TrainTestMoments
from cali_reg.runtime.schema import Column

Array = npt.NDArray[np.float64]
Peer = Callable[[Array, Array], Any]


def one_pass(X: Array, y: Array, rows: int = 8192) -> Array:
    """Fit inexactly in one pass: Gram matrix of shifted chunks, then Cholesky."""
    shift = np.append(X[:rows].mean(axis=0), y[:rows].mean())
    size = len(shift)
    gram, total = np.zeros((size, size)), np.zeros(size)
    chunk = np.empty((rows, size))
    for start in range(0, len(X), rows):
        part = chunk[: len(X[start : start + rows])]
        np.subtract(X[start : start + rows], shift[:-1], out=part[:, :-1])
        np.subtract(y[start : start + rows], shift[-1], out=part[:, -1])
        gram += part.T @ part
        total += part.sum(axis=0)
    gram -= np.outer(total, total) / len(X)
    lower = np.linalg.cholesky(gram[:-1, :-1])
    solution: Array = np.linalg.solve(lower.T, np.linalg.solve(lower, gram[:-1, -1]))
    return solution


PEERS: dict[str, Peer] = {
    "exact": lambda X, y: ExactLinearRegression().fit(X, y),
    "scikit-learn": lambda X, y: LinearRegression().fit(X, y),
    "one pass": one_pass,
    "X.sum()": lambda X, _: X.sum(),
}


def california(n_rows: int) -> tuple[Array, Array]:
    """Return rows of California Housing, drawn with replacement."""
    table = california_housing()
    rows = np.random.default_rng(0).integers(0, len(table.y), n_rows)
    return np.ascontiguousarray(table.X[rows]), table.y[rows]


def full_mantissas(n_rows: int, n_features: int = 8) -> tuple[Array, Array]:
    """Return normal numbers rounded to four decimals, which use nearly all bits of a float64."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(n_rows, n_features)).round(4), rng.normal(size=n_rows).round(4)


def times(X: Array, y: Array, n_runs: int, peers: list[str]) -> dict[str, float]:
    """Run all functions in turns. Returns the median time of each, in seconds."""
    taken: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(n_runs + 1):
        for name in peers:
            start = time.perf_counter()
            PEERS[name](X, y)
            taken[name].append(time.perf_counter() - start)
    return {name: median(seconds[1:]) for name, seconds in taken.items()}  # the first warms up


def report(label: str, X: Array, y: Array, n_runs: int, peers: list[str] | None = None) -> None:
    """Print one row: the time of cali-reg, and the ratios to it."""
    seconds = times(X, y, n_runs, peers or list(PEERS))
    ours = seconds.pop("exact")
    ratios = [f"{seconds[name] / ours:.2f}" if name in seconds else "-" for name in list(PEERS)[1:]]
    print(
        f"| {label:<29} | {ours * 1000:>9.1f} ms | " + " | ".join(f"{r:>12}" for r in ratios) + " |"
    )


def grams_of_slices(X: Array, y: Array) -> Peer:
    """Return a function that multiplies by BLAS what `Moments` does: as many slices and rows."""
    block = np.vstack([np.ones(len(X)), X.T, y])[:, :2048]
    n_slices = len(GramAccumulator(len(block))._fit(block)._gram)
    slices = np.random.default_rng(0).integers(-(2**21), 2**21, (n_slices, 2048)).astype(float)

    def multiply(X: Array, _: Array) -> None:
        for start in range(0, len(X), 2048):
            part = slices[:, : len(X) - start]
            np.matmul(part, part.T)

    return multiply


def dependent(n_rows: int, n_features: int, n_dependent: int = 0) -> tuple[Array, Array]:
    """Return whole numbers and dummies, of which some are sums of others."""
    rng = np.random.default_rng(0)
    X = (rng.random((n_rows, n_features)) < 0.2).astype(float)
    X[:, :36] = np.round(rng.lognormal(8, 1, (n_rows, 36)))
    for j in range(n_features - n_dependent, n_features):
        X[:, j] = X[:, j - n_dependent - 3] + X[:, 36 + j % 7]
    return X, np.round(X @ rng.normal(size=n_features) + rng.normal(size=n_rows), 2)


def reject_or_accept(X: Array, y: Array, *, accept: bool) -> None:
    """Do what training does from rows to a solution, or to the message that names columns."""
    moments = Moments.from_arrays(X, y)
    names = tuple(f"x{j}" for j in range(X.shape[1]))
    try:
        solution, _ = solve_or_reject(
            TrainTestMoments(names, "y", moments, moments),
            [Column(name) for name in names],
            accept,
            exactly=False,
        )
    except DataError:
        return
    _ = solution.coefficients, solution.standard_errors


Case = tuple[str, tuple[int, ...], str, float]
WIDE: list[Case] = [  # what, shape of the table, what it is compared with, ratio of time at most
    ("100,000 x 100, scikit-learn", (100_000, 100), "scikit-learn", 1.2),
    ("10,000 x 300, scikit-learn", (10_000, 300), "scikit-learn", 8.0),
    ("5,000 x 500, scikit-learn", (5_000, 500), "scikit-learn", 10.0),
    ("10,000 x 300, BLAS of moments", (10_000, 300), "slices", 4.0),
    ("5,000 x 500, BLAS of moments", (5_000, 500), "slices", 4.0),
    ("900 x 82, reject dependent", (900, 82, 4), "reject", 1.5),
    ("900 x 82, accept dependent", (900, 82, 4), "accept", 5.0),
    ("2,300 x 274, reject dependent", (2_300, 274, 6), "reject", 1.5),
    ("2,300 x 274, accept dependent", (2_300, 274, 6), "accept", 5.0),
    ("46 x 100, least norm", (46, 100), "wide", 20.0),
]
WIDEST: list[Case] = [
    ("10,000 x 1,000, scikit-learn", (10_000, 1_000), "scikit-learn", 12.0),
    ("10,000 x 1,000, BLAS of moments", (10_000, 1_000), "slices", 4.0),
    ("300 x 1,000, least norm", (300, 1_000), "wide", 20.0),
]


def pair(shape: tuple[int, ...], kind: str) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Return what is measured, and what it is compared with."""
    if kind in ("reject", "accept"):
        table, regular, accept = dependent(*shape), dependent(*shape[:2]), kind == "accept"
        return (
            lambda: reject_or_accept(*table, accept=accept),
            lambda: reject_or_accept(*regular, accept=True),
        )
    X, y = full_mantissas(*shape)
    if kind == "wide":
        regular = full_mantissas(shape[1] + 200, shape[1])
        return lambda: PEERS["exact"](X, y), lambda: PEERS["exact"](*regular)
    if kind == "slices":
        multiply = grams_of_slices(X, y)
        return lambda: Moments.from_arrays(X, y), lambda: multiply(X, y)
    return lambda: PEERS["exact"](X, y), lambda: PEERS[kind](X, y)


def report_targets(cases: list[Case], n_runs: int = 3) -> None:
    """Print our time over that of the other, run in turns, and the largest that is accepted."""
    print(f"| {'time ours : theirs':<33} | {'ours':>10} | ratio | at most |")
    print(f"|{'-' * 35}|{'-' * 11}:|------:|--------:|")
    for label, shape, kind, most in cases:
        taken: list[list[float]] = [[], []]
        functions = pair(shape, kind)
        for _ in range(n_runs + 1):
            for place, function in enumerate(functions):
                start = time.perf_counter()
                function()
                taken[place].append(time.perf_counter() - start)
        ours, theirs = (median(seconds[1:]) for seconds in taken)
        print(f"| {label:<33} | {ours:>8.3f} s | {ours / theirs:>5.2f} | {most:>7.1f} |")


MEMORY = """
import sys
sys.path.insert(0, sys.argv[1])
import fit

def status(key):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(key))

X, y = fit.full_mantissas(int(sys.argv[3]))
run = fit.PEERS[sys.argv[2]]
run(X[:5000], y[:5000])  # imports and buffers
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # forget the peak so far
before = status("VmRSS")
run(X, y)
print(status("VmHWM") - before)
"""


def extra_memory(name: str, n_rows: int) -> float:
    """Return the peak memory, in MB, that a fit needs beside the data."""
    command = [sys.executable, "-c", MEMORY, sys.path[0], name, str(n_rows)]
    return int(subprocess.run(command, capture_output=True, check=True).stdout) / 1024


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="leave out the largest tables")
    quick = parser.parse_args().quick
    print(
        f"| {'fit':<29} | {'ours':>12} | " + " | ".join(f"{p:>12}" for p in list(PEERS)[1:]) + " |"
    )
    print(f"|{'-' * 31}|" + f"{'-' * 13}:|" * 4)
    report("California, drawn, 20,640 x 8", *california(20_640), 200)
    report("California, drawn, 1 M x 8", *california(1_000_000), 9)
    report("full mantissas, 1 M x 8", *full_mantissas(1_000_000), 9)
    if not quick:
        report("California, drawn, 10 M x 8", *california(10_000_000), 5)
        report("full mantissas, 10 M x 8", *full_mantissas(10_000_000), 5)
    report("full mantissas, 100,000 x 100", *full_mantissas(100_000, 100), 5)
    both = ["exact", "scikit-learn"]
    report("full mantissas, 100,000 x 300", *full_mantissas(100_000, 300), 1, both)
    print()
    report_targets(WIDE if quick else WIDE + WIDEST)
    if not quick and sys.platform == "linux":
        ours, theirs = (extra_memory(name, 10_000_000) for name in both)
        print(f"\nExtra memory at 10 M x 8: ours {ours:.0f} MB, scikit-learn {theirs:.0f} MB")


if __name__ == "__main__":
    main()
