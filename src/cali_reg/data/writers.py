"""Write predictions as Parquet and Arrow files.

Text is written by `runtime.text_writer`, which needs the standard library alone. A new format is a
line in `FORMATS`, and its suffix also in `runtime.predictor.TABLE_SUFFIXES`, which is read before
pyarrow is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from cali_reg.errors import DataError
from cali_reg.runtime.atomic_files import replace_file

_GROUP_ROWS = 1 << 20  # of a Parquet file's row groups, at least,
_GROUP_BYTES = 1 << 26  # unless they take more bytes than these


def _open_parquet(handle: Any, schema: pa.Schema, keep: Sequence[str]) -> Any:
    # predictions are all different, and hardly compress
    compression = {name: "SNAPPY" if name in keep else "NONE" for name in schema.names}
    return pyarrow.parquet.ParquetWriter(
        handle, schema, use_dictionary=list(keep), compression=compression
    )


def _open_arrow(handle: Any, schema: pa.Schema, keep: Sequence[str]) -> Any:
    return pyarrow.ipc.new_file(handle, schema)


FORMATS: dict[str, Callable[[Any, pa.Schema, Sequence[str]], Any]] = {
    ".parquet": _open_parquet,
    ".pq": _open_parquet,
    ".arrow": _open_arrow,
    ".feather": _open_arrow,
}


class TableWriter:
    """Writes batches of rows to a file; the first batch determines the types of the columns.

    Parameters
    ----------
    handle : binary file
        Open for writing.
    path : Path
        The file's name; its suffix is one of `FORMATS`.
    keep : sequence of str
        Names of the columns that were copied from the input.
    outputs : sequence of str
        Names of the predicted columns, which follow the others.
    """

    def __init__(
        self, handle: Any, path: Path, keep: Sequence[str], outputs: Sequence[str]
    ) -> None:
        self._handle, self._path, self._keep = handle, path, keep
        self._names = [*keep, *outputs]
        self._batches: list[pa.RecordBatch] = []
        self._schema: pa.Schema | None = None
        self._writer: Any = None

    @classmethod
    @contextmanager
    def open(cls, path: Path, keep: Sequence[str], outputs: Sequence[str]) -> Iterator[TableWriter]:
        """Open a file, written completely or not at all.

        Parameters
        ----------
        path : Path
            Its suffix is one of `FORMATS`.
        keep : sequence of str
            Names of the columns that were copied from the input.
        outputs : sequence of str
            Names of the predicted columns, which follow the others.

        Yields
        ------
        TableWriter

        Raises
        ------
        ArtifactError
            If the file cannot be written.
        DataError
            If the rows cannot be written in this format.
        """
        with replace_file(path) as handle:
            writer = cls(handle, path, keep, outputs)
            try:
                yield writer
                writer._finish()
            finally:
                if writer._writer is not None:
                    # or it would try to write again when it is deleted
                    writer._writer.is_open = False

    def write(self, name: str, arrays: Sequence[pa.Array]) -> None:
        """Write some rows.

        Parameters
        ----------
        name : str
            The file that they come from, for messages.
        arrays : sequence of pyarrow.Array
            A column for each name.

        Raises
        ------
        DataError
            If a column has another type than in the first rows.
        """
        batch = pa.RecordBatch.from_arrays(list(arrays), self._names)
        self._schema = self._schema or batch.schema
        for found, first in zip(batch.schema, self._schema, strict=True):
            if found.type != first.type:
                raise DataError(
                    f"{name}: column {found.name!r} holds {found.type}, but {first.type} in the"
                    " first file; convert it, or write text"
                )
        self._batches.append(batch)
        n_bytes = sum(batch.nbytes for batch in self._batches)
        if sum(map(len, self._batches)) >= _GROUP_ROWS or n_bytes >= _GROUP_BYTES:
            self._write_group()

    def _finish(self) -> None:
        if self._schema is not None:
            self._write_group()
            self._writer.close()

    def _write_group(self) -> None:
        try:
            if self._writer is None:
                open_writer = FORMATS[self._path.suffix.lower()]
                self._writer = open_writer(self._handle, self._schema, self._keep)
            self._writer.write_table(pa.Table.from_batches(self._batches, self._schema))
        except pa.ArrowException as error:
            raise DataError(f"{self._path}: cannot be written ({error})") from None
        self._batches = []
