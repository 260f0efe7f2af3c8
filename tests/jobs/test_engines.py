"""Predicting row by row or by columns: the same bytes, the same messages, whatever the file."""

from __future__ import annotations

import contextlib
import csv
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.parquet
import pytest
from commands import Run
from hypothesis import example, given
from hypothesis import strategies as st
from random_tables import any_numbers
from towns import LEVELS, TOWN, X, Y, expected, make_model, write_rows

from cali_reg.data.formats import csv_blocks
from cali_reg.errors import CaliRegError
from cali_reg.jobs.predict import predict_files
from cali_reg.runtime import predictor
from cali_reg.runtime.predictor import PredictOptions, Predictor, open_predictor, predict_rows

ANY = PredictOptions(Path())  # `outcome` names the model, the test the file
HEADER = f'{X},{TOWN},"{Y}",id\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model's artifacts."""
    return make_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of a file that is written anew for each example."""
    return tmp_path_factory.mktemp("rows") / "rows.csv"


def outcome(
    engine: Callable[[PredictOptions, Predictor], None], folder: Path, options: PredictOptions
) -> tuple[str, str, str]:
    """Return what an engine writes to standard output and error, and what ends it."""
    out, err, end = io.StringIO(), io.StringIO(), ""
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            options = options._replace(artifacts=folder)
            engine(options, open_predictor(options))
        except CaliRegError as error:
            end = f"{type(error).__name__}: {error}"
    return out.getvalue(), err.getvalue(), end


good = {
    X: st.one_of(st.integers(-3, 4).map(str), st.floats(-2, 3).map(repr)),
    TOWN: st.sampled_from(LEVELS),
    Y: st.one_of(st.floats(-1, 1).map(repr), st.sampled_from(["true", "False", "1e3", "+.5"])),
    "id": st.sampled_from(["7", "a", "", "NA", "é", "two\nlines", 'x"y', "a,b"]),
}
ODD = (
    *("", " ", "NA", " NA ", "nan", "NAN", "inf", "-Infinity", "1e999", "1e-400", "0x1", "1_0"),
    *("1,5", "١", " 1", "\t1 ", "1 2", "true ", "null", "Genf", "bern", "\x00", "\ufeff", "-0"),
    *("9007199254740993", "1.7976931348623157e308", "-1.7976931348623157e308", "x" * 200),
)
CHANGES = [  # of bytes, so that a reading has something to do
    *((b".", b","), (b"1", b"?"), (b"0", b"$0"), (b"7", b"#"), (b"a", b'\\"'), (b"\n", b"\n#1,\n")),
    *((b" ", b"  "), (b"\n", b'\n# "\n'), (b"B", b"\\B")),
]
READINGS = [
    *({"separator": ";"}, {"separator": ","}, {"separator": " "}, {"separator": "|"}),
    *(
        {"decimal": ","},
        {"decimal": ".", "ignored": "$,"},
        {"ignored": "$"},
        {"decimal": ",", "ignored": "$"},
    ),
    *({"missing": ("?",)}, {"missing": ("1", "Bern")}, {"not_missing": ("NA", "null")}),
    *({"comment": "#"}, {"comment": "#", "separator": " "}, {"escape": "\\"}, {"skip_lines": 1}),
    *({"names": (X, TOWN, Y, "id")}, {"encoding": "cp1252"}, {"encoding": "utf-16"}),
]
RAW = ('"1"5', '1"', '"', ' "a"', '"a"b', '"a"b,1,2,3', " ", '""')  # not as csv.writer writes


@st.composite
def odd_files(draw: st.DrawFn) -> bytes:
    """Draw CSV that is good for the most part."""
    is_odd = st.integers(0, draw(st.sampled_from([3, 30, 1000]))).map(lambda k: k == 0)
    names = draw(st.permutations(list(good)))
    if draw(is_odd):
        names = draw(st.sampled_from([names[1:], [*names, X], [*names, "id"], [], [f" {X} "]]))
    style: Any = {
        "lineterminator": draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n"])),
        "quoting": draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
    }
    separator = draw(st.sampled_from([",", ",", ";", "\t", "|", " "]))
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, **style)
    writer.writerow(names)
    for _ in range(draw(st.integers(0, 25))):
        cells = [
            draw(st.sampled_from(ODD) if draw(is_odd) else good[name.strip()]) for name in names
        ]
        if draw(is_odd):
            cells = cells[: draw(st.integers(1, 4))] * draw(st.integers(1, 2))
        if draw(is_odd):
            text.write(
                separator.join([draw(st.sampled_from(RAW)), *cells[1:]]) + style["lineterminator"]
            )
        else:
            writer.writerow(cells)
    data = text.getvalue().encode()
    if draw(is_odd):
        data = data.replace(b"1", b"\xff", 1)
    if draw(st.booleans()):
        data = data.replace(*draw(st.sampled_from(CHANGES)))
    if draw(is_odd):
        return data.decode("latin-1").encode(draw(st.sampled_from(["utf-16", "utf-16-le"])))
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + data[: draw(st.sampled_from([None, -1]))]


requests = st.builds(
    PredictOptions,
    artifacts=st.just(Path()),
    paths=st.just([]),
    out=st.none(),
    precision=st.just("float64"),
    interval=st.sampled_from([None, 0.95]),
    keep=st.sampled_from([(), ("id",), (X, "id", TOWN), (Y,)]),
    unseen=st.sampled_from(["error", "baseline"]),
    outside=st.sampled_from(["note", "error"]),
    on_error=st.sampled_from(["stop", "skip", "blank"]),
    name=st.sampled_from([None, "y"]),
    row_numbers=st.booleans(),
    reading=st.one_of(st.just({}), st.sampled_from(READINGS)),
)


@given(odd_files(), requests, st.sampled_from([17, 60, 400, 1 << 20]))
@example(f'{HEADER}1,Bern,"1"5,7\n'.encode(), ANY, 1 << 20)
@example(f'{HEADER}1,Bern,1,"7\n2,Bern,2,8\n'.encode(), ANY, 1 << 20)
@example(f"{HEADER}1,Bern,1,7\nNA,Bern,2,8\n".encode(), ANY._replace(on_error="skip"), 400)
@example(f"{HEADER}1,Bern,1,7\n1,Genf,2,8\n".encode(), ANY, 400)
@example(
    f"{HEADER}1,Bern,1,7\n1,2\n1,x,1,7\n".encode(),
    ANY._replace(on_error="blank", keep=("id",), row_numbers=True),
    17,
)
@example(f"{HEADER}1,Genf,1,7\n9,Genf,2,8\n".encode(), ANY._replace(unseen="baseline"), 17)
@example(f"{HEADER}1,Bern,1,7\none,Bern,2,8\n".encode(), ANY._replace(keep=(X,)), 400)
@example(f'{HEADER}1,Bern,1,"7"\r1,Bern,1,"8"\r\r'.encode(), ANY._replace(keep=("id",)), 17)
def test_both_engines_write_the_same(
    path: Path, folder: Path, data: bytes, asked: PredictOptions, block: int
) -> None:
    """Small blocks let Arrow's parser give way to Python's anywhere."""
    path.write_bytes(data)
    asked = asked._replace(paths=[str(path)])
    slow = outcome(predict_rows, folder, asked)
    with mock.patch.object(csv_blocks, "BLOCK_BYTES", block):
        assert outcome(predict_files, folder, asked) == slow
    assert all(line.startswith("cali-reg predict: ") for line in slow[1].splitlines())
    assert "\n" not in slow[2]


@given(st.lists(st.tuples(any_numbers, any_numbers), min_size=1, max_size=30))
def test_predictions_have_the_defined_bits(
    path: Path, folder: Path, values: list[tuple[float, float]]
) -> None:
    """From Parquet, too, each value is what the model defines for its row, infinite or not."""
    x, y = zip(*values, strict=True)
    path = path.with_suffix(".parquet")
    pyarrow.parquet.write_table(pa.table({Y: y, TOWN: ["Århus"] * len(x), X: x}), path)
    out, _, end = outcome(predict_files, folder, PredictOptions(Path(), [str(path)], interval=0.9))
    header, *lines = csv.reader(io.StringIO(out))
    assert (header, end) == (["prediction", "lower", "upper"], "")
    assert lines == expected(folder, [(x, "Århus", y) for x, y in values], interval=0.9)


def test_an_odd_cell_in_the_middle_loses_no_row(path: Path, folder: Path) -> None:
    """In a file of several megabytes each engine writes each row once, in order."""
    rows = [f"{k % 6 - 2},Bern,{k / 99999},{k}" for k in range(100_000)]
    rows[70_000] = "true,Bern,  .5,70000"  # numbers to Python, not to Arrow
    path.write_text(HEADER + "\n".join(rows), encoding="utf-8")
    assert path.stat().st_size > 2 * csv_blocks.BLOCK_BYTES
    request = PredictOptions(Path(), [str(path)], keep=("id",))
    out, err, end = outcome(predict_files, folder, request)
    ids = [row[0] for row in csv.reader(io.StringIO(out))]
    assert (ids, err, end) == (["id", *map(str, range(100_000))], "", "")
    assert (out, err, end) == outcome(predict_rows, folder, request)


def test_small_files_need_no_package(folder: Path, tmp_path: Path) -> None:
    """Where nothing is to gain, NumPy and pyarrow are not loaded; a folder takes them."""
    path = write_rows(tmp_path / "rows.csv")
    for source, heavy in ((path, set()), (tmp_path, {"numpy", "pyarrow"})):
        code = (
            "import sys; from cali_reg.cli.entrypoint import main;"
            f"code = main(['predict', {str(source)!r}, '--artifacts', {str(folder)!r}]);"
            "print(code, *{'numpy', 'pyarrow'} & set(sys.modules), file=sys.stderr)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        assert set(done.stderr.decode().split()) == {"0"} | heavy
        assert done.stdout.count(b"\n") == 3


def test_csv_without_pyarrow(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CSV files are predicted, whatever their size; what takes pyarrow says so, in a line."""
    path = write_rows(tmp_path / "rows.csv")
    flags = ("--artifacts", folder, "--interval", "0.95")
    there = run("predict", path, *flags)
    monkeypatch.setattr(predictor, "_SMALL", 0)
    assert run("predict", path, *flags) == there
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert run("predict", path, *flags) == there
    for arguments in (
        [tmp_path / "rows.parquet"],
        [tmp_path],
        [tmp_path / "*.csv"],
        [path, "--out", tmp_path / "out.parquet"],
    ):
        code, out, err = run("predict", *arguments, *flags)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "pyarrow" in err
