"""Full disks: files that may not grow over a size, a small file system, and outputs that are full.

A command that cannot write leaves the folder as it was.
"""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from cases import Case
from states import check_folder, state_after
from verdicts import snapshot

from parts.kills import COMMANDS, written_for

_SIZES = (0, 1, 20, 64, 100, 500, 700, 1000, 2000, 2500, 4000, 5000, 6000, 8000)
_KB_FREE = (0, 4, 8, 12, 16, 24, 32, 40)
_STREAMS: tuple[tuple[int, str], ...] = ((1, "/dev/full"), (2, "/dev/full"), (1, ""), (2, ""))
_READING = (
    ("predict", "--artifacts", "m"),
    ("predict", "{rows}", "--artifacts", "m"),
    ("predict", "{rows}", "--artifacts", "m", "--on-error", "skip", "--out", "out.csv"),
    ("export", "--artifacts", "m", "--format", "c"),
    ("verify", "--artifacts", "m", "--data", "{rows}"),
    ("train", "--artifacts", "new", "--data", "{rows}", "--target", "nothing"),
)
_N_SIZES = len(COMMANDS) * len(_SIZES)
_N_DISKS = len(COMMANDS) * len(_KB_FREE)
COUNT = QUICK = _N_SIZES + _N_DISKS + len(_READING) * len(_STREAMS)


def case(case: Case) -> None:
    """Run one command on a disk or an output that is full."""
    number = case.number
    if number < _N_SIZES:
        size, which = divmod(number, len(COMMANDS))
        case.label = f"(files of at most {_SIZES[size]} bytes)"
        case.copy_model()
        limit = (_SIZES[size], _SIZES[size])
        _write(case, which, partial(resource.setrlimit, resource.RLIMIT_FSIZE, limit))
    elif number < _N_SIZES + _N_DISKS:
        size, which = divmod(number - _N_SIZES, len(COMMANDS))
        case.label = f"({_KB_FREE[size]} kB free)"
        _on_a_small_disk(case, which, _KB_FREE[size])
    else:
        stream, which = divmod(number - _N_SIZES - _N_DISKS, len(_READING))
        _to_a_full_output(case, _READING[which], *_STREAMS[stream])


def _write(case: Case, which: int, prepare: Callable[[], object] | None = None) -> None:
    command = written_for(case, COMMANDS[which])
    code = case.run(*command, prepare=prepare).code
    model = case.materials.models[0]
    allowed = [state_after(model) if code else state_after(model, command)]
    if code == 2 and (allowed[0].files != snapshot(case.folder / "m")):
        case.fail("torn", command, "exit code 2, and the files changed")
    check_folder(case, allowed, command)


def _on_a_small_disk(case: Case, which: int, kilobytes: int) -> None:
    """Mount a file system in memory, if that is allowed, and leave some space."""
    if os.geteuid() or not hasattr(os, "posix_fallocate"):
        return
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(case.folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        return
    try:
        case.copy_model()
        file_system = os.statvfs(case.folder)
        free = file_system.f_bavail * file_system.f_frsize - kilobytes * 1024
        with open(case.folder / "filler", "wb") as file, suppress(OSError):
            os.posix_fallocate(file.fileno(), 0, free)
        _write(case, which)
    finally:
        subprocess.run(["umount", str(case.folder)], capture_output=True, check=True)


def _to_a_full_output(case: Case, command: tuple[str, ...], stream: int, path: str) -> None:
    """Run a process whose output or error output is full or closed: no message goes elsewhere."""
    case.copy_model()
    case.label = f"(stream {stream} {path or 'closed'})"
    rows = case.materials.rows["csv"][0]
    words = tuple(word.format(rows=rows) for word in command)
    outcome = case.run(
        *words,
        prepare=partial(_redirect, stream, path),
        own_process=True,
        is_report=command[0] not in ("predict", "export"),
    )
    written = outcome.out + b"".join(snapshot(case.folder).values())
    if b"cali-reg predict:" in written or b"cali-reg train:" in written:
        case.fail("wrong", words, "a message is among the data")
    if (stream, path) == (1, "/dev/full") and outcome.code == 0 and "--out" not in words:
        case.fail("wrong", words, "exit code 0, and the output is lost")


def _redirect(stream: int, path: str) -> None:
    if path:
        os.dup2(os.open(path, os.O_WRONLY), stream)
    else:
        os.close(stream)
