"""docs/reference/file_formats.md lists every field that the files have, and no other."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from commands import Run
from pyarrow.parquet import write_table
from sessions import ROOT

PAGE = (ROOT / "docs/reference/file_formats.md").read_text("utf-8")
TYPES = {
    dict: "object",
    list: "list",
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}
Fields = dict[str, set[str]]  # a field, such as features[].name, to the names of its types


def documented(heading: str) -> Fields:
    """Return the fields and types in the table below a heading."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"(?m)^\| `([^`]+)` \| ([a-z ]+) \|", section)
    assert len(rows) == len(dict(rows))
    return {field: set(types.split(" or ")) for field, types in rows}


def fields_in(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and the type of every value in a JSON document, the whole left out."""
    if path:
        yield path, TYPES[type(value)]
    if isinstance(value, list):
        for item in value:
            yield from fields_in(item, f"{path}[]")
    if isinstance(value, dict):
        for key, item in value.items():
            inner = "*" if path == "contract.bytes" else key
            yield from fields_in(item, f"{path}.{inner}".lstrip("."))


def collected(*paths: Path) -> Fields:
    """Return all fields of some files, but for those that all files have."""
    found: Fields = {}
    for path in paths:
        for field, kind in fields_in(json.loads(path.read_bytes())):
            found.setdefault(field, set()).add(kind)
    for field in documented("Common to all JSON files"):
        del found[field]
    for kinds in found.values():
        if "number" in kinds:  # 1 is a number that happens to be whole
            kinds.discard("integer")
    return found


@pytest.fixture(scope="module")
def folders(made: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return folders of artifacts that together have every field: usual, and odd ones."""
    from cali_reg.cli.entrypoint import main

    base = tmp_path_factory.mktemp("formats")
    rows = [f"{'abc'[i % 3]},{i * i % 17},{i * i % 17 + 1},{i * 7 % 11}" for i in range(40)]
    table, odd, tiny = base / "rows.csv", base / "odd.csv", base / "tiny.csv"
    table.write_text("\n".join(["town,x,x1,y", *rows, ""]))
    odd.write_text("town,x,x1,y\na,1,2,3\n")
    tiny.write_text("x,y\n1,2\n2,3\n")
    paths = {"--data": table, "--target": "y", "--categorical": "town"}
    options = [str(word) for pair in paths.items() for word in pair]
    dependent, updated = base / "dependent", base / "updated"
    for folder, more in (
        (dependent, ["--test-data", str(odd), "--allow-collinear"]),
        (updated, ["--features", "town,x"]),
    ):
        assert main(["train", *options, *more, "--artifacts", str(folder)]) == 0
    assert main(["quantize", "--max-r2-loss", "1", "--artifacts", str(updated)]) == 0
    assert main(["update", "--add", str(odd), "--artifacts", str(updated)]) == 0
    exact = base / "exact"  # two rows and two unknowns: no degrees of freedom
    tiny_options = ["--data", str(tiny), "--target", "y", "--test-data", str(odd)]
    assert main(["train", *tiny_options, "--artifacts", str(exact)]) == 0
    huge = base / "huge.csv"  # predictions that may overflow
    huge.write_text(
        "\n".join(["x,y", *(f"{i % 7},{(i % 7 + i % 3 / 9) * 2.5e307}" for i in range(40)), ""])
    )
    overflow = base / "overflow"
    options = ["--data", str(huge), "--target", "y", "--artifacts", str(overflow)]
    assert main(["train", *options]) == 0
    alike = base / "alike"  # rows held out as those of another model
    options = ["--data", str(table), "--target", "y", "--artifacts", str(alike)]
    assert main(["train", *options, "--features", "x", "--split-like", str(updated)]) == 0
    coded, like_coded = (
        base / "coded",
        base / "like_coded",
    )  # text such as 1.0, and NA as a category
    codes = pa.array(["1.0", "1", "NA", "b"] * 10)
    y = pa.array([i * i % 11 for i in range(40)])
    write_table(pa.table({"code": codes, "x": pc.multiply(y, y), "y": y}), base / "codes.parquet")
    options = ["--data", str(base / "codes.parquet"), "--target", "y", "--artifacts"]
    categories = ["--categorical", "code", "--not-missing", "code=NA"]
    assert main(["train", *options, str(coded), *categories]) == 0
    many = base / "many"  # levels, and so zeros
    many_rows = [f"{'abcdefghijklmnopqrstuvwxyz'[i % 26]},{i * i % 17}" for i in range(400)]
    (base / "many.csv").write_text("\n".join(["letter,y", *many_rows, ""]))
    letters = ["--data", str(base / "many.csv"), "--target", "y", "--categorical", "letter"]
    assert main(["train", *letters, "--artifacts", str(many)]) == 0
    origin = base / "origin"  # all rows, and no intercept
    all_rows = ["--test-size", "0", "--no-intercept", "--features", "x", "--target", "y"]
    assert main(["train", "--data", str(table), *all_rows, "--artifacts", str(origin)]) == 0
    assert main(["quantize", "--max-r2-loss", "1", "--artifacts", str(origin)]) == 0
    held_out = base / "held_out"
    no_intercept = [*all_rows[2:], "--artifacts", str(held_out)]
    assert main(["train", "--data", str(table), *no_intercept]) == 0
    skipping, unusual = base / "skipping", base / "unusual.csv"
    unusual.write_text("town,x,x1,y\nz,1,2,3\nb,q,2,3\n")
    treated = ["--on-error", "skip"]
    features = ["--features", "town,x"]
    known = ["--data", str(table), "--target", "y", "--categorical", "town", *features]
    assert main(["train", *known, *treated, "--artifacts", str(skipping)]) == 0
    treated += ["--unseen", "baseline"]
    assert main(["update", "--add", str(unusual), *treated, "--artifacts", str(skipping)]) == 0
    split = ["--features", "x", "--split-like", str(coded)]
    assert main(["train", *options, str(like_coded), *split]) == 0
    plain = base / "plain.csv"  # what a plan leaves out
    plain_rows = [f"{i + 1},{'ab'[i % 2]},{i % 7},{i * i % 11}" for i in range(40)]
    plain.write_text("\n".join(["id,town,x,y", *plain_rows, ""]))
    planned = base / "planned"
    options = ["--data", str(plain), "--target", "y", "--artifacts", str(planned)]
    assert main(["train", *options, "--exclude", "x"]) == 0
    told, like_told = base / "told", base / "like_told"  # how its file is read
    lines = [f"'{i % 3};${i},5;{i * i % 17}" for i in range(40)]
    (base / "told.csv").write_text("\n".join(["a title", *lines, ""]), "latin-1")
    options = ["--data", str(base / "told.csv"), "--target", "y", "--artifacts"]
    asked = "--separator ; --decimal , --encoding latin-1 --na ? --no-na NA --skip-lines 1"
    asked += " --comment # --names t,x,y --escape \\ --ignore $"
    train = ["--categorical", "t", *asked.split()]
    assert main(["train", *options, str(told), *train]) == 0
    train = ["--features", "x", "--split-like", str(told), *asked.split()]
    assert main(["train", *options, str(like_told), *train]) == 0
    named = [coded, like_coded, told, like_told]
    return [
        planned,
        made,
        dependent,
        updated,
        exact,
        overflow,
        alike,
        many,
        *named,
        origin,
        held_out,
        skipping,
    ]


@pytest.mark.parametrize("name", ["model.json", "moments.json", "quantized.json"])
def test_fields_are_those_of_the_files(folders: list[Path], name: str) -> None:
    """Every field of a fresh artifact is documented with its types, and none beyond."""
    files = [folder / name for folder in folders if (folder / name).exists()]
    assert collected(*files) == documented(name)


def test_fields_of_an_export_are_listed(made: Path, run: Run, tmp_path: Path) -> None:
    """So are those of the JSON export, of both precisions."""
    for precision in ("float64", "uint8"):
        command = ["export", "--format", "json", "--precision", precision]
        code, _, _ = run(*command, "--artifacts", made, "--out", tmp_path / precision)
        assert code == 0
    listed = documented("The JSON export")
    assert collected(tmp_path / "float64", tmp_path / "uint8") == listed
    quantized = set(collected(tmp_path / "uint8")) - set(collected(tmp_path / "float64"))
    assert set(re.findall(r"(?m)^\| `([^`]+)` \| [a-z ]+ \| \(q\)", PAGE)) == quantized
