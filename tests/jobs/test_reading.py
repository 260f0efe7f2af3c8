"""One table, written in many ways: the same model, and the same predictions by both engines."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from commands import Run

from cali_reg.runtime import predictor as row_by_row

HEADER = ["x", "town", "size", "y"]
ROWS = [
    [
        f"{k % 13 / 4 - 1}",
        ("Bern", "Zug", "New York")[k % 3],
        f"{k * 7 % 29}",
        f"{k * k % 17 / 2 - 3}",
    ]
    for k in range(60)
]
TRAIN = ["--target", "y", "--categorical", "town"]
Edit = Callable[[str], str]


def same(cell: str) -> str:
    """Return a cell as it is."""
    return cell


def comma(cell: str) -> str:
    """Return a cell with a decimal comma."""
    return cell.replace(".", ",")


def text(separator: str = ",", edit: Edit = same, rows: list[list[str]] | None = None) -> str:
    """Return the table as text; `edit` changes each number."""
    rows = ROWS if rows is None else rows
    cells = [[edit(x), town, edit(size), edit(y)] for x, town, size, y in rows]
    return "".join(separator.join(row) + "\n" for row in [HEADER, *cells])


def blanks() -> str:
    """Return the table in columns, with blanks and tabs between them."""
    lines = [f"  {x}  '{town}' \t{size:>5} {y} \n".replace("'", '"') for x, town, size, y in ROWS]
    return "".join(["x  town size   y\n", *lines])


def escaped() -> str:
    r"""Return the table with a column that nobody uses: ``"5\" wide"``."""
    return text().replace("town", "town,note").replace("Zug,", 'Zug,"5\\" wide, or so",')


WAYS = {  # the file's bytes, what has to be asked, and what is found
    "plain": (text().encode(), [], ""),
    "mark": (b"\xef\xbb\xbf" + text().encode(), [], ""),
    "semicolons": (text(";").encode(), [], "found cells separated by semicolons"),
    "commas": (text(";", comma).encode(), [], "found cells separated by semicolons and decimal"),
    "tabs": (text("\t").encode(), [], "found cells separated by tabs"),
    "pipes": (text("|").encode(), [], "found cells separated by pipes"),
    "blanks": (blanks().encode(), [], "found cells separated by blanks"),
    "sep": (b"sep=;\n" + text(";").encode(), [], "found cells separated by semicolons"),
    "utf16": (text().encode("utf-16"), [], "found UTF-16 text"),
    "utf32": (text().encode("utf-32"), [], "found UTF-32 text"),
    "blank lines": (b"\n\n" + text().replace("\n", "\n\n").encode(), [], ""),
    "carets": (text("^").encode(), ["--separator", "^"], ""),
    "tab": (text("\t").encode(), ["--separator", r"\t"], ""),
    "decimal": (text("\t", comma).encode(), ["--decimal", ","], "found cells separated by tabs"),
    "utf16-le": (text().encode("utf-16-le"), ["--encoding", "utf-16-le"], ""),
    "skip": (b'a title\r\n"and\r' + text().encode(), ["--skip-lines", "2"], ""),
    "comment": (
        b"# it's \"made\n\n" + text().replace("\nNA", "\n#").replace("\n1", '\n#,"\n1').encode(),
        ["--comment", "#"],
        "",
    ),
    "names": (text().split("\n", 1)[1].encode(), ["--names", "x, town,size,y"], ""),
    "money": (text(",", lambda n: f"${n}").encode(), ["--ignore", "$"], ""),
    "spaces": (text(",", lambda n: f"\xa0{n} %").encode(), ["--ignore", r"\xa0 %"], ""),
    "money, commas": (
        text(";", lambda n: comma(f"{n} €")).encode(),
        ["--ignore", " €", "--decimal", ","],
        "found cells separated by semicolons",
    ),
}


def fields(folder: Path, *names: str) -> list[object]:
    """Return all of a model but some fields, and its sums."""
    model = json.loads((folder / "model.json").read_bytes())
    for name in ("fingerprint", *names):
        del model[name]
    return [model, (folder / "moments.json").read_bytes()]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the model of the plain table."""
    from cali_reg.cli.entrypoint import main

    folder = tmp_path_factory.mktemp("plain")
    (folder / "plain.csv").write_text(text())
    words = ["train", "--data", str(folder / "plain.csv"), *TRAIN, "--artifacts", str(folder)]
    assert main(words) == 0
    return folder


@pytest.mark.parametrize("way", WAYS)
def test_one_model_and_one_prediction(way: str, plain: Path, run: Run, tmp_path: Path) -> None:
    """However the table is written: the model's bytes, and what both engines write."""
    data, asked, found = WAYS[way]
    path = tmp_path / "rows.csv"
    path.write_bytes(data)
    code, _, err = run("train", "--data", path, *TRAIN, "--artifacts", tmp_path, *asked)
    assert (code, err.count("\n")) == (0, bool(found)), err
    assert found in err
    if asked:
        assert fields(tmp_path, "reading") == fields(plain, "reading")
    else:
        assert (tmp_path / "model.json").read_bytes() == (plain / "model.json").read_bytes()
    _, expected, _ = run("predict", plain / "plain.csv", "--artifacts", plain, "--keep", "town")
    words = ["predict", path, "--artifacts", tmp_path, "--keep", "town"]
    assert run(*words) == (0, expected, err.replace("cali-reg train", "cali-reg predict"))
    table = tmp_path / "out.parquet"
    assert run(*words, "--out", table)[0] == 0
    values = pyarrow.parquet.read_table(table)["prediction"].to_pylist()
    assert [line.split(",")[-1] for line in expected.splitlines()[1:] if "," in line] == [
        repr(value) for value in values
    ]
    assert run("verify", "--data", path, "--artifacts", tmp_path)[0] == 1  # no codes yet
    _, out, _ = run("verify", "--data", path, "--artifacts", tmp_path)
    assert out.count("same") == 3, out


def test_what_is_asked_goes_before_what_was_recorded(plain: Path, run: Run, tmp_path: Path) -> None:
    """A model of one kind of file reads another one, if it is told so."""
    path, other = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_text(text("^"))
    other.write_text(text("~"))
    assert run("train", "--data", path, *TRAIN, "--artifacts", tmp_path, "--separator", "^")[0] == 0
    _, expected, _ = run("predict", path, "--artifacts", tmp_path)
    words = [other, "--artifacts", tmp_path, "--separator", "~"]
    assert run("predict", *words)[1] == expected
    assert run("predict", *words[:-2])[0] == 2
    assert run("quantize", "--data", *words, "--max-r2-loss", "1")[0] == 0
    assert run("verify", "--data", *words)[0] == 0
    assert run("update", "--add", *words, "--allow-collinear")[0] == 0
    reading = json.loads((tmp_path / "model.json").read_bytes())["reading"]
    assert reading == {"separator": "^"}
    assert (plain / "model.json").exists()


def with_marks(kind: str) -> Iterator[list[str]]:
    """Yield rows with a missing value, and good ones between them."""
    bad = {"x": 0, "town": 1, "y": 3}
    for k, row in enumerate(ROWS):
        yield row
        if k % 5 == 0:
            marked = list(row)
            marks = ("?", "-999", "-999.0", "-9.99e2") if kind == "csv" else ("-999", "-999.0")
            marked[bad[("x", "town", "y")[k // 5 % 3]]] = marks[k // 5 % len(marks)]
            yield marked


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_marks_of_missing_values(kind: str, plain: Path, run: Run, tmp_path: Path) -> None:
    """A mark is missing in any column, however a number is written, in all formats."""
    rows, path = list(with_marks(kind)), tmp_path / f"rows.{kind}"
    if kind == "csv":
        path.write_text(text(rows=rows))
    else:
        columns = dict(zip(HEADER, map(list, zip(*rows, strict=True)), strict=True))
        kinds = {name: pa.string() if name == "town" else pa.float64() for name in HEADER}
        arrays = {k: pa.array(v).cast(kinds[k]) for k, v in columns.items()}
        pyarrow.parquet.write_table(pa.table(arrays), path)
    words = ["--data", path, *TRAIN, "--artifacts", tmp_path, "--na", "?", "-999"]
    code, _, err = run("train", *words)
    assert code == 2
    assert f"rows with missing values: {len(rows) - len(ROWS)} (" in err
    assert run("train", *words, "--missing", "drop")[0] == 0
    ours, theirs = (
        json.loads((folder / "model.json").read_bytes()) for folder in (tmp_path, plain)
    )
    assert ours["features"] == theirs["features"]
    assert ours["reading"] == {"missing": ["-999", "?"]}
    _, _, err = run("predict", path, "--artifacts", tmp_path, "--on-error", "skip")
    assert err.count("has no value") == len(
        [row for row in rows if {*row[:2]} & {"?", "-999", "-999.0", "-9.99e2"}]
    )
    table = tmp_path / "out.parquet"
    assert (
        run("predict", path, "--artifacts", tmp_path, "--on-error", "skip", "--out", table)[2]
        == err
    )
    model = row_by_row.load_model(tmp_path)
    for value in ("-999.00", -999, -999.0):
        with pytest.raises(Exception, match="column 'x' has no value"):
            model.predict({"x": value, "town": "Bern", "size": 1})
    with pytest.raises(Exception, match="column 'town' has no value"):
        model.predict({"x": 1, "town": " ? ", "size": 1})


def test_marks_that_are_switched_off(run: Run, tmp_path: Path) -> None:
    """NA is then a category in columns of text, and no number in others."""
    rows = [[x, "NA" if town == "Zug" else town, size, y] for x, town, size, y in ROWS]
    path = tmp_path / "rows.csv"
    path.write_text(text(rows=rows))
    words = ["train", "--data", path, *TRAIN, "--artifacts", tmp_path]
    assert run(*words)[0] == 2
    assert run(*words, "--no-na", "NA")[0] == 0
    columns = json.loads((tmp_path / "model.json").read_bytes())["columns"]
    assert columns[1]["levels"] == ["Bern", "NA", "New York"]
    path.write_text(text(rows=[["NA", *row[1:]] for row in rows]))
    code, _, err = run(*words, "--no-na", "NA", "--strict")
    assert (code, err.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["--separator", ";;"], "--separator is ';;'; expected one character"),
        (["--separator", "x"], "--separator is 'x'; expected one character"),
        (["--separator", "§"], "--separator is '§'; expected one character"),
        (["--decimal", "'"], "--decimal is \"'\"; expected '.' or ','"),
        (["--decimal", ",", "--separator", ","], "expected different ones"),
        (["--encoding", "latin-99"], "--encoding is 'latin-99'; expected one that is known"),
        (["--encoding", "base64"], "--encoding is 'base64'"),
        (["--no-na", "Bern"], "'Bern' is no sign of a missing value"),
        (["--na", "NA", "--no-na", "NA"], "'NA' is in --na and in --no-na"),
        (["--ignore", "-"], "--ignore has '-', which is a part of numbers"),
        (["--ignore", ",", "--decimal", ","], "--ignore has ','"),
        (["--names", "a,b,a"], "--names: 'a' is named twice"),
        (["--escape", "ab"], "--escape is 'ab'; expected one character"),
        (["--comment", ";"], "--comment is ';'"),
        (["--skip-lines", "-1"], "'-1' is not an integer"),
        (["--skip-lines", "100"], "no header"),
        (["--encoding", "ascii"], "is not ascii text"),
        (["--encoding", "utf-16"], "is not utf-16 text"),
    ],
)
def test_options_without_a_meaning(
    asked: list[str], message: str, run: Run, tmp_path: Path
) -> None:
    """One line each, and nothing is written."""
    path = tmp_path / "rows.csv"
    path.write_text(text().replace("Zug", "Zürich") + " ", encoding="utf-8")
    code, out, err = run("train", "--data", path, *TRAIN, "--artifacts", tmp_path / "new", *asked)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("command", ["train", "predict", "verify", "quantize"])
def test_options_without_files(command: str, plain: Path, run: Run) -> None:
    """An option that would have no effect is an error."""
    code, _, err = run(command, "--artifacts", plain, "--decimal", ",")
    assert (code, err.count("\n")) == (2, 1)
    assert "--decimal requires" in err


def test_standard_input(plain: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked at as files are, though it can be read only once."""
    _, expected, _ = run("predict", plain / "plain.csv", "--artifacts", plain)
    for way in ("plain", "commas", "utf16", "blanks"):
        stream = io.TextIOWrapper(io.BytesIO(WAYS[way][0]))
        monkeypatch.setattr(sys, "stdin", stream)
        assert run("predict", "-", "--artifacts", plain)[:2] == (0, expected)
