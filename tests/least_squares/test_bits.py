"""One dataset, one model: processors, threads, hash seeds and row order change no bit.

OpenBLAS has a kernel for each family of processors and can be told which to use; each adds in
an order of its own. Every child process fits the same rows, shuffled, under another kernel.
"""

import json
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import cali_reg

KERNELS = ["Prescott", "Nehalem", "Sandybridge", "Haswell", "Zen", "SkylakeX"]
X86 = ("x86_64", "amd64")
ILLEGAL_INSTRUCTION = (-signal.SIGILL, 0xC000001D)  # as POSIX and as Windows say it

CHILD = """
import hashlib, json, sys
import numpy as np
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.solution import solve

rng = np.random.default_rng(0)
X = rng.normal(size=(12_000, 6)) * [1, 1e3, 1e-7, 1, 1, 1]
X[:, 3] = np.round(X[:, 3] * 100)
X[rng.random(12_000) < 0.02, 4] *= 1e40
X[rng.random(12_000) < 0.001, 5] *= 1e-290
y = X[:, :4].sum(axis=1) + rng.normal(size=12_000)
order = np.random.default_rng(int(sys.argv[1])).permutation(len(y))
moments = Moments.from_arrays(X[order], y[order])
solution = solve(moments)
numbers = [*solution.coefficients, solution.intercept, *solution.standard_errors, solution.r2]
print(json.dumps({
    "moments": hashlib.sha256(moments.to_json().encode()).hexdigest(),
    "numbers": [number.hex() for number in numbers],
    "sklearn": "sklearn" in sys.modules,
}))
"""


def start(seed: int, **environment: str) -> "subprocess.Popen[str]":
    """Start a child that fits the rows in an order of its own."""
    source = str(Path(cali_reg.__file__).parents[1])
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(seed)],
        env={**os.environ, "PYTHONPATH": source, "PYTHONHASHSEED": str(seed), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(child: "subprocess.Popen[str]") -> dict[str, object]:
    """Return what a child printed; skip the test if its processor lacks the instructions."""
    out, err = child.communicate(timeout=60)
    if child.returncode in ILLEGAL_INSTRUCTION:
        pytest.skip("this processor does not run the kernel")
    assert child.returncode == 0, err
    printed: dict[str, object] = json.loads(out)
    return printed


@pytest.fixture(scope="module")
def expected() -> dict[str, object]:
    """Return what the machine's own kernel gives."""
    return finish(start(0))


@pytest.mark.skipif(platform.machine().lower() not in X86, reason="kernels of x86")
@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_threads_and_order(kernel: str, expected: dict[str, object]) -> None:
    """Moments and results are the same bytes under each kernel, with one thread and with two."""
    children = [
        start(threads, OPENBLAS_CORETYPE=kernel, OPENBLAS_NUM_THREADS=str(threads))
        for threads in (1, 2)
    ]
    for printed in [finish(child) for child in children]:
        assert printed["moments"] == expected["moments"]
        assert printed["numbers"] == expected["numbers"]


def test_the_core_needs_no_scikit_learn(expected: dict[str, object]) -> None:
    """Moments and their solution are computed without loading scikit-learn."""
    assert expected["sklearn"] is False
