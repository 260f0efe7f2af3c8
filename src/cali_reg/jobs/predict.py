"""Predictions of files of any size: batch after batch, by Arrow and NumPy.

The bits and the messages are those of `predict.predict_rows`, which goes row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
import pyarrow.parquet

from cali_reg.data.feature_encoding import Values
from cali_reg.data.prefetch import ahead
from cali_reg.errors import DataError
from cali_reg.jobs.prediction_batches import Chunk, read_chunks
from cali_reg.least_squares.predictions import half_widths, predict_columns
from cali_reg.runtime import artifacts
from cali_reg.runtime.predictor import Predictor, Request, TextWriter, make_screen

_GROUP_ROWS = 1 << 20  # of a Parquet file's row groups, at least,
_GROUP_BYTES = 1 << 26  # unless it takes more bytes than these

_Write = Callable[[Chunk, Sequence[Values]], None]  # takes rows, and what was predicted of them


def predict_files(request: Request, predictor: Predictor) -> None:
    """Predict files, one batch read while another is predicted and written.

    Raises
    ------
    DataError
        For files that cannot be read or hold no rows, and for bad rows unless they are skipped.
    ArtifactError
        If the output cannot be written; what was there is then as it was.
    """
    screen = make_screen(request, predictor)
    chunks = read_chunks(request.paths, predictor.model.columns, request.keep, screen)
    with _open_writer(request, predictor) as write:
        for chunk in ahead(chunks):
            write(chunk, _values(predictor, chunk))
        if not screen.n_rows:
            raise DataError(f"{request.paths[0]}: no rows; expected at least one")
    screen.conclude()


def _values(predictor: Predictor, chunk: Chunk) -> list[Values]:
    """Return the columns that a predictor makes, each (n_rows,)."""
    used, columns = predictor.used, chunk.features
    with np.errstate(all="ignore"):  # what overflows is infinite, as it is row by row
        prediction = predict_columns(columns, used.coefficients, used.intercept)
        if predictor.interval is None:
            return [prediction]
        half_width = half_widths(np.stack(columns).T, *predictor.interval)
        return [prediction, prediction - half_width, prediction + half_width]


@contextmanager
def _open_writer(request: Request, predictor: Predictor) -> Iterator[_Write]:
    if request.out is not None and request.wants_table:
        with (
            artifacts.replacing(request.out) as handle,
            _TableWriter(handle, request.out, request.keep, predictor.outputs) as table,
        ):
            yield table.write
    else:
        with TextWriter.open(request, predictor) as text:
            yield lambda chunk, values: _write_text(text, request.keep, chunk, values)


def _write_text(
    text: TextWriter, keep: Sequence[str], chunk: Chunk, values: Sequence[Values]
) -> None:
    columns = [column.tolist() for column in values]
    if keep:
        kept = [_texts(name, array) for name, array in zip(keep, chunk.kept, strict=True)]
        text.write(list(zip(*kept, *columns, strict=True)))
    elif columns[0]:  # no number needs quotes
        text.write_lines(
            map(",".join, zip(*(map(repr, column) for column in columns), strict=True))
        )


def _texts(name: str, array: pa.Array) -> list[Any]:
    """Return values that csv.writer writes as text: floats themselves, nothing for null."""
    if pa.types.is_float64(array.type):
        return list(array.to_pylist())
    try:
        return list(pc.cast(array, pa.string()).to_pylist())
    except pa.ArrowException:
        raise DataError(
            f"column {name!r} holds {array.type}, which is no text; write it as Parquet"
        ) from None


class _TableWriter:
    """Writes Parquet or, by the file's name, Arrow; the first rows tell the columns' types."""

    def __init__(
        self, handle: Any, path: Path, keep: Sequence[str], outputs: Sequence[str]
    ) -> None:
        self._handle, self._path, self._keep = handle, path, keep
        self._names = [*keep, *outputs]
        self._batches: list[pa.RecordBatch] = []
        self._schema: pa.Schema | None = None
        self._writer: Any = None

    def __enter__(self) -> _TableWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None and self._schema is not None:
                self._flush()
                self._writer.close()
        finally:
            if self._writer is not None:
                self._writer.is_open = False  # or it would try to write again when it is deleted

    def write(self, chunk: Chunk, values: Sequence[Values]) -> None:
        """Write some rows."""
        arrays = [*chunk.kept, *map(_array, values)]
        batch = pa.RecordBatch.from_arrays(arrays, self._names)
        self._schema = self._schema or batch.schema
        for found, first in zip(batch.schema, self._schema, strict=True):
            if found.type != first.type:
                raise DataError(
                    f"{chunk.file.name}: column {found.name!r} holds {found.type}, in the first"
                    f" file {first.type}; convert it, or write text"
                )
        self._batches.append(batch)
        n_bytes = sum(batch.nbytes for batch in self._batches)
        if sum(map(len, self._batches)) >= _GROUP_ROWS or n_bytes >= _GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        """Write a row group."""
        try:
            self._writer = self._writer or self._open()
            self._writer.write_table(pa.Table.from_batches(self._batches, self._schema))
        except pa.ArrowException as error:
            raise DataError(f"{self._path}: cannot be written ({error})") from None
        self._batches = []

    def _open(self) -> Any:
        if self._path.suffix.lower() != ".parquet":
            return pyarrow.ipc.new_file(self._handle, self._schema)
        # no two predictions are the same, and hardly a byte of them compresses
        compression = {name: "SNAPPY" if name in self._keep else "NONE" for name in self._names}
        return pyarrow.parquet.ParquetWriter(
            self._handle, self._schema, use_dictionary=list(self._keep), compression=compression
        )


def _array(values: Values) -> pa.Array:
    """Return float64 values as they are; pa.array would import pandas."""
    return pa.Array.from_buffers(pa.float64(), len(values), [None, pa.py_buffer(values)])
