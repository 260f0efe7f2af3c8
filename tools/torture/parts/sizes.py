"""Small files that ask for much memory or time, and files that never end."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import children
from cases import Case
from materials import COLUMNS, TRAIN

from cali_reg.runtime import fingerprinted_json

_HEADER = ",".join(COLUMNS) + "\n"
_ROWS = "".join(f"{k},{k % 7},Bern,{k * k % 11},{k}\n" for k in range(60))
_LONG = 200_000
_CELLS = {  # ten shapes of a long cell that is no number
    "digits and a letter": "1" * _LONG + "x",
    "point and digits": "." + "0" * _LONG + "x",
    "two points": "1" * _LONG + "." + "1" * _LONG + ".",
    "exponent": "1e" + "9" * _LONG + "x",
    "signs": "+-" * _LONG,
    "blanks": "1" + " " * _LONG + "1",
    "underscores": "1_" * _LONG,
    "quotes": '"' + '""' * _LONG + '"x',
    "letters": "n" * _LONG + "an",
    "dates": "2024-" * _LONG,
}


def _cell(cell: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / "x.csv"
        path.write_text(f"{_HEADER}{_ROWS}60,{cell},Bern,1,1\n")
        return path

    return write


def _endless_line(folder: Path) -> Path:
    path = folder / "x.csv"
    path.write_text(_HEADER + _ROWS)
    os.truncate(path, 1_200_000_000)  # a hole: it takes no space
    return path


def _endless_header(folder: Path) -> Path:
    path = folder / "x.csv"
    path.write_text(_HEADER.strip())
    os.truncate(path, 1_200_000_000)
    return path


def _open_quote(folder: Path) -> Path:
    path = folder / "x.csv"
    path.write_text(_HEADER + _ROWS + '60,"')
    with open(path, "ab") as file:
        file.write((b"1" * 999 + b"\n") * 300_000)
    return path


def _many_columns(folder: Path) -> Path:
    path = folder / "x.csv"
    names = ",".join(f"c{k}" for k in range(200_000))
    path.write_text(f"{names},x,town,y,price\n" + "1," * 200_000 + "1,Bern,1,1\n")
    return path


def _bomb(unit: bytes, count: int) -> Callable[[Path], Path]:
    """Write gzip members, each of 16 MiB of a repeated text, after a good beginning."""

    def write(folder: Path) -> Path:
        path = folder / "x.csv.gz"
        member = gzip.compress(unit * ((1 << 24) // len(unit)), 1, mtime=0)
        path.write_bytes(gzip.compress((_HEADER + _ROWS).encode(), mtime=0) + member * count)
        return path

    return write


def _long_dictionary(folder: Path) -> Path:
    """Write one text of 1 MB in a dictionary, which 1,500 rows name."""
    import pyarrow as pa
    import pyarrow.parquet

    town = pa.DictionaryArray.from_arrays(pa.array([0] * 1500, pa.int8()), ["x" * 1_000_000])
    table = _table(1500, town=town)
    pyarrow.parquet.write_table(table, folder / "x.parquet", compression="zstd")
    return folder / "x.parquet"


def _many_rows(folder: Path) -> Path:
    """Write one batch of 40 million rows, compressed to little."""
    import pyarrow as pa
    import pyarrow.feather

    zeros = pa.array([0]).cast(pa.int8())
    columns = [pa.concat_arrays([zeros] * 1000) for _ in range(3)]
    for _ in range(2):
        columns = [pa.concat_arrays([column] * 200) for column in columns]
    table = pa.table(dict(zip(("x", "y", "price"), columns, strict=True)))
    pyarrow.feather.write_feather(table, str(folder / "x.feather"), "zstd", chunksize=1 << 30)
    return folder / "x.feather"


def _many_groups(folder: Path) -> Path:
    """Write row groups of one row each."""
    import pyarrow.parquet

    pyarrow.parquet.write_table(_table(3000), folder / "x.parquet", row_group_size=1)
    return folder / "x.parquet"


def _deep(folder: Path) -> Path:
    """Write a column of lists in lists."""
    import pyarrow as pa
    import pyarrow.parquet

    kind = pa.int8()
    for _ in range(200):
        kind = pa.list_(kind)
    deep = pa.nulls(60, kind)
    pyarrow.parquet.write_table(_table(60, id=deep), folder / "x.parquet")
    return folder / "x.parquet"


def _table(n_rows: int, **columns: Any) -> Any:
    import pyarrow as pa

    return pa.table(
        {
            "id": range(n_rows),
            "x": [k % 7 for k in range(n_rows)],
            "town": ["Bern"] * n_rows,
            "y": [k * k % 11 for k in range(n_rows)],
            "price": range(n_rows),
            **columns,
        }
    )


_TRAIN = ("train", "--artifacts", "new", *TRAIN, "--data", "{}")
_NUMBERS = ("train", "--artifacts", "new", "--target", "price", "--features", "x,y", "--data", "{}")
_PREDICT = ("predict", "{}", "--artifacts", "m", "--on-error", "skip")
_KEEP = ("predict", "{}", "--artifacts", "m", "--keep", "town", "--out", "new/x.parquet")
_CSV = (_TRAIN, _NUMBERS, _PREDICT, _KEEP)
_FILES: list[tuple[str, Callable[[Path], Path], tuple[tuple[str, ...], ...]]] = [
    *((f"cell: {name}", _cell(cell), _CSV) for name, cell in _CELLS.items()),
    ("cell: 400,000 digits", _cell("1" * 400_000), _CSV),
    ("cell: 400,000 decimals", _cell("0." + "3" * 400_000), _CSV),
    ("line of 1.2 GB", _endless_line, _CSV),
    ("header of 1.2 GB", _endless_header, _CSV),
    ("quote of 300 MB", _open_quote, _CSV),
    ("200,000 columns", _many_columns, _CSV),
    ("gzip: 2 GB in one line", _bomb(b"1", 128), _CSV),
    ("gzip: 16 MB of short rows", _bomb(b"1,2,Bern,3,4\n", 1), (_PREDICT, _KEEP)),
    ("Parquet: long text in a dictionary", _long_dictionary, (_TRAIN, _PREDICT, _KEEP)),
    ("Parquet: 3,000 row groups", _many_groups, (_TRAIN, _PREDICT)),
    ("Parquet: 200 levels of lists", _deep, (_TRAIN, _PREDICT)),
    ("Arrow: 40 million rows in a batch", _many_rows, (_NUMBERS, _KEEP)),
]


def _forged(
    change: Callable[[dict[str, Any]], None], name: str = "moments.json"
) -> Callable[[Path], Path]:
    """Forge an artifact that asks for much."""

    def write(folder: Path) -> Path:
        path = folder / "m" / name
        body = json.loads(path.read_bytes())
        kind, version = body.pop("format").split("/")[1], body.pop("version")
        del body["fingerprint"]
        change(body)
        path.write_bytes(fingerprinted_json.dump(kind, version, body)[0])
        return path

    return write


def _far_exponents(body: dict[str, Any]) -> None:
    for side in ("train", "test"):
        sums = body[side]["sums"]
        body[side]["sums"] = [f"0x1p{(-1) ** k * 10**9}" for k in range(len(sums))]


def _long_integers(body: dict[str, Any]) -> None:
    for side in ("train", "test"):
        body[side]["sums"] = ["0x" + "f" * 200_000 + "p0" for _ in body[side]["sums"]]


def _wide_integers(body: dict[str, Any]) -> None:
    for side in ("train", "test"):
        body[side]["sums"] = [f"0x1p{k * 40_000}" for k in range(len(body[side]["sums"]))]


def _many_features(body: dict[str, Any]) -> None:
    names = [f"c{k}" for k in range(300)]
    sums = ["0x1p0"] * ((len(names) + 2) * (len(names) + 3) // 2)
    for side in ("train", "test"):
        body[side] |= {"n_features": len(names), "sums": sums}
    body["features"] = names


def _many_codes(body: dict[str, Any]) -> None:
    body["codes"] = body["exponents"] = [1] * 1_000_000


def _far_scale(body: dict[str, Any]) -> None:
    body["exponents"] = [-(10**12)] * len(body["codes"])


_ARTIFACTS = (
    ("quantize", "--artifacts", "m"),
    ("verify", "--artifacts", "m", "--trust-moments"),
    ("update", "--artifacts", "m", "--add", "{rows}"),
)
_MODELS = (
    ("predict", "--artifacts", "m"),
    ("predict", "{rows}", "--artifacts", "m", "--precision", "uint8"),
    ("export", "--artifacts", "m", "--format", "c", "--precision", "uint8"),
    ("verify", "--artifacts", "m", "--trust-moments"),
)
_FILES += [
    ("moments.json: far exponents", _forged(_far_exponents), _ARTIFACTS),
    ("moments.json: wide integers", _forged(_wide_integers), _ARTIFACTS),
    ("moments.json: long integers", _forged(_long_integers), _ARTIFACTS),
    ("moments.json: many features", _forged(_many_features), _ARTIFACTS),
    ("quantized.json: many codes", _forged(_many_codes, "quantized.json"), _MODELS),
    ("quantized.json: far exponents", _forged(_far_scale, "quantized.json"), _MODELS),
]
_CASES = [(name, write, command) for name, write, commands in _FILES for command in commands]
COUNT = QUICK = len(_CASES)


def case(case: Case) -> None:
    """Let one command read one file."""
    name, write, command = _CASES[case.number]
    case.label = name
    case.copy_model()
    path = Path(children.call(lambda: str(write(case.folder))))
    rows = case.materials.rows["csv"][0]
    words = (word.format(path.name, rows=rows) for word in command)
    case.run(*words, is_report=command[0] not in ("predict", "export"))
