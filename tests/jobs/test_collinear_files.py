"""Tables whose columns depend on each other up to roundings: refused, or predicted accurately."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from commands import Run

from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.statistics.scores import score
from cali_reg.runtime import artifacts

NAMES = ["net", "ship", "total", "other"]


def write(path: Path, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Write a table of one of many kinds; return its columns."""
    rng = np.random.default_rng(seed)
    n, decimals, base = int(rng.integers(100, 900)), seed % 4, 10.0 ** (seed % 9)
    net = np.round(base * (seed % 3) + rng.uniform(0, base, n), decimals)
    ship = np.round(rng.uniform(0, 10.0 ** int(rng.integers(1, 5)), n), decimals)
    weight = [1.0, -1.0, 0.1, 1 / 3, 2.5][seed % 5]
    X = np.column_stack([net, ship, net + weight * ship, rng.normal(size=n)])
    y = net / base + X[:, 3] + rng.normal(size=n)
    columns = dict(zip([*NAMES, "y"], [*X.T, y], strict=True))
    pyarrow.parquet.write_table(pa.table(columns), path)
    return X, y


@pytest.mark.parametrize("seed", range(30))
def test_printed_r2_is_that_of_the_predictions(run: Run, tmp_path: Path, seed: int) -> None:
    """With --allow-collinear the stored R² is that of the stored model's own predictions."""
    path, out = tmp_path / "rows.parquet", tmp_path / "out.parquet"
    X, y = write(path, seed)
    flags = ("--data", path, "--target", "y", "--test-data", path.with_name("test.parquet"))
    path.with_name("test.parquet").write_bytes(path.read_bytes())
    command = ("train", *flags, "--artifacts", tmp_path / "a", "--allow-collinear")
    assert run(*command)[0] == 0
    assert run("predict", path, "--artifacts", tmp_path / "a", "--out", out)[0] == 0
    model = artifacts.read_model(tmp_path / "a")
    predictions = pyarrow.parquet.read_table(out)["prediction"].to_pylist()
    pairs = list(zip(map(Fraction, predictions), map(Fraction, y.tolist()), strict=True))
    mean = sum((t for _, t in pairs), Fraction(0)) / len(pairs)
    rss = sum(((p - t) ** 2 for p, t in pairs), Fraction(0))
    r2 = 1 - rss / sum(((t - mean) ** 2 for _, t in pairs), Fraction(0))
    stored, bound = (model.scores["test"][key] for key in ("r2", "r2_rounding_bound"))
    assert stored is not None
    assert bound is not None
    assert abs(Fraction(stored) - r2) <= min(
        Fraction(bound) + Fraction(1, 10**15), Fraction(1, 10**9)
    )
    assert stored == score(Moments.from_arrays(X, y), model.coefficients, model.intercept).r2


def test_such_columns_are_refused_by_name(run: Run, tmp_path: Path) -> None:
    """One line, exit code 2, and what to do; nothing is written."""
    write(tmp_path / "rows.parquet", 1)
    flags = ("--data", tmp_path / "rows.parquet", "--target", "y", "--artifacts", tmp_path / "a")
    code, out, err = run("train", *flags, "--strict")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "up to the rounding of their values): total; drop these columns, or pass" in err
    assert not (tmp_path / "a").exists()


def test_a_model_with_projected_columns_goes_the_whole_way(run: Run, tmp_path: Path) -> None:
    """Cross-validation, quantizing, updating and verifying know of the projection."""
    path, folder = tmp_path / "rows.parquet", tmp_path / "a"
    write(path, 7)
    flags = ("--data", path, "--target", "y", "--artifacts", folder, "--allow-collinear")
    code, out, _ = run("train", *flags, "--cv", "4")
    assert code == 0
    assert out.count("\nfold ") == 4
    assert run("quantize", "--artifacts", folder)[0] == 0
    assert run("verify", "--artifacts", folder, "--data", path)[0] == 0
    before = artifacts.read_model(folder)
    assert before.rank == 3
    assert before.interval is None
    for option in ("--add", "--remove"):
        assert run("update", "--artifacts", folder, option, path, "--allow-collinear")[0] == 0
    after = artifacts.read_model(folder)
    assert after.coefficients == before.coefficients
    assert [f.standard_error for f in after.features] == [
        feature.standard_error for feature in before.features
    ]
