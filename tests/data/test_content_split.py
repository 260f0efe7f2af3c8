"""The split by content: the documented hash, and that nothing but a row's values counts."""

from __future__ import annotations

import math
from pathlib import Path
from unittest import mock

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from commands import Run
from hypothesis import given
from hypothesis import strategies as st
from layouts import make_table, numbers, refused, train, write
from random_tables import any_numbers
from split_reference import Row, fold_of, hash_of, is_held_out

from cali_reg import Moments
from cali_reg.data.content_split import ContentSplit, word_of_text
from cali_reg.data.readers import Batch
from cali_reg.data.summaries.splitter import Layout, SplitRows, Splitter
from cali_reg.jobs.train import train as train_job
from cali_reg.jobs.training_data.file_data import FileData
from cali_reg.jobs.training_data.file_options import FileOptions
from cali_reg.least_squares import moments_file
from cali_reg.least_squares.solution import solve
from cali_reg.least_squares.statistics.scores import score
from cali_reg.runtime import artifacts
from cali_reg.runtime.schema import Column


def rows_of(table: pa.Table) -> list[Row]:
    """Return a table's rows."""
    return [list(row.values()) for row in table.to_pylist()]


def split_rows(
    arrays: list[pa.Array], columns: tuple[Column, ...], split: ContentSplit
) -> SplitRows:
    """Encode and split one batch."""
    batch = Batch(mock.sentinel.file, arrays, range(1, len(arrays[0]) + 1))
    return Splitter(Layout(columns, split, 0)).split(batch)


@given(
    st.lists(st.tuples(any_numbers, st.sampled_from("abc"), any_numbers), min_size=1, max_size=9),
    st.integers(0, 2**32 - 1),
    st.sampled_from([1 / 3, 0.2, 0.5, 0.999, 0.0]),
    st.integers(1, 5),
)
def test_hash_is_the_documented_one(
    rows: list[tuple[float, str, float]], seed: int, test_size: float, n_folds: int
) -> None:
    """Hashes and folds are those of Python's integers and fractions."""
    columns = (Column("x"), Column("t", tuple("abc")), Column("y"))
    split = ContentSplit(seed, test_size, n_folds)
    x, t, y = zip(*rows, strict=True)
    found = split_rows([pa.array(x), pa.array(t), pa.array(y)], columns, split)
    assert found.hashes.tolist() == [hash_of(list(row), seed) for row in rows]
    folds = [fold_of(list(row), seed, test_size, n_folds) for row in rows]
    expected = [
        [k for k, fold in enumerate(folds) if fold == group] for group in range(n_folds + 1)
    ]
    assert [members.tolist() for members in found.members] == expected


def test_rows_on_each_side_are_the_documented_ones(tmp_path: Path) -> None:
    """The moments of both sides, the ranges and the samples are those of the rows by the hash."""
    table = numbers()
    path = str(write(table, tmp_path / "a.parquet"))
    trained = train_job(FileData(FileOptions([path], "price")))
    rows = rows_of(table)
    sides = [np.array([row for row in rows if is_held_out(row) == side]) for side in (False, True)]
    model = trained.model
    assert len(sides[1]) == model.scores["test"]["n_samples"]
    moments = moments_file.TrainTestMoments.from_json(trained.files["moments.json"])
    assert [moments.train, moments.test] == [
        Moments.from_arrays(A[:, :-1], A[:, -1]) for A in sides
    ]
    assert [f.minimum for f in model.features] == sides[0].min(axis=0)[:-1].tolist()
    assert [f.maximum for f in model.features] == sides[0].max(axis=0)[:-1].tolist()
    held_out = sorted(filter(is_held_out, rows), key=lambda row: hash_of(row, 42))
    assert [list(row) for row in model.samples] == [row[:-1] for row in held_out[:5]]
    assert all(math.copysign(1, value) == 1 for row in model.samples for value in row if not value)


@pytest.mark.parametrize("n_samples", [0, 1, 1000])
def test_number_of_samples(tmp_path: Path, n_samples: int) -> None:
    """Asking for more samples than there are rows held out gives all of them."""
    path = str(write(numbers(), tmp_path / "a.parquet"))
    for batch_size in (16, 1000):
        options = FileOptions([path], "price", n_sample_rows=n_samples, batch_size=batch_size)
        model = train_job(FileData(options)).model
        held_out = [row for row in rows_of(numbers()) if is_held_out(row)]
        expected = sorted(held_out, key=lambda row: hash_of(row, 42))[:n_samples]
        assert [list(row) for row in model.samples] == [row[:-1] for row in expected]


def kinds_of_rows() -> dict[str, npt.NDArray[np.float64]]:
    """Return 20,000 rows of several kinds, all distinct, but for the last: (n_rows, n_columns)."""
    rng, k = np.random.default_rng(0), np.arange(20_000.0)
    return {
        "integers": np.column_stack([k // 100, k % 100]),
        "a column alone": k[:, np.newaxis],
        "dates": np.column_stack([1_700_000_000 + 86_400 * k, np.zeros(len(k))]),
        "full mantissas": rng.normal(size=(20_000, 3)),
        "powers of two": np.column_stack([2.0 ** (k % 1000 - 500), 2.0 ** (k // 1000)]),
        "decimals": np.column_stack([np.round(k * 0.01, 2), np.round(-k * 0.1, 1)]),
        "huge": np.column_stack([k * 1e300, -k]),
    }


@pytest.mark.parametrize("kind", [*kinds_of_rows(), "text"])
@pytest.mark.parametrize("test_size", [0.01, 0.2, 0.5])
def test_fraction_held_out(kind: str, test_size: float) -> None:
    """About as many rows as asked for are held out, and as many in each fold: within 4 sigma."""
    if kind == "text":
        words = [np.array([word_of_text(f"row {k}") for k in range(20_000)], np.uint64)]
    else:
        words = [column.copy().view(np.uint64) for column in kinds_of_rows()[kind].T + 0.0]
    split = ContentSplit(7, test_size, 4)
    counts = np.array([len(rows) for rows in split.members(split.hashes(words))])
    shares = np.array([test_size, *[(1 - test_size) / 4] * 4])
    deviations = (counts - 20_000 * shares) / np.sqrt(20_000 * shares * (1 - shares))
    assert np.abs(deviations).max() < 4
    assert (deviations**2 * (1 - shares)).sum() < 25  # chi-square of 4 degrees: p < 0.0001


def test_equal_rows_stay_together(tmp_path: Path) -> None:
    """Of few distinct rows, all copies of one are on the same side."""
    table = pa.table({"x": [0.0, 1.0, 2.0, 3.0, -0.0] * 90, "y": [1.0, 5.0, 2.0, 4.0, 1.0] * 90})
    path = write(table, tmp_path / "a.csv")
    model = train_job(FileData(FileOptions([str(path)], "y", seed=3))).model
    counts = [180, 90, 90, 90]  # -0.0 is 0.0
    sides = [
        fold_of([x, y], 3, 0.2, 1) for x, y in ((0.0, 1.0), (1.0, 5.0), (2.0, 2.0), (3.0, 4.0))
    ]
    expected = sum(count for count, side in zip(counts, sides, strict=True) if side)
    assert model.scores["train"]["n_samples"] == expected


def test_seed_and_size_matter(run: Run, tmp_path: Path) -> None:
    """Another seed gives another split; both options are recorded."""
    path = write(numbers(), tmp_path / "a.parquet")
    found = {
        train(run, tmp_path / "out", path, *flags)["moments.json"]
        for flags in ((), ("--seed", 1), ("--seed", 2**32 - 1), ("--test-size", 0.3))
    }
    assert len(found) == 4
    source = artifacts.read_model(tmp_path / "out").source
    split = {"by": "content", "seed": 42, "test_size": 0.3}
    assert source == {"data": "files", "dropped_rows": 0, "split": split}


def test_other_rows_move_none(tmp_path: Path) -> None:
    """Each row alone is on the side that it is on among all others."""
    table = numbers()
    columns, split = tuple(map(Column, table.column_names)), ContentSplit(42, 0.2)
    arrays = [column.combine_chunks() for column in table.columns]
    together = split_rows(arrays, columns, split).hashes.tolist()
    for k in range(0, len(table), 50):
        alone = split_rows([array.slice(k, 1) for array in arrays], columns, split)
        assert alone.hashes.tolist() == together[k : k + 1]


def test_folds_are_those_of_training_on_each_rest(run: Run, tmp_path: Path) -> None:
    """``--cv`` scores each fold by the model of the others, and changes no artifact."""
    path = write(numbers(), tmp_path / "a.csv")
    plain = train(run, tmp_path / "out", path)
    code, out, err = run(
        *("train", "--artifacts", tmp_path / "cv", "--data", path, "--target", "price"),
        *("--cv", 3),
    )
    assert (code, err) == (0, "")
    assert {name: (tmp_path / "cv" / name).read_bytes() for name in plain} == plain
    rows = rows_of(numbers())
    folds = np.array([fold_of(row, 42, 0.2, 3) for row in rows])
    printed = [line.split()[1:] for line in out.splitlines() if line.startswith("fold ")]
    for k, (name, count, r2, rmse) in enumerate(printed, start=1):
        A = np.array(rows)
        rest, fold = A[(folds != k) & (folds > 0)], A[folds == k]
        model = solve(Moments.from_arrays(rest[:, :-1], rest[:, -1]))
        scores = score(
            Moments.from_arrays(fold[:, :-1], fold[:, -1]), model.coefficients, model.intercept
        )
        expected = [str(k), str(len(fold)), f"{scores.r2:.6f}", f"{scores.rmse:.6f}"]
        assert [name, count, r2, rmse] == expected
    assert len(printed) == 3


@pytest.mark.parametrize("folds", [1, 101])
def test_impossible_number_of_folds(run: Run, tmp_path: Path, folds: int) -> None:
    """Less than two folds, or more than fit in memory, are refused."""
    path = write(numbers(60), tmp_path / "a.csv")
    message = refused(run, tmp_path, "--data", path, "--target", "price", "--cv", folds)
    assert message == f"--cv is {folds}; expected 2 to 100"


def test_fold_without_rows(run: Run, tmp_path: Path) -> None:
    """A fold that no row falls into has no score."""
    path = write(numbers(30), tmp_path / "a.csv")
    message = refused(run, tmp_path, "--data", path, "--target", "price", "--cv", 60)
    assert "a fold has no rows; use fewer folds" in message


def test_rows_held_out_may_have_their_own_files(run: Run, tmp_path: Path) -> None:
    """With ``--test-data`` all rows of one are trained on, and all of the other held out."""
    table = make_table()
    data, held_out = table.slice(0, 500), table.slice(500)
    paths = write(data, tmp_path / "a.csv"), write(held_out, tmp_path / "b.parquet")
    flags = ("--test-data", paths[1], "--categorical", "city", "--not-missing", "city=NA")
    files = train(run, tmp_path / "out", paths[0], *flags)
    moments = moments_file.TrainTestMoments.from_json(files["moments.json"])
    model = artifacts.read_model(tmp_path / "out")
    assert model.source["split"] == {"by": "test data", "seed": 42}
    assert (moments.train.n_samples, moments.test.n_samples) == (500, 100)
    levels = model.columns[3].levels
    assert levels is not None
    expected = [
        Moments.from_arrays(
            [[*row[:3], *(row[3] == level for level in levels[1:])] for row in rows],
            [row[4] for row in rows],
        )
        for rows in (rows_of(data), rows_of(held_out))
    ]
    assert [moments.train, moments.test] == expected
    first = min(rows_of(held_out), key=lambda row: hash_of(row, 42))
    assert model.samples[0][:3] == tuple(first[:3])


def test_test_data_among_the_data(run: Run, tmp_path: Path) -> None:
    """A file on both sides would be scored by what it has trained."""
    path = write(numbers(), tmp_path / "in" / "a.csv")
    message = refused(
        run, tmp_path, "--data", path.parent, "--test-data", path, "--target", "price"
    )
    assert message.startswith(f"{path}: is in --data and in --test-data")
