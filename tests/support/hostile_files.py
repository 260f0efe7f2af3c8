"""Write the files of tests/hostile again: ``python tests/support/hostile_files.py``.

Each file is small, is one kind of attack, and must be refused. Those in ``good`` are what the
others were made from, and must be accepted. The files are committed: a later version of a library
would write others.
"""

from __future__ import annotations

import copy
import gzip
import json
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from cali_reg.cli.entrypoint import main
from cali_reg.runtime import fingerprinted_json

HOME = Path(__file__).parents[1] / "hostile"
N = 37
TABLE = pa.table(
    {
        "x": [k % 7 / 2 for k in range(N)],
        "town": [("Bern", "Århus", "Zug")[k % 3] for k in range(N)],
        "price": [k * k % 11 + 0.5 for k in range(N)],
    }
)
CSV = "x,town,price\n" + "".join(
    f"{x},{town},{price}\n" for x, town, price in zip(*TABLE.to_pydict().values(), strict=True)
)
Body = dict[str, Any]


def with_cell(cell: str) -> str:
    """Return the CSV rows and one more, with a cell in place of the number x."""
    return f"{CSV}{cell},Bern,1\n"


def csv_files() -> Iterator[tuple[str, str | bytes]]:
    """Yield names and contents of hostile CSV files."""
    yield "escape_in_cell.csv", with_cell("\x1b[31m1\x1b[0m")
    yield "bidi_in_cell.csv", with_cell("\u202e1")
    yield "lines_in_cell.csv", with_cell('"1\ncali-reg train: ✔\n"')
    yield "return_in_cell.csv", with_cell('"1\rcali-reg train: ok"')
    yield "other_digits.csv", with_cell("\u0661\uff12")
    yield "nul_in_cell.csv", with_cell("1\0")
    yield "open_quote.csv", with_cell('"1') + CSV
    yield "escape_twice_in_header.csv", CSV.replace("x,town", '"\x1b[1mx","\x1b[1mx",x,town', 1)
    yield "utf16_without_mark.csv", CSV.encode("utf-16-le")
    yield "utf16_cut_off.csv", CSV.encode("utf-16")[:-1]
    yield "not_utf8.csv", with_cell("1").encode() + b"\xff\xfe,Bern,1\n"
    yield "surrogate.csv", with_cell("1").encode() + b"\xed\xa0\x80,Bern,1\n"
    yield "long_number.csv.gz", gzip.compress(with_cell("1" * 300_000 + "x").encode(), mtime=0)
    yield "long_points.csv.gz", gzip.compress(with_cell("1." * 150_000).encode(), mtime=0)
    yield (
        "long_blanks.csv.gz",
        gzip.compress(with_cell("1" + " " * 300_000 + "1").encode(), mtime=0),
    )
    line = gzip.compress(b"1" * (2 << 20), mtime=0)
    yield "long_line.csv.gz", gzip.compress(CSV.encode(), mtime=0) + line * 12
    yield "cut_off.csv.gz", gzip.compress(CSV.encode(), mtime=0)[:-9]
    yield "wrong_sum.csv.gz", gzip.compress(CSV.encode(), mtime=0)[:-8] + bytes(8)
    yield "rubbish_after.csv.gz", gzip.compress(CSV.encode(), mtime=0) + b"rubbish"
    yield "gzip_in_gzip.csv.gz", gzip.compress(gzip.compress(CSV.encode(), mtime=0), mtime=0)


def parquet(table: pa.Table = TABLE, **options: Any) -> bytes:
    """Return a table as Parquet."""
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink, compression="none", **options)
    return bytes(sink.getvalue())


def replaced(data: bytes, old: bytes, new: bytes, which: int = 0) -> bytes:
    """Return data with one occurrence of a piece replaced; it must be there."""
    at = -1
    for _ in range(which + 1):
        at = data.index(old, at + 1)
    return data[:at] + new + data[at + len(old) :]


def with_column(name: str, values: Any) -> pa.Table:
    """Return the table with another column of a name."""
    return TABLE.set_column(TABLE.column_names.index(name), name, values)


def typed_columns() -> Iterator[tuple[str, pa.Table]]:
    """Yield tables whose types have names that a terminal obeys."""
    count = pa.array(range(N))
    zone = count.cast(pa.timestamp("us", tz="\x1b[31mUTC\n"))
    field = pa.array([{"a\x1b]0;title\x07": k} for k in range(N)])
    yield "escape_in_time_zone", with_column("x", zone)
    yield "escape_in_field", with_column("x", field)


def parquet_files() -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of hostile Parquet files."""
    data = parquet()
    footer = struct.unpack("<i", data[-8:-4])[0]
    yield "magic_only.parquet", b"PAR1PAR1"
    yield "cut_off.parquet", data[:-20]
    yield "long_footer.parquet", data[:-8] + struct.pack("<i", 2**31 - 1) + b"PAR1"
    yield "negative_footer.parquet", data[:-8] + struct.pack("<i", -1) + b"PAR1"
    yield "empty_footer.parquet", data[: -8 - footer] + bytes(footer) + data[-8:]
    yield "no_pages.parquet", b"PAR1" + bytes(len(data) - 12 - footer) + data[-8 - footer :]
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 1500, pa.int8()), ["x" * 1_000_000])
    many = pa.table({"x": range(1500), "town": text, "price": range(1500)})
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(many, sink, compression="zstd", write_statistics=False)
    yield "long_shared_text.parquet", bytes(sink.getvalue())
    for name, table in typed_columns():
        yield f"{name}.parquet", parquet(table)


def arrow(table: pa.Table = TABLE, **options: Any) -> bytes:
    """Return a table as an Arrow file."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def arrow_files() -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of hostile Arrow files."""
    data, count = arrow(), struct.pack("<q", N)
    yield "cut_off.arrow", data[: len(data) // 2]
    yield "magic_only.arrow", b"ARROW1\0\0ARROW1"
    more = data
    while count in more:  # the batch, and each column in it
        more = replaced(more, count, struct.pack("<q", 1061))
    yield "more_rows_than_there_are.arrow", more
    yield "negative_rows.arrow", replaced(data, count, struct.pack("<q", -1))
    yield "many_rows.arrow", replaced(data, count, struct.pack("<q", 2**40))
    offsets = struct.pack("<4i", 0, 4, 10, 13)
    yield "far_offset.arrow", replaced(data, offsets, struct.pack("<4i", 0, 2**30, 10, 13))
    yield "falling_offset.arrow", replaced(data, offsets, struct.pack("<4i", 0, 10, 4, 13))
    yield "negative_offset.arrow", replaced(data, offsets, struct.pack("<4i", -64, 4, 10, 13))
    yield "text_that_is_not_utf8.arrow", replaced(data, "Århus".encode(), b"\xff\xfe\xfd\xfc\xfbs")
    names = pa.array(["a name of more than twelve bytes " + "ab"[k % 2] for k in range(N)])
    view = arrow(with_column("town", names.cast(pa.string_view())))
    first = view.index(b"a na", view.index(struct.pack("<i", 34)))
    yield "far_view.arrow", view[: first + 8] + struct.pack("<i", 2**30) + view[first + 12 :]
    yield (
        "view_of_another_buffer.arrow",
        (view[: first + 4] + struct.pack("<i", 77) + view[first + 8 :]),
    )
    encoded = with_column("town", TABLE["town"].combine_chunks().dictionary_encode())
    codes = bytes(k % 3 for k in range(N))
    small = encoded.set_column(
        1, "town", encoded["town"].cast(pa.dictionary(pa.int8(), pa.string()))
    )
    yield "unknown_code.arrow", replaced(arrow(small), codes[:9], bytes([0, 99, 2]) + codes[3:9])
    for name, table in typed_columns():
        yield f"{name}.arrow", arrow(table)


def resealed(path: Path, change: Callable[[Body], None]) -> bytes:
    """Return an artifact with a change, and with a fingerprint that matches."""
    body = json.loads(path.read_bytes())
    kind, version = body.pop("format").split("/")[1], body.pop("version")
    del body["fingerprint"]
    change(body)
    return fingerprinted_json.dump(kind, version, body)[0]


def with_value(*path: str | int, value: object) -> Callable[[Body], None]:
    """Return a change of the value at a path of keys."""

    def change(body: Any) -> None:
        for key in path[:-1]:
            body = body[key]
        body[path[-1]] = copy.deepcopy(value)

    return change


def deep(levels: int) -> Any:
    """Return lists in lists."""
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


RESEALED: dict[str, dict[str, Callable[[Body], None]]] = {
    "model.json": {
        "no_features": with_value("features", value=[]),
        "no_columns": with_value("columns", value=[]),
        "text_for_a_number": with_value("features", 0, "coefficient", value="1"),
        "integer_for_a_number": with_value("features", 0, "coefficient", value=10**400),
        "truth_for_a_number": with_value("intercept", value=True),
        "escape_in_a_key": with_value("\x1b[31m\n", value=1),
        "deep": with_value("source", value=deep(60)),
        "name_for_a_list": with_value("samples", value="x"),
    },
    "moments.json": {
        "far_exponent": with_value("train", "sums", 1, value="0x1p999999999"),
        "long_integer": with_value("train", "sums", 1, value="0x" + "f" * 4000 + "p0x"),
        "no_sums": with_value("train", "sums", value=[]),
        "many_features": with_value("train", "n_features", value=10**9),
        "escape_in_a_sum": with_value("train", "sums", 1, value="\x1b[31m\n"),
    },
    "quantized.json": {
        "far_exponent": with_value("exponents", 0, value=10**12),
        "text_for_a_code": with_value("codes", 0, value="\x1b[31m"),
        "negative_code": with_value("codes", 0, value=-1),
        "escape_in_a_key": with_value("a\x1b]0;title\x07", value=1),
        "no_codes": with_value("codes", value=[]),
        "many_bits": with_value("bits", value=10**6),
    },
}


def artifact_files(good: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the paths and contents of hostile artifacts: ``NAME/model.json`` and so on."""
    for name, changes in RESEALED.items():
        data = (good / name).read_bytes()
        prefix = name.removesuffix(".json")
        for kind, change in changes.items():
            yield f"{prefix}_{kind}/{name}", resealed(good / name, change)
        yield f"{prefix}_empty/{name}", b""
        yield f"{prefix}_cut_off/{name}", data[: len(data) // 2]
        yield f"{prefix}_pickle/{name}", b"\x80\x04\x95" + bytes(16)
        yield f"{prefix}_brackets/{name}", b"[" * 4000
        yield f"{prefix}_digits/{name}", b"1" * 4999
        at = data.index(b'"version": ') + 11
        yield f"{prefix}_version/{name}", data[:at] + b'"\x1b[31m\\n"' + data[at + 1 :]
        yield f"{prefix}_edited/{name}", replaced(data, b"1", b"2")


def write(folder: Path) -> None:
    """Write all files, and the good ones."""
    good = folder / "good"
    good.mkdir(parents=True)
    (good / "rows.csv").write_text(CSV, "utf-8")
    (good / "rows.parquet").write_bytes(parquet())
    (good / "rows.arrow").write_bytes(arrow())
    arguments = ["--data", str(good / "rows.csv"), "--target=price", "--categorical=town"]
    for words in (["train", *arguments], ["quantize"]):
        if main([*words, "--artifacts", str(good / "artifacts")]):
            raise RuntimeError(words)
    for path in (good / "artifacts").glob("*.joblib"):
        path.unlink()
    tables = {
        name: data.encode() if isinstance(data, str) else data
        for files in (csv_files(), parquet_files(), arrow_files())
        for name, data in files
    }
    (folder / "rows").mkdir()
    for name, data in tables.items():
        (folder / "rows" / name).write_bytes(data)
    for name, data in artifact_files(good / "artifacts"):
        path = folder / "artifacts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else HOME)
