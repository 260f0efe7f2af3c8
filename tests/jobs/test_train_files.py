"""Training on files: the same rows give the same bytes, whatever the files and the options."""

import os
import sys
from pathlib import Path

import layouts
import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pytest
from commands import Run, run_process
from layouts import numbers, pieces, shuffled, train, write

from cali_reg.cli.entrypoint import main
from cali_reg.cli.parser import build_parser
from cali_reg.data.dataset import open_dataset
from cali_reg.data.readers import BATCH_SIZE, read
from cali_reg.runtime.schema import Column

Files = dict[str, bytes]
CITY = ("--categorical", "city", "--not-missing", "city=NA")


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """Return the rows that all these tests train on."""
    return layouts.make_table()


@pytest.fixture
def expected(run: Run, tmp_path: Path, table: pa.Table) -> Files:
    """Return the artifacts of one Parquet file."""
    return train(run, tmp_path / "expected", write(table, tmp_path / "one.parquet"), *CITY)


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "CSV", "parquet", "arrow", "feather"])
def test_format_changes_no_byte(
    run: Run, tmp_path: Path, table: pa.Table, expected: Files, suffix: str
) -> None:
    """Any format, one file or 64, in any order of rows and files."""
    one = write(shuffled(table), tmp_path / f"other.{suffix}")
    assert train(run, tmp_path / "a", one, *CITY) == expected
    many = [
        write(piece, tmp_path / "many" / f"{k:02}.{suffix}")
        for k, piece in enumerate(pieces(shuffled(table, 2), 64))
    ]
    assert train(run, tmp_path / "a", tmp_path / "many", *CITY) == expected
    assert train(run, tmp_path / "a", *reversed(many), *CITY) == expected


def test_formats_together_change_no_byte(
    run: Run, tmp_path: Path, table: pa.Table, expected: Files
) -> None:
    """A folder may hold files of several formats."""
    for piece, name in zip(pieces(table, 3), ("a.csv", "b/c.parquet", "d.feather"), strict=True):
        write(piece, tmp_path / "mixed" / name)
    assert train(run, tmp_path / "a", tmp_path / "mixed", *CITY) == expected


def test_default_batch_size() -> None:
    """The command, which starts without PyArrow, has the default of those who have it."""
    assert build_parser().parse_args(["train"]).batch_size == BATCH_SIZE


@pytest.mark.parametrize("batch_size", [1, 7, 1000, 1_000_000])
def test_batch_size_changes_no_byte(
    run: Run, tmp_path: Path, table: pa.Table, expected: Files, batch_size: int
) -> None:
    """Neither rows read at once, nor row groups, show in the result."""
    flags = ("--batch-size", batch_size, *CITY)
    for suffix in ("csv", "arrow"):
        path = write(table, tmp_path / f"other.{suffix}")
        assert train(run, tmp_path / "a", path, *flags) == expected
    for rows in (1, 50, 1000) if batch_size > 1 else (1000,):
        path = write(table, tmp_path / f"groups{rows}.parquet", row_group_size=rows)
        assert train(run, tmp_path / "a", path, *flags) == expected


@pytest.mark.parametrize("suffix", ["csv", "parquet", "feather"])
def test_partitioned_folder_changes_no_byte(
    run: Run, tmp_path: Path, table: pa.Table, suffix: str
) -> None:
    """Columns may live in the names of folders, as Arrow, Spark and Hive write them."""
    features = ("--features", '"age","floor area, m²",new,city', *CITY)
    one = write(table, tmp_path / "one.parquet")
    expected = train(run, tmp_path / "expected", one, *features)
    pyarrow.dataset.write_dataset(
        table,
        tmp_path / "hive",
        format=suffix,
        partitioning=["city", "new"],
        partitioning_flavor="hive",
    )
    assert train(run, tmp_path / "a", tmp_path / "hive", *features) == expected
    assert train(run, tmp_path / "a", tmp_path / "hive" / "city=*", *features) == expected
    pattern = tmp_path / "hive" / "**" / f"*.{suffix}"
    assert train(run, tmp_path / "a", pattern, *features) == expected


TYPES: dict[str, pa.DataType] = {
    "float32": pa.float32(),
    "float16": pa.float16(),
    "int8": pa.int8(),
    "int64": pa.int64(),
    "uint64": pa.uint64(),
    "decimal128": pa.decimal128(9, 2),
    "decimal256": pa.decimal256(60, 5),
    "dictionary": pa.dictionary(pa.int8(), pa.float64()),
    "dictionary of integers": pa.dictionary(pa.int32(), pa.int64()),
}


@pytest.mark.parametrize("name", TYPES)
def test_type_of_a_column_changes_no_byte(run: Run, tmp_path: Path, name: str) -> None:
    """A number is its value, whatever type holds it; so is a target's."""
    rng, kind = np.random.default_rng(0), TYPES[name]
    table = pa.table({"x": rng.integers(0, 99, 200) * 1.0, "y": rng.integers(0, 9, 200) * 1.0})
    typed = pa.table([_cast(column, kind) for column in table.columns], table.column_names)
    plain = write(table, tmp_path / "plain.parquet")
    expected = train(run, tmp_path / "a", plain, target="y")
    for suffix in ("parquet", "arrow"):
        path = write(typed, tmp_path / f"typed.{suffix}")
        assert train(run, tmp_path / "a", path, target="y") == expected


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_dictionary(kind):  # Arrow has no cast to it
        return column.cast(kind.value_type).dictionary_encode().cast(kind)
    return column.cast(kind)


def test_booleans_are_numbers(run: Run, tmp_path: Path, table: pa.Table) -> None:
    """True is 1 and false 0, in a Parquet column and in a CSV file's words."""
    plain = table.drop_columns(["city"])
    expected = train(run, tmp_path / "a", write(plain, tmp_path / "plain.parquet"))
    place = plain.column_names.index("new")
    typed = plain.set_column(place, "new", plain["new"].cast(pa.bool_()))
    for suffix in ("parquet", "arrow", "csv"):  # the CSV file has True and False
        path = write(typed, tmp_path / f"typed.{suffix}")
        assert train(run, tmp_path / "a", path) == expected
    words = tmp_path / "words.csv"
    words.write_text((tmp_path / "typed.csv").read_text().replace("True", "1", 40))
    assert train(run, tmp_path / "a", words) == expected


def test_columns_are_matched_by_name(run: Run, tmp_path: Path) -> None:
    """The first file names the order; later ones may have another, and more columns."""
    first, second = pieces(numbers(), 2)
    expected = train(run, tmp_path / "a", write(numbers(), tmp_path / "one.parquet"))
    names = ["price", "new", "floor area, m²", "age"]
    other = second.select(names).append_column("note", pa.array(["x"] * len(second)))
    paths = [write(first, tmp_path / "1.csv"), write(other, tmp_path / "2.parquet")]
    assert train(run, tmp_path / "a", *paths) == expected


def test_standard_input(tmp_path: Path, run: Run, table: pa.Table, expected: Files) -> None:
    """``-`` is CSV on standard input, also where it is read twice; nothing shows on a pipe."""
    text = write(table, tmp_path / "rows.csv").read_bytes()
    flags = ("--target", "price", "--data", "-", *CITY)
    done = run_process("train", "--artifacts", tmp_path / "a", *flags, input=text)
    assert (done.returncode, done.stderr) == (0, b"")
    found = {name: (tmp_path / "a" / name).read_bytes() for name in layouts.ARTIFACTS}
    assert found == expected


def test_addresses(run: Run, tmp_path: Path, table: pa.Table, expected: Files) -> None:
    """An address, here of the scheme file, names a file, a folder or a pattern."""
    write(table, tmp_path / "in" / "one.parquet")
    uri = (tmp_path / "in").as_uri()
    for address in (uri, f"{uri}/one.parquet", f"{uri}/*.parquet"):
        assert train(run, tmp_path / "a", address, *CITY) == expected


def test_relative_paths(
    run: Run, tmp_path: Path, table: pa.Table, expected: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths and patterns may be relative, with dots and folders above."""
    write(table, tmp_path / "in" / "below" / "one.parquet")
    monkeypatch.chdir(tmp_path / "in" / "below")
    for path in ("one.parquet", "./one.parquet", "*.parquet", "on[a-e].par?uet", ".", "./*", "../"):
        assert train(run, tmp_path / "a", path, *CITY) == expected
    for path in ("../below", "../b*/*.parquet", "../**/one.*", "../[!a]elow", "../**"):
        assert train(run, tmp_path / "a", path, *CITY) == expected


def test_a_file_may_be_named_like_a_pattern(
    run: Run, tmp_path: Path, table: pa.Table, expected: Files
) -> None:
    """What exists is taken by its name, even with characters that patterns use."""
    path = write(table, tmp_path / "x[1]*.parquet")
    write(numbers(), tmp_path / "x1.parquet")
    assert train(run, tmp_path / "a", path, *CITY) == expected


@pytest.mark.skipif(os.name != "posix", reason="terminals are others elsewhere")
def test_progress_on_a_terminal(
    tmp_path: Path, table: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal a bar counts rows while they are read, and is gone afterwards."""
    import termios

    path = write(table, tmp_path / "one.parquet")
    terminal, other = os.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    command = ["train", "--artifacts", tmp_path / "a", "--data", path, "--target", "price", *CITY]
    with open(other, "w", encoding="utf-8") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        assert main(list(map(str, command))) == 0
        os.set_blocking(terminal, False)
        shown = os.read(terminal, 10_000).decode()
    os.close(terminal)
    assert "0.00/600 [" in shown
    assert " rows/s]" in shown
    assert shown.endswith("\r")


def test_artifacts_hold_no_path(expected: Files) -> None:
    """Nothing tells where the files were."""
    assert b"parquet" not in expected["model.json"]


def test_batches_of_many_features_have_fewer_rows(tmp_path: Path) -> None:
    """What a batch takes is bounded, however wide the rows are; each is read once, in order."""
    rows = pa.table({f"x{j}": np.arange(3000.0) for j in range(600)})
    (fragment,) = open_dataset([str(write(rows, tmp_path / "a.parquet"))]).fragments
    batches = list(read(fragment, [Column(name) for name in rows.column_names], 65536))
    assert max(len(batch.numbers) for batch in batches) == (1 << 20) // 600
    assert [number for batch in batches for number in batch.numbers] == list(range(1, 3001))


def test_standard_error_is_closed(
    run: Run, tmp_path: Path, table: pa.Table, expected: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then there is no progress to show."""
    path = write(table, tmp_path / "x.csv")
    monkeypatch.setattr(sys, "stderr", None)
    assert train(run, tmp_path / "a", path, *CITY) == expected
