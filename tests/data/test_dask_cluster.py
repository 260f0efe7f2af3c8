"""A cluster gives the bytes of one process, also when workers die, and errors of one line."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from commands import Run, run_process
from distributed import LocalCluster
from layouts import ARTIFACTS, make_table, numbers, pieces, refused, train, write

from cali_reg.data import dask_cluster
from cali_reg.jobs.training_data import row_passes

CITY = ("--categorical", "city", "--not-missing", "city=NA")


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """Return the rows to train on."""
    return make_table()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, table: pa.Table) -> Path:
    """Return a folder with the rows in 20 files of all formats, the last of many row groups."""
    folder = tmp_path_factory.mktemp("rows")
    suffixes = ["csv", "parquet", "arrow", "csv.gz"] * 5
    for k, (piece, suffix) in enumerate(zip(pieces(table, 20), suffixes, strict=True)):
        options = {"row_group_size": 3} if suffix == "parquet" else {}
        write(piece, folder / f"{k:02}.{suffix}", **options)
    return folder


@pytest.fixture(scope="module")
def processes() -> Iterator[LocalCluster]:
    """Return a cluster of two processes."""
    with cluster_of(2) as cluster:
        yield cluster


def threads(n_workers: int, protocol: str = "inproc") -> LocalCluster:
    """Return a cluster whose workers are threads of this process."""
    return cluster_of(n_workers, processes=False, protocol=protocol)


def cluster_of(n_workers: int, **options: Any) -> LocalCluster:
    """Return a cluster, on any free port."""
    return LocalCluster(
        n_workers=n_workers, threads_per_worker=1, dashboard_address="127.0.0.1:0", **options
    )


@pytest.fixture
def expected(run: Run, tmp_path: Path, table: pa.Table) -> dict[str, bytes]:
    """Return the artifacts of one file, in this process."""
    return train(run, tmp_path / "expected", write(table, tmp_path / "one.parquet"), *CITY)


class Bar:
    """A progress bar that does something at its first step."""

    def __init__(self, do: Callable[[], None]) -> None:
        self.do, self.n_rows, self.steps = do, 0, 0

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, n_rows: int) -> None:
        """Count rows."""
        self.steps += 1
        self.n_rows += n_rows
        if self.steps == 1:
            self.do()


@pytest.mark.parametrize("n_workers", [1, 2, 4])
def test_workers_change_no_byte(
    run: Run, tmp_path: Path, folder: Path, expected: dict[str, bytes], n_workers: int
) -> None:
    """Neither the number of workers, nor files, formats and row groups, show in the result."""
    with threads(n_workers) as cluster:
        flags = ("--dask", cluster.scheduler_address, *CITY)
        assert train(run, tmp_path / "a", folder, *flags) == expected
        one = tmp_path / "one.parquet"
        assert train(run, tmp_path / "a", one, *flags, "--batch-size", 100) == expected


def test_options_reach_the_workers(
    run: Run, tmp_path: Path, table: pa.Table, processes: LocalCluster
) -> None:
    """Folds, files of their own for the held-out rows, and dropped rows."""
    paths = [write(piece, tmp_path / f"{k}.csv") for k, piece in enumerate(pieces(table, 3))]
    text = paths[0].read_text("utf-8")
    paths[0].write_text(text + "NA,1,0,Z,5\n", encoding="utf-8")
    flags = (*paths[:2], "--test-data", paths[2], *CITY, "--missing", "drop", "--cv", 3)
    here = train(run, tmp_path / "a", *flags)
    assert train(run, tmp_path / "b", *flags, "--dask", processes.scheduler_address) == here


def test_local_processes(tmp_path: Path, folder: Path, expected: dict[str, bytes]) -> None:
    """``--dask local:2`` starts processes, from any folder, and leaves nothing on stderr."""
    flags = ("--target", "price", *CITY, "--dask", "local:2", "--data", folder.name)
    done = run_process("train", "--artifacts", tmp_path / "a", *flags, cwd=folder.parent)
    assert (done.returncode, done.stderr.decode()) == (0, "")
    assert {name: (tmp_path / "a" / name).read_bytes() for name in ARTIFACTS} == expected


@pytest.mark.skipif(os.name != "posix", reason="there is no such signal elsewhere")
def test_worker_killed_in_the_middle(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    processes: LocalCluster,
    expected: dict[str, bytes],
) -> None:
    """What a worker did that died is done again by others, and counts once."""
    killed: list[int] = []

    def kill() -> None:
        if not killed:
            killed.append(next(iter(processes.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)

    bars: list[Bar] = []

    def make_bar(**_: Any) -> Bar:
        bars.append(Bar(kill))
        return bars[-1]

    monkeypatch.setattr(row_passes, "tqdm", make_bar)
    many = [f for f in sorted(folder.iterdir()) if f.name.endswith(".parquet")]
    others = [f for f in sorted(folder.iterdir()) if f not in many]
    flags = ("--dask", processes.scheduler_address, *CITY)
    assert train(run, tmp_path / "a", *others, *many, *flags) == expected
    assert killed
    assert killed[0] not in {worker.pid for worker in processes.workers.values()}
    assert len(bars) == 1  # one pass


def test_progress_counts_rows(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: LocalCluster
) -> None:
    """The bar ends at the number of rows, here and on a cluster, which it is told before."""
    bars: list[Bar] = []
    totals: list[int] = []

    def make_bar(*, total: int, **_: Any) -> Bar:
        totals.append(total)
        bars.append(Bar(lambda: None))
        return bars[-1]

    monkeypatch.setattr(row_passes, "tqdm", make_bar)
    path = write(numbers(), tmp_path / "a.parquet", row_group_size=100)
    train(run, tmp_path / "a", path, "--batch-size", 50)
    train(run, tmp_path / "a", path, "--dask", processes.scheduler_address)
    assert [bar.n_rows for bar in bars] == totals == [600, 600]
    assert [bar.steps for bar in bars] == [12, 6]


def test_bad_row_on_a_worker(run: Run, tmp_path: Path, processes: LocalCluster) -> None:
    """The message is the same as without a cluster: file, row, column."""
    rows = ["a,y", *(f"{k},{k * k}" for k in range(50))]
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("\n".join(rows))
    bad.write_text("\n".join([*rows, "x,2"]))
    flags = ("--target", "y", "--data", good, bad, "--dask", processes.scheduler_address)
    message = refused(run, tmp_path, *flags)
    assert message.startswith(f"{bad}: row 51: column 'a' holds 'x'; expected a finite number")


def test_rows_are_numbered_across_row_groups(
    run: Run, tmp_path: Path, processes: LocalCluster
) -> None:
    """A worker that reads the fourth group of ten rows counts from the file's first row."""
    for value, where in ((float("inf"), ": row 37: "), (None, "the first is row 37 of ")):
        values = [float(k) for k in range(50)]
        column = pa.array([*values[:36], value, *values[37:]])
        table = pa.table({"a": column, "y": values})
        path = write(table, tmp_path / "a.parquet", row_group_size=10)
        flags = ("--target", "y", "--data", path, "--dask", processes.scheduler_address)
        assert where in refused(run, tmp_path, *flags)


def test_cluster_that_stops(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """A scheduler that goes away is an error of one line."""
    monkeypatch.setattr(dask_cluster, "_TIMEOUT", 1)
    with threads(1, "tcp") as cluster:
        monkeypatch.setattr(row_passes, "tqdm", lambda **_: Bar(cluster.close))
        flags = ("--target", "price", "--data", folder, *CITY)
        message = refused(run, tmp_path, *flags, "--dask", cluster.scheduler_address)
    assert message.startswith("the Dask cluster failed (")
