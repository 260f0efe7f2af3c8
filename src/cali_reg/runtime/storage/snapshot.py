"""Read several files of a folder as they were at one moment."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from cali_reg.errors import ArtifactError
from cali_reg.runtime.storage.names import JOURNAL, has_remains
from cali_reg.runtime.storage.regular_file import open_regular, read_open

TYPE_CHECKING = False  # see cali_reg/__init__.py
if TYPE_CHECKING:
    from cali_reg.runtime.storage.journal import Entry

# what reads a journal is imported where there is one: most starts do without it

_ATTEMPTS = 200
_PAUSE = 0.01  # seconds


def read_snapshot(folder: Path, names: Sequence[str], limit: int) -> dict[str, bytes | OSError]:
    """Read files that one command wrote, even while another replaces them.

    What an interrupted command left is finished first. Where that cannot be done, as in a folder
    that is read-only, its new files are read under their temporary names.

    Parameters
    ----------
    folder : Path
    names : sequence of str
        File names.
    limit : int
        The most bytes of a file that are accepted.

    Returns
    -------
    dict of bytes or OSError
        By name, the content of a file, or why it cannot be read.

    Raises
    ------
    ArtifactError
        If other commands replace the files all the time.
    FormatError
        If there is a journal that cali-reg did not write.
    """
    _tidy(folder)
    for _ in range(_ATTEMPTS):
        journal = _journal(folder)
        with ExitStack() as stack:
            paths = _current_paths(folder, journal) if journal else {}
            opened = {name: _open(paths.get(name, folder / name), stack) for name in names}
            found = {name: _read(file, limit) for name, (_, file) in opened.items()}
            # Each file still has its name, so all of them had theirs at one moment, after the last
            # was opened. The journal is the same, so no command was half done at that moment.
            are_still = all(_is_still(folder / name, *pair) for name, pair in opened.items())
            if are_still and _journal(folder) == journal:
                return found
        time.sleep(_PAUSE)
    raise ArtifactError(f"{folder}: its files are being replaced all the time; try again")


def _tidy(folder: Path) -> None:
    try:
        is_clean = not has_remains(folder)
    except OSError:
        return
    if not is_clean:
        from cali_reg.runtime.storage.transaction import tidy  # slow to import

        tidy(folder)


def _journal(folder: Path) -> tuple[Entry, ...]:
    if not os.path.lexists(folder / JOURNAL):
        return ()
    from cali_reg.runtime.storage.journal import read_journal

    try:
        return read_journal(folder)
    except OSError as error:
        raise ArtifactError(f"{folder}: its journal cannot be read ({error.strerror})") from None


def _current_paths(folder: Path, journal: Sequence[Entry]) -> dict[str, Path]:
    from cali_reg.runtime.storage.journal import current_paths

    return current_paths(folder, journal)


def _open(path: Path, stack: ExitStack) -> tuple[Path, BinaryIO | OSError]:
    try:
        return path, stack.enter_context(open_regular(path))
    except OSError as error:
        return path, error


def _read(file: BinaryIO | OSError, limit: int) -> bytes | OSError:
    if isinstance(file, OSError):
        return file
    try:
        return read_open(file, limit)
    except OSError as error:
        return error


def _is_still(final: Path, path: Path, file: BinaryIO | OSError) -> bool:
    """Tell whether a path names the file that was opened; if none was, whether none is there."""
    if isinstance(file, OSError):
        return not isinstance(file, FileNotFoundError) or not (path.exists() or final.exists())
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False
