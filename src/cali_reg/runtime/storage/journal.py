"""The journal of a folder: it says which new files take the place of which, all together.

Its appearance is the moment at which the new files count. From then on each process reads them
through the journal, and the next command with write access finishes what was begun.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from cali_reg.errors import ArtifactError, FormatError
from cali_reg.runtime import fingerprinted_json
from cali_reg.runtime.storage.names import JOURNAL, is_temporary
from cali_reg.runtime.storage.regular_file import open_regular, read_open

_LIMIT = 1 << 16  # bytes


class Entry(NamedTuple):
    """One file of a set.

    Attributes
    ----------
    name : str
        The file's name in the folder.
    new : str
        The name of the temporary file with its new content.
    old : str or None
        A second name of the file that is replaced; None if there is none.
    sha256 : str
        Of the new content, in hexadecimal.
    """

    name: str
    new: str
    old: str | None
    sha256: str


def dump_journal(entries: Iterable[Entry]) -> bytes:
    """Return the bytes of a journal.

    Parameters
    ----------
    entries : iterable of Entry

    Returns
    -------
    bytes
    """
    return fingerprinted_json.dump("journal", 1, {"files": [e._asdict() for e in entries]})[0]


def read_journal(folder: Path) -> tuple[Entry, ...]:
    """Return the entries of a folder's journal; none if it has no journal.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    tuple of Entry

    Raises
    ------
    ArtifactError
        If it is of a user who may not say what happens in the folder.
    FormatError
        If it is not one that cali-reg wrote.
    OSError
        If it cannot be read.
    """
    path = folder / JOURNAL
    try:
        with open_regular(path) as file:
            _require_own(file, path)
            data = read_open(file, _LIMIT)
    except (FileNotFoundError, NotADirectoryError):
        return ()
    remedy = "delete it, and create the files again with `cali-reg train` and `cali-reg quantize`"
    try:
        content = fingerprinted_json.load("journal", (1,), data, str(path))
        entries = tuple(Entry(**entry) for entry in content["files"])
        is_valid = all(map(_is_valid, entries))
    except (FormatError, TypeError, KeyError, AttributeError):
        is_valid = False
    if not is_valid:
        raise FormatError(f"{path}: not a journal that cali-reg wrote; {remedy}")
    return entries


def _require_own(file: BinaryIO, path: Path) -> None:
    """Raise ArtifactError for the journal of another user in a shared folder, such as ``/tmp``.

    Whoever can write it could have other files of the folder replaced or deleted.
    """
    if os.name == "posix":
        owner = os.fstat(file.fileno()).st_uid
        if owner not in (os.geteuid(), _owner_of(path.parent)):
            raise ArtifactError(
                f"{path}: the journal of another user; it is finished when that user runs a command"
                " with this folder"
            )


def _owner_of(folder: Path) -> int:
    return folder.stat().st_uid


def has_sha256(path: Path, sha256: str) -> bool:
    """Tell whether a file exists and has a given content.

    Parameters
    ----------
    path : Path
    sha256 : str
        Of the content, in hexadecimal.
    """
    try:
        with open_regular(path) as file:
            digest = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]  # typeshed
            return digest.hexdigest() == sha256
    except OSError:
        return False


def current_paths(folder: Path, entries: Sequence[Entry]) -> dict[str, Path]:
    """Return where the content of each file is that counts, while a journal is there.

    Parameters
    ----------
    folder : Path
    entries : sequence of Entry
        Of its journal.

    Returns
    -------
    dict of Path
        By file name: all new files, or all old ones if a new one is gone.
    """
    if all((folder / e.new).exists() or has_sha256(folder / e.name, e.sha256) for e in entries):
        others = {entry.name: folder / entry.new for entry in entries}
    else:
        others = {entry.name: folder / (entry.old or entry.new) for entry in entries}
    return {name: path if path.exists() else folder / name for name, path in others.items()}


def _is_valid(entry: Entry) -> bool:
    """Tell whether an entry stays in its folder: a journal may come from anywhere."""
    if not all(isinstance(value, str) for value in (*entry[:2], entry.sha256)):
        return False
    is_file = not set(entry.name) & {"/", "\\", ":", "\0"} and entry.name not in ("", ".", "..")
    is_old = entry.old is None or (isinstance(entry.old, str) and is_temporary(entry.old))
    return is_file and is_old and is_temporary(entry.new)
