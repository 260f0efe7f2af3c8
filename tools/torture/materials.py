"""What is tortured: two trained models and their rows, in files of all kinds."""

from __future__ import annotations

import csv
import gzip
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import children

TOWNS = ["Bern", 'New "York", NY', "Århus"]
COLUMNS = ["id", "x", "town", "y", "price"]
TRAIN = ("--target", "price", "--features", "x,town,y", "--categorical", "town")
_N_ROWS, _N_MANY = 60, 4000


class Materials(NamedTuple):
    """Paths of the models and of the rows that they were trained on; `rows` by format."""

    models: tuple[Path, Path]
    rows: dict[str, list[Path]]
    more: Path  # rows of the second model: CSV
    bad: list[Path]  # many rows, of which one is invalid, in files of all kinds


def make(home: Path) -> Materials:
    """Make all materials in a folder; the work is done in child processes."""
    children.import_what_is_imported(lambda: _make(home / "warming"))
    children.call(lambda: _make(home))
    rows = {kind: sorted((home / kind).iterdir()) for kind in ("csv", "parquet", "arrow")}
    bad = sorted((home / "bad").iterdir())
    return Materials((home / "a", home / "b"), rows, home / "more.csv", bad)


def _make(home: Path) -> None:
    """Train two models, write files of all kinds, and use each command on each kind once."""
    for name in ("csv", "parquet", "arrow"):
        (home / name).mkdir(parents=True)
    for seed, path in enumerate((home / "csv" / "rows.csv", home / "more.csv")):
        _write_csv(path, _rows(seed))
    (home / "csv" / "rows.csv.gz").write_bytes(
        gzip.compress((home / "csv" / "rows.csv").read_bytes(), mtime=0)
    )
    _write_tables(home)
    _write_bad(home / "bad")
    for name, data in (("a", home / "csv" / "rows.csv"), ("b", home / "more.csv")):
        folder = ("--artifacts", home / name)
        _succeed("train", *folder, "--data", data, *TRAIN)
        _succeed("quantize", *folder, "--data", data)
    (home / "used").mkdir()
    for path in sorted(home.glob("*/rows*")):
        for out in ("x.parquet", "x.arrow", "x.csv"):
            _succeed(
                *("predict", path, "--artifacts", home / "a", "--keep", "id,town"),
                *("--interval", 0.95, "--out", home / "used" / out),
            )
        _succeed("verify", "--artifacts", home / "a", "--data", path)
    for kind in ("c", "json"):
        _succeed(
            "export", "--artifacts", home / "a", "--format", kind, "--out", home / "used" / "e"
        )


def _succeed(*arguments: object) -> None:
    code = children.cali_reg_main(list(map(str, arguments)))
    if code:
        raise RuntimeError(f"exit code {code}: {arguments}")


def _rows(seed: int) -> list[list[Any]]:
    """Return rows of `COLUMNS`: numbers of few and of many bits, and text."""
    generator = random.Random(seed)  # noqa: S311
    return [
        [k, k % 6 - 2.0, TOWNS[k % 3], generator.gauss(0, 1), k / 7 + generator.gauss(0, 1)]
        for k in range(_N_ROWS)
    ]


def _write_csv(path: Path, rows: list[list[Any]]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def _write_tables(home: Path) -> None:
    """Write the rows of the first model as Parquet and Arrow, in types and layouts of all kinds."""
    import pyarrow as pa
    import pyarrow.feather
    import pyarrow.parquet

    plain, typed = _tables()
    for name, table, options in _parquet_layouts(plain, typed):
        pyarrow.parquet.write_table(table, home / "parquet" / f"rows_{name}.parquet", **options)
    for name, table in (("plain", plain), ("typed", typed), ("view", _with_views(plain))):
        with pa.ipc.new_file(home / "arrow" / f"rows_{name}.arrow", table.schema) as writer:
            writer.write_table(table, max_chunksize=25)
    for compression in ("zstd", "lz4"):
        path = home / "arrow" / f"rows_{compression}.feather"
        pyarrow.feather.write_feather(typed, str(path), compression=compression, chunksize=40)


def _tables() -> tuple[Any, Any]:
    """Return the rows in simple types, and in types that are encoded, beside unused columns."""
    import pyarrow as pa

    plain = pa.table(dict(zip(COLUMNS, zip(*_rows(0), strict=True), strict=True)))
    encoded = plain["town"].combine_chunks().dictionary_encode()
    table = plain.set_column(2, "town", encoded)
    table = table.set_column(0, "id", table["id"].cast(pa.int16()))
    for name, values in (
        ("name", pa.array([f"n{k}" * (k % 5) for k in range(_N_ROWS)], pa.large_string())),
        ("when", pa.array(range(_N_ROWS), pa.timestamp("us"))),
        ("cents", pa.array(range(_N_ROWS), pa.int64()).cast(pa.decimal128(24, 2))),
        ("flag", pa.array([k % 2 == 0 if k % 7 else None for k in range(_N_ROWS)])),
        ("list", pa.array([[k] * (k % 4) for k in range(_N_ROWS)])),
        ("pair", pa.array([{"a": k, "b": str(k)} for k in range(_N_ROWS)])),
    ):
        table = table.append_column(name, values)
    return plain, table


def _with_views(table: Any) -> Any:
    import pyarrow as pa

    names = [name + ", a name that is longer than twelve bytes" for name in TOWNS]
    for index, name, values in (
        (2, "town", table["town"].to_pylist()),
        (0, "id", [f"{names[k % 3]} {k}" for k in range(len(table))]),
    ):
        table = table.set_column(index, name, pa.array(values, pa.string_view()))
    return table


def _parquet_layouts(plain: Any, typed: Any) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    yield "plain", plain, {"compression": "none", "use_dictionary": False, "row_group_size": 25}
    yield "typed", typed, {"compression": "zstd", "row_group_size": 40}
    yield "pages", typed, {"data_page_version": "2.0", "compression": "snappy"}
    yield (
        "delta",
        plain,
        {
            "use_dictionary": False,
            "column_encoding": {"id": "DELTA_BINARY_PACKED", "town": "DELTA_BYTE_ARRAY"},
            "write_page_index": True,
        },
    )


def _write_bad(folder: Path) -> None:
    """Write many rows in small pieces; the first, one in between or the last has no number."""
    import pyarrow as pa
    import pyarrow.parquet

    folder.mkdir()
    for bad in (0, _N_MANY // 3, _N_MANY - 1):
        rows = [[k, k % 6 - 2.0, TOWNS[k % 3], k * k % 11, k / 7] for k in range(_N_MANY)]
        rows[bad][1] = None
        path = folder / f"bad_{bad}.csv"
        _write_csv(path, rows)
        path.with_suffix(".csv.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
        table = pa.table(dict(zip(COLUMNS, zip(*rows, strict=True), strict=True)))
        pyarrow.parquet.write_table(table, path.with_suffix(".parquet"), row_group_size=200)
        with pa.ipc.new_file(path.with_suffix(".arrow"), table.schema) as writer:
            writer.write_table(table, max_chunksize=200)
