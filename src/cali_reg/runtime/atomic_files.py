"""Write files completely or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from cali_reg.errors import ArtifactError


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write all files into a folder, or none if one of them cannot be written.

    Parameters
    ----------
    folder : Path
        Created if it does not exist.
    files : mapping of str to bytes
        The contents, by file name.

    Raises
    ------
    ArtifactError
        If a file cannot be written; the folder is then unchanged.
    """
    with _explain(folder):
        folder.mkdir(parents=True, exist_ok=True)
        temporary: dict[str, Path] = {}
        try:
            for name, data in files.items():
                with _temporary(folder) as (file, path):
                    file.write(data)
                temporary[name] = path
            for name in temporary:  # all before the first is replaced
                _require_replaceable(folder / name)
            for name, path in temporary.items():
                path.replace(folder / name)
        finally:
            for path in temporary.values():
                path.unlink(missing_ok=True)


@contextmanager
def replace_file(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that replaces `path` when the block ends without an error.

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
    with _explain(path.parent):
        _require_replaceable(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with _temporary(path.parent) as (file, temporary):
            yield file
        try:
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _require_replaceable(path: Path) -> None:
    if path.exists() and not path.is_file():
        raise ArtifactError(f"{path}: not a regular file; name another")


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


@contextmanager
def _temporary(folder: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """Yield a new file and its path; at the end it is on the disk or, after an error, deleted."""
    import tempfile  # slow to import, and needed for writing only

    handle, name = tempfile.mkstemp(prefix=".cali-reg-", dir=folder)
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file, path
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(OSError):
            path.chmod(0o666 & ~_umask())
    except BaseException:
        path.unlink()
        raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
