"""Names of the files that cali-reg puts into a folder for a moment."""

from __future__ import annotations

import os
from pathlib import Path

PREFIX, SUFFIX = ".cali-reg-", ".tmp"
JOURNAL = f"{PREFIX}journal"  # names temporary files that are still needed
LENGTH = 8  # random characters of a temporary name


def is_temporary(name: str) -> bool:
    """Tell whether a name is that of a temporary file.

    Parameters
    ----------
    name : str
        Of a file, without its folder.
    """
    middle = name.removeprefix(PREFIX).removesuffix(SUFFIX)
    is_random = middle.isascii() and middle.isalnum() and len(middle) == LENGTH
    return is_random and name == PREFIX + middle + SUFFIX


def has_remains(folder: Path) -> bool:
    """Tell whether a folder has files that a command has not removed, or not yet.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    OSError
        If the folder cannot be listed.
    """
    with os.scandir(folder) as entries:
        return any(entry.name == JOURNAL or is_temporary(entry.name) for entry in entries)
