"""Small files that look for a way in: each is refused with one line, and nothing is written.

`tests/support/hostile_files.py` made them. `good` has the files that they were made from.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from commands import Run

HOME = Path(__file__).parent
GOOD = HOME / "good"
TRAIN = ["--target", "price", "--categorical", "town", "--data"]
ROWS = sorted(path.name for path in (HOME / "rows").iterdir())
ARTIFACTS = sorted(path.name for path in (HOME / "artifacts").iterdir())
READERS = {  # a command that reads the file
    "model.json": ["predict"],
    "moments.json": ["quantize"],
    "quantized.json": ["predict"],
}
SECONDS = 5.0  # of the processor, for one command


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a copy of the good artifacts."""
    return Path(shutil.copytree(GOOD / "artifacts", tmp_path / "model"))


def content(folder: Path) -> dict[str, bytes]:
    """Return all files in a folder."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refuse(run: Run, folder: Path, *words: object) -> None:
    """Run a command that must fail with one printable line, soon, and leave no file."""
    before, start = content(folder), time.process_time()
    code, out, err = run(*words)
    assert (code, out) == (2, ""), err
    assert time.process_time() - start < SECONDS
    assert err.startswith(f"cali-reg {words[0]}: ")
    assert err.endswith("\n")
    assert err[:-1].isprintable()
    assert len(err) < 1000
    assert content(folder) == before


@pytest.mark.parametrize("name", ROWS)
def test_rows_are_refused(name: str, run: Run, model: Path, tmp_path: Path) -> None:
    """Training and predicting refuse them, and name the file."""
    path = shutil.copy(HOME / "rows" / name, tmp_path / name)
    refuse(run, tmp_path, "train", "--artifacts", tmp_path / "new", *TRAIN, path)
    out = tmp_path / "out.csv"
    refuse(run, tmp_path, "predict", path, "--artifacts", model, "--keep", "town", "--out", out)


@pytest.mark.parametrize("name", ARTIFACTS)
def test_artifact_is_refused(name: str, run: Run, model: Path, tmp_path: Path) -> None:
    """So are artifacts, whether their fingerprint matches or not."""
    (path,) = (HOME / "artifacts" / name).iterdir()
    shutil.copy(path, model)
    refuse(run, tmp_path, *READERS[path.name], "--artifacts", model)


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet", "rows.arrow"])
def test_good_files_are_accepted(name: str, run: Run, model: Path, tmp_path: Path) -> None:
    """What the others were made from is no error: they are refused for what is hostile in them."""
    for words in (
        ["train", "--artifacts", tmp_path / "new", *TRAIN, GOOD / name],
        ["predict", GOOD / name, "--artifacts", model, "--out", tmp_path / "out.csv"],
        ["predict", "--artifacts", model],
        ["quantize", "--artifacts", model],
    ):
        code, _, err = run(*words)
        assert (code, err) == (0, "")


def test_files_are_small() -> None:
    """What they ask for is not what they weigh."""
    assert max(path.stat().st_size for path in HOME.rglob("*.*")) <= 30_000
