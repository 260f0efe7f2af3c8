"""Locks on folders and on temporary files. The system releases them when their process ends."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

CAN_MOVE_OPEN_FILES = fcntl is not None

LOCK_FILE = ".cali-reg-lock"  # only where a folder itself cannot be locked
_BUSY = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
_PAUSE = 0.005  # seconds between two attempts


def try_lock(handle: int) -> bool | None:
    """Lock an open file or folder for this process alone, without waiting.

    Parameters
    ----------
    handle : int
        A file descriptor. Closing it releases the lock.

    Returns
    -------
    bool or None
        False if another process has the lock; None if this system has no such lock.
    """
    try:
        if fcntl is None:
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in _BUSY else None
    except ImportError:
        return None
    return True


@contextmanager
def lock_folder(folder: Path, seconds: float) -> Iterator[bool]:
    """Hold the lock of a folder, which writers of its files take.

    Parameters
    ----------
    folder : Path
    seconds : float
        How long to wait for it.

    Yields
    ------
    bool
        False if another process kept the lock. True also where there are no locks: a kill is safe
        there, too, but two writers at one moment are not.

    Raises
    ------
    OSError
        If the folder cannot be opened.
    """
    deadline = time.monotonic() + seconds
    with contextlib.ExitStack() as opened:
        handle = _open_folder(folder)
        opened.callback(os.close, handle)
        while (locked := try_lock(handle)) is False and time.monotonic() < deadline:
            time.sleep(_PAUSE)
        yield locked is not False


def _open_folder(folder: Path) -> int:
    """Open what stands for the folder: itself, or a file in it where folders have no locks."""
    if fcntl is not None:
        handle = os.open(folder, os.O_RDONLY)
        if try_lock(handle) is not None:
            return handle  # locked already, or by another process
        os.close(handle)
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    return os.open(folder / LOCK_FILE, flags, 0o666)
