"""The tables that the commands print."""

import math
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cali_reg.report import tables

SCORES: Any = SimpleNamespace(n_samples=9, r2=0.5, rmse=2.0, bias=-0.25)
CONTRACT = {"r2_loss_train": 1e-7, "r2_loss_test": None, "r2_gap": 0.0, "max_change_bound": 0.125}


def quantized(**contract: float) -> Any:
    """Return what the tables read of a quantized model."""
    model = SimpleNamespace(bits=8, contract=CONTRACT | contract)
    files = {"quant_params.joblib": b"1234", "scale.joblib": b"567", "quantized.json": b"89"}
    return SimpleNamespace(model=model, before=SCORES, after=SCORES, files=files, rows="training")


def verdict(name: str, difference: str = "", unchecked: str = "") -> Any:
    """Return the verdict on one file."""
    return SimpleNamespace(name=name, difference=difference, unchecked=unchecked)


def test_tables_load_no_heavy_package() -> None:
    """Importing the tables leaves SciPy, scikit-learn and FLINT alone."""
    code = (
        "import sys, cali_reg.report.tables;"
        "heavy = {'numpy', 'scipy', 'sklearn', 'joblib', 'flint', 'pyarrow'} & set(sys.modules);"
        "sys.exit(' '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_quantization_report() -> None:
    """The report has scores and contract, and says what is undefined or not proven."""
    assert tables.quantized(quantized(r2_gap=0.002), "price") == (
        "✔ Quantised parameters saved\n"
        "\n"
        "9 training rows        R²      RMSE       bias\n"
        "float64          0.500000  2.000000  -0.250000\n"
        "uint8            0.500000  2.000000  -0.250000\n"
        "\n"
        "contract\n"
        "R² loss, training rows                1e-07  at most 0.002 above the minimum\n"
        "R² loss, held-out rows            undefined         the training rows decide\n"
        "largest prediction change, bound   0.125000                            price\n"
    )


def test_quantization_report_of_measured_change() -> None:
    """A change that was measured has a row of its own; a proven optimum is called so."""
    text = tables.quantized(quantized(max_change_measured=0.0625), "price")
    *_, first, _, _, last = text.splitlines()
    assert first.endswith("  proven minimum of all codes")
    assert " ".join(last.split()) == "largest prediction change, training rows 0.062500 price"


def test_training_report() -> None:
    """R² and RMSE come first; then the regression table, with what the command asks for."""
    scores = {"train": {"n_samples": 3, "r2": 0.25, "rmse": 0.5}}
    scores["test"] = {"n_samples": 1, "r2": None, "rmse": 0.125}  # type: ignore[dict-item]
    source = {"dropped_rows": 2}
    model = SimpleNamespace(scores=scores, source=source, fit_intercept=True, plan=None)
    result: Any = SimpleNamespace(
        model=model, summary=lambda level, details: f"table of {level}, details: {details}\n"
    )
    assert tables.trained(result, 0.9, details=True) == (
        "✔ R²: undefined | RMSE: 0.12\n"
        "\n"
        "held out       1 rows  R² undefined  RMSE 0.125\n"
        "training       3 rows  R² 0.25  RMSE 0.5\n"
        "dropped        2 rows  with missing values\n"
        "\n"
        "table of 0.9, details: True\n"
    )


def test_moved_rows() -> None:
    """A row for each side, with what was added and what was removed."""
    added, removed = (
        SimpleNamespace(training=training, held_out=held_out)
        for training, held_out in ((9, 3), (0, 12))
    )
    result: Any = SimpleNamespace(added=added, removed=removed)
    assert tables.updated(result) == (
        "rows      added  removed\ntraining      9        0\nheld out      3       12\n"
    )


def test_curve() -> None:
    """A row has the bytes of the two joblib files, and - for a change that was not measured."""
    text = tables.curve([quantized(), quantized(r2_loss_test=-1e-5, max_change_measured=0.0625)])
    header, *rows = text.splitlines()
    assert len({len(line) for line in (header, *rows)}) == 1
    assert rows[0].split() == ["8", "7", "1e-07", "undefined", "0.12", "-"]
    assert rows[1].split() == ["8", "7", "1e-07", "-1e-05", "0.12", "0.062"]


def test_cross_validation() -> None:
    """The last row is the mean of the folds."""
    other: Any = SimpleNamespace(n_samples=8, r2=0.25, rmse=3.0)
    text = tables.cross_validated([SCORES, other])
    assert [line.split() for line in text.splitlines()] == [
        ["cross-validation", "rows", "R²", "RMSE"],
        ["fold", "1", "9", "0.500000", "2.000000"],
        ["fold", "2", "8", "0.250000", "3.000000"],
        ["mean", "0.375000", "2.500000"],
    ]


def test_cross_validation_of_single_rows() -> None:
    """R² of one row is undefined, and so is the mean."""
    other: Any = SimpleNamespace(n_samples=1, r2=math.nan, rmse=3.0)
    text = tables.cross_validated([SCORES, other])
    assert [line.split()[-2:] for line in text.splitlines()[2:]] == [
        ["undefined", "3.000000"],
        ["undefined", "2.500000"],
    ]


def test_verdicts() -> None:
    """Each file is the same or has its difference, and what was not checked of it is said."""
    results = [
        verdict("model.json", unchecked="samples"),
        verdict("scale.joblib", difference="byte 3 is 0x01"),
    ]
    assert tables.verdicts(results) == (
        "model.json    same (not checked: samples)\nscale.joblib  differs: byte 3 is 0x01\n"
    )


def test_files(tmp_path: Path) -> None:
    """Only files that exist are listed, with their sizes."""
    (tmp_path / "model.json").write_bytes(b"12345")
    lines = tables.files(tmp_path).splitlines()
    assert [line.split() for line in lines] == [
        ["file", "bytes"],
        [str(tmp_path / "model.json"), "5"],
    ]
