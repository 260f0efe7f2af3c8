"""Run programs in separate processes, and measure seconds and peak memory."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

Run = tuple[float, float]  # seconds, and peak memory in MB


def run(script: str, name: str, *paths: Path) -> Run:
    """Run ``script --peer name paths``, which calls `measure`. Returns what that prints."""
    command = [sys.executable, script, "--peer", name, *map(str, paths)]
    output = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    seconds, peak = map(float, output.split())
    return seconds, peak


def measure(call: Callable[[], object]) -> None:
    """Print the seconds that a call takes, and the peak memory in MB of this process."""
    start = time.perf_counter()
    call()
    seconds = time.perf_counter() - start
    with open("/proc/self/status") as file:  # getrusage would count the parent's peak, too
        peak = next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
    print(seconds, peak / 1024)


def summary(taken: Mapping[str, Sequence[Run]]) -> dict[str, Run]:
    """Return the median time and the highest peak memory of each program."""
    return {
        name: (median(seconds for seconds, _ in runs), max(peak for _, peak in runs))
        for name, runs in taken.items()
    }
