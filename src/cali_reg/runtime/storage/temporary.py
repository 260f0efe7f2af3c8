"""Temporary files, which the next command removes if the one that wrote them was killed."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from cali_reg.runtime.storage.locks import CAN_MOVE_OPEN_FILES, try_lock
from cali_reg.runtime.storage.names import JOURNAL, LENGTH, PREFIX, SUFFIX, is_temporary
from cali_reg.runtime.storage.signals import deferred

_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def new_name(folder: Path) -> Path:
    """Return the path of a temporary file that does not exist.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Path
    """
    alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
    while True:
        middle = "".join(alphabet[byte % len(alphabet)] for byte in os.urandom(LENGTH))
        path = folder / f"{PREFIX}{middle}{SUFFIX}"
        if not os.path.lexists(path):
            return path


@contextmanager
def temporary_file(folder: Path, target: Path | None = None) -> Iterator[tuple[BinaryIO, Path]]:
    """Yield a new file and its path.

    Parameters
    ----------
    folder : Path
    target : Path, optional
        The file that it will replace, whose mode and owner it takes.

    Yields
    ------
    file : binary file
        Open and locked until the block ends: others see that this process is alive.
    path : Path
        At the end, a file that is still there is deleted, unless there is a journal: it may be
        needed, and the next command deletes it.

    Raises
    ------
    OSError
        If it cannot be created.
    """
    made: list[tuple[BinaryIO, Path]] = []
    try:
        with deferred():  # a signal right after the file was made must find it here
            made.append(_create(folder))
        file, path = made[0]
        _take_mode(file.fileno(), target)
        yield file, path
    finally:
        for file, path in made:
            if not CAN_MOVE_OPEN_FILES:
                file.close()  # Windows does not delete an open file
            with contextlib.suppress(OSError):  # else the next command does it
                if not (folder / JOURNAL).exists():
                    path.unlink(missing_ok=True)
            file.close()


def write_through(file: BinaryIO) -> None:
    """Wait until what was written to a file is on the disk.

    Parameters
    ----------
    file : binary file
    """
    file.flush()
    os.fsync(file.fileno())


def remove_dead(folder: Path) -> None:
    """Remove the temporary files of processes that have ended.

    The caller has the folder's lock, and there is no journal.

    Parameters
    ----------
    folder : Path
    """
    for path in list(folder.iterdir()):
        if is_temporary(path.name):
            with contextlib.suppress(OSError):
                _remove_if_dead(path)


def _remove_if_dead(path: Path) -> None:
    handle = os.open(path, os.O_RDWR | _FLAGS)
    try:
        is_dead = stat.S_ISREG(os.fstat(handle).st_mode) and try_lock(handle)
        if is_dead and CAN_MOVE_OPEN_FILES:
            path.unlink()  # while it is locked: its maker may only just have created it
    finally:
        os.close(handle)
    if is_dead and not CAN_MOVE_OPEN_FILES:
        path.unlink()  # Windows refuses if it is open elsewhere


def _create(folder: Path) -> tuple[BinaryIO, Path]:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | _FLAGS
    while True:
        path = new_name(folder)
        file = os.fdopen(os.open(path, flags, 0o666), "wb")  # the umask applies
        if not CAN_MOVE_OPEN_FILES:
            return file, path
        try_lock(file.fileno())
        with contextlib.suppress(FileNotFoundError):  # removed by another before it was locked
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file, path
        file.close()


def _take_mode(handle: int, target: Path | None) -> None:
    """Give an open file the mode and, as far as the system allows, the owner of another."""
    with contextlib.suppress(OSError, AttributeError):  # no such file; Windows
        if target is None or not target.is_file():
            return
        found = target.stat()
        os.fchmod(handle, stat.S_IMODE(found.st_mode) & 0o777)
        os.fchown(handle, found.st_uid, found.st_gid)
