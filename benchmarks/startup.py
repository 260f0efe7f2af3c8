"""Time of a first prediction as a whole process: cali-reg, and joblib with scikit-learn.

    python benchmarks/startup.py [ARTIFACTS]

Both predict the same five rows. Run `make train quantize` first.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

SCIKIT_LEARN = """
import sys, json, joblib
folder = sys.argv[1]
rows = json.load(open(folder + "/model.json"))["samples"]
print(joblib.load(folder + "/linear_model.joblib").predict(rows))
"""


def seconds(command: list[str]) -> float:
    """Return the seconds that a command takes."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Run both in turns, and print the medians and their ratio."""
    folder = sys.argv[1] if len(sys.argv) > 1 else "artifacts"
    script = Path(sys.executable).with_name("cali-reg")
    commands = [
        [str(script), "predict", "--artifacts", folder],
        [sys.executable, "-W", "ignore", "-c", SCIKIT_LEARN, folder],  # rows without names
    ]
    taken = [[seconds(command) for command in commands] for _ in range(12)][1:]
    ours, theirs = (median(column) for column in zip(*taken, strict=True))
    print(f"cali-reg predict        {ours * 1000:7.0f} ms")
    print(f"joblib + scikit-learn   {theirs * 1000:7.0f} ms   {theirs / ours:.0f} times as long")


if __name__ == "__main__":
    main()
