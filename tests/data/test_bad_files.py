"""Bad files and rows: one line that names them, exit code 2, and nothing is written."""

from __future__ import annotations

import datetime
import gzip
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from commands import Run
from layouts import make_table, numbers, refused, train, write

from cali_reg.data import dask_cluster, readers
from cali_reg.data.formats import csv_blocks, parquet_files
from cali_reg.data.summaries.summarizer import summarize
from cali_reg.jobs import predict
from cali_reg.jobs.training_data import file_data, row_passes
from cali_reg.runtime.predictor import Predictor

N = 60
ROWS = [f"{k},{k * k % 7},{k / 4}" for k in range(N)]
CSV = "\n".join(["a,b,y", *ROWS, ""])


def parquet(**columns: Any) -> bytes:
    """Return a Parquet file of columns a, b and y, some of them replaced."""
    k = np.arange(N)
    table = {"a": k * 1.0, "b": k * k % 7 * 1.0, "y": k / 4, **columns}
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(pa.table(table), sink)
    return bytes(sink.getvalue())


def arrow(n_rows: int = N) -> bytes:
    """Return an Arrow file of columns a, b and y."""
    sink, table = pa.BufferOutputStream(), pa.table({name: np.arange(n_rows) for name in "aby"})
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def with_cell(row: int, column: int, cell: str) -> str:
    """Return the CSV file with another cell; rows count from 1."""
    lines = CSV.splitlines()
    cells = lines[row].split(",")
    cells[column] = cell
    lines[row] = ",".join(cells)
    return "\n".join(lines)


def with_value(row: int, value: Any, kind: Any = None) -> bytes:
    """Return the Parquet file with another value in column b, of another type."""
    values: list[Any] = list(range(N))
    values[row - 1] = value
    return parquet(b=pa.array(values, kind))


LONG = "a,b,y\n" + "1,2.5,3\n" * 160_000  # beyond the first megabyte
BIG = 2**53 + 1
NOISE = np.random.default_rng(0).bytes(5000)
DAY = datetime.date(2024, 1, 2)

# Files by name, and what the message holds after the path of the first of them.
BAD_FILES: dict[str, tuple[dict[str, str | bytes], str]] = {
    "empty CSV": ({"x.csv": ""}, ": no header; expected column names in the first line"),
    "blank lines": ({"x.csv": "\n\n\n"}, ": no header; expected column names"),
    "header alone": ({"x.csv": "a,b,y\n"}, "none of 0 rows is left for training"),
    "empty Parquet": ({"x.parquet": ""}, ": cannot be read as Parquet (Parquet file size is 0"),
    "empty Arrow": ({"x.arrow": ""}, ": cannot be read as Arrow (File is too small: 0)"),
    "empty gzip": ({"x.csv.gz": ""}, ": no header; expected column names"),
    "truncated Parquet": ({"x.parquet": parquet()[:-100]}, ": cannot be read as Parquet"),
    "truncated Arrow": ({"x.feather": arrow()[:-100]}, ": cannot be read as Arrow"),
    "truncated gzip": (
        {"x.csv.gz": gzip.compress(NOISE.hex().encode())[:-999]},
        ": cannot be read as CSV",
    ),
    "hole in Parquet": (
        {"x.parquet": parquet()[:20] + bytes(400) + parquet()[420:]},
        ": cannot be read as Parquet",
    ),
    "Parquet named CSV": ({"x.csv": parquet()}, ": "),
    "gzip named CSV": ({"x.csv": gzip.compress(CSV.encode())}, ": the header is not UTF-8 text"),
    "noise named CSV": ({"x.csv": NOISE}, ": the header is not "),
    "CSV named Parquet": ({"x.parquet": CSV}, ": cannot be read as Parquet (Parquet magic bytes"),
    "CSV named Arrow": ({"x.arrow": CSV}, ": cannot be read as Arrow (Not an Arrow file)"),
    "CSV named gzip": ({"x.csv.gz": CSV}, ": cannot be read as CSV (zlib inflate failed"),
    "noise named Parquet": ({"x.parquet": NOISE}, ": cannot be read as Parquet"),
    "noise named Arrow": ({"x.feather": NOISE}, ": cannot be read as Arrow"),
    "unknown kind": ({"x.doc": CSV}, ": unknown format; expected a name that ends in .csv, "),
    "no kind": ({"data": CSV}, ": unknown format; expected a name that ends in .csv, "),
    "missing column": (
        {"x.csv": "a,y\n1,2\n", "b.parquet": parquet(), "c.csv": CSV},
        ": column 'b' is missing (found: a, y)",
    ),
    "other type": (
        {"x.csv": "a,b,y\nu,1,2\nv,1,2", "b.parquet": parquet()},
        ": column 'a' holds text; in {second} it holds numbers; expected numbers: convert it",
    ),
    "text in the first megabyte": (
        {"x.csv": with_cell(7, 1, "low")},
        ": row 7: column 'b' holds 'low'; expected a finite number: fix or drop the row",
    ),
    "text after a megabyte": (
        {"x.csv": LONG + "1,low,3\n"},
        ": row 160001: column 'b' holds 'low'; expected a finite number",
    ),
    "header again": ({"x.csv": CSV + CSV}, ": row 61: column 'a' holds 'a'; expected a finite"),
    "short row": ({"x.csv": with_cell(5, 1, "1").replace("4,1,1.0", "4")}, ": row 5: has 1 cells;"),
    "long row": ({"x.csv": CSV + "1,2,3,4\n"}, ": row 61: has 4 cells; expected 3, as in the"),
    "short row after a megabyte": ({"x.csv": LONG + "1,2\n"}, ": row 160001: has 2 cells;"),
    "open quote": ({"x.csv": CSV + '1,"2,3\n4,5,6\n'}, ": row 61 is not CSV (unexpected end"),
    "wrong quotes": ({"x.csv": with_cell(3, 1, '"1" x')}, ": row 3 is not CSV ("),
    "huge cell": ({"x.csv": CSV + "1," + "2" * 200_000 + ",3"}, ": row 61"),
    "line break in a cell": (
        {"x.csv": with_cell(9, 1, '"1\n2"')},
        r": row 9: column 'b' holds '1\n2'; expected a finite number",
    ),
    "tildes": ({"x.csv": CSV.replace(",", "~")}, ": no column 'y' (found: a~b~y)"),
    "wrong quotes in the header": ({"x.csv": 'a,"b"c,y\n1,2,3'}, "eader is not CSV ("),
    "Latin-1": (
        {"x.csv": CSV.encode() + b"1,\xe9,3\n"},
        ": row 61: column 'b' is not UTF-8 text; name its encoding, such as --encoding cp1252",
    ),
    "Latin-1 header": ({"x.csv": b"a,\xe9,y\n1,2,3\n"}, ": the header is not UTF-8 text; name its"),
    "UTF-16, cut off": ({"x.csv": CSV.encode("utf-16")[:-1]}, ": is not utf-16 text (truncated"),
    "column twice": ({"x.csv": CSV.replace("a,b,y", "a,a,y")}, ": column 'a' appears twice"),
    "index of pandas": (
        {"x.csv": CSV.replace("a,b,y", ",b,y")},
        ": column '' looks like the row numbers; expected features: name the columns to use",
    ),
    "comma at each end": (
        {"x.csv": CSV.replace("\n", ",\n")},
        ": column '' has no values; expected features: name the columns to use with --features",
    ),
    "constant target": (
        {"x.csv": "a,y\n" + "".join(f"{k},5\n" for k in range(N))},
        "the target 'y' is 5.0 in every training row; expected values that differ",
    ),
    "text as the target": (
        {"x.csv": "a,b,y\n" + "".join(f"{k},1,t\n" for k in range(N))},
        ": column 'y' holds text; expected numbers: convert it",
    ),
    "text": (
        {"x.parquet": parquet(c=["t"] * N)},
        ": columns that are not numeric: c (text); name the columns",
    ),
    "dates": (
        {"x.parquet": parquet(c=[DAY] * N, d=[DAY] * N)},
        ": columns that are not numeric: c (date32[day]), d (date32[day]); name the columns to",
    ),
    "dates in CSV": (
        {"x.csv": "a,d,y\n1,2024-01-01,1\n2,2024-01-02,2"},
        ": columns that are not numeric: d (date32[day]); name the columns to use with --features",
    ),
    "lists": (
        {"x.parquet": parquet(c=[[1]] * N)},
        ": columns that are not numeric: c (list<element: int64>)",
    ),
    "more features than rows": (
        {"x.csv": "a,b,c,d,y\n1,2,3,4,5\n2,1,0,1,7\n3,0,0,3,1\n4,4,2,1,9\n8,4,2,1,3"},
        "training rows cannot determine 4 features and an intercept; expected more rows than",
    ),
    "no feature": ({"x.csv": "y\n1\n2\n"}, ": no column but the target; expected a feature"),
    "infinity": (
        {"x.parquet": with_value(9, float("-inf"), pa.float32())},
        ": row 9: column 'b' holds '-inf'; expected a finite number: fix or drop the row",
    ),
    "beyond float64": ({"x.csv": with_cell(9, 1, "1e999")}, ": row 9: column 'b' holds '1e999'"),
    "NaN": (
        {"x.parquet": with_value(9, float("nan"))},
        "rows with missing values: 1 (b 1); the first is ",
    ),
    "null": (
        {"x.parquet": with_value(9, None)},
        "rows with missing values: 1 (b 1); the first is row 9 of",
    ),
    "nothing at all": (
        {"x.parquet": parquet(b=pa.nulls(N))},
        "rows with missing values: 60 (b 60); the first is row 1 of ",
    ),
    "integer that is no float64": (
        {"x.parquet": with_value(9, BIG)},
        f": row 9: column 'b' holds {BIG}, which float64 cannot hold exactly: round it",
    ),
    "unsigned integer that is no float64": (
        {"x.parquet": with_value(60, 2**64 - 1, pa.uint64())},
        f": row 60: column 'b' holds {2**64 - 1}, which float64 cannot hold exactly",
    ),
    "collinear": (
        {"x.parquet": parquet(c=np.arange(N) * 2.0, d=np.ones(N))},
        "collinear columns (constant, or a combination of other columns): c, d; drop these",
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files(run: Run, tmp_path: Path, case: str) -> None:
    """Each names the file and, where there is one, the row and the column."""
    contents, expected = BAD_FILES[case]
    paths: list[Path] = []
    for name, content in contents.items():
        path = tmp_path / "in" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        paths.insert(0, path)  # the bad file is the last one
    message = refused(run, tmp_path, "--strict", "--target", "y", "--data", *paths)
    expected = expected.format(second=paths[0]) if "{second}" in expected else expected
    assert (f"{paths[-1]}{expected}" if expected.startswith(": ") else expected) in message


@pytest.mark.parametrize("suffix", ["csv.gz", "parquet", "arrow"])
@pytest.mark.parametrize("length", [1, 4, 100, 1000, -9, -1])
def test_every_truncation_is_noticed(run: Run, tmp_path: Path, suffix: str, length: int) -> None:
    """A cut-off file is an error wherever it ends; but for plain CSV, which may."""
    path = write(make_table(300), tmp_path / f"x.{suffix}")
    path.write_bytes(path.read_bytes()[:length])
    message = refused(
        run,
        tmp_path,
        "--target",
        "price",
        "--data",
        path,
        "--categorical",
        "city",
        "--not-missing",
        "city=NA",
    )
    assert message.startswith(f"{path}: ")


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Be somebody who may not read everything."""
    if not hasattr(os, "geteuid"):
        pytest.skip("POSIX alone")
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield
    os.seteuid(user)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "arrow"])
def test_unreadable_files(run: Run, tmp_path: Path, suffix: str, unprivileged: None) -> None:
    """A file that may not be read is named, with the system's reason."""
    effective, user = os.geteuid(), os.getuid()
    os.seteuid(user)
    path = write(numbers(), tmp_path / f"x.{suffix}")
    path.chmod(0)
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.name.startswith(("test_", "popen-", "pytest-")):
            folder.chmod(0o755)
    os.seteuid(effective)
    message = refused(run, tmp_path, "--target", "price", "--data", path)
    assert message.startswith(f"{path}: cannot be read as ")
    assert "Permission denied" in message or "Errno 13" in message


def test_folders_and_patterns_without_files(run: Run, tmp_path: Path) -> None:
    """What names no file is named."""
    (tmp_path / "empty").mkdir()
    write(numbers(), tmp_path / "hidden" / "_temporary" / "a.parquet")
    write(numbers(), tmp_path / "hidden" / ".a.csv")
    for path, expected in (
        (tmp_path / "empty", "the folder has no file of a known format; check the path"),
        (tmp_path / "hidden", "the folder has no file of a known format; check the path"),
        (tmp_path / "none", "no such file; check the path"),
        (tmp_path / "none.csv", "no such file; check the path"),
        (tmp_path / "*.csv", "no such file; check the path"),
        (tmp_path / "none" / "**" / "*.csv", "no such file; check the path"),
        (tmp_path / "[z-a].csv", "cannot be listed (bad character range z-a"),
        (tmp_path / "\udcff.csv", "cannot be listed ("),
        ("ftp://host/rows.csv", "not a URL that can be read ("),
        ("s3:///", "not a URL that can be read ("),
    ):
        message = refused(run, tmp_path, "--target", "price", "--data", path)
        name = str(path).replace("\udcff", "\\udcff")
        assert message.startswith(f"{name}: {expected}")


def test_hidden_files_are_left_out(run: Run, tmp_path: Path) -> None:
    """In folders and patterns, names that begin with a dot or an underscore do not count."""
    expected = train(run, tmp_path / "out", write(numbers(), tmp_path / "in" / "a.parquet"))
    for name in ("_metadata.parquet", ".b.csv", "_tmp/c.csv", ".git/d.arrow", "README.md"):
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_text("no table")
    for path in ("in", "in/*", "i*", "in/**/*"):
        assert train(run, tmp_path / "out", tmp_path / path) == expected


def test_same_file_twice(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that would count twice are refused, however the file is named."""
    write(numbers(), tmp_path / "in" / "a.csv")
    monkeypatch.chdir(tmp_path)
    for paths in (
        ["in/a.csv", "in/a.csv"],
        ["in", "in/a.csv"],
        ["in/a.csv", tmp_path / "in" / "a.csv"],
        ["./in/a.csv", "in/*.csv"],
        ["in/a.csv", (tmp_path / "in").as_uri()],
    ):
        message = refused(run, tmp_path, "--target", "price", "--data", *paths)
        assert "a.csv: named twice; its rows would count twice: name it once" in message


def test_no_rows_held_out(run: Run, tmp_path: Path) -> None:
    """Both sides need a row."""
    path = write(numbers(20), tmp_path / "a.csv")
    flags = ("--target", "price", "--data", path)
    message = refused(run, tmp_path, *flags, "--test-size", "0.001")
    assert message.startswith("none of 20 rows is held out; expected rows on both sides: change")
    message = refused(run, tmp_path, *flags, "--test-size", "0.999")
    assert message.startswith("none of 20 rows is left for training; expected rows on both")


@pytest.mark.parametrize(
    ("column", "advice"),
    [
        ("empty", "leave out what has no values with --features: empty"),
        ("price", "the target has no values; name another --target"),
    ],
)
def test_no_row_is_left(run: Run, tmp_path: Path, column: str, advice: str) -> None:
    """Columns without any value are named, and what to do about them."""
    table = numbers(20)
    names = [*table.column_names, "empty"]
    empty = pa.nulls(20, pa.float64())
    columns = [empty if name == column else table.column(0) for name in names]
    path = write(pa.table(columns, names), tmp_path / "a.parquet")
    flags = ("--target", "price", "--data", path, "--missing", "drop", "--strict")
    assert refused(run, tmp_path, *flags) == (
        f"no row is left: each of the 20 rows has a missing value ({column} 20); {advice}"
    )


def test_no_row_is_left_together(run: Run, tmp_path: Path) -> None:
    """Each column has values, but no row has all."""
    path = tmp_path / "a.csv"
    path.write_text("a,b,y\n1,,1\n,2,1\n3,,2\n")
    message = refused(run, tmp_path, "--target", "y", "--data", path, "--missing", "drop")
    assert message == (
        "no row is left: each of the 3 rows has a missing value (a 1, b 2); fill some in, or leave"
        " columns out with --features"
    )


BAD_OPTIONS: dict[str, tuple[list[str], str]] = {
    "unknown target": (["--target", "z"], ": no column 'z' (found: age, floor area, m², new"),
    "target as a feature": (
        ["--target", "age", "--features", "new,age"],
        "column 'age' is the target; it cannot be a feature, too",
    ),
    "target as a category": (
        ["--target", "age", "--categorical", "age"],
        "column 'age' is the target; it cannot be a feature, too",
    ),
    "unknown feature": (
        ["--target", "age", "--features", "new,area"],
        ": column 'area' is missing (found: age, floor area, m², new, city, price)",
    ),
    "another case": (
        ["--target", "PRICE"],
        ": no column 'PRICE'; did you mean 'price'? (found: age, floor area, m², new, city, price)",
    ),
    "unknown category": (
        ["--target", "age", "--features", "new", "--categorical", "town"],
        ": column 'town' is missing (found: ",
    ),
    "feature twice": (
        ["--target", "age", "--features", "new,new"],
        "column 'new' is named twice; name it once",
    ),
    "no features": (["--target", "age", "--features", ""], ": no column but the target; expected"),
    "text as a feature": (
        ["--target", "age", "--features", "new,city"],
        ": column 'city' holds text; expected numbers: convert it, leave it out with --features",
    ),
    "quoted name": (
        ["--target", "age", "--features", '"floor area, m2",new'],
        ": column 'floor area, m2' is missing; did you mean 'floor area, m²'? (found: ",
    ),
    "text as the target": (
        ["--target", "city", "--features", "new"],
        ": column 'city' holds text; expected numbers: convert it, or name another --target",
    ),
    "no target": ([], "--data requires --target, the column to predict"),
    "no workers": (["--target", "age", "--features", "new", "--dask", "local:0"], "--dask local:0"),
    "workers by name": (
        ["--target", "age", "--features", "new", "--dask", "local:many"],
        "--dask local:many: 'many' is not a number of workers; expected such as local:4",
    ),
}


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_bad_options(run: Run, tmp_path: Path, case: str) -> None:
    """Options that do not fit the file, or one another."""
    options, expected = BAD_OPTIONS[case]
    path = write(make_table(30), tmp_path / "a.parquet")
    message = refused(run, tmp_path, "--strict", "--data", path, *options)
    assert message.startswith(f"{path}{expected}" if expected.startswith(": ") else expected)


@pytest.mark.parametrize(
    "option", ["--target", "--features", "--categorical", "--test-data", "--dask"]
)
def test_options_without_data(run: Run, tmp_path: Path, option: str) -> None:
    """The embedded data has its own columns and split."""
    message = refused(run, tmp_path, option, "x")
    assert message == f"{option} requires --data; name the files"


def test_missing_values_are_counted(run: Run, tmp_path: Path) -> None:
    """The message has the counts of each column, of all files, and the first row."""
    rows = CSV.splitlines()
    rows[4], rows[9], rows[10] = "NA,1,2", ",null,3", "1,2,"
    (tmp_path / "a.csv").write_text(CSV)
    (tmp_path / "b.csv").write_text("\n".join(rows))
    message = refused(
        run, tmp_path, "--target", "y", "--data", tmp_path / "a.csv", tmp_path / "b.csv"
    )
    assert message == (
        f"rows with missing values: 3 (a 2, b 1, y 1); the first is row 4 of {tmp_path / 'b.csv'}:"
        " fill them in, or pass --missing drop, which leaves out 3 of 120 rows (2 with --exclude a)"
    )


@pytest.mark.parametrize("suffix", ["csv", "parquet", "feather"])
def test_dropping_equals_training_without(run: Run, tmp_path: Path, suffix: str) -> None:
    """``--missing drop`` gives the moments of the other rows, and says how many it dropped."""
    table = numbers()
    holes = [3, 4, 77, 599]
    kept = table.take([k for k in range(len(table)) if k not in holes])
    path = write(kept, tmp_path / f"kept.{suffix}")
    expected = train(run, tmp_path / "kept", path, "--strict")
    columns = {
        name: [None if k in holes[j::3] else v for k, v in enumerate(table[name].to_pylist())]
        for j, name in enumerate(["age", "new", "price"])
    }
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, pa.array(values))
    path = write(table, tmp_path / f"holes.{suffix}")
    code, out, err = run(
        *("train", "--artifacts", tmp_path / "drop", "--data", path, "--target", "price"),
        *("--missing", "drop", "--strict"),
    )
    assert (code, err) == (0, "")
    assert "\ndropped        4 rows  with missing values\n" in out
    assert (tmp_path / "drop" / "moments.json").read_bytes() == expected["moments.json"]
    model = (tmp_path / "drop" / "model.json").read_text("utf-8")
    assert '"dropped_rows": 4' in model
    lines = [
        set(text.replace('"dropped_rows": 4', '"dropped_rows": 0').splitlines())
        for text in (model, expected["model.json"].decode())
    ]
    assert [line for line in lines[0] ^ lines[1] if "fingerprint" not in line] == []


def grow(path: Path) -> None:
    """Append a row."""
    path.write_bytes(path.read_bytes() + b"1,2,3,4\n")


def shrink(path: Path) -> None:
    """Cut the file off."""
    os.truncate(path, path.stat().st_size // 2)


def touch(path: Path) -> None:
    """Give the file another time."""
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1_000_000_000))


CHANGES: dict[str, Callable[[Path], None]] = {
    "grows": grow,
    "shrinks": shrink,
    "is touched": touch,
    "vanishes": Path.unlink,
}


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet", "arrow"])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("module", "name"),
    [(file_data, "select"), (readers, "_as_asked")],
    ids=["before reading", "between batches"],
)
def test_files_that_change(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
    change: str,
    module: Any,
    name: str,
) -> None:
    """A file that changes between its listing and its last row is refused."""
    path = write(make_table(), tmp_path / f"x.{suffix}")
    do: Callable[..., Any] = getattr(module, name)
    calls: list[int] = []

    def hook(*args: Any, **options: Any) -> Any:
        calls.append(0)
        if len(calls) == 1:
            CHANGES[change](path)
        return do(*args, **options)

    monkeypatch.setattr(module, name, hook)
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 4000)
    monkeypatch.setattr(parquet_files, "_BUFFER", 1000)
    flags = (
        "--target",
        "price",
        "--data",
        path,
        "--categorical",
        "city",
        "--not-missing",
        "city=NA",
        "--batch-size",
        "50",
        "--strict",
    )
    message = refused(run, tmp_path, *flags)
    assert calls
    assert message.startswith(f"{path}: ")
    found = ("has changed while", "was deleted", "deleted", "cannot be read as", "row ")
    assert message.removeprefix(f"{path}: ").startswith(found)


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet", "arrow"])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("place", ["--data", "--test-data"])
def test_files_that_change_after_their_last_row(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, change: str, place: str
) -> None:
    """One of several files may change while the others are read."""
    paths = {
        name: write(numbers(), tmp_path / f"{name}.{suffix}") for name in ("--data", "--test-data")
    }
    calls: list[int] = []

    def hook(*args: Any, **options: Any) -> Any:
        summary = summarize(*args, **options)
        calls.append(0)
        if len(calls) == 2:  # both files are read
            CHANGES[change](paths[place])
        return summary

    flags = [text for pair in paths.items() for text in pair]
    train(run, tmp_path / "out", flags[1], *flags[2:])
    monkeypatch.setattr(row_passes, "summarize", hook)
    message = refused(run, tmp_path, "--target", "price", *flags)
    assert message.startswith(f"{paths[place]}: ")
    assert message.endswith(" while it was read; try again when it is not being written")


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("n_rows", [20, 20_000], ids=["row by row", "in batches"])
@pytest.mark.parametrize("at", [1, -1], ids=["at the first row", "at the last row"])
def test_files_that_change_while_they_are_predicted(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, n_rows: int, at: int
) -> None:
    """The rows of a file are those of one moment, also of a small one; else nothing is written."""
    path, model, out = tmp_path / "a.csv", tmp_path / "model", tmp_path / "y.csv"
    train(run, model, write(numbers(), tmp_path / "train.csv"))
    write(numbers(n_rows), path)
    calls: list[int] = []

    def hook(do: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*args: Any, **options: Any) -> Any:
            calls.append(0)
            if len(calls) == (1 if at == 1 or n_rows > 20 else n_rows):
                CHANGES[change](path)
            return do(*args, **options)

        return changed

    monkeypatch.setattr(Predictor, "predict_checked", hook(Predictor.predict_checked))
    monkeypatch.setattr(predict, "_predict", hook(predict._predict))
    flags = ("--artifacts", model, path, "--out", out, "--on-error", "skip")
    code, _, err = run("predict", *flags)
    assert (code, out.exists()) == (2, False)
    assert err.splitlines()[-1].startswith(f"cali-reg predict: {path}: ")
    assert "while it was read; try again when it is not being written" in err
    assert calls


def test_scheduler_that_does_not_answer(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address without a scheduler, or of no known kind, is named."""
    monkeypatch.setattr(dask_cluster, "_TIMEOUT", 0.3)
    path = write(numbers(30), tmp_path / "a.csv")
    for address in ("tcp://127.0.0.1:1", "127.0.0.1:1", "pigeon://loft"):
        flags = ("--target", "price", "--data", path, "--dask", address)
        assert refused(run, tmp_path, *flags).startswith(
            f"--dask {address}: no scheduler with workers answers"
        )


def test_encrypted_scheduler_without_a_certificate(run: Run, tmp_path: Path) -> None:
    """The message says what to configure, at once."""
    path = write(numbers(30), tmp_path / "a.csv")
    flags = ("--target", "price", "--data", path, "--dask", "tls://127.0.0.1:1")
    assert refused(run, tmp_path, *flags) == (
        "--dask tls://127.0.0.1:1: no certificate for this client; name it in the configuration of"
        " Dask, distributed.comm.tls.client"
    )


def test_dask_is_not_installed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the message says what to install."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    path = write(numbers(30), tmp_path / "a.csv")
    message = refused(run, tmp_path, "--target", "price", "--data", path, "--dask", "local")
    assert message == "--dask needs the extra cali-reg[dask]: pip install 'cali-reg[dask]'"
