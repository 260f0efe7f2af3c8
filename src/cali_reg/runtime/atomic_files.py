"""Write files completely or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from cali_reg.errors import ArtifactError

# what writes is imported when it is needed: a prediction to standard output starts without it


def write_files(
    folder: Path, files: Mapping[str, bytes], check: Callable[[], None] = lambda: None
) -> None:
    """Write all files into a folder, or none if one of them cannot be written.

    Parameters
    ----------
    folder : Path
        Created if it does not exist.
    files : mapping of str to bytes
        The contents, by file name.
    check : callable, optional
        Raises an error if the files must not be written after all, as `replace_set` says.

    Raises
    ------
    ArtifactError
        If a file cannot be written; the folder is then unchanged, or the message says what is.
    """
    from cali_reg.runtime.storage.transaction import replace_set

    with _explain(folder):
        folder.mkdir(parents=True, exist_ok=True)
        replace_set(folder, files, check)


@contextmanager
def replace_file(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that replaces `path` when the block ends without an error.

    The new file has the mode and, where the system allows it, the owner of the old one. If `path`
    is a symbolic link, the file that it points to is replaced, and the link stays.

    Parameters
    ----------
    path : Path
        An existing file or a new one; its folder is created if it does not exist.

    Yields
    ------
    binary file

    Raises
    ------
    ArtifactError
        If the file cannot be written; an existing one is then unchanged.
    """
    from cali_reg.runtime.storage import signals
    from cali_reg.runtime.storage.locks import CAN_MOVE_OPEN_FILES
    from cali_reg.runtime.storage.names import PREFIX
    from cali_reg.runtime.storage.temporary import temporary_file, write_through
    from cali_reg.runtime.storage.transaction import require_replaceable, tidy

    with _explain(path.parent):
        target = _follow(path)
        if target.name.startswith(PREFIX):
            raise ArtifactError(f"{target}: a name that cali-reg uses itself; name another")
        require_replaceable(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        tidy(target.parent, with_journal=False)
        with temporary_file(target.parent, target) as (file, temporary):
            yield file
            write_through(file)
            if not CAN_MOVE_OPEN_FILES:
                file.close()  # Windows does not rename an open file
            with signals.deferred():
                temporary.replace(target)


def write_file(path: Path, data: bytes) -> None:
    """Write one file, as `replace_file` does.

    Parameters
    ----------
    path : Path
    data : bytes

    Raises
    ------
    ArtifactError
        If the file cannot be written; an existing one is then unchanged.
    """
    with replace_file(path) as file:
        file.write(data)


def is_same_file(one: Path | str, other: Path | str | int) -> bool:
    """Tell whether two names are of one file, by whichever links they lead to it.

    Parameters
    ----------
    one : Path or str
        An existing file or a new one.
    other : Path, str or int
        The same, or the number of an open file.
    """
    try:
        return os.path.samefile(one, other)  # noqa: PTH121 - also for the number of an open file
    except (OSError, ValueError):  # one of them does not exist
        if isinstance(other, int) or "://" in str(other):
            return False
        return os.path.realpath(one) == os.path.realpath(other)


def _follow(path: Path) -> Path:
    """Return the file that a symbolic link points to, which may not exist yet."""
    if not path.is_symlink():
        return path
    try:
        target = path.resolve()
    except RuntimeError as error:  # links in a circle, before Python 3.13
        raise OSError(None, str(error)) from None
    if target.is_symlink():  # in a circle, since then
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return target


@contextmanager
def _explain(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise ArtifactError(
            f"{folder}: cannot be written ({reason}); nothing there was changed:"
            " free some space, or choose another folder"
        ) from None
