"""Replace a set of files: all of them, or none, whatever happens in between.

The new files are written beside the old ones, and each old one gets a second name. Then a journal
appears, in one step: from here on the new files count. They take their names, and the journal goes.
If the process ends before the journal appears, the old files were never touched; if it ends after,
the next command finishes. If a file cannot be replaced, the old ones take their names again.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from cali_reg.errors import ArtifactError
from cali_reg.runtime.storage import signals
from cali_reg.runtime.storage.journal import Entry, dump_journal, has_sha256, read_journal
from cali_reg.runtime.storage.locks import CAN_MOVE_OPEN_FILES, lock_folder
from cali_reg.runtime.storage.names import JOURNAL, has_remains
from cali_reg.runtime.storage.temporary import (
    new_name,
    remove_dead,
    temporary_file,
    write_through,
)

_PATIENCE = 10.0  # seconds to wait for another writer, which needs less than one


def replace_set(
    folder: Path, files: Mapping[str, bytes], check: Callable[[], None] = lambda: None
) -> None:
    """Write files into a folder, all of them or none.

    Parameters
    ----------
    folder : Path
        It exists.
    files : mapping of str to bytes
        The contents, by file name.
    check : callable, optional
        Raises an error if the files must not be written after all. No other command writes to the
        folder between this check and the end.

    Raises
    ------
    ArtifactError
        If another process keeps the folder locked; if a file cannot be replaced; and with the truth
        about each file if neither the new nor the old ones can be put in place.
    OSError
        If a file cannot be written; the folder is then unchanged.
    """
    with ExitStack() as stack:
        new: dict[str, tuple[BinaryIO, Path]] = {}
        for name, data in files.items():
            new[name] = stack.enter_context(temporary_file(folder, folder / name))
            new[name][0].write(data)
            write_through(new[name][0])
        locked = stack.enter_context(lock_folder(folder, _PATIENCE))
        if not locked:
            raise ArtifactError(
                f"{folder}: another process keeps it locked; nothing there was changed: try again"
                " when that process has ended"
            )
        recover(folder)
        check()
        for name in files:
            require_replaceable(folder / name)
        with signals.deferred():
            _switch(folder, {name: _closable(*pair) for name, pair in new.items()}, files)


def tidy(folder: Path, *, with_journal: bool = True) -> None:
    """Finish what an interrupted command began in a folder, and remove what it left behind.

    Nothing happens if another process is writing there, or if the folder cannot be written to.

    Parameters
    ----------
    folder : Path
    with_journal : bool, default=True
        False for a folder that need not be that of a model: a journal in it is then for others.

    Raises
    ------
    FormatError
        If there is a journal that cali-reg did not write.
    """
    with contextlib.suppress(OSError, ArtifactError):  # then readers read through the journal
        is_for_us = with_journal or not os.path.lexists(folder / JOURNAL)
        if is_for_us and has_remains(folder) and os.access(folder, os.W_OK):
            with lock_folder(folder, 0) as locked, signals.deferred():
                if locked:
                    recover(folder)


def recover(folder: Path) -> None:
    """Finish or undo what the journal of a folder says; remove temporary files of dead processes.

    Parameters
    ----------
    folder : Path
        The caller has its lock.

    Raises
    ------
    ArtifactError
        If neither all new nor all old files can be put in place.
    FormatError
        If the journal is not one that cali-reg wrote.
    OSError
        If the folder cannot be read.
    """
    if entries := read_journal(folder):
        _complete(folder, entries)
    remove_dead(folder)


def require_replaceable(path: Path) -> None:
    """Raise ArtifactError if a file cannot be replaced, as far as this can be seen before.

    Parameters
    ----------
    path : Path
        A file that exists or not.

    Raises
    ------
    ArtifactError
        For a folder, a device and the like; for a file that the system protects from changes; and
        for the file of another user in a folder such as ``/tmp``.
    """
    try:
        os.lstat(path)  # raises an error for a name that is too long, before rows are read
    except FileNotFoundError:
        return
    if path.exists() and not path.is_file():
        raise ArtifactError(f"{path}: not a regular file; name another")
    if _is_protected(path):
        raise ArtifactError(
            f"{path}: the system does not let it be replaced (immutable, or of another user in"
            " a shared folder); nothing was changed: remove the protection, or name another"
        )


def _is_protected(path: Path) -> bool:
    file, parent = os.lstat(path), path.parent.stat()
    is_sticky = os.name == "posix" and parent.st_mode & stat.S_ISVTX
    if is_sticky and os.geteuid() not in (0, file.st_uid, parent.st_uid):
        return True
    try:
        os.close(os.open(path, os.O_WRONLY))  # changes nothing
    except OSError as error:  # EACCES says that its mode does not allow writing; it may be replaced
        return error.errno == errno.EPERM
    return False


def _closable(file: BinaryIO, path: Path) -> Path:
    if not CAN_MOVE_OPEN_FILES:
        file.close()  # Windows does not rename an open file
    return path


def _switch(folder: Path, new: Mapping[str, Path], files: Mapping[str, bytes]) -> None:
    entries: list[Entry] = []
    try:
        for name, path in new.items():
            old = _second_name(folder / name)
            sha256 = hashlib.sha256(files[name]).hexdigest()
            entries.append(Entry(name, path.name, old.name if old else None, sha256))
        with temporary_file(folder) as (file, path):
            file.write(dump_journal(entries))
            write_through(file)
            _sync(folder)
            _closable(file, path).replace(folder / JOURNAL)
    except OSError:
        _remove(folder, [entry.old for entry in entries])
        raise
    if reason := _complete(folder, entries):
        raise ArtifactError(
            f"{folder}: cannot be written ({reason}); the files there are those of before: remove"
            " the cause, or choose another folder"
        )


def _complete(folder: Path, entries: Sequence[Entry]) -> str:
    """Put the new files in place. If that fails, put the old ones back, and return why."""
    try:
        _sync(folder)
        for entry in entries:
            new, path = folder / entry.new, folder / entry.name
            if has_sha256(new, entry.sha256):
                new.replace(path)
            elif not has_sha256(path, entry.sha256):
                raise FileNotFoundError(errno.ENOENT, "a new file is missing", entry.new)
        _end(folder, entries)
    except OSError as error:
        reason = error.strerror or str(error)
        _put_back(folder, entries, reason)
        return reason
    return ""


def _put_back(folder: Path, entries: Sequence[Entry], reason: str) -> None:
    """Give the old files their names again; if that fails too, say what is where."""
    try:
        for entry in entries:
            path = folder / entry.name
            if (folder / entry.new).exists():
                continue  # it has not taken the name
            if entry.old is None:
                if has_sha256(path, entry.sha256):
                    path.unlink()
            elif (folder / entry.old).exists():
                (folder / entry.old).replace(path)
        _end(folder, entries)
    except OSError:
        new = [entry.name for entry in entries if has_sha256(folder / entry.name, entry.sha256)]
        old = [entry.name for entry in entries if entry.name not in new]
        raise ArtifactError(
            f"{folder}: the files could not all be replaced ({reason}), nor put back:"
            f" {', '.join(new) or 'none'} are new, {', '.join(old) or 'none'} old; make the folder"
            " writable, and run a command again: it finishes"
        ) from None


def _end(folder: Path, entries: Sequence[Entry]) -> None:
    _sync(folder)
    (folder / JOURNAL).unlink(missing_ok=True)
    _sync(folder)
    _remove(folder, [name for entry in entries for name in (entry.new, entry.old)])


def _second_name(path: Path) -> Path | None:
    """Give a file a second name, under which it stays when the first is taken away."""
    if not os.path.lexists(path):
        return None
    name = new_name(path.parent)
    try:
        os.link(path, name, follow_symlinks=False)
    except (OSError, NotImplementedError):  # not all file systems have this: a copy, then
        shutil.copy2(path, name)
    return name


def _remove(folder: Path, names: Sequence[str | None]) -> None:
    for name in filter(None, names):
        with contextlib.suppress(OSError):  # else the next command does it
            (folder / name).unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    with contextlib.suppress(OSError):  # not all systems can
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
