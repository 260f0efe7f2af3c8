"""Measure the time from `docker run` to the first line, compared with the base image alone.

Run `make docker` first. The runs alternate, so that both images run under the same load.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

DOCKERFILE = Path(__file__).parents[1] / "Dockerfile"
N_RUNS = 15


def main() -> None:
    """Print the medians and their difference."""
    base = os.environ.get("BASE_IMAGE")
    if base is None:
        (base,) = re.findall(r"^FROM (\S+) AS base$", DOCKERFILE.read_text("utf-8"), re.MULTILINE)
    commands = {
        "cali-reg:test": ["cali-reg:test"],
        "base: python3 -c 'print()'": [base, "python3", "-c", "print()"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(N_RUNS):
        for name, command in commands.items():
            times[name].append(first_line(["docker", "run", "--rm", *command]))
    medians = {name: statistics.median(found) for name, found in times.items()}
    for name, median in medians.items():
        print(f"{name:28} {median:.3f} s to the first line (fastest {min(times[name]):.3f})")
    ours, theirs = medians.values()
    print(f"{'difference':28} {ours - theirs:+.3f} s")


def first_line(command: list[str]) -> float:
    """Return the seconds until a command has printed its first line; read the rest, too."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        process.stdout.readline()
        seconds = time.perf_counter() - start
        process.stdout.read()
    if process.returncode:
        sys.exit(f"container: {' '.join(command)}: exit code {process.returncode}")
    return seconds


if __name__ == "__main__":
    main()
