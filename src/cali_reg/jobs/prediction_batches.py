"""Chunks: the good rows of files as columns; the others are told to a `Screen`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cali_reg.data import files
from cali_reg.data.dataset import describe_all
from cali_reg.data.feature_encoding import Encoded, Values, encode, features
from cali_reg.data.files import File, check_unchanged, open_binary, readable
from cali_reg.data.formats.csv_blocks import Piece, pieces
from cali_reg.data.prefetch import ahead
from cali_reg.data.readers import BATCH_SIZE, NO_KEY, Batch, Part, read
from cali_reg.errors import DataError
from cali_reg.runtime.csv_reader import Rows
from cali_reg.runtime.row_validator import Screen, outside_of
from cali_reg.runtime.schema import BOOLEANS, Column

_CHUNK_SIZE = 8192  # rows that are read one by one

_Row = tuple[list[float], list[str]]  # its features, and the cells to keep


@dataclass(frozen=True)
class Chunk:
    """Some good rows of a file: their features, each (n_rows,), and the columns to keep."""

    file: File
    features: Sequence[Values]
    kept: Sequence[pa.Array]

    def take(self, rows: npt.NDArray[np.bool_]) -> Chunk:
        """Return some of its rows."""
        mask = pa.array(rows)
        return Chunk(
            self.file,
            [column[rows] for column in self.features],
            [array.filter(mask) for array in self.kept],
        )


def read_chunks(
    paths: Sequence[str], columns: Sequence[Column], keep: Sequence[str], screen: Screen
) -> Iterator[Chunk]:
    """Yield the rows of all files that pass a screen. Raises DataError as `predict_rows` does."""
    found = files.find(paths)
    tables = describe_all([file for file in found if file.format != "CSV"])  # CSV has no types
    if tables.parts:
        tables.check([*columns, *(Column(name, ()) for name in keep)])
    reader, parts = _Reader(columns, keep, screen), iter(tables.parts)
    for file in found:
        yield from reader.of_csv(file) if file.format == "CSV" else reader.of_table(next(parts))


@dataclass(frozen=True)
class _Reader:
    columns: Sequence[Column]
    keep: Sequence[str]
    screen: Screen

    def of_table(self, part: Part) -> Iterator[Chunk]:
        """Yield the rows of a file whose columns have types."""
        names = [column.name for column in self.columns]
        others = [Column(k, () if k in part.keys else None) for k in self.keep if k not in names]
        wanted = [*self.columns, *others]
        for batch in ahead(read(part, wanted, BATCH_SIZE)):
            arrays = {c.name: array for c, array in zip(wanted, batch.arrays, strict=True)}
            batch = Batch(batch.file, batch.arrays[: len(names)], batch.numbers)
            encoded = encode(batch, self.columns, unseen=self.screen.unseen)
            yield from self._screened(encoded, [arrays[name] for name in self.keep])

    def of_csv(self, file: File) -> Iterator[Chunk]:
        """Yield the rows of a CSV file: plain pieces by columns, others one by one."""
        names = [*(column.name for column in self.columns), *self.keep]
        keys = {name: "" if key == NO_KEY else key for name, key in file.keys.items()}
        types: dict[int, pa.DataType] = {}
        with readable(file), open_binary(file) as handle:
            header, parts = pieces(handle, file.name)
            rows = Rows(file.name, header, names, keys)
            for piece in parts:
                types = types or self._types(rows, piece.first_row())
                arrays = self._parse(rows, piece, types)
                encoded = None if arrays is None else self._encode(file, rows, arrays)
                if arrays is None or encoded is None:
                    yield from self._one_by_one(file, rows, piece)
                else:
                    rows.n_rows += len(arrays[0])
                    yield from self._screened(encoded, arrays[len(self.columns) :])
            rows.check_any()
        check_unchanged(file)

    def _types(self, rows: Rows, first: Sequence[str]) -> dict[int, pa.DataType]:
        """Return how the cells at each place are read: as the first row has them."""
        types: dict[int, pa.DataType] = {}
        for place, is_text in self._places(rows):
            if place < len(rows.header):
                is_boolean = place < len(first) and first[place] in BOOLEANS
                numbers = pa.bool_() if is_boolean else pa.float64()
                kind = pa.string() if is_text else numbers
                types[place] = kind if types.get(place, kind) == kind else pa.string()
        return types

    def _places(self, rows: Rows) -> list[tuple[int, bool]]:
        """Return where each column's cells are, and whether they are taken as text."""
        texts = [column.levels is not None for column in self.columns] + [True] * len(self.keep)
        return list(zip(rows.places, texts, strict=True))

    def _parse(
        self, rows: Rows, piece: Piece, types: dict[int, pa.DataType]
    ) -> list[pa.Array] | None:
        """Return the columns of a plain piece; None for one that takes Python's parser."""
        parsed = piece.parse(len(rows.header), types) if types else None
        if not parsed:
            return None
        cells = dict(zip(types, parsed, strict=True))
        arrays = []
        for place, is_text in self._places(rows):
            array = cells.get(place)
            if array is None:
                array = pa.repeat(rows.keys[place - len(rows.header)], len(parsed[0]))
            if not is_text and pa.types.is_string(array.type):
                try:
                    array = pc.cast(array, pa.float64())
                except pa.ArrowInvalid:
                    return None
            arrays.append(array)
        return arrays

    def _encode(self, file: File, rows: Rows, arrays: list[pa.Array]) -> Encoded | None:
        numbers = range(rows.n_rows + 1, rows.n_rows + 1 + len(arrays[0]))
        batch = Batch(file, arrays[: len(self.columns)], numbers)
        encoded = encode(batch, self.columns, unseen=self.screen.unseen)
        return None if encoded.missing or encoded.problems else encoded

    def _one_by_one(self, file: File, rows: Rows, piece: Piece) -> Iterator[Chunk]:
        passing = self.screen.passing(rows, piece.lines(), self.columns)
        while True:
            good: list[_Row] = []
            try:
                good.extend(islice(passing, _CHUNK_SIZE))
            except DataError:
                yield self._chunk(file, good)
                raise
            yield self._chunk(file, good)
            if len(good) < _CHUNK_SIZE:
                return

    def _chunk(self, file: File, good: Sequence[_Row]) -> Chunk:
        n_features = len(self.screen.features)
        block = np.array([row for row, _ in good]).reshape(-1, n_features).T
        texts = zip(*(cells for _, cells in good), strict=True) if good else [()] * len(self.keep)
        return Chunk(file, list(block), [pa.array(cells, pa.string()) for cells in texts])

    def _screened(self, encoded: Encoded, kept: Sequence[pa.Array]) -> Iterator[Chunk]:
        """Yield the rows that are good; refuse the others."""
        columns = list(features(encoded.values, self.columns))
        chunk, batch = Chunk(encoded.batch.file, columns, kept), encoded.batch
        outside = self._outside(columns)
        if outside is None and not encoded.missing and not encoded.problems:
            self.screen.accept(len(batch.numbers))
            yield chunk
            return
        problems = _problems(encoded)
        if outside is None:
            outside = np.zeros(len(batch.numbers), bool)
        if self.screen.outside == "error":
            for row in np.flatnonzero(outside).tolist():
                problems.setdefault(row, self._outside_of(columns, row))
        good = np.ones(len(batch.numbers), bool)
        good[list(problems)] = False
        if problems and self.screen.on_error == "stop":
            good[min(problems) :] = False
            yield chunk.take(good)
        for row in sorted(problems):
            self.screen.refuse(f"{batch.where(row)}: {problems[row]}")
        noted = np.flatnonzero(outside & good)
        first = int(noted[0]) if len(noted) else 0
        where = f"{batch.where(first)}: {self._outside_of(columns, first)}" if len(noted) else ""
        self.screen.accept(int(good.sum()), len(noted), where)
        yield chunk.take(good) if problems else chunk

    def _outside(self, columns: Sequence[Values]) -> npt.NDArray[np.bool_] | None:
        """Return which rows are outside of the training ranges; None if none is."""
        outside = None
        for feature, column in zip(self.screen.features, columns, strict=True):
            low, high = feature.minimum, feature.maximum
            if not (low <= column.min() and column.max() <= high):
                rows = (column < low) | (column > high)
                outside = rows if outside is None else outside | rows
        return outside

    def _outside_of(self, columns: Sequence[Values], row: int) -> str:
        for feature, column in zip(self.screen.features, columns, strict=True):
            if not feature.minimum <= column[row] <= feature.maximum:
                return outside_of(feature, float(column[row]))
        raise ValueError(row)


def _problems(encoded: Encoded) -> dict[int, str]:
    """Return what is wrong with rows, by row."""
    problems = dict(encoded.problems)
    for place, missing in encoded.missing.items():
        array, column = encoded.batch.arrays[place], encoded.columns[place]
        for row in np.flatnonzero(missing).tolist():
            problems.setdefault(row, column.complaint(str(array[row].as_py() or "")))
    return problems
