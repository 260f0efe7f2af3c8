"""CSV: two parsers, one meaning. Arrow's reads what it can, Python's the rest."""

from __future__ import annotations

import csv
import gzip
import io
import math
from pathlib import Path
from unittest import mock

import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cali_reg.data.feature_encoding import encode
from cali_reg.data.formats import csv_blocks
from cali_reg.data.listing import inputs
from cali_reg.data.readers import Batch, describe, read
from cali_reg.errors import DataError
from cali_reg.runtime.cell_parser import parse_cell
from cali_reg.runtime.reading.csv_reader import CsvReader, open_csv, read_header
from cali_reg.runtime.schema import Column

READ_CSV = pyarrow.csv.read_csv
LEVELS = ("1", '"q",', "NA", "a", "line\r\nbreak", "null", "é ü")
OTHERS = {"": None, "nan": None, " N/A": None, " a ": "a", ' "q", ': '"q",', "1.0": "1", "1.": "1"}
COLUMNS = (Column("x"), Column("t", LEVELS, not_missing=("NA", "null")), Column("y"))
MISSING = {"", "NA", "N/A", "NaN", "nan", "null", "NULL"}
WORDS = {"true": 1.0, "True": 1.0, "TRUE": 1.0, "false": 0.0, "False": 0.0, "FALSE": 0.0}

Value = float | str | None  # None is a missing one
Rows = list[tuple[int, list[Value]]]

digits = st.text("0123456789", min_size=1, max_size=25)
decimals = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "-", "+"]),
    digits,
    st.one_of(st.just(""), digits.map(".{}".format)),
    st.one_of(st.just(""), st.integers(-330, 290).map("e{}".format)),
)
numbers = st.one_of(
    decimals,
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-9, 9).map(str),
    st.sampled_from(["-0", "+1.5", "1.", ".5", "1E5", "007", " 1.5\t", "9007199254740993"]),
)
odd = st.sampled_from([*sorted(MISSING), *sorted(WORDS), " NA ", "  ", "-0.0", "1e-400"])
bad = st.sampled_from(
    [
        "1e400",
        "-1e400",
        "inf",
        "-Infinity",
        "NAN",
        "-nan",
        "nan(1)",
        "tRue",
        " true",
        "1_0",
        "0x1p3",
    ]
)
rows = st.lists(
    st.tuples(
        st.one_of(numbers, numbers, odd),
        st.sampled_from([*LEVELS, *OTHERS]),
        st.one_of(numbers, numbers, odd),
    ),
    min_size=1,
    max_size=30,
)
styles = st.fixed_dictionaries(
    {
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        "lineterminator": st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
    }
)


def as_text(cells: list[tuple[str, ...]], style: dict[str, object]) -> str:
    """Return CSV of some rows, with a column that nobody reads."""
    text = io.StringIO()
    writer = csv.writer(text, **style)  # type: ignore[arg-type]
    writer.writerows([("t", "x", "other", "y"), *((t, x, "ø", y) for x, t, y in cells)])
    return text.getvalue()


def meaning(cell: str) -> Value:
    """Return what the documentation says of a cell of numbers; NaN stands for a bad one."""
    plain = cell.strip(" \t")
    if plain in MISSING:
        return None
    if cell in WORDS:
        return WORDS[cell]
    try:
        value = float(plain)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) and "_" not in plain else math.nan


def reference(text: str) -> Rows:
    """Read CSV with Python's csv and float, and nothing else."""
    table = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    return [
        (n, [meaning(x), OTHERS.get(t, t), meaning(y)])
        for n, (t, x, _, y) in enumerate(table[1:], start=1)
    ]


def decoded(batch: Batch) -> Rows:
    """Return a batch's rows, with None for a missing value."""
    encoded = encode(batch, COLUMNS)
    encoded.drop_missing()
    assert not encoded.problems
    assert not encoded.unseen
    columns: list[list[Value]] = []
    for place, (column, values) in enumerate(zip(COLUMNS, encoded.values, strict=True)):
        found: list[Value] = values.tolist()
        if column.levels is not None:
            found = [column.levels[int(code)] for code in values]
        for row in encoded.missing.get(place, values[:0]).nonzero()[0].tolist():
            found[row] = None
        columns.append(found)
    return list(zip(batch.numbers, map(list, zip(*columns, strict=True)), strict=True))


def read_all(path: Path, size: int) -> tuple[Rows, str]:
    """Read a file through Arrow's parser first; also return what ends it."""
    found: Rows = []
    try:
        (file,) = inputs.find([str(path)])
        for batch in read(describe(file), COLUMNS, size):
            found += decoded(batch)
    except DataError as error:
        return found, str(error)
    return found, ""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of a file that is written anew for each example."""
    return tmp_path_factory.mktemp("csv") / "rows.csv"


@given(
    rows,
    styles,
    st.sampled_from(["", "\ufeff"]),
    st.sampled_from([1, 3, 100]),
    st.sampled_from([80, 300, 1 << 20]),
)
@example([("1", "a", "2")] * 9 + [("true", "a", "NA")], {}, "", 100, 80)
@example([("true", "a", "2")] * 9 + [("5", "a", "3")], {}, "", 100, 80)
@example([("", "a", "2")] * 9 + [("5", "", " NA ")], {}, "", 2, 80)
@example(
    [("-00.000000000", "line\r\nbreak", "-0000.00000000000000e-100"), ("0.0", "line\r\nbreak", "")],
    {"lineterminator": "\r\n"},
    "\ufeff",
    1,
    80,
)
def test_every_cell_has_its_meaning(
    path: Path,
    cells: list[tuple[str, ...]],
    style: dict[str, object],
    mark: str,
    size: int,
    block: int,
) -> None:
    """The values, the missing ones and the rows' numbers are those of csv and float.

    Small blocks let Arrow's parser give up anywhere: no row is lost or read twice.
    """
    text = as_text(cells, style)
    path.write_bytes((mark + text).encode())
    with mock.patch.object(csv_blocks, "BLOCK_BYTES", block):
        found, error = read_all(path, size)
    assert error == ""
    assert found == reference(text)


@given(rows, styles, bad, st.sampled_from(["x", "y"]), st.sampled_from([80, 1 << 20]))
def test_bad_cells_are_named(
    path: Path,
    cells: list[tuple[str, ...]],
    style: dict[str, object],
    cell: str,
    column: str,
    block: int,
) -> None:
    """A cell that is no number ends the reading, with its row and column, whoever parses it."""
    last = (cell, "a", "1") if column == "x" else ("1", "a", cell)
    text = as_text([("1", "a", "2"), *cells, last, ("1", "a", "1")], style)
    path.write_text(text, encoding="utf-8", newline="")
    with mock.patch.object(csv_blocks, "BLOCK_BYTES", block):
        found, error = read_all(path, 7)
    row = len(cells) + 2
    assert f"{path}: row {row}: column {column!r} holds {cell!r}; expected a finite" in error
    assert found == reference(text)[: len(found)]


@given(st.lists(st.tuples(numbers, st.just("a"), numbers), min_size=1, max_size=9), styles)
def test_predict_reads_the_same_numbers(
    path: Path, cells: list[tuple[str, ...]], style: dict[str, object]
) -> None:
    """The parser that needs no package agrees with the fast one."""
    path.write_text(as_text(cells, style), encoding="utf-8", newline="")
    found, _ = read_all(path, 100)
    with open_csv(str(path)) as (name, _, lines):
        reader = CsvReader(name, read_header(lines, name), ["x", "y"])
        slow = [(n, list(map(parse_cell, cells or ()))) for n, cells, _ in reader.read(lines)]
    assert repr(slow) == repr([(number, [x, y]) for number, (x, _, y) in found])


def test_fallback_in_the_middle(tmp_path: Path) -> None:
    """After a few megabytes Python's parser takes over: each row comes once, in order."""
    cells = [f"{k},a,{k / 8}" for k in range(100_000)]
    cells[70_000] = "TRUE,a,  "  # neither of which is a number to Arrow
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["x,t,y", *cells]))
    assert path.stat().st_size > csv_blocks.BLOCK_BYTES * 1.2
    found, error = read_all(path, 9_999)
    assert error == ""
    expected: Rows = [(k + 1, [float(k), "a", k / 8]) for k in range(100_000)]
    expected[70_000] = (70_001, [1.0, "a", None])
    assert found == expected


def test_packed_files(tmp_path: Path) -> None:
    """Gzip of several members is one file, for either parser."""
    texts = ["x,t,y\n1,a,2\n", "3,a,4\n", "FALSE,a, NA\n"]
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(b"".join(gzip.compress(text.encode()) for text in texts))
    found, _ = read_all(path, 100)
    assert found == [(1, [1.0, "a", 2.0]), (2, [3.0, "a", 4.0]), (3, [0.0, "a", None])]


def test_first_megabyte_decides_kinds(tmp_path: Path) -> None:
    """A column with any number in it is one of numbers; the others say what they hold."""
    path = tmp_path / "rows.csv"
    path.write_text("n,m,t,d,b,nothing\n1,x,x,2024-01-01,true,\n2, 3,y,2024-01-02,false,NA\n")
    kinds = describe(inputs.find([str(path)])[0]).kinds
    assert kinds == {
        "n": "numbers",
        "m": "numbers",
        "t": "text",
        "d": str(pa.date32()),
        "b": "numbers",
        "nothing": "nothing",
    }


def test_arrow_gets_memory_of_its_own(tmp_path: Path) -> None:
    """Arrow's threads hold no memory of Python: they may release it while Python exits.

    They would need Python's lock for that, and the process would abort, once in about 150 runs.
    """
    path = tmp_path / "rows.csv"
    path.write_text("x,y\n1,2\n3,4\n")
    given: list[int] = []
    allocated: list[int] = []

    def allocate(size: int) -> pa.Buffer:
        buffer = pa.lib.allocate_buffer(size)
        allocated.append(buffer.address)
        return buffer

    def parse(reader: pa.BufferReader, *options: object) -> pa.Table:
        given.append(reader.read_buffer().address)
        reader.seek(0)
        return READ_CSV(reader, *options)

    with (
        mock.patch("pyarrow.allocate_buffer", allocate),
        mock.patch("pyarrow.csv.read_csv", parse),
    ):
        (file,) = inputs.find([str(path)])
        fragment = describe(file)
        (batch,) = read(fragment, [Column("x"), Column("y")], 10)
    assert len(batch.numbers) == 2
    assert given == allocated
    assert len(given) == 2  # once to look at it, once to read it
