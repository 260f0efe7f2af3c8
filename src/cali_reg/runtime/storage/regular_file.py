"""Open regular files only: a named pipe would wait for ever, a device has no end."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO


class NotRegularError(OSError):
    """What has the name of a file is a folder, a device, a socket or a named pipe."""


class TooLargeError(OSError):
    """A file is larger than any that cali-reg writes."""


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading.

    Parameters
    ----------
    path : Path
        Links are followed.

    Returns
    -------
    binary file

    Raises
    ------
    NotRegularError
        For a folder, a device, a socket or a named pipe.
    OSError
        If it cannot be opened.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return os.fdopen(handle, "rb")
    os.close(handle)
    raise NotRegularError(None, "not a regular file")


def read_open(file: BinaryIO, limit: int) -> bytes:
    """Read a whole open file.

    Parameters
    ----------
    file : binary file
    limit : int
        The most bytes that are accepted.

    Returns
    -------
    bytes

    Raises
    ------
    TooLargeError
        If it has more.
    OSError
        If it cannot be read.
    """
    size = os.fstat(file.fileno()).st_size
    # memory for as much as is asked for is taken at once
    data = b"" if size > limit else file.read(size + 1)
    if len(data) > size:  # it grows
        data += file.read(limit + 1 - len(data))
    if size > limit or len(data) > limit:
        raise TooLargeError(None, f"{size} bytes; expected at most {limit}")
    return data
