"""Predicting with little memory, with the files that the image holds: an answer, or one line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from forgeries import resealed
from package import PACKAGE, STANDARD_LIBRARY_ONLY

from cali_reg.runtime import artifacts

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="measures as Linux does")

MEMORY = 32 << 20  # bytes; the image is documented, and run by `make smoke`, with 64 MB
HEADER = "MedInc,HouseAge,AveRooms,AveBedrms,Population,AveOccup,Latitude,Longitude,note\n"
ROW = "3,20,5,1,900,3,37,-122,"
TOO_LITTLE = "cali-reg predict: not enough memory; "


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with those modules that the image holds."""
    folder = tmp_path_factory.mktemp("image")
    for name in ("__init__", *STANDARD_LIBRARY_ONLY):
        path = PACKAGE / name
        if path.is_dir():
            shutil.copytree(path, folder / "cali_reg" / name)
        else:
            (folder / "cali_reg").mkdir(exist_ok=True)
            shutil.copy(path.with_suffix(".py"), folder / "cali_reg")
    return folder


def predict(image: Path, *arguments: object) -> tuple[int, str, str]:
    """Run the command of the image; return its exit code, output and messages."""
    import resource

    done = subprocess.run(
        [sys.executable, "-S", "-m", "cali_reg", "predict", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(image)},
        preexec_fn=partial(resource.setrlimit, resource.RLIMIT_DATA, (MEMORY, MEMORY)),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_sample_rows(image: Path, made: Path) -> None:
    """They need much less; no memory is taken for files as large as they might be."""
    code, out, err = predict(image, "--artifacts", made)
    assert (code, err) == (0, "")
    assert out.startswith("Sample predictions: ")


@pytest.mark.parametrize("more", [[], ["--on-error", "skip", "--out", "out.csv"]])
def test_a_file_that_is_larger(image: Path, made: Path, tmp_path: Path, more: list[str]) -> None:
    """It is read row by row."""
    path = tmp_path / "rows.csv"
    path.write_text(HEADER + f"{ROW}{'x' * 40_000}\n" * 1000)
    assert path.stat().st_size > MEMORY
    more = [str(tmp_path / word) if word == "out.csv" else word for word in more]
    code, out, err = predict(image, path, "--artifacts", made, *more)
    assert (code, err) == (0, "")
    text = (tmp_path / "out.csv").read_text() if more else out
    assert text.count("\n") == 1000 + bool(more)  # with a header


LONG: dict[str, str] = {
    "line": HEADER + ROW + "1" * 20_000_000 + "\n",
    "wide text": HEADER + ROW + "\N{GRINNING FACE}" * 4_000_000 + "\n",
    "open quote": HEADER + ROW + '"' + ("1" * 99 + "\n") * 200_000,
    "cells": HEADER + "1," * 9_000_000 + "\n",
    "header": "a," * 9_000_000 + "\n",
    "digits": HEADER + "1" * 15_000_000 + ROW[1:] + "\n",
}


@pytest.mark.parametrize("kind", LONG)
def test_rows_that_are_too_long(image: Path, made: Path, tmp_path: Path, kind: str) -> None:
    """One line, which says that the memory is too little, or what is wrong with the file."""
    path = tmp_path / "rows.csv"
    path.write_text(LONG[kind], "utf-8")
    code, _, err = predict(image, path, "--artifacts", made, "--out", tmp_path / "out.csv")
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith((TOO_LITTLE, f"cali-reg predict: {path}: "))
    assert not (tmp_path / "out.csv").exists()


def _hole(path: Path) -> None:
    os.truncate(path, artifacts.LARGEST)  # takes no space


def _many_samples(path: Path) -> None:
    path.write_bytes(resealed(path.read_bytes(), samples=[[1.0] * 8] * 100_000))


def _open_brackets(path: Path) -> None:
    path.write_bytes(b"[" * 40_000_000)


@pytest.mark.parametrize("forge", [_hole, _many_samples, _open_brackets])
def test_artifacts_that_are_too_large(
    image: Path, folder: Path, forge: Callable[[Path], None]
) -> None:
    """Forged ones, too."""
    forge(folder / "model.json")
    code, out, err = predict(image, "--artifacts", folder)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(TOO_LITTLE)
