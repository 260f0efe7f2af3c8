"""The same rows in files of all kinds, and how to train on them."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
from commands import Run

from cali_reg.data.california_housing import Table

ARTIFACTS = ("model.json", "moments.json")


def make_table(n_rows: int = 600, seed: int = 0) -> pa.Table:
    """Return columns of many and of few bits, of true and false, of few levels, and a target."""
    rng = np.random.default_rng(seed)
    age = rng.integers(-9, 90, n_rows).astype(float)
    size = np.where(rng.random(n_rows) < 0.1, -0.0, rng.normal(size=n_rows) * 1e-3)
    new, city = rng.integers(0, 2, n_rows), rng.integers(0, 3, n_rows)
    price = age / 3 + size * 100 + city + rng.normal(size=n_rows)
    cities = ["Århus", "NA", 'New "York", NY']
    return pa.table(
        {
            "age": age,
            "floor area, m²": size,
            "new": new.astype(float),
            "city": [cities[k] for k in city],
            "price": price,
        }
    )


def numbers(n_rows: int = 600, seed: int = 0) -> pa.Table:
    """Return the columns of numbers of `make_table`."""
    return make_table(n_rows, seed).drop_columns(["city"])


def write(table: pa.Table, path: Path, **options: Any) -> Path:
    """Write a table in the format that the path's name ends in; `options` are those of Parquet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(table, path, **options)
    elif path.suffix == ".feather":
        pyarrow.feather.write_feather(table, str(path), compression="zstd")
    elif path.suffix == ".arrow":
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=100)
    else:
        data = to_csv(table.column_names, table.to_pylist()).encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def to_csv(names: Sequence[str], rows: Sequence[dict[str, Any]]) -> str:
    """Return CSV with shortest round-trip decimals; None is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    for row in rows:
        writer.writerow([repr(v) if isinstance(v, float) else v for v in row.values()])
    return text.getvalue()


def shuffled(table: pa.Table, seed: int = 1) -> pa.Table:
    """Return the rows in another order."""
    return table.take(np.random.default_rng(seed).permutation(len(table)))


def pieces(table: pa.Table, n: int) -> list[pa.Table]:
    """Return `n` parts of a table, of unequal lengths."""
    cuts = np.sort(np.random.default_rng(n).integers(0, len(table) + 1, n - 1)).tolist()
    return [table.slice(a, b - a) for a, b in zip([0, *cuts], [*cuts, len(table)], strict=True)]


def train(run: Run, out: Path, *arguments: object, target: str = "price") -> dict[str, bytes]:
    """Run ``cali-reg train --data``, expect nothing on stderr, and return the JSON files."""
    code, _, err = run("train", "--artifacts", out, "--target", target, "--data", *arguments)
    assert (code, err) == (0, ""), err
    return {name: (out / name).read_bytes() for name in ARTIFACTS}


def refused(run: Run, tmp_path: Path, *arguments: object, command: str = "train") -> str:
    """Run a command that must fail with exit code 2 and one line; return the line.

    Nothing may be left behind: not even the folder of the artifacts.
    """
    out = tmp_path / "refused"
    code, printed, err = run(command, "--artifacts", out, *arguments)
    assert (code, printed) == (2, "")
    assert err.startswith(f"cali-reg {command}: ")
    assert err.count("\n") == 1
    assert len(err) < 600
    assert not out.exists()
    return err.removeprefix(f"cali-reg {command}: ").rstrip("\n")


def write_csv(path: Path, table: Table, rows: slice) -> Path:
    """Write some rows with shortest round-trip decimals, the target first."""
    lines = [",".join([table.target, *table.names])]
    for y, x in zip(table.y[rows].tolist(), table.X[rows].tolist(), strict=True):
        lines.append(",".join(map(repr, [y, *x])))
    path.write_text("\n".join(lines) + "\n")
    return path
