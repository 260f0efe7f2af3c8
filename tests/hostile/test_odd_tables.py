"""Malformed and odd tables of ten kinds: each is refused with one line, and nothing is written."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import Run

HEADER = b"size,rooms,town,price\n"
TOWNS = ("Bern", "Chur", "Genf")
ROWS = [b"%d.5,%d,%s,%d\n" % (k, k * k % 7, TOWNS[k % 3].encode(), 3 * k + 1) for k in range(60)]
GOOD = HEADER + b"".join(ROWS)


def with_row(row: bytes, place: int = 30) -> bytes:
    """Return the good table with one more row."""
    return HEADER + b"".join([*ROWS[:place], row, *ROWS[place:]])


def with_column(name: str, cells: list[str]) -> bytes:
    """Return the good table with one more column."""
    lines = [line.decode().rstrip("\n") for line in (HEADER, *ROWS)]
    return "".join(
        f"{line},{cell}\n" for line, cell in zip(lines, [name, *cells], strict=True)
    ).encode()


def target_of(cells: list[str]) -> bytes:
    """Return the good table with other cells in its target."""
    lines = [line.decode().rpartition(",")[0] for line in ROWS]
    return HEADER + "".join(f"{a},{b}\n" for a, b in zip(lines, cells, strict=True)).encode()


def parquet(**columns: Any) -> bytes:
    """Return a Parquet file."""
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def archive(**files: bytes) -> bytes:
    """Return a ZIP file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        for name, data in files.items():
            zipped.writestr(name, data)
    return out.getvalue()


NUMBERS = [str(k) for k in range(60)]
MIXED = [str(k * k % 11) for k in range(60)]
CASES: dict[str, dict[str, tuple[str, bytes, list[str]]]] = {  # file name, content, options
    "rows of another length": {
        "one cell less": ("t.csv", with_row(b"1,2,Bern\n"), []),
        "one cell more": ("t.csv", with_row(b"1,2,Bern,3,4\n"), []),
        "one cell more in the last row": ("t.csv", with_row(b"1,2,Bern,3,4\n", 60), []),
        "a total under the table": ("t.csv", with_row(b"Total: 60\n", 60), []),
        "a title above the table": ("t.csv", b"Prices of 2024\n" + GOOD, []),
        "two tables in one file": ("t.csv", GOOD + b"\nyear,rate\n2024,1.5\n", []),
    },
    "quotes": {
        "never closed": ("t.csv", with_row(b'1,2,"Bern,3\n'), []),
        "never closed in the header": ("t.csv", b'"' + GOOD, []),
        "text after a closing quote": ("t.csv", with_row(b'1,2,"Be"rn,3\n'), []),
        "a digit after a closing quote": ("t.csv", with_row(b'"1"5,2,Bern,3\n'), []),
        "a backslash before a quote": ("t.csv", with_row(b'1,2,"a \\"b\\", c",3\n'), []),
        "never closed in the last row": ("t.csv", GOOD + b'"1,2,Bern,3', []),
    },
    "encodings": {
        "Latin-1 in a category": ("t.csv", with_row(b"1,2,Z\xfcrich,3\n"), []),
        "Latin-1 in the header": ("t.csv", GOOD.replace(b"rooms", b"gr\xf6sse"), []),
        "UTF-16 without a mark": ("t.csv", GOOD.decode().encode("utf-16-le"), []),
        "UTF-32 without a mark": ("t.csv", GOOD.decode().encode("utf-32-le"), []),
        "an encoding that is none": ("t.csv", GOOD, ["--encoding", "utf-99"]),
        "an encoding of bytes to bytes": ("t.csv", GOOD, ["--encoding", "base64"]),
    },
    "names": {
        "no such target": ("t.csv", GOOD.replace(b"price", b"cost", 1), []),
        "another case": ("t.csv", GOOD.replace(b"price", b"Price", 1), []),
        "the target twice": ("t.csv", GOOD.replace(b"rooms", b"price", 1), []),
        "a feature that is not there": ("t.csv", GOOD, ["--features", "sice"]),
        "an excluded column that is not there": ("t.csv", GOOD, ["--exclude", "sice"]),
        "a category that is not there": ("t.csv", GOOD, ["--categorical", "twon"]),
    },
    "targets": {
        "text": ("t.csv", target_of(["cheap", "dear"] * 30), []),
        "dates": ("t.csv", target_of([f"2024-01-{k % 28 + 1:02}" for k in range(60)]), []),
        "empty": ("t.csv", target_of([""] * 60), []),
        "one that is infinite": ("t.csv", target_of([*NUMBERS[:-1], "inf"]), []),
        "one that is beyond float64": ("t.csv", target_of([*NUMBERS[:-1], "1e999"]), []),
        "text with a gap": ("t.csv", target_of([*["cheap"] * 59, ""]), []),
    },
    "numbers that could be read in several ways": {
        "dollars": ("t.csv", with_column("tax", [f"${k}.50" for k in range(60)]), []),
        "percent": ("t.csv", target_of([f"{k}%" for k in range(60)]), []),
        "thousands": ("t.csv", target_of([f'"1,{k:03}"' for k in range(60)]), []),
        "no-break spaces": ("t.csv", target_of([f"1\u00a0{k:03}" for k in range(60)]), []),
        "apostrophes": ("t.csv", target_of([f"1'{k:03}" for k in range(60)]), []),
        "a decimal comma in one cell": ("t.csv", target_of([*NUMBERS[:-1], '"1,5"']), []),
    },
    "tables without anything to learn": {
        "an empty file": ("t.csv", b"", []),
        "only a header": ("t.csv", HEADER, []),
        "only blank lines": ("t.csv", b"\n\n\n", []),
        "only the target": ("t.csv", b"price\n" + b"1\n2\n3\n", []),
        "nothing but row numbers and a constant": (
            "t.csv",
            b"id,unit,price\n" + b"".join(b"%d,CHF,%d\n" % (k, k * k % 11) for k in range(60)),
            [],
        ),
        "one row": ("t.csv", HEADER + ROWS[0], []),
    },
    "files that are not what their name says": {
        "Parquet named CSV": ("t.csv", parquet(size=[1.0, 2.0], price=[1.0, 2.0]), []),
        "CSV named Parquet": ("t.parquet", GOOD, []),
        "a web page": ("t.csv", b"<!DOCTYPE html>\n<html><body>404</body></html>\n", []),
        "CSV named gzip": ("t.csv.gz", GOOD, []),
        "a gzip file cut short": ("t.csv.gz", gzip.compress(GOOD)[:-20], []),
        "another archive named Excel": ("t.xlsx", archive(readme=b"no workbook"), []),
    },
    "options that do not fit": {
        "one sign for two": ("t.csv", GOOD, ["--separator", ",", "--decimal", ","]),
        "a separator of two signs": ("t.csv", GOOD, ["--separator", "::"]),
        "a decimal sign that is a digit": ("t.csv", GOOD, ["--decimal", "1"]),
        "fewer names than columns": ("t.csv", GOOD, ["--names", "a,b,price"]),
        "more lines skipped than there are": ("t.csv", GOOD, ["--skip-lines", "99"]),
        "a quote as a separator": ("t.csv", GOOD, ["--separator", '"']),
    },
    "cells that do not fit the others": {
        "a word among numbers": ("t.csv", with_column("age", [*NUMBERS[:-1], "old"]), []),
        "a unit among numbers": ("t.csv", with_column("age", [*NUMBERS[:-1], "12 years"]), []),
        "an infinity among numbers": ("t.csv", with_column("age", [*NUMBERS[:-1], "inf"]), []),
        "an integer that float64 cannot hold": (
            "t.parquet",
            parquet(big=[2**53 + 1 - k for k in range(60)], price=list(map(float, range(60)))),
            [],
        ),
        "gaps": ("t.csv", with_column("age", [*MIXED[:-1], ""]), []),
        "gaps in text": ("t.csv", with_column("kind", [*["a", "b"] * 29, "a", "NA"]), []),
    },
}


@pytest.mark.parametrize(
    ("kind", "case"), [(kind, case) for kind, cases in CASES.items() for case in cases]
)
def test_odd_tables_are_refused(kind: str, case: str, run: Run, tmp_path: Path) -> None:
    """One printable line that names what is wrong, exit code 2, and no file."""
    name, content, options = CASES[kind][case]
    path = tmp_path / name
    path.write_bytes(content)
    words = ["train", "--data", path, "--target", "price", "--artifacts", tmp_path / "new"]
    code, out, err = run(*words, *options)
    assert (code, out) == (2, ""), err
    assert err.startswith("cali-reg train: ")
    assert err.endswith("\n")
    assert err[:-1].isprintable()
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_the_good_table_is_accepted(run: Run, tmp_path: Path) -> None:
    """What the others were made from is no error."""
    (tmp_path / "t.csv").write_bytes(GOOD)
    words = ["train", "--data", tmp_path / "t.csv", "--target", "price", "--artifacts", tmp_path]
    assert run(*words)[::2] == (0, "")
