"""Predictions of a stored model, row by row. Standard library only."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cali_reg.errors import UsageError
from cali_reg.runtime import artifacts
from cali_reg.runtime.csv_reader import Rows, open_rows, read_header
from cali_reg.runtime.model import LinearModel, QuantizedModel
from cali_reg.runtime.row_validator import Screen

TYPE_CHECKING = False  # see __init__.py
if TYPE_CHECKING:
    from typing import TextIO

    from cali_reg.runtime.prediction_interval import Interval

_TABLES = (".parquet", ".arrow", ".feather")  # names of outputs that are no text

_SMALL = 1 << 20  # bytes that are predicted row by row before the faster packages are loaded


@dataclass(frozen=True)
class Request:
    """What to predict, and how: the options of ``cali-reg predict``."""

    paths: Sequence[str]
    out: Path | None = None
    precision: str = "float64"
    interval: float | None = None
    keep: Sequence[str] = ()
    unseen: str = "error"
    outside: str = "note"
    on_error: str = "stop"

    @property
    def wants_table(self) -> bool:
        """Whether the output is Parquet or Arrow, not text."""
        return self.out is not None and self.out.suffix.lower() in _TABLES

    @property
    def is_small(self) -> bool:
        """Whether the standard library serves best: standard input or small files, to text."""
        if self.wants_table:
            return False
        files = [path for path in self.paths if path != "-"]
        if not all(path.lower().endswith(".csv") and os.path.isfile(path) for path in files):  # noqa: PTH113
            return False
        return sum(map(os.path.getsize, files)) <= _SMALL


class Predictor:
    """A stored model that predicts as a request asks for.

    Attributes
    ----------
    model : LinearModel
    used : LinearModel or QuantizedModel
        Which of them predicts.
    interval : (Interval, level), or None
    outputs : tuple of str
        Names of the columns that it makes.

    Raises
    ------
    UsageError
        For an interval that the model does not have, and for names of columns that clash.
    """

    def __init__(self, folder: Path, request: Request) -> None:
        self.model = artifacts.load_model(folder)
        self.used: LinearModel | QuantizedModel = self.model
        if request.precision == "uint8":
            self.used = artifacts.load_quantized(folder, self.model)
        self.interval: tuple[Interval, float] | None = None
        self.outputs: tuple[str, ...] = ("prediction",)
        if request.interval is not None:
            self.interval = _interval(folder, self.model, request), request.interval
            self.outputs = ("prediction", "lower", "upper")
        if request.out is not None and request.out.suffix.lower() == ".gz":
            raise UsageError(f"{request.out}: nothing is packed; expected a name such as x.csv")
        for name in request.keep:
            if name in self.outputs:
                raise UsageError(f"--keep {name}: the output has a column {name!r}; rename yours")
            if request.keep.count(name) > 1:
                raise UsageError(f"--keep {name}: named twice; name it once")

    def predict(self, row: Sequence[float]) -> tuple[float, ...]:
        """Return the values of the columns that it makes, for one row."""
        prediction = self.used.predict(row)
        if self.interval is None:
            return (prediction,)
        interval, level = self.interval
        half_width = interval.half_width(row, level)
        return prediction, prediction - half_width, prediction + half_width


def _interval(folder: Path, model: LinearModel, request: Request) -> Interval:
    if request.precision != "float64":
        raise UsageError("--interval goes with --precision float64; the codes have none")
    if model.interval is None:
        raise UsageError(
            f"{folder / artifacts.MODEL}: holds no interval, for its columns depend on each other"
            " or its rows are too few; leave --interval out"
        )
    model.interval.quantile(request.interval or 0.0)  # refuses a level that is not stored
    return model.interval


def predict_rows(request: Request, predictor: Predictor) -> None:
    """Predict CSV files and standard input, row by row; write text.

    Raises
    ------
    UsageError
        For files and outputs that take pyarrow.
    DataError
        For what is no CSV, and for bad rows unless they are skipped; rows before are written.
    ArtifactError
        If the output cannot be written; what was there is then as it was.
    """
    if request.wants_table:
        raise UsageError(f"{request.out}: to write it takes pyarrow; install it, or write .csv")
    screen = make_screen(request, predictor)
    columns = predictor.model.columns
    with TextWriter.open(request, predictor) as writer:
        for path in request.paths:
            with open_rows(path) as (name, lines):
                header = read_header(lines, name)
                rows = Rows(name, header, [*(c.name for c in columns), *request.keep])
                for row, kept in screen.passing(rows, lines, columns):
                    writer.write([(*kept, *predictor.predict(row))])
                rows.check_any()
    screen.conclude()


def make_screen(request: Request, predictor: Predictor) -> Screen:
    """Return the screen that a request asks for."""
    return Screen(predictor.model.features, request.unseen, request.outside, request.on_error)


class TextWriter:
    """Writes rows as CSV text; a header only if there is more than the prediction."""

    def __init__(self, file: TextIO, names: Sequence[str]) -> None:
        self._file, self._writer = file, csv.writer(file, lineterminator="\n")
        self._header = names if len(names) > 1 else None

    @classmethod
    @contextmanager
    def open(cls, request: Request, predictor: Predictor) -> Iterator[TextWriter]:
        """Yield a writer to the file that is asked for, whole or not at all, or standard output."""
        with open_text(request.out) as file:
            writer = cls(file, [*request.keep, *predictor.outputs])
            yield writer
            writer._write_header()  # of no rows

    def write(self, rows: Sequence[Sequence[object]]) -> None:
        """Write rows; a float becomes the shortest decimal that reads back as it."""
        if rows:
            self._write_header()
            self._writer.writerows(rows)

    def write_lines(self, lines: Iterable[str]) -> None:
        """Write lines that are CSV already, and at least one."""
        self._write_header()
        self._file.write("\n".join([*lines, ""]))

    def _write_header(self) -> None:
        if self._header is not None:
            self._writer.writerow(self._header)
            self._header = None


@contextmanager
def open_text(path: Path | None) -> Iterator[TextIO]:
    """Yield a UTF-8 text file: `path`, written whole or not at all; standard output for None."""
    if path is not None:
        with (
            artifacts.replacing(path) as handle,
            open(handle.fileno(), "w", encoding="utf-8", newline="\n", closefd=False) as file,
        ):
            yield file
    elif sys.stdout is None:
        with open(os.devnull, "w") as file:
            yield file
    else:
        if hasattr(sys.stdout, "reconfigure"):  # the same bytes on every system
            sys.stdout.reconfigure(encoding="utf-8", newline="\n")
        yield sys.stdout


def describe_samples(folder: Path) -> str:
    """Return the sample rows' predictions by both models, and how far apart they are."""
    model = artifacts.load_model(folder)
    if not model.samples:
        raise UsageError(
            f"{folder / artifacts.MODEL}: holds no sample rows; name a CSV file, or - for"
            " standard input"
        )
    predictions = [model.predict(row) for row in model.samples]
    text = f"Sample predictions: {format_values(predictions)}\n"
    if not (folder / artifacts.QUANTIZED).exists():
        return text + "Quantized: none yet (run `cali-reg quantize`)\n"
    quantized = artifacts.load_quantized(folder, model)
    others = [quantized.predict(row) for row in model.samples]
    largest = max(abs(a - b) for a, b in zip(predictions, others, strict=True))
    return (
        f"{text}uint{quantized.bits} predictions:  {format_values(others)}\n"
        f"Largest difference: {largest:.6f} {model.target}\n"
    )


def format_values(values: Sequence[float]) -> str:
    """Return values as NumPy prints them with three decimals: ``[0.719 1.764]``."""
    return f"[{' '.join(f'{value:.3f}' for value in values)}]"
