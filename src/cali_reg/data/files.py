"""Open files of rows, and notice that they change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyarrow import fs

from cali_reg.errors import DataError
from cali_reg.runtime.reading.options import USUAL, Reading

COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}  # of files of text
_TEXT = {".csv": "CSV", ".tsv": "CSV", ".txt": "CSV", ".ndjson": "JSON lines"}
_OTHERS = {
    ".parquet": "Parquet",
    ".pq": "Parquet",
    ".arrow": "Arrow",
    ".feather": "Arrow",
    ".xlsx": "Excel",
}
FORMATS = {
    **{suffix + more: name for suffix, name in _TEXT.items() for more in ("", *COMPRESSIONS)},
    **_OTHERS,
}
KNOWN = f"{', '.join(_TEXT)} (or these with .gz, .bz2 or .zst), {', '.join(_OTHERS)}"
OF_CELLS = {"CSV", "Excel", "JSON lines"}  # formats whose values have no types of their own


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
    identity : tuple
        The same for all names of the file.
    reading : Reading
        What the user asks for about how it is read.
    table : pyarrow.Table, optional
        The rows themselves, if they are in memory; the file system is then None.
    """

    filesystem: fs.FileSystem
    path: str
    name: str
    format: str
    keys: dict[str, str]
    size: int
    changed: int | None
    identity: tuple[object, ...]
    reading: Reading = USUAL
    table: Any = None

    @property
    def compression(self) -> str | None:
        """How a file of text is compressed, as Arrow names it."""
        path = self.path.lower()
        return next((name for end, name in COMPRESSIONS.items() if path.endswith(end)), None)

    @property
    def is_compressed(self) -> bool:
        """Whether the size of the file is not that of its text."""
        return self.compression is not None or self.format == "Excel"

    @property
    def has_cells(self) -> bool:
        """Whether the values have no types of their own, as those of CSV files."""
        return self.format in OF_CELLS

    @property
    def is_of_cells(self) -> bool:
        """Whether the values have no types of their own, as in CSV."""
        return self.format in OF_CELLS

    @property
    def is_local(self) -> bool:
        """Whether the file is on this machine."""
        return isinstance(self.filesystem, fs.LocalFileSystem)


Source = str | File  # a path, a wildcard, a folder or a URL; or rows in memory


def open_binary(file: File) -> Any:
    """Open a file for reading, decompressed.

    Parameters
    ----------
    file : File

    Returns
    -------
    pyarrow.NativeFile
    """
    if file.compression:
        return file.filesystem.open_input_stream(file.path, compression=file.compression)
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
            f"{file.name}: cannot be read as {file.format} ({reason(error)}); check the file"
        ) from None


def check_unchanged(file: File) -> None:
    """Raise DataError if a file has changed since it was found; a table in memory cannot.

    Parameters
    ----------
    file : File
    """
    if file.table is not None:
        return
    info = file.filesystem.get_file_info(file.path)
    if (info.size, info.mtime_ns) != (file.size, file.changed):
        found = "has changed" if info.is_file else "was deleted"
        raise DataError(
            f"{file.name}: {found} while it was read; try again when it is not being written"
        )


def format_of(path: str) -> str | None:
    """Return the format that a file's name ends in; None if it is not known.

    Parameters
    ----------
    path : str
    """
    return next((f for suffix, f in FORMATS.items() if path.lower().endswith(suffix)), None)


def is_table(path: str) -> bool:
    """Tell whether a file in a folder is taken for a table: a ``.txt`` may be anything.

    Parameters
    ----------
    path : str
    """
    name = path.rpartition("/")[2].lower()
    return format_of(name) is not None and ".txt" not in name[-8:] and not name.startswith("~$")


def reason(error: Exception) -> str:
    """Return the first line of an error's message.

    Parameters
    ----------
    error : Exception
    """
    return (str(error).splitlines() or [type(error).__name__])[0][:150].rstrip(". ")
