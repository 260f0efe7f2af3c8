"""Find and open files of rows, given as paths, wildcards, folders or URLs."""

from __future__ import annotations

import atexit
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from pyarrow import fs

from cali_reg.errors import DataError, UsageError

FORMATS = {
    ".csv": "CSV",
    ".csv.gz": "CSV",
    ".parquet": "Parquet",
    ".arrow": "Arrow",
    ".feather": "Arrow",
}


@dataclass(frozen=True)
class File:
    """A file of rows, as it was when it was found.

    Attributes
    ----------
    filesystem : pyarrow.fs.FileSystem
    path : str
        The path in the file system; absolute for a local file.
    name : str
        The name in messages.
    format : str
        A value of `FORMATS`.
    keys : dict
        Values of columns in the names of folders, as in ``year=2024/part.parquet``.
    size : int
        In bytes.
    changed : int or None
        Time of the last change, in nanoseconds; None if unknown.
    """

    filesystem: fs.FileSystem
    path: str
    name: str
    format: str
    keys: dict[str, str]
    size: int
    changed: int | None

    @property
    def is_compressed(self) -> bool:
        """Whether the file is compressed with gzip."""
        return self.path.lower().endswith(".gz")


def find(paths: Sequence[str]) -> list[File]:
    """Return the files for some paths, wildcards, folders and URLs.

    Parameters
    ----------
    paths : sequence of str
        A URL is what `pyarrow.fs.FileSystem.from_uri` accepts, such as ``s3://bucket/folder``;
        ``-`` is CSV on standard input. In a folder all files of a known format are found, at any
        depth, except names that begin with a dot or an underscore.

    Returns
    -------
    list of File
        In the order of `paths`; those of a folder or wildcard are sorted by path.

    Raises
    ------
    DataError
        For a path without a file of a known format.
    UsageError
        For a file that is named twice.
    """
    files = [file for path in paths for file in _find(path)]
    seen = set()
    for file in files:
        if file.path in seen:
            raise UsageError(f"{file.name}: named twice; its rows would count twice: name it once")
        seen.add(file.path)
    return files


def _find(text: str) -> list[File]:
    if text == "-":
        return [_standard_input()]
    filesystem, path = _locate(text)
    try:
        info = filesystem.get_file_info(path)
        if info.is_file:
            if _format(path) is None:
                known = ", ".join(FORMATS)
                raise DataError(f"{text}: unknown format; expected a name that ends in {known}")
            return [_file(filesystem, info, "")]
        if info.type == fs.FileType.Directory:
            files = _inside(filesystem, path, path.rstrip("/") + "/")
        else:
            files = _matching(filesystem, path)
    except (OSError, UnicodeError, pa.ArrowException, re.error) as error:
        raise DataError(f"{text}: cannot be listed ({_reason(error)}); check the path") from None
    if files:
        return files
    if info.type == fs.FileType.Directory:
        raise DataError(f"{text}: the folder has no CSV, Parquet or Arrow file; check the path")
    raise DataError(f"{text}: no such file; check the path")


def _locate(text: str) -> tuple[fs.FileSystem, str]:
    if "://" not in text:
        return fs.LocalFileSystem(), text
    try:
        filesystem, path = fs.FileSystem.from_uri(text)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(
            f"{text}: not a URL that can be read ({_reason(error)}); expected one"
            " such as s3://bucket/folder, or a path"
        ) from None
    return filesystem, path


def _inside(filesystem: fs.FileSystem, folder: str, base: str) -> list[File]:
    """Return the files in a folder; the names of folders below `base` may hold keys."""
    infos = filesystem.get_file_info(fs.FileSelector(folder, recursive=True))
    return [
        _file(filesystem, info, base)
        for info in sorted(infos, key=lambda info: info.path)
        if info.is_file and _format(info.path) and not _is_hidden(info.path.removeprefix(base))
    ]


def _matching(filesystem: fs.FileSystem, pattern: str) -> list[File]:
    """Return the files that match a pattern, and those inside of folders that match it."""
    fixed = re.split(r"[*?[]", pattern)[0]
    if fixed == pattern:
        return []
    folder, slash, _ = fixed.rpartition("/")
    rest = pattern[len(folder + slash) :]
    selector = fs.FileSelector(folder + slash or ".", recursive="/" in rest, allow_not_found=True)
    prefix, expression = "" if folder + slash else "./", re.compile(_regular(rest))
    files: dict[str, File] = {}
    for info in sorted(filesystem.get_file_info(selector), key=lambda info: info.path):
        inner = info.path.removeprefix(prefix).removeprefix(folder + slash)
        if expression.fullmatch(inner) and not _is_hidden(inner):
            if info.type == fs.FileType.Directory:
                found = _inside(filesystem, info.path, folder + slash)
            else:
                found = [_file(filesystem, info, folder + slash)] if _format(info.path) else []
            files |= {file.path: file for file in found}
    return list(files.values())


def _regular(pattern: str) -> str:
    """Return a shell pattern as a regular expression; ``**/`` matches any folders."""
    parts = re.split(r"(\*\*/|\*|\?|\[[^]]+\])", pattern)
    meaning = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    return "".join(
        meaning.get(part) or (part.replace("[!", "[^") if k % 2 else re.escape(part))
        for k, part in enumerate(parts)
    )


def _file(filesystem: fs.FileSystem, info: Any, base: str) -> File:
    folders = info.path.removeprefix(base).split("/")[:-1] if base else []
    keys = dict(folder.split("=", 1) for folder in folders if "=" in folder)
    local = isinstance(filesystem, fs.LocalFileSystem)
    return File(
        filesystem,
        # absolute, for workers elsewhere
        Path(info.path).absolute().as_posix() if local else info.path,
        info.path if local else f"{filesystem.type_name}://{info.path}",
        _format(info.path) or "",
        {unquote(key): unquote(value) for key, value in keys.items()},
        info.size,
        info.mtime_ns,
    )


def _standard_input() -> File:
    """Copy standard input to a temporary file: rows may be read more than once."""
    if sys.stdin is None:
        raise DataError("standard input is closed; name a file")
    handle, path = tempfile.mkstemp(prefix="cali-reg-", suffix=".csv")
    atexit.register(Path(path).unlink, missing_ok=True)
    with open(handle, "wb") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
    filesystem = fs.LocalFileSystem()
    return replace(_file(filesystem, filesystem.get_file_info(path), ""), name="standard input")


def _format(path: str) -> str | None:
    return next((f for suffix, f in FORMATS.items() if path.lower().endswith(suffix)), None)


def _is_hidden(path: str) -> bool:
    return any(name.startswith((".", "_")) for name in path.split("/"))


def open_binary(file: File) -> Any:
    """Open a file for reading, decompressed.

    Parameters
    ----------
    file : File

    Returns
    -------
    pyarrow.NativeFile
    """
    if file.is_compressed:
        return file.filesystem.open_input_stream(file.path, compression="gzip")
    return file.filesystem.open_input_file(file.path)


@contextmanager
def readable(file: File) -> Iterator[None]:
    """Turn any error of reading a file into a DataError of one line.

    Parameters
    ----------
    file : File
        The file that is read in the block.

    Yields
    ------
    None

    Raises
    ------
    DataError
        If the block raises an OSError, an EOFError, a ValueError or an error of Arrow.
    """
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"{file.name}: deleted before it was read; check the path") from None
    except (pa.ArrowException, OSError, ValueError, EOFError) as error:
        raise DataError(
            f"{file.name}: cannot be read as {file.format} ({_reason(error)}); check the file"
        ) from None


def check_unchanged(file: File) -> None:
    """Raise DataError if a file has changed since it was found.

    Parameters
    ----------
    file : File
    """
    info = file.filesystem.get_file_info(file.path)
    if (info.size, info.mtime_ns) != (file.size, file.changed):
        found = "has changed" if info.is_file else "was deleted"
        raise DataError(
            f"{file.name}: {found} while it was read; try again when it is not being written"
        )


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:150].rstrip(". ")
