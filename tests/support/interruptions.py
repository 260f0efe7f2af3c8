"""Write two sets of files into a folder, one process after the other, and stop each in the middle.

Each process is a fork that stops itself right before its step `k`: a step is a change of the names
in a folder, or the opening of a file.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from cali_reg.errors import ArtifactError
from cali_reg.runtime.atomic_files import write_files
from cali_reg.runtime.storage import snapshot

NAMES = ("first", "second", "third")
STEPS = {"os.rename", "os.remove", "os.link", "open"}

# exit code, the files as they are read before and after recovery, names left before it
Outcome = tuple[int, dict[str, bytes], dict[str, bytes], set[str]]


def content(letter: str) -> dict[str, bytes]:
    """Return a set of files."""
    return {name: f"{name} {letter}".encode() for name in NAMES}


def read(folder: Path) -> dict[str, bytes]:
    """Return what a command reads: the files that are there."""
    found = snapshot.read_snapshot(folder, NAMES, 1000)
    assert all(isinstance(data, bytes | FileNotFoundError) for data in found.values())
    return {name: data for name, data in found.items() if isinstance(data, bytes)}


def outcomes(path: str, how: str) -> list[Outcome]:
    """Write again and again, each time stopped before the next step, until none is left."""
    folder, found, tidy = Path(path), [], snapshot._tidy
    os.fsync = lambda fd: None  # slow, and no power is lost here
    for step in range(1, 200):
        letter = "b" if read(folder) == content("a") else "a"
        status, n_steps = fork(
            folder, letter, step, {"kill": kill, "fail": fail}.get(how, interrupt)
        )
        snapshot._tidy = lambda folder: None  # as in a read-only folder
        before, left = read(folder), {file.name for file in folder.iterdir()}
        snapshot._tidy = tidy
        found.append((status, before, read(folder), left))
        assert {file.name for file in folder.iterdir()} <= set(NAMES), "something is left"
        if n_steps < step:
            return found
    raise AssertionError(step)


def fork(folder: Path, letter: str, step: int, stop: Callable[[str], None]) -> tuple[int, int]:
    """Write a set in a new process, which calls `stop` before a step; return how it ended.

    That is its exit code (or minus a signal), and the number of steps that it came to.
    """
    reading, writing = os.pipe()
    if pid := os.fork():
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            n_steps = len(pipe.read())
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), n_steps
    n_seen = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal n_seen
        if event in STEPS and str(folder) in str(arguments):
            n_seen += 1
            os.write(writing, b".")
            if n_seen == step:
                stop(event)

    code = 0
    try:
        sys.addaudithook(hook)
        write_files(folder, content(letter))
    except ArtifactError:
        code = 2
    except BaseException:
        code = 130
    os._exit(code)


def kill(event: str) -> None:
    """End the process at once."""
    os._exit(9)


def interrupt(event: str) -> None:
    """Press Control-C."""
    signal.raise_signal(signal.SIGINT)


def fail(event: str) -> None:
    """Fail as the system does for a file that must not be changed."""
    if event != "open":
        raise OSError(1, "Operation not permitted")
