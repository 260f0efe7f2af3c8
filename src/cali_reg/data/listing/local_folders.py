"""List local folders. A link is a further name of a file or folder, which counts once."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from typing import NamedTuple


class Entry(NamedTuple):
    """A file or a folder.

    Attributes
    ----------
    path : str
    is_folder : bool
    by_link : bool
        Whether a symbolic link led to it.
    problem : str
        What is wrong with the link; empty if nothing is.
    """

    path: str
    is_folder: bool
    by_link: bool
    problem: str = ""


def identity(path: str) -> tuple[object, ...]:
    """Return what all names of a local file have in common: its device and inode.

    Parameters
    ----------
    path : str

    Returns
    -------
    tuple
        The path itself, if there is no such file or it has no inode.
    """
    try:
        status = Path(path).stat()
    except OSError:
        return (path,)
    return (status.st_dev, status.st_ino) if status.st_ino else (path,)


def walk(folder: str, depth: int | None = None, base: str = "") -> list[Entry]:
    """Return what is in a folder.

    Names that begin with a dot or an underscore are left out, with all that is inside of them.
    What links lead to comes last. No folder is entered by a link twice: cycles end.

    Parameters
    ----------
    folder : str
        Empty for the current one.
    depth : int, optional
        How many folders deep to look, 1 for the folder alone; links may then lead anywhere. By
        default to the end, and links must lead to what is inside of the folder, or of `base`.
    base : str, optional
        A folder that the user has named as well.

    Raises
    ------
    OSError
        If a folder cannot be listed.
    """
    places = {Path(place or ".").resolve() for place in (folder, base or folder)}
    roots = places if depth is None else None
    found: list[Entry] = []
    folders, links = deque([(folder, 1, False)]), deque[tuple[str, int]]()
    entered: set[tuple[object, ...]] = set()
    while folders or links:
        if folders:
            inside, level, by_link = folders.popleft()
            start = f"{inside}/" if inside and not inside.endswith("/") else inside
            for item in _visible(inside):
                path = f"{start}{item.name}"
                if item.is_symlink():
                    links.append((path, level))
                else:
                    found.append(Entry(path, item.is_dir(), by_link))
                    if item.is_dir() and level != depth:
                        folders.append((path, level + 1, by_link))
        else:
            path, level = links.popleft()
            found.append(_follow(path, roots))
            is_inside = found[-1].is_folder and not found[-1].problem
            if is_inside and level != depth and identity(path) not in entered:
                entered.add(identity(path))
                folders.append((path, level + 1, True))
    return found


def _visible(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder or ".") as items:
        names = [item for item in items if not item.name.startswith((".", "_"))]
    return sorted(names, key=lambda item: item.name)


def _follow(path: str, roots: set[Path] | None) -> Entry:
    """Return what a link leads to, which must be in one of `roots` unless that is None."""
    link = Path(path)
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: links in a circle, before Python 3.13
        return Entry(path, is_folder=False, by_link=True, problem="a link that leads nowhere")
    problem = ""
    if roots is not None and not any(map(target.is_relative_to, roots)):
        problem = "a link that leads out of the folder"
    return Entry(path, target.is_dir(), by_link=True, problem=problem)
