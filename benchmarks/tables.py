"""Train on public tables as their owners have them, with nothing but ``--target``.

    python benchmarks/tables.py [--keep DIR] [--only NAME]

For each table it prints how training ended, what the plan uses and leaves out, and how many digits
of the coefficients agree with statsmodels' on the same rows and columns. A table that is refused
for its missing values is tried again with the remedy that the message names.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from public_tables import TABLES, Table

REMEDIES: tuple[list[str], ...] = ([], ["--missing", "drop"])
DIGITS = 8  # of the coefficients that must agree


def main() -> int:
    """Try all tables; return 1 if one is not trained, or has other coefficients."""
    parser = argparse.ArgumentParser(description="Train on public tables.")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="folder for the files")
    parser.add_argument("--only", metavar="NAME", help="name of one table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        folder = options.keep or Path(home)
        folder.mkdir(parents=True, exist_ok=True)
        results = [attempt(table, folder) for table in TABLES if options.only in (None, table.name)]
    first = sum(result == "trained" for result in results)
    later = sum(result == "trained without missing values" for result in results)
    print(f"{len(results)} tables: {first} trained at the first try, {later} with --missing drop")
    return int(first + later < len(results))


def attempt(table: Table, folder: Path) -> str:
    """Write a table, train on it and compare; return how it ended."""
    frame = table.load()
    table.write(frame, folder / table.name)
    for remedy in REMEDIES:
        done = train(table, folder, remedy)
        if done.returncode == 0 or "missing values" not in done.stderr:
            break
    print(f"\n{table.name} ({len(frame)} x {frame.shape[1]})", *remedy)
    if done.returncode:
        print(" ", done.stderr.strip())
        return "refused"
    model = json.loads((folder / f"{table.name}.model" / "model.json").read_bytes())
    columns = model["plan"]["columns"]
    print("  uses", ", ".join(f"{c['name']} ({c['use']})" for c in columns if c["use"] in USES))
    for column in columns:
        if column["use"] == "left out":
            print(f"  leaves out {column['name']!r}: {column['reason']}")
    digits = agreement(model, frame, table.target)
    print(f"  R² {model['scores']['train']['r2']:.3f}; {digits:.1f} digits as statsmodels")
    if digits < DIGITS:
        return "other coefficients"
    return "trained without missing values" if remedy else "trained"


USES = ("number", "category", "date")


def train(table: Table, folder: Path, remedy: list[str]) -> subprocess.CompletedProcess[str]:
    """Train on all rows of a file, so that the rows are the same as statsmodels'."""
    words = ["--data", folder / table.name, "--target", table.target, "--test-size", "0"]
    words += ["--artifacts", folder / f"{table.name}.model", *remedy]
    command = [sys.executable, "-m", "cali_reg", "train", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def agreement(model: dict[str, Any], frame: pd.DataFrame, target: str) -> float:
    """Return how many digits of the coefficients agree with statsmodels', at least."""
    features = pd.DataFrame(
        {name: cells for column in model["columns"] for name, cells in encode(frame, column)}
    )
    rows = features.notna().all(axis=1) & frame[target].notna()
    X, y = features[rows].astype(float), frame[target][rows].astype(float)
    center, spread = X.mean(), X.std()  # for digits: statsmodels' own errors grow with the means
    fit = sm.OLS(y, sm.add_constant((X - center) / spread)).fit()
    expected = fit.params.iloc[1:] / spread
    found = pd.Series({f["name"]: f["coefficient"] for f in model["features"]})
    size = fit.bse.iloc[1:] / spread  # what is zero up to its error has no digits
    errors = np.abs(found - expected) / np.maximum(np.abs(expected), size)
    return float(-np.log10(max(errors.max(), 1e-16)))


def encode(frame: pd.DataFrame, column: dict[str, Any]) -> list[tuple[str, pd.Series]]:
    """Return the features of a column as statsmodels' users make them."""
    name, levels = column["name"], column["levels"]
    cells = frame[name]
    if levels is not None:
        texts = cells.astype(object).where(cells.isna(), cells.astype(str).str.strip())
        return [
            (f"{name}={level}", (texts == level).astype(float).where(texts.notna()))
            for level in levels[1:]
        ]
    if cells.dtype == object or str(cells.dtype).startswith(("str", "datetime")):
        days = (pd.to_datetime(cells, utc=True) - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
        return [(name, days)]
    return [(name, cells)]


if __name__ == "__main__":
    sys.exit(main())
