"""Find files of rows, given as paths, wildcards, folders or URLs."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import pyarrow as pa
from pyarrow import fs

from cali_reg.data.files import KNOWN, File, Source, format_of, is_table, reason
from cali_reg.data.listing.local_folders import Entry, identity, walk
from cali_reg.errors import DataError, UsageError


class _Listed(NamedTuple):
    """What is in a folder, with Arrow's information on a file."""

    entry: Entry
    info: Any


class _Found(NamedTuple):
    """A file, and whether a link led to it."""

    file: File
    by_link: bool


def find(paths: Sequence[Source]) -> list[File]:
    """Return the files for some paths, wildcards, folders and URLs.

    Parameters
    ----------
    paths : sequence of Source
        A File, such as rows in memory, stands for itself. A URL is what
        `pyarrow.fs.FileSystem.from_uri` accepts, such as ``s3://bucket/folder``; ``-`` is CSV on
        standard input. In a folder all files of a known format are found, at any depth, except
        names that begin with a dot or an underscore. Further names that links give to files in a
        folder do not count.

    Returns
    -------
    list of File
        In the order of `paths`; those of a folder or wildcard are sorted by path.

    Raises
    ------
    DataError
        For a path without a file of a known format, and for a link that leads out of a folder.
    UsageError
        For a file that is named twice, under the same name or another one.
    """
    files: dict[tuple[object, ...], File] = {}
    for file in (file for path in paths for file in _find(path)):
        if first := files.get(file.identity):
            other = "" if first.path == file.path else f", first as {first.name}"
            raise UsageError(
                f"{file.name}: named twice{other}; its rows would count twice: name it once"
            )
        files[file.identity] = file
    return list(files.values())


def _find(text: Source) -> list[File]:
    if isinstance(text, File):
        return [text]
    if text == "-":
        return [_standard_input()]
    filesystem, path = _locate(text)
    try:
        info = filesystem.get_file_info(path)
        if info.is_file:
            if format_of(path) is None:
                raise DataError(f"{text}: unknown format; expected a name that ends in {KNOWN}")
            return [_file(filesystem, info, "")]
        if info.type == fs.FileType.Directory:
            found = _inside(filesystem, path, path.rstrip("/") + "/")
        else:
            found = _matching(filesystem, path)
        files = _without_further_names(found)
    except (OSError, UnicodeError, pa.ArrowException, re.error) as error:
        raise DataError(f"{text}: cannot be listed ({reason(error)}); check the path") from None
    if files:
        return files
    if info.type == fs.FileType.Directory:
        raise DataError(f"{text}: the folder has no file of a known format; check the path")
    raise DataError(f"{text}: no such file; check the path")


def _locate(text: str) -> tuple[fs.FileSystem, str]:
    if "://" not in text:
        return fs.LocalFileSystem(), text
    try:
        filesystem, path = fs.FileSystem.from_uri(text)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(
            f"{text}: not a URL that can be read ({reason(error)}); expected one"
            " such as s3://bucket/folder, or a path"
        ) from None
    return filesystem, path


def _list(
    filesystem: fs.FileSystem, folder: str, depth: int | None, base: str
) -> Iterator[_Listed]:
    """List a folder: all that is inside of it, or as many folders deep as `depth`."""
    if not isinstance(filesystem, fs.LocalFileSystem):
        selector = fs.FileSelector(folder or ".", recursive=depth != 1, allow_not_found=True)
        for info in filesystem.get_file_info(selector):
            is_folder = info.type == fs.FileType.Directory
            yield _Listed(Entry(info.path, is_folder, by_link=False), info)
    elif Path(folder or ".").is_dir():
        for entry in walk(folder, depth, base):
            is_file = format_of(entry.path) and not entry.problem
            yield _Listed(entry, filesystem.get_file_info(entry.path) if is_file else None)


def _inside(filesystem: fs.FileSystem, folder: str, base: str) -> list[_Found]:
    """Return the files in a folder; the names of folders below `base` may hold keys."""
    found = []
    for entry, info in _list(filesystem, folder, None, base):
        if not _is_hidden(entry.path.removeprefix(base)):
            _check_link(entry)
            if info is not None and info.is_file and is_table(entry.path):
                found.append(_Found(_file(filesystem, info, base), entry.by_link))
    return found


def _matching(filesystem: fs.FileSystem, pattern: str) -> list[_Found]:
    """Return the files that match a pattern, and those inside of folders that match it."""
    fixed = re.split(r"[*?[]", pattern)[0]
    if fixed == pattern:
        return []
    folder, slash, _ = fixed.rpartition("/")
    base, rest = folder + slash, pattern[len(folder + slash) :]
    expression = re.compile(_regular(rest))
    depth = None if "**" in rest else 1 + rest.count("/")
    is_meant = format_of if ".txt" in rest.lower() else is_table
    found: dict[str, _Found] = {}
    for entry, info in _list(filesystem, base, depth, base):
        inner = entry.path.removeprefix(base)
        if _is_hidden(inner):
            continue
        if entry.problem and (entry.is_folder or expression.fullmatch(inner)):
            _check_link(entry)
        if not expression.fullmatch(inner):
            continue
        if entry.is_folder:
            some = _inside(filesystem, entry.path, base)
            some = [_Found(file, by_link or entry.by_link) for file, by_link in some]
        elif info is not None and info.is_file and is_meant(entry.path):
            some = [_Found(_file(filesystem, info, base), entry.by_link)]
        else:
            some = []
        for one in some:
            found.setdefault(one.file.path, one)
    return list(found.values())


def _check_link(entry: Entry) -> None:
    """Raise DataError for a link that cannot be followed, if it may lead to rows."""
    if entry.problem and (entry.is_folder or is_table(entry.path)):
        raise DataError(
            f"{entry.path}: {entry.problem}; remove it, or name the files to read themselves"
        )


def _without_further_names(found: Iterable[_Found]) -> list[File]:
    """Return each file once, sorted by path; two names that are no links remain two files."""
    files = sorted(found, key=lambda one: (one.by_link, one.file.path))
    known: set[tuple[object, ...]] = set()
    chosen = []
    for file, by_link in files:
        if not by_link or file.identity not in known:
            chosen.append(file)
        known.add(file.identity)
    return sorted(chosen, key=lambda file: file.path)


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
        format_of(info.path) or "",
        {unquote(key): unquote(value) for key, value in keys.items()},
        info.size,
        info.mtime_ns,
        identity(info.path) if local else (filesystem.type_name, info.path),
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
    file = replace(_file(filesystem, filesystem.get_file_info(path), ""), name="standard input")
    with suppress(OSError):  # it may be no file at all
        status = os.fstat(sys.stdin.fileno())
        if stat.S_ISREG(status.st_mode):  # as in "cali-reg train --data - < rows.csv"
            return replace(file, identity=(status.st_dev, status.st_ino))
    return file


def _is_hidden(path: str) -> bool:
    return any(name.startswith((".", "_")) for name in path.split("/"))
