"""Excel, JSON lines, streams of Arrow, compressed text: the same table, the same model."""

from __future__ import annotations

import bz2
import gzip
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest
from commands import Run
from excel import sheet, write_excel

from cali_reg.errors import UsageError
from cali_reg.runtime.reading.csv_reader import open_csv

N = 60
COLUMNS: dict[str, list[float | str | bool]] = {
    "x": [k % 7 / 3 for k in range(N)],
    "town": [("Bern", "Zürich", 'a "b"', "12")[k % 4] for k in range(N)],
    "new": [k % 3 == 0 for k in range(N)],
    "size": [1e-7 if k % 5 == 0 else 3e15 * (k % 2) + k % 11 for k in range(N)],
    "y": [k * k % 11 + 0.1 for k in range(N)],
}
WORDS = ["--target", "y", "--categorical", "town", "--allow-collinear"]
ROWS = list(zip(*COLUMNS.values(), strict=True))


def text(separator: str = ",") -> bytes:
    """Return the table as text."""
    lines = [separator.join(COLUMNS)]
    for x, town, new, size, y in ROWS:
        quoted = '"a ""b"""' if town == 'a "b"' else str(town)
        lines.append(separator.join([repr(x), quoted, str(new), repr(size), repr(y)]))
    return "\n".join([*lines, ""]).encode()


def json_lines() -> bytes:
    """Return the table as JSON lines."""
    rows = (dict(zip(COLUMNS, row, strict=True)) for row in ROWS)
    return "\n".join(json.dumps({**row, "town": str(row["town"])}) for row in rows).encode()


def stream(path: Path, **options: object) -> None:
    """Write the table as a stream of Arrow, in several batches."""
    table = pa.table(COLUMNS).cast(
        pa.schema(
            [
                (name, pa.dictionary(pa.int8(), pa.string()) if name == "town" else kind.type)
                for name, kind in zip(COLUMNS, pa.table(COLUMNS).schema, strict=True)
            ]
        )
    )
    with pyarrow.ipc.new_stream(path, table.schema, options=options.get("options")) as writer:
        writer.write_table(table, max_chunksize=13)


ZSTD = pyarrow.ipc.IpcWriteOptions(compression="zstd")
WRITERS: dict[str, Callable[[Path], object]] = {
    "rows.csv.gz": lambda path: path.write_bytes(gzip.compress(text())),
    "rows.csv.bz2": lambda path: path.write_bytes(bz2.compress(text())),
    "rows.csv.zst": lambda path: path.write_bytes(pa.compress(text(), "zstd", asbytes=True)),
    "rows.tsv": lambda path: path.write_bytes(text("\t")),
    "rows.tsv.gz": lambda path: path.write_bytes(gzip.compress(text("\t"))),
    "rows.txt": lambda path: path.write_bytes(text("|")),
    "rows.ndjson": lambda path: path.write_bytes(json_lines()),
    "rows.ndjson.zst": lambda path: path.write_bytes(
        pa.compress(json_lines(), "zstd", asbytes=True)
    ),
    "rows.pq": lambda path: pyarrow.parquet.write_table(pa.table(COLUMNS), path),
    "rows.arrow": stream,
    "zstd.arrow": lambda path: stream(path, options=ZSTD),
    "rows.xlsx": lambda path: write_excel(path, sheet([list(COLUMNS), *ROWS])),
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the model of the table as CSV."""
    from cali_reg.cli.entrypoint import main

    folder = tmp_path_factory.mktemp("plain")
    (folder / "rows.csv").write_bytes(text())
    words = ["train", "--data", str(folder / "rows.csv"), *WORDS, "--artifacts", str(folder)]
    assert main(words) == 0
    return folder


@pytest.mark.parametrize("name", WRITERS)
def test_one_model(name: str, plain: Path, run: Run, tmp_path: Path) -> None:
    """Training and predicting do not see how the table is stored."""
    path = tmp_path / name
    WRITERS[name](path)
    if "xlsx" in name:
        pytest.importorskip("python_calamine")
    code, _, err = run("train", "--data", path, *WORDS, "--artifacts", tmp_path)
    assert code == 0, err
    text_kinds = name in ("rows.pq", "rows.arrow", "zstd.arrow")
    ours, theirs = (json.loads((p / "model.json").read_bytes()) for p in (tmp_path, plain))
    if not text_kinds:  # there, "12" among the towns is text, and here as well: both are the same
        assert (tmp_path / "model.json").read_bytes() == (plain / "model.json").read_bytes()
    assert [f["coefficient"] for f in ours["features"]] == [
        f["coefficient"] for f in theirs["features"]
    ]
    _, expected, _ = run("predict", plain / "rows.csv", "--artifacts", plain)
    assert run("predict", path, "--artifacts", plain)[:2] == (0, expected)


@pytest.mark.parametrize("name", ["rows.csv.gz", "rows.csv.bz2", "rows.tsv", "rows.tsv.gz"])
def test_with_the_standard_library(name: str, tmp_path: Path) -> None:
    """What the image can read, too."""
    path = tmp_path / name
    WRITERS[name](path)
    with open_csv(str(path)) as (_, _, lines):
        assert lines.read().encode().replace(b"\t", b",") == text()


def test_what_the_standard_library_cannot_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line says so."""
    monkeypatch.setitem(sys.modules, "gzip", None)
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(text()))
    for name, message in ((str(path), r"cannot decompress \.gz"), ("x.xlsx", "without pyarrow")):
        with pytest.raises(UsageError, match=message), open_csv(name):
            pass


def test_odd_excel_files(run: Run, tmp_path: Path) -> None:
    """Titles, blank rows, dates, empty cells, a second sheet."""
    pytest.importorskip("python_calamine")
    rows: list[list[float | str | bool | None]] = [
        ["A title"],
        [],
        ["x", "day", None, "y"],
        [],
        [5, None, None, 4],
    ]
    rows[3:3] = [[k % 7, f"date:{45000 + k}", None, k * k % 11] for k in range(30)]
    path = write_excel(tmp_path / "rows.xlsx", sheet(rows), sheet([["other"], [1]]))
    words = ["train", "--data", path, "--target", "y", "--features", "x", "--artifacts", tmp_path]
    assert run(*words, "--skip-lines", "2")[0] == 0
    scores = json.loads((tmp_path / "model.json").read_bytes())["scores"]
    assert scores["train"]["n_samples"] + scores["test"]["n_samples"] == 31


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("x.xlsx", b"no zip", "cannot be read as Excel (File is not a zip file)"),
        ("x.xlsx", b"", "cannot be read as Excel"),
        ("x.ndjson", b"", "no header"),
        ("x.ndjson", b'{"x": 1, "y": 2}\n[1]\n', "row 2 is not an object"),
        ("x.ndjson", b'{"x": 1, "y": 2}\n{"x": 1,\n', "row 2 is not JSON ("),
        ("x.ndjson", b'{"x": 1, "x ": 2}\n', "row 1 is not JSON (a key stands twice in it)"),
        ("x.ndjson", b'{"x": ' + b"[" * 100_000 + b"\n", "row 1 is not JSON (nested too deep)"),
        ("x.ndjson", b'{"x": "\xff"}\n', "row 1 is not JSON ('utf-8'"),
        ("x.csv.bz2", b"BZh9 no", "cannot be read as CSV"),
        ("x.csv.zst", b"no", "cannot be read as CSV"),
        ("x.arrow", b"\xff\xff\xff\xff" + b"\1" * 50, "cannot be read as Arrow"),
        ("x.tsv", b"x\ty\n1\t2\t3\n", "row 1: has 3 cells; expected 2"),
        ("x.jsonl", b"{}", "unknown format; expected a name that ends in .csv, .tsv, .txt"),
    ],
)
def test_bad_files(name: str, data: bytes, message: str, run: Run, tmp_path: Path) -> None:
    """One line each, and nothing is written."""
    if "xlsx" in name:
        pytest.importorskip("python_calamine")
    path = tmp_path / name
    path.write_bytes(data)
    words = ["train", "--data", path, "--target", "y", "--artifacts", tmp_path / "new"]
    code, out, err = run(*words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert not (tmp_path / "new").exists()


def test_streams_that_are_cut_off(run: Run, tmp_path: Path) -> None:
    """Also between two batches, where nothing but the end is missing."""
    path = tmp_path / "rows.arrow"
    stream(path)
    data = path.read_bytes()
    for size in (len(data) - 8, len(data) - 9, len(data) // 2, 100):
        path.write_bytes(data[:size])
        code, out, err = run("train", "--data", path, *WORDS, "--artifacts", tmp_path / "new")
        assert (code, out, err.count("\n")) == (2, "", 1), size
        assert "cannot be read as Arrow" in err


def test_excel_without_its_package(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the extra."""
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    path = write_excel(tmp_path / "rows.xlsx", sheet([["x", "y"], [1, 2]]))
    code, _, err = run("train", "--data", path, "--target", "y", "--artifacts", tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    assert "install cali-reg[excel]" in err


def test_excel_files_that_would_take_much(run: Run, tmp_path: Path) -> None:
    """A cell far away from the others is refused before memory is taken for all between."""
    pytest.importorskip("python_calamine")
    far = sheet([["x", "y"], [1, 2]]).replace('r="B2"', 'r="XFD1048576"')
    path = write_excel(tmp_path / "rows.xlsx", far)
    code, _, err = run("train", "--data", path, "--target", "y", "--artifacts", tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    assert "more than 33554432 cells" in err


def test_json_lines_with_other_keys(run: Run, tmp_path: Path) -> None:
    """The order of the rows does not matter, whichever keys the first one has."""
    rows = [{"y": k * k % 11, "x": k % 7, "z": None, "n": {"a": [k]}} for k in range(40)]
    del rows[7]["z"]
    models = []
    for i, order in enumerate((rows, rows[::-1], [*rows[7:], *rows[:7]])):
        path = tmp_path / "rows.ndjson"
        path.write_text("\n\n".join(map(json.dumps, order)))
        words = ["--target", "y", "--features", "x", "--artifacts", tmp_path / str(i)]
        assert run("train", "--data", path, *words)[0] == 0
        models.append((tmp_path / str(i) / "model.json").read_bytes())
    assert models[0] == models[1] == models[2]
    code, _, err = run("train", "--data", path, "--target", "y", "--features", "n")
    assert (code, err.count("\n")) == (2, 1)
    assert "column 'n' holds" in err


def test_folders(run: Run, tmp_path: Path) -> None:
    """Text files in a folder may be anything; a wildcard may name them. Folders may be boolean."""
    for k in range(2):
        folder = tmp_path / f"new={'true' if k else 'False'}"
        folder.mkdir()
        table = pa.table({"y": [float(i * i % 11 + k) for i in range(40)]})
        pyarrow.parquet.write_table(table, folder / "rows.pq")
    (tmp_path / "README.txt").write_text("no table")
    (tmp_path / "~$rows.xlsx").write_text("no table")
    words = ["--target", "y", "--artifacts", tmp_path / "model"]
    assert run("train", "--data", tmp_path, *words)[0] == 0
    model = json.loads((tmp_path / "model/model.json").read_bytes())
    (feature,) = model["features"]
    assert (feature["name"], feature["minimum"], feature["maximum"]) == ("new", 0, 1)
    code, _, err = run("train", "--data", f"{tmp_path}/*.txt", *words)
    assert (code, err.count("\n")) == (2, 1)
    assert "README.txt: no column 'y'" in err
