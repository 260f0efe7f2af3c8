"""A model of numbers and text, and rows for it in files of all kinds."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

from cali_reg.cli.entrypoint import main
from cali_reg.runtime.predictor import Predictor

X, TOWN, Y = "x", "town", "y, m²"
LEVELS = ["Bern", 'New "York", NY', "Århus"]  # the first is the baseline
ROWS = [(1.0, "Bern", 0.5), (2.0, "Århus", -0.5), (3.0, LEVELS[1], 0.25)]  # of `make_table`


def make_model(home: Path) -> Path:
    """Train and quantize a model of x from -2 to 3, a town and y; return its artifacts."""
    rng = np.random.default_rng(0)
    with open(home / "rows.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([X, TOWN, Y, "price"])
        writer.writerows(
            (k % 6 - 2, LEVELS[k % 3], rng.normal(), k / 7 + rng.normal()) for k in range(300)
        )
    folder = ["--artifacts", str(home / "artifacts")]
    data = ["--data", str(home / "rows.csv"), "--target", "price", "--categorical", TOWN]
    assert main(["train", *folder, *data]) == 0
    assert main(["quantize", *folder]) == 0
    return home / "artifacts"


def expected(
    folder: Path, rows: Sequence[tuple[float, str, float]], **options: Any
) -> list[list[str]]:
    """Return predictions and bounds of (x, town, y) as the model defines them, row by row."""
    predictor = Predictor(folder, **options)
    mappings = [{X: x, TOWN: town, Y: y} for x, town, y in rows]
    return [list(map(repr, predictor.predict_checked(row).values)) for row in mappings]


def make_table() -> pa.Table:
    """Return `ROWS` in columns of many types, with others that no model knows."""
    return pa.table(
        {
            "id": pa.array([1, None, 2**60], pa.int64()),
            X: pa.array([1, 2, 3], pa.int8()),
            "when": pa.array([0, 1, None], pa.timestamp("ns")),
            TOWN: pa.array(["Bern", "Århus", LEVELS[1]]).dictionary_encode(),
            Y: pa.array([Decimal("0.5"), Decimal("-0.5"), Decimal("0.25")], pa.decimal128(9, 2)),
            "ratio": pa.array([0.1, None, 5e-324]),
            "half": pa.array([0.1, 0.5, None], pa.float32()),
            "nested": [[1], [2, 3], None],
        }
    )


def small_table() -> pa.Table:
    """Return the columns of `make_table` that the model reads."""
    return make_table().select([X, TOWN, Y])


def with_column(table: pa.Table, name: str, values: Any) -> pa.Table:
    """Return a table with another column of a name."""
    return table.set_column(table.column_names.index(name), name, values)


def write_rows(path: Path, table: pa.Table | None = None) -> Path:
    """Write a table, by default `make_table`, in the format that the path's name ends in."""
    table = make_table() if table is None else table
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(table, path, row_group_size=2)
    elif path.suffix == ".csv":
        names = [name for name in table.column_names if name not in ("nested", "when")]
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            writer.writerows(zip(*(table[name].to_pylist() for name in names), strict=True))
    else:
        pyarrow.feather.write_feather(table, str(path))
    return path


def read_table(path: Path) -> pa.Table:
    """Read a table that was written."""
    if path.suffix in (".parquet", ".pq"):
        return pyarrow.parquet.read_table(path)
    return pyarrow.feather.read_table(path)
