"""Predicting: what is printed, which bits, and what bad input gets."""

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from commands import Run, run_process
from hypothesis import given
from hypothesis import strategies as st

from cali_reg.data import california_housing
from cali_reg.errors import UsageError
from cali_reg.runtime import artifacts
from cali_reg.runtime.cell_parser import parse_cell, parse_number
from cali_reg.runtime.predictor import load_model
from cali_reg.runtime.reading.csv_reader import CsvReader

HEADER = ",".join(california_housing.FEATURES)
ROW = "1.6812,25,4.1922,1.0223,1392,3.8774,36.06,-119.01"


def write(path: Path, text: str | bytes) -> Path:
    """Write a file and return its path."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_sample_predictions(run: Run, made: Path) -> None:
    """Without input: the sample rows by both models, and the largest difference."""
    code, out, err = run("predict", "--artifacts", made)
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0] == "Sample predictions: [0.719 1.764 2.710 2.839 2.605]"
    assert lines[1].startswith("uint8 predictions:  [0.7")
    assert 0 < float(lines[2].split()[2]) < 0.03


def test_sample_predictions_before_quantizing(run: Run, folder: Path) -> None:
    """Without a quantized model, the output says how to get one."""
    (folder / "quantized.json").unlink()
    _, out, _ = run("predict", "--artifacts", folder)
    assert out.splitlines()[1] == "Quantized: none yet (run `cali-reg quantize`)"


def test_sample_predictions_after_training_again(run: Run, folder: Path) -> None:
    """Codes of the model before are named as stale; the new model predicts all the same."""
    assert run("train", "--artifacts", folder, "--seed", "1")[0] == 0
    code, out, err = run("predict", "--artifacts", folder)
    predictions, stale = out.splitlines()
    assert (code, err) == (0, "")
    assert predictions.startswith("Sample predictions: [")
    assert stale.startswith(f"Quantized: {folder / 'quantized.json'} is stale, made from another ")


def test_damaged_codes_are_an_error(run: Run, folder: Path) -> None:
    """A file that cannot be read as codes is damaged, not stale."""
    (folder / "quantized.json").write_bytes(b"{}")
    code, out, err = run("predict", "--artifacts", folder)
    assert (code, out) == (2, "")
    assert "quantized.json: not a cali-reg/quantized file" in err


@pytest.mark.parametrize(
    "flags",
    [
        ("--precision", "uint8"),
        ("--interval", "0.95"),
        ("--keep", "id"),
        ("--unseen", "baseline"),
        ("--outside", "error"),
        ("--on-error", "skip"),
        ("--name", "price"),
        ("--row-numbers",),
    ],
)
def test_options_of_files_without_files(run: Run, made: Path, flags: tuple[str, ...]) -> None:
    """An option that would have no effect is an error."""
    code, out, err = run("predict", "--artifacts", made, *flags)
    assert (code, out) == (2, "")
    assert f"{flags[0]} requires rows to predict: name files, or - for standard input" in err


@pytest.mark.parametrize("name", ["s.parquet", "s.FEATHER", "s.csv.gz", "s.csv", "s.json"])
def test_sample_predictions_are_text(run: Run, made: Path, tmp_path: Path, name: str) -> None:
    """No text is written under the name of another format."""
    code, out, err = run("predict", "--artifacts", made, "--out", tmp_path / name)
    assert (code, out) == (2, "")
    assert f"{name}: sample predictions are text; expected a name such as x.txt" in err
    assert not (tmp_path / name).exists()


def test_name_that_is_too_long(run: Run, made: Path, tmp_path: Path) -> None:
    """The message names the command and the folder."""
    rows = write(tmp_path / "rows.csv", f"{HEADER}\n{ROW}\n")
    code, _, err = run("predict", rows, "--artifacts", made, "--out", tmp_path / ("x" * 300))
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith(f"cali-reg predict: {tmp_path}: cannot be written (")


@pytest.mark.parametrize(
    ("name", "value"), [("precision", "UINT8"), ("unseen", "basline"), ("outside", "errors")]
)
def test_unknown_choices(made: Path, name: str, value: str) -> None:
    """A word that is none of the choices is not taken for one."""
    with pytest.raises(UsageError, match=f"{name} is '{value}'; expected "):
        load_model(made, **{name: value})  # type: ignore[arg-type]


def test_no_samples(run: Run, tmp_path: Path) -> None:
    """A model that keeps no rows asks for a file."""
    run("train", "--artifacts", tmp_path, "--samples", "0")
    code, _, err = run("predict", "--artifacts", tmp_path)
    assert code == 2
    assert "holds no sample rows (trained with --test-size 0 or --samples 0); name a CSV" in err


@pytest.mark.parametrize("precision", ["float64", "uint8"])
def test_predictions_are_defined_to_the_bit(
    run: Run, made: Path, tmp_path: Path, precision: str
) -> None:
    """Each is ((b + w0 x0) + w1 x1) + ..., one rounding an operation, for either model."""
    model = artifacts.read_model(made)
    used = model if precision == "float64" else artifacts.read_quantized(made, model)
    X = california_housing.california_housing().X[:300]
    text = "\n".join([HEADER, *(",".join(map(repr, row)) for row in X.tolist())])
    _, out, _ = run(
        "predict", write(tmp_path / "rows.csv", text), "--artifacts", made, "--precision", precision
    )
    expected = np.full(len(X), used.intercept)
    for weight, column in zip(used.coefficients, X.T, strict=True):
        expected = expected + weight * column
    assert [float(line) for line in out.splitlines()] == expected.tolist()


def test_columns_are_matched_by_name(run: Run, made: Path, tmp_path: Path) -> None:
    """Any order, other columns, quotes, spaces, a byte order mark, blank lines, CR LF: the same."""
    plain = write(tmp_path / "plain.csv", f"{HEADER}\n{ROW}\n")
    names, cells = HEADER.split(","), ROW.split(",")
    header = ",".join(["id", *reversed(names)])
    row = ",".join(['"a, b"', *(f" {cell} " for cell in reversed(cells))])
    other = write(tmp_path / "other.csv", f"\ufeff{header}\r\n\r\n{row}\r\n\r\n")
    outputs = {run("predict", path, "--artifacts", made)[1] for path in (plain, other)}
    assert len(outputs) == 1
    assert outputs.pop().startswith("0.71")


def test_standard_input_and_out(made: Path, tmp_path: Path) -> None:
    """``-`` reads standard input; --out writes the same bytes to a file, and nothing else."""
    rows = f"{HEADER}\n{ROW}\n".encode()
    piped = run_process("predict", "-", "--artifacts", made, input=rows)
    target = tmp_path / "out.txt"
    written = run_process("predict", "-", "--artifacts", made, "--out", target, input=rows)
    assert (piped.returncode, written.returncode) == (0, 0)
    assert (written.stdout, written.stderr) == (b"", b"")
    assert target.read_bytes().splitlines() == piped.stdout.splitlines()


BAD_TABLES: dict[str, tuple[str | bytes, str]] = {
    "missing column": (
        HEADER.replace("HouseAge", "Age") + f"\n{ROW}",
        "column 'HouseAge' is missing",
    ),
    "column twice": (f"{HEADER},MedInc\n{ROW},1", "column 'MedInc' appears twice"),
    "not numeric": (
        f"{HEADER}\n{ROW}\n" + ROW.replace("25", "n/a"),
        "row 2: column 'HouseAge' holds 'n/a'",
    ),
    "empty cell": (f"{HEADER}\n" + ROW.replace("25", " "), "row 1: column 'HouseAge' has no value"),
    "nan": (f"{HEADER}\n" + ROW.replace("25", "nan"), "row 1: column 'HouseAge' has no value"),
    "inf": (f"{HEADER}\n" + ROW.replace("25", "-inf"), "row 1: column 'HouseAge' holds '-inf'"),
    "beyond float64": (
        f"{HEADER}\n" + ROW.replace("25", "1e999"),
        "column 'HouseAge' holds '1e999'",
    ),
    "underscore": (f"{HEADER}\n" + ROW.replace("25", "1_000"), "column 'HouseAge' holds '1_000'"),
    "other digits": (f"{HEADER}\n" + ROW.replace("25", "١٢"), "column 'HouseAge' holds '١٢'"),
    "hexadecimal": (f"{HEADER}\n" + ROW.replace("25", "0x19"), "column 'HouseAge' holds '0x19'"),
    "short row": (f"{HEADER}\n{ROW}\n{ROW[:-8]}", "row 2: has 7 cells; expected 8"),
    "long row": (f"{HEADER}\n{ROW},1", "row 1: has 9 cells; expected 8"),
    "no rows": (f"{HEADER}\n", "no rows; expected a header and at least one row"),
    "empty file": ("", "column 'MedInc' is missing (found: nothing)"),
    "not UTF-8": (
        f"{HEADER}\n{ROW}\n".encode() + b"\n1,\xff,3,4,5,6,7,8",
        "row 2: column 'HouseAge' is not UTF-8",
    ),
    "open quote": (f'{HEADER}\n{ROW}\n"1.0,2', "row 2 is not CSV"),
    "huge cell": (f"{HEADER}\n" + "1" * (1 << 24) + "1", "row 1 is not CSV"),
    "no CSV header": ('"MedInc', "header is not CSV"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_bad_tables(run: Run, made: Path, tmp_path: Path, case: str) -> None:
    """One line names the file, the row and the column; nothing is written."""
    text, message = BAD_TABLES[case]
    path, target = write(tmp_path / "bad.csv", text), tmp_path / "out.txt"
    code, out, err = run("predict", path, "--artifacts", made, "--out", target)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith(f"cali-reg predict: {path}: ")
    assert message in err
    assert not target.exists()


def test_files_that_cannot_be_read(run: Run, made: Path, tmp_path: Path) -> None:
    """A missing file and a folder get one line each."""
    for path, reason in (
        (tmp_path / "none.csv", "no such file"),
        (tmp_path, "no file of a known format"),
    ):
        code, _, err = run("predict", path, "--artifacts", made)
        assert code == 2
        assert reason in err
        assert err.count("\n") == 1


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read_to_the_nearest_float(value: float) -> None:
    """Shortest decimals come back as the same bits, whatever their form."""
    for text in (repr(value), f"{value:.17e}", f"+{abs(value)!r}"):
        number = parse_number(text)
        assert number is not None
        assert Fraction(number) == Fraction(float(text))


@given(st.text(max_size=8))
def test_no_text_is_a_number_by_accident(text: str) -> None:
    """What is accepted is ASCII, and what Python's own float takes for the same value."""
    number = parse_number(text)
    if number is not None:
        assert text.isascii()
        assert "_" not in text
        assert number == float(text)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_rows_round_trip(values: list[float]) -> None:
    """A column written with repr is read back, bit for bit."""
    lines = io.StringIO("\n".join(map(repr, values)))
    reader = CsvReader("x.csv", ["x"], ["x"])
    cells = [cells[0] for _, cells, _ in reader.read(lines) if cells is not None]
    assert [parse_cell(cell) for cell in cells] == values
