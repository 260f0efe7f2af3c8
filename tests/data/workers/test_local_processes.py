"""Processes of this machine give the bytes of one, also when they die; nobody can reach them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import Run
from layouts import make_table, pieces, refused, train, write

from cali_reg.jobs.training_data import row_passes

CITY = ("--categorical", "city", "--not-missing", "city=NA")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with rows in files of all formats."""
    suffixes = ["csv", "parquet", "arrow", "csv.gz"] * 2
    for k, (piece, suffix) in enumerate(zip(pieces(make_table(), 8), suffixes, strict=True)):
        write(piece, tmp_path / "in" / f"{k:02}.{suffix}")
    return tmp_path / "in"


@pytest.fixture
def expected(run: Run, tmp_path: Path, folder: Path) -> dict[str, bytes]:
    """Return the artifacts of this process alone."""
    return train(run, tmp_path / "expected", folder, *CITY)


class Bar:
    """A progress bar that does something at its first step."""

    def __init__(self, do: Callable[[], None]) -> None:
        self.do, self.steps = do, 0

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, _: int) -> None:
        """Note a step."""
        self.steps += 1
        if self.steps == 1:
            self.do()


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="sockets are listed elsewhere")
def test_local_processes_listen_on_no_port(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """No other user can send tasks to them: they have no socket that listens."""
    found: list[set[str]] = []

    def look() -> None:
        found.append(listening_sockets(os.getpid()))

    before = listening_sockets(os.getpid())
    monkeypatch.setattr(row_passes, "tqdm", lambda **_: Bar(look))
    train(run, tmp_path / "a", folder, "--dask", "local:2", *CITY)
    assert len(found) == 1  # one pass
    assert found[0] <= before


def listening_sockets(process: int) -> set[str]:
    """Return the sockets of a process and its children that wait for connections."""
    inodes = set()
    for table in ("tcp", "tcp6", "unix"):
        lines = Path("/proc/net", table).read_text().splitlines()[1:]
        for fields in map(str.split, lines):
            waits = fields[3] == "0A" if table != "unix" else int(fields[3], 16) & 0x10000
            if waits:
                inodes.add(f"socket:[{fields[6] if table == 'unix' else fields[9]}]")
    own = {process, *children_of(process)}
    links = [link for pid in own for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
    return {target for target in map(os.readlink, links) if target in inodes}


def children_of(process: int) -> list[int]:
    """Return the processes that a process has started, and those that they have."""
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    children = [int(pid) for task in tasks for pid in task.read_text().split()]
    return [*children, *(pid for child in children for pid in children_of(child))]


@pytest.mark.skipif(os.name != "posix", reason="there is no such signal elsewhere")
def test_local_process_killed_in_the_middle(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    expected: dict[str, bytes],
) -> None:
    """What it did is done again, and counts once."""
    killed: list[int] = []
    bars: list[Bar] = []

    def kill() -> None:
        process = multiprocessing.active_children()[0]
        killed.append(process.pid or 0)
        process.kill()

    def make_bar(**_: Any) -> Bar:
        bars.append(Bar(kill))
        return bars[-1]

    monkeypatch.setattr(row_passes, "tqdm", make_bar)
    assert train(run, tmp_path / "a", folder, "--dask", "local:2", *CITY) == expected
    assert len(killed) == len(bars) == 1
    assert not multiprocessing.active_children()


def test_local_processes_that_all_die(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """One line, after a few of them."""
    monkeypatch.setattr(row_passes, "summarize", die)
    flags = ("--target", "price", "--data", folder, *CITY, "--dask", "local:2")
    message = refused(run, tmp_path, *flags)
    assert message.startswith("3 processes of --dask local were lost, one after the other; ")
    assert not multiprocessing.active_children()


def die(*_: Any, **__: Any) -> None:
    """End the process as the system does when memory is short."""
    os._exit(9)


def test_error_in_a_local_process(run: Run, tmp_path: Path) -> None:
    """The message is that of one process; the others end at once."""
    rows = ["a,y", *(f"{k},{k * k}" for k in range(50))]
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("\n".join(rows))
    bad.write_text("\n".join([*rows, "x,2"]))
    flags = ("--target", "y", "--data", good, bad, "--dask", "local:2")
    message = refused(run, tmp_path, *flags)
    assert message.startswith(f"{bad}: row 51: column 'a' holds 'x'; expected a finite number")
    assert not multiprocessing.active_children()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="children are listed elsewhere")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_local_processes_end_with_the_command(tmp_path: Path, end: signal.Signals) -> None:
    """Ctrl-C and a kill leave no process behind, whatever it does, and no traceback."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    with subprocess.Popen([sys.executable, str(script)], stderr=subprocess.PIPE) as process:
        while len(children := children_of(process.pid)) < 3:  # one counts resources
            time.sleep(0.01)
        time.sleep(1)  # they are at work, or still start
        process.send_signal(end)
        _, err = process.communicate(timeout=20)
    assert process.returncode == (130 if end == signal.SIGINT else -end)
    assert not err or (end == signal.SIGKILL and b"resource_tracker: " in err)  # of Python itself
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)


SCRIPT = """
import sys, time
from cali_reg.data.workers.local_processes import open_processes

if __name__ == "__main__":
    try:
        with open_processes(2) as processes:
            processes.run(time.sleep, [60.0, 60.0], print)
    except KeyboardInterrupt:
        sys.exit(130)
"""
