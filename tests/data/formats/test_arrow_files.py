"""Arrow and Parquet files are read as they are, and nothing of damaged ones is used."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from commands import Run
from layouts import refused

from cali_reg.data import files
from cali_reg.data.formats import arrow_files, arrow_layout, base, parquet_files, parquet_pages
from cali_reg.data.formats.base import Block
from cali_reg.data.listing import inputs
from cali_reg.data.readers import FORMATS, describe, read
from cali_reg.errors import DataError
from cali_reg.runtime.schema import Column

N = 100
TEXTS = ["", "é", "long text of a view", None, "x"]


def columns() -> dict[str, pa.Array]:
    """Return a column of each type, of N rows."""
    rng = random.Random(1)  # noqa: S311
    texts = [TEXTS[k % 5] for k in range(N)]
    count = pa.array(range(N))
    first = pa.array([0] * N, pa.int8())
    return {
        "float": pa.array([rng.random() if k % 11 else None for k in range(N)]),
        "small": pa.array(range(N), pa.int8()),
        "bool": pa.array([k % 3 == 0 if k % 13 else None for k in range(N)]),
        "decimal": pa.array([Decimal(k) / 4 for k in range(N)], pa.decimal128(10, 2)),
        "time": pa.array(range(N), pa.timestamp("ns")),
        "text": pa.array(texts),
        "large text": pa.array(texts, pa.large_string()),
        "bytes": pa.array([text and text.encode() for text in texts]),
        "view": pa.array(texts, pa.string_view()),
        "bytes of a view": pa.array([b"x" * (k % 30) for k in range(N)], pa.binary_view()),
        "dictionary": pa.array(texts).dictionary_encode(),
        "list": pa.array([[str(k)] * (k % 3) for k in range(N)]),
        "list view": pa.array([[k] * (k % 3) for k in range(N)], pa.list_view(pa.int8())),
        "pairs": pa.array([[k, k] for k in range(N)], pa.list_(pa.int64(), 2)),
        "map": pa.array([[("k", k)] for k in range(N)], pa.map_(pa.string(), pa.int8())),
        "structure": pa.array([{"a": k, "b": "x"} for k in range(N)]),
        "four bytes": pa.array([b"abcd"] * N, pa.binary(4)),
        "nothing": pa.nulls(N),
        "dense union": pa.UnionArray.from_dense(first, pa.array(range(N), pa.int32()), [count]),
        "sparse union": pa.UnionArray.from_sparse(first, [count]),
        "runs": pa.RunEndEncodedArray.from_arrays(
            [50, N], ["a", "b"], pa.run_end_encoded(pa.int32(), pa.string())
        ),
    }


def as_arrow(table: dict[str, Any], compression: str | None = None, size: int = 60) -> bytes:
    """Return an Arrow file with batches of at most `size` rows."""
    sink, rows = pa.BufferOutputStream(), pa.table(table)
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_file(sink, rows.schema, options=options) as writer:
        writer.write_table(rows, size)
    return bytes(sink.getvalue())


def as_parquet(table: dict[str, Any], **options: Any) -> bytes:
    """Return a Parquet file."""
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(pa.table(table), sink, **options)
    return bytes(sink.getvalue())


def blocks_of(path: Path, names: Sequence[str], size: int = 7) -> list[Block]:
    """Read some columns of a file."""
    (file,) = inputs.find([str(path)])
    with files.readable(file):
        found = FORMATS[file.format].read(describe(file), [Column(n) for n in names], size)
        return list(found)


def values_of(blocks: Sequence[Block], k: int) -> list[Any]:
    """Return the values of a column."""
    return [value for block in blocks for value in block.arrays[k].to_pylist()]


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_all_types(tmp_path: Path, compression: str | None) -> None:
    """Each type is read, alone or beside the others; rows are numbered over all batches."""
    table = columns()
    path = tmp_path / "x.arrow"
    path.write_bytes(as_arrow(table, compression))
    for names in (list(table), *([name] for name in table)):
        blocks = blocks_of(path, names)
        assert [n for block in blocks for n in block.numbers] == list(range(1, N + 1))
        for k, name in enumerate(names):
            assert values_of(blocks, k) == table[name].to_pylist()


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_slices_of_a_large_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """A batch that is too large to be read at once has the same rows; text only where it fits."""
    table = columns()
    path = tmp_path / "x.arrow"
    path.write_bytes(as_arrow(table))
    monkeypatch.setattr(arrow_files, "LARGEST_READ", 300)
    names = ["float", "small", "bool", "decimal", "time", "text", "large text", "bytes"]
    if size > 60:
        names = names[:5]  # a slice has too much text
    blocks = blocks_of(path, names, size)
    assert {len(block.numbers) for block in blocks[:-1]} <= {size, 60 % size or size}
    for k, name in enumerate(names):
        assert values_of(blocks, k) == table[name].to_pylist()
    with pytest.raises(DataError, match="batch 1 takes 0 MB at once"):
        blocks_of(path, ["view", "list"])
    path.write_bytes(as_arrow(table, "lz4"))
    with pytest.raises(DataError, match="write smaller batches"):
        blocks_of(path, names)


def test_text_with_a_dictionary_takes_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that share a long text come in blocks whose text is short without the dictionary."""
    monkeypatch.setattr(base, "MOST_TEXT", 50)
    path = tmp_path / "x.arrow"
    path.write_bytes(as_arrow({"a": pa.array(["x" * 20, "y"] * 30).dictionary_encode()}))
    blocks = blocks_of(path, ["a"], 40)
    assert [list(block.numbers) for block in blocks] == [[k, k + 1] for k in range(1, 61, 2)]
    assert values_of(blocks, 0) == ["x" * 20, "y"] * 30


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
@pytest.mark.parametrize("encoding", ["dictionary", "PLAIN", "DELTA_BYTE_ARRAY", "both"])
def test_long_texts_of_parquet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Any, encoding: str
) -> None:
    """Texts that are stored once are read in small blocks, with their type and in their order."""
    monkeypatch.setattr(base, "MOST_TEXT", 5000)
    monkeypatch.setattr(parquet_files, "MOST_TEXT", 5000)
    monkeypatch.setattr(parquet_files, "_FEW_ROWS", 5)
    options: dict[str, Any] = {"use_dictionary": encoding in ("dictionary", "both")}
    if encoding == "both":  # a small dictionary, then plain text
        options |= {"dictionary_pagesize_limit": 1100, "write_batch_size": 10}
    elif encoding != "dictionary":
        options["column_encoding"] = {"a": encoding}
    texts = [["x" * 1000, "y", None][k % 3] if k < 200 else f"{k}" * 20 for k in range(300)]
    path = tmp_path / "x.parquet"
    path.write_bytes(
        as_parquet({"a": pa.array(texts, kind)}, row_group_size=180, compression="zstd", **options)
    )
    (file,) = inputs.find([str(path)])
    batches = list(read(describe(file), [Column("a")], 100))
    assert [n for batch in batches for n in batch.numbers] == list(range(1, 301))
    assert {batch.arrays[0].type for batch in batches} == {kind}
    assert [value for batch in batches for value in batch.arrays[0].to_pylist()] == texts
    if encoding != "PLAIN":
        assert max(len(batch.numbers) for batch in batches) == 5


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd", "lz4", "brotli"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("n_rows", [1, 10_000])
def test_large_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codec: str, version: str, n_rows: int
) -> None:
    """The headers of all pages are read; one that takes too much memory is refused."""
    path = tmp_path / "x.parquet"
    numbers = np.arange(n_rows * 1.0)
    table = {"a": numbers, "b": ["é" * 900] * n_rows, "c": [[k] for k in range(n_rows)]}
    options = {"compression": codec, "data_page_version": version, "data_page_size": 1000}
    options |= {"write_batch_size": 100}
    path.write_bytes(as_parquet(table, write_page_checksum=True, **options))
    sizes: list[int] = []
    structure = parquet_pages._Header.structure

    def noted(header: Any, depth: int = 0) -> dict[int, int]:
        fields = structure(header, depth)
        if not depth:
            sizes.append(fields[2])
        return fields

    monkeypatch.setattr(parquet_pages._Header, "structure", noted)
    monkeypatch.setattr(parquet_files, "LARGEST_READ", 2 << 18)
    monkeypatch.setattr(parquet_pages, "_MOST_GROWTH", {})
    assert sum(len(block.numbers) for block in blocks_of(path, list(table), 999)) == n_rows
    assert len(sizes) > (40 if n_rows > 1 else 2)
    largest = max(sizes)
    monkeypatch.setattr(parquet_files, "LARGEST_READ", largest)
    blocks_of(path, list(table))
    monkeypatch.setattr(parquet_files, "LARGEST_READ", largest - 1)
    with pytest.raises(DataError, match=r"cannot be read as Parquet .a page of column '.* takes "):
        blocks_of(path, list(table))


@pytest.mark.parametrize(
    ("codec", "limit", "n_checked"), [("snappy", 22, 0), ("snappy", 21, 2), ("zstd", 22, 2)]
)
def test_pages_that_cannot_be_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codec: str, limit: int, n_checked: int
) -> None:
    """Headers take time: they are read if the codec could make a page of numbers too large."""
    path = tmp_path / "x.parquet"
    path.write_bytes(as_parquet({"a": [1.0, 2.0], "b": [3.0, 4.0]}, compression=codec))
    metadata = pyarrow.parquet.read_metadata(path)
    sizes = [metadata.row_group(0).column(k).total_compressed_size for k in range(2)]
    checked: list[str] = []

    def note(handle: Any, chunk: Any, limit: int) -> int:
        checked.append(chunk.path_in_schema)
        return 0

    monkeypatch.setattr(parquet_files, "check_pages", note)
    monkeypatch.setattr(parquet_files, "LARGEST_READ", limit * max(sizes))
    (block,) = blocks_of(path, ["a", "b"])
    assert [array.to_pylist() for array in block.arrays] == [[1.0, 2.0], [3.0, 4.0]]
    assert len(checked) == n_checked


def replaced(data: bytes, old: bytes, new: bytes) -> bytes:
    """Return bytes with others in some place."""
    assert old in data
    return data.replace(old, new)


ROWS = {"a": [k / 2 for k in range(37)], "b": [k * k % 7 / 1 for k in range(37)]}
NAMES = ["AAAA", "BBBB", "CCCC"] * 12 + ["DDDD"]
ENDS = np.arange(0, 4 * 38, 4, dtype=np.int32).tobytes()


def rows_of_text(kind: Any) -> dict[str, Any]:
    """Return the rows, with names of some type."""
    return {**ROWS, "id": pa.array(NAMES).cast(kind)}


def forged() -> dict[str, tuple[str, bytes]]:
    """Return forged files by what is wrong with them, with the column that is damaged."""
    plain, large = rows_of_text(pa.string()), rows_of_text(pa.large_string())
    coded = {**ROWS, "id": pa.array(NAMES).dictionary_encode()}
    codes = bytes([0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0])
    view = {**ROWS, "id": pa.array(["a text of 20 letters"] * 37, pa.string_view())}
    length, word = struct.pack("<q", 37), b"a text of 20 letters"
    utf8 = b"AAAABBBBCCCC"
    return {
        "more rows than values": ("", replaced(as_arrow(ROWS), length, struct.pack("<q", 1061))),
        "2 G rows": ("", replaced(as_arrow(ROWS), length, struct.pack("<q", 2 * 10**9))),
        "a negative number": ("", replaced(as_arrow(ROWS), length, struct.pack("<q", -37))),
        "an end outside of the text": (
            "id",
            replaced(as_arrow(plain), ENDS[-8:], struct.pack("<ii", 144, 2 * 10**9)),
        ),
        "ends that fall": (
            "id",
            replaced(as_arrow(plain), ENDS[4:12], struct.pack("<ii", 100, 8)),
        ),
        "an end of large text": (
            "id",
            replaced(as_arrow(large), struct.pack("<qq", 144, 148), struct.pack("<qq", 144, 2**40)),
        ),
        "a code outside of the dictionary": (
            "id",
            replaced(as_arrow(coded), codes, codes[:8] + bytes([99, 0, 0, 0])),
        ),
        "a view outside of its text": (
            "id",
            replaced(
                as_arrow(view),
                struct.pack("<i4sii", 20, word[:4], 0, 40),
                struct.pack("<i4sii", 20, word[:4], 0, 2**30),
            ),
        ),
        "a view of no text": (
            "id",
            replaced(
                as_arrow(view),
                struct.pack("<i4sii", 20, word[:4], 0, 40),
                struct.pack("<i4sii", 20, word[:4], 7, 40),
            ),
        ),
        "bytes that are not UTF-8": ("id", replaced(as_arrow(plain), utf8, b"\xff" * 12)),
    }


@pytest.mark.parametrize("case", forged())
def test_forged_arrow_files(run: Run, tmp_path: Path, model: Path, case: str) -> None:
    """Nothing outside of the file's bytes is taken for rows, or copied."""
    damaged, data = forged()[case]
    path, out = tmp_path / "x.arrow", tmp_path / "y.csv"
    path.write_bytes(data)
    keep = ("--keep", damaged) if damaged else ()
    code, _, err = run("predict", "--artifacts", model, path, "--out", out, *keep)
    assert (code, err.count("\n"), out.exists()) == (2, 1, False)
    assert err.startswith(f"cali-reg predict: {path}: cannot be read as Arrow (")
    if damaged:
        assert f" in column {damaged!r})" in err
        # other columns are as good as before
        assert run("predict", "--artifacts", model, path, "--out", out)[0] == 0
    else:
        path.write_bytes(replaced(data, b"\1\0\0\0b", b"\1\0\0\0y"))  # the column's name
        assert "cannot be read as Arrow (" in refused(
            run, tmp_path, "--target", "y", "--data", path
        )


@pytest.mark.parametrize("options", [{}, {"use_dictionary": False}], ids=["dictionary", "plain"])
def test_parquet_text_that_is_not_utf8(
    run: Run, tmp_path: Path, model: Path, options: dict[str, Any]
) -> None:
    """It is noticed in a column that is only copied, too."""
    path, out = tmp_path / "x.parquet", tmp_path / "y.csv"
    data = as_parquet(rows_of_text(pa.string()), compression="none", **options)
    path.write_bytes(data.replace(b"CCCC", b"C\xff\xffC"))
    for suffix in ("csv", "parquet"):
        out = tmp_path / f"y.{suffix}"
        code, _, err = run("predict", "--artifacts", model, path, "--keep", "id", "--out", out)
        assert (code, err.count("\n"), out.exists()) == (2, 1, False)
        assert f"{path}: cannot be read as Parquet (Invalid UTF8 sequence at " in err
        assert " in column 'id'); check the file" in err


@pytest.mark.parametrize("suffix", ["csv", "arrow"])
@pytest.mark.parametrize("bad", [[0], [4], [N - 1], [3, 4, 50], list(range(N))], ids=str)
def test_bad_rows_beside_all_types(
    run: Run, tmp_path: Path, model: Path, bad: list[int], suffix: str
) -> None:
    """``--on-error skip`` leaves out rows of views and runs, too, which Arrow cannot filter."""
    table = columns()
    names = list(table) if suffix == "arrow" else ["view", "text", "dictionary"]
    table |= {"a": pa.array([None if k in bad else k / 2 for k in range(N)]), "b": table["small"]}
    path, out = tmp_path / "x.arrow", tmp_path / f"y.{suffix}"
    path.write_bytes(as_arrow(table, size=N))
    flags = ("--keep", ",".join(names), "--on-error", "skip", "--out", out)
    code, _, err = run("predict", "--artifacts", model, path, *flags)
    assert code == 0, err
    assert f"skipped {len(bad)} of {N} rows" in err
    if suffix == "arrow":
        with pa.ipc.open_file(out) as reader:
            found = reader.read_all()
        good = [k for k in range(N) if k not in bad]
        for name in names:
            values = table[name].to_pylist()
            assert found[name].to_pylist() == [values[k] for k in good]
    else:
        assert len(out.read_text("utf-8").splitlines()) == 1 + N - len(bad)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the artifacts of a model of columns a and b."""
    from cali_reg.cli.entrypoint import main

    folder = tmp_path_factory.mktemp("model")
    rows = {name: [x * 9 for x in values] for name, values in ROWS.items()}
    path = folder / "x.arrow"
    path.write_bytes(as_arrow({**rows, "y": [k * k / 3 for k in range(37)]}))
    assert main(["train", "--artifacts", str(folder), "--data", str(path), "--target", "y"]) == 0
    return folder


SPECIAL = [0, 1, 7, 36, 38, 255, 1061, 2**31 - 1, 2**32 - 1, 2 * 10**9, 2**40, 2**63 - 1]


def mutant(rng: random.Random, data: bytes) -> bytes:
    """Return a file with one to three changes of a bit, a byte, an integer or its length."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(changed) - 8)
        kind, width = rng.randrange(4), rng.choice([4, 8])
        if kind == 0:
            changed[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            changed[place] = rng.randrange(256)
        elif kind == 2:
            place -= place % width
            value = rng.choice(SPECIAL) % 256**width
            changed[place : place + width] = value.to_bytes(width, "little")
        else:
            del changed[place : place + rng.randrange(40)]
    return bytes(changed)


@pytest.mark.parametrize("suffix", ["arrow", "parquet"])
def test_mutants(tmp_path: Path, suffix: str) -> None:
    """A damaged file is refused, or gives the same values in each run: none of other memory."""
    table = columns()
    if suffix == "arrow":
        del table["time"]  # Python has no time so early or late as an integer can be
        names = list(table)
        originals = [as_arrow(table, compression) for compression in (None, "lz4", "zstd")]
    else:
        names = ["float", "small", "bool", "decimal", "text", "dictionary", "list", "structure"]
        table = {name: table[name] for name in names}
        originals = [as_parquet(table), as_parquet(table, use_dictionary=False, compression="none")]
    path, rng = tmp_path / f"x.{suffix}", random.Random(0)  # noqa: S311
    n_refused = 0
    for _ in range(200):
        path.write_bytes(mutant(rng, rng.choice(originals)))
        name = rng.choice(names)
        first, second = (read_or_refuse(path, name) for _ in range(2))
        assert first == second
        n_refused += first == "refused"
    assert 20 < n_refused < 180


def test_mutants_of_parquet_metadata(tmp_path: Path) -> None:
    """Damaged metadata are refused; pyarrow's own `column` aborts the process at some."""
    data = as_parquet({"a": np.arange(20.0), "b": [str(k) for k in range(20)]}, row_group_size=9)
    footer = len(data) - 8 - struct.unpack("<I", data[-8:-4])[0]
    path, rng = tmp_path / "x.parquet", random.Random(0)  # noqa: S311
    n_refused = 0
    for _ in range(600):
        path.write_bytes(data[:footer] + mutant(rng, data[footer:]))
        first, second = (read_or_refuse(path, "ab"[k % 2]) for k in (0, 2))
        assert first == second
        n_refused += first == "refused"
    assert 100 < n_refused < 600


def read_or_refuse(path: Path, name: str) -> str:
    """Return the values of a column, or that the file cannot be read."""
    try:
        return repr(values_of(blocks_of(path, [name]), 0))
    except DataError:
        return "refused"


def batches_of(path: Path, names: Sequence[str]) -> list[int]:
    """Read some columns; return the numbers of rows of the batches."""
    (file,) = inputs.find([str(path)])
    return [len(b.numbers) for b in read(describe(file), [Column(n) for n in names], 60_000)]


def write_batches(path: Path, *batches: pa.RecordBatch) -> None:
    """Write batches to an Arrow file, as they are."""
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def test_rows_without_any_value(tmp_path: Path) -> None:
    """Nothing in a file limits how many nulls of no type a batch has."""
    n_rows, path = 123_457, tmp_path / "x.arrow"
    write_batches(path, pa.record_batch({"a": pa.nulls(n_rows), "y": pa.nulls(n_rows)}))
    assert sum(batches_of(path, ["a"])) == n_rows
    data, number = path.read_bytes(), struct.pack("<q", n_rows)
    assert number in data
    path.write_bytes(data.replace(number, struct.pack("<q", 2**50)))
    with pytest.raises(DataError, match=f"batch 1 claims {2**50} rows, for which it has no values"):
        batches_of(path, ["a", "y"])


def test_headers_of_batches_are_read_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A footer may name one batch many times: their layouts are never held together."""
    path = tmp_path / "x.arrow"
    write_batches(path, *[pa.record_batch({"a": pa.array([1, 2], pa.int8())})] * 5)
    made: list[int] = []

    def count(*arguments: Any) -> Any:
        made.append(0)
        return arrow_layout.read_batch(*arguments)

    monkeypatch.setattr(arrow_files, "read_batch", count)
    (file,) = inputs.find([str(path)])
    batches = read(describe(file), [Column("a")], 100)
    next(batches)
    assert len(made) == 1
    assert len(list(batches)) == 4


def decimals(values: pa.Array) -> bytes:
    """Return a Parquet file of bytes that its footer calls decimals."""
    table = pa.table({"abcdefgh": values, "y": pa.array(range(len(values)))})
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(
        table, sink, store_schema=False, compression="zstd", write_statistics=False
    )
    data: bytes = sink.getvalue().to_pybytes()
    (size,) = struct.unpack("<i", data[-8:-4])
    footer = data[-8 - size : -8]
    place = footer.index(b"\x08abcdefgh") + 9
    kind = bytes([0x25, 0x0A, 0x15, 0x00, 0x15, 0x12])  # decimal, its scale and precision
    footer = footer[:place] + kind + footer[place:]
    return data[: -8 - size] + footer + struct.pack("<i", len(footer)) + b"PAR1"


def test_long_decimals_of_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes of any number: pyarrow copies each value before it refuses what is too long."""
    path = tmp_path / "x.parquet"
    path.write_bytes(decimals(pa.array([b"\0\1"] * 500, pa.binary())))
    assert batches_of(path, ["abcdefgh", "y"]) == [500]
    monkeypatch.setattr(parquet_files, "MOST_TEXT", 300)
    assert max(batches_of(path, ["abcdefgh", "y"])) <= 50  # a value may be as long as a page, 6
    path.write_bytes(decimals(pa.array([b"\0" * 33] * 500, pa.binary(33))))
    with pytest.raises(DataError, match="'abcdefgh' holds decimals of 33 bytes; at most 32"):
        batches_of(path, ["abcdefgh"])
