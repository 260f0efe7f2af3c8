"""Row numbers are no features: found by their values, in any order, and rejected by their names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from commands import Run

N = 40


def write(path: Path, name: str, values: np.ndarray) -> Path:
    """Write a table with a feature x, a column of a name, and a target."""
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, len(values)))
    lines = [
        f"{a!r},{v:g},{a + b!r}" for a, v, b in zip(x.tolist(), values, noise.tolist(), strict=True)
    ]
    path.write_text("\n".join([f'x,"{name}",y', *lines, ""]))
    return path


def train(run: Run, path: Path, *flags: object) -> tuple[int, str, str]:
    """Train on a file, without a column plan."""
    flags = ("--target", "y", "--strict", "--artifacts", path.parent / "a", *flags)
    return run("train", "--data", path, *flags)


@pytest.mark.parametrize(
    "name", ["rownames", "index", "id", "ID", "obs", "Unnamed: 0.1", "row_id", "X", "level_0"]
)
@pytest.mark.parametrize("start", [0, 1])
def test_row_numbers_are_rejected(run: Run, tmp_path: Path, name: str, start: int) -> None:
    """In any order, with what to do; nothing is written."""
    values = np.random.default_rng(1).permutation(N) + start
    path = write(tmp_path / "rows.csv", name, values)
    code, out, err = train(run, path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"{path}: columns that hold the row numbers: {name}; expected features: name" in err
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("restarts", [True, False])
@pytest.mark.parametrize("start", [0, 1])
def test_row_numbers_of_two_files(run: Run, tmp_path: Path, start: int, restarts: bool) -> None:
    """The held-out rows count from the start again, or go on."""
    path = write(tmp_path / "rows.csv", "id", np.arange(N) + start)
    others = write(tmp_path / "others.csv", "id", np.arange(9) + start + N * (not restarts))
    code, out, err = train(run, path, "--test-data", others)
    assert (code, out) == (2, "")
    assert f"{path}: columns that hold the row numbers: id; expected features" in err


def test_named_features_are_used(run: Run, tmp_path: Path) -> None:
    """Whoever names them wants them: no error, and no note."""
    path = write(tmp_path / "rows.csv", "id", np.arange(N))
    code, _, err = train(run, path, "--features", "id,x")
    assert (code, err) == (0, "")


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("name", ["week", "x1", "time"])
def test_other_names_get_a_note(run: Run, tmp_path: Path, name: str, start: int) -> None:
    """Weeks or doses are features; the note says what they look like."""
    path = write(tmp_path / "rows.csv", name, np.arange(N) + start)
    code, _, err = train(run, path)
    assert (code, err.count("\n")) == (0, 1)
    assert err.startswith("cali-reg train: note: columns that count the rows, 0 or 1 up to their")
    assert f"number: {name}; if they are no features" in err


def test_x_of_nist_is_a_feature(run: Run, tmp_path: Path) -> None:
    """A column x of 0 to 20 gets a note; X, as R names its row numbers, is rejected."""
    path = tmp_path / "rows.csv"
    path.write_text("x,y\n" + "".join(f"{k},{k * k % 7}\n" for k in range(21)))
    assert train(run, path)[0] == 0


@pytest.mark.parametrize(
    "values",
    [
        np.arange(N) + 2,  # neither from 0 nor from 1
        np.arange(N) * 1.5,
        np.arange(N) // 2,  # each twice
        1950 + np.arange(N),  # years
        np.where(np.arange(N) == 7, 8, np.arange(N)),  # one is missing, another twice
        np.append(np.arange(N - 1), N),
    ],
)
def test_other_values_are_features(run: Run, tmp_path: Path, values: np.ndarray) -> None:
    """Whatever their name: an id that is no numbering may mean something."""
    path = write(tmp_path / "rows.csv", "id", values)
    code, _, err = train(run, path)
    assert (code, err) == (0, "")
