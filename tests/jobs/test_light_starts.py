"""What a command loads, as a whole process: the packages that it needs, and no other."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest
from towns import TOWN, X, Y, make_model

HEAVY = {"numpy", "scipy", "sklearn", "joblib", "flint", "pyarrow", "pandas", "distributed"}


def loaded(*arguments: object) -> set[str]:
    """Run a command in a process of its own; return the heavy packages that it has loaded."""
    code = (
        "import sys; from cali_reg.cli.entrypoint import main;"
        f"code = main({list(map(str, arguments))!r});"
        f"print(code, *{HEAVY} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    code, *packages = done.stderr.splitlines()[-1].split()
    assert code == "0", done.stderr
    return set(packages)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model of own data."""
    return make_model(tmp_path_factory.mktemp("model"))


@pytest.mark.parametrize("odd", ["plain", "odd"])
def test_predicting_a_file(folder: Path, tmp_path: Path, odd: str) -> None:
    """Neither SciPy nor FLINT is loaded, nor pandas, though it is installed here."""
    path = tmp_path / "rows.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([X, TOWN, Y])
        writer.writerows([[1, "Bern", 0.5], [2, "Bern", "TRUE" if odd == "odd" else 1]])
        if odd == "odd":  # a row that is skipped
            writer.writerow(["x", "Bern", 0.5])
    out = ("--out", tmp_path / "out.parquet", "--on-error", "skip")
    assert loaded("predict", path, "--artifacts", folder, *out) == {"numpy", "pyarrow"}


def test_quantizing_a_model_of_own_data(folder: Path) -> None:
    """The codes need exact arithmetic, and no more."""
    assert loaded("quantize", "--artifacts", folder) == {"numpy", "flint"}


def test_exporting(folder: Path, tmp_path: Path) -> None:
    """Text needs the standard library alone."""
    for kind in ("c", "json"):
        out = ("--out", tmp_path / f"model.{kind}")
        assert loaded("export", "--format", kind, "--artifacts", folder, *out) == set()
