"""Training on all rows (``--test-size 0``), and the confidence levels that are stored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import Run
from forgeries import forge, verdicts

from cali_reg.jobs.train import train
from cali_reg.jobs.training_data.embedded_data import EmbeddedData
from cali_reg.least_squares.moments import Moments
from cali_reg.least_squares.statistics.distributions import two_sided_p_value
from cali_reg.least_squares.statistics.scores import score
from cali_reg.runtime.artifacts import read_model

NONE = {"n_samples": 0, "r2": None, "rmse": None, "bias": None, "r2_rounding_bound": None}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of a table of 60 rows."""
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    path.write_text("x,y\n" + "".join(f"{k * k % 17},{k * k % 17 + k % 5}\n" for k in range(60)))
    return path


def all_rows(run: Run, table: Path, folder: Path, *options: object) -> tuple[int, str, str]:
    """Train on all rows of a table."""
    flags = ("--target", "y", "--test-size", "0", "--artifacts", folder)
    return run("train", "--data", table, *flags, *options)


def test_all_rows_are_training_rows(run: Run, table: Path, tmp_path: Path) -> None:
    """Scores are of the training rows, and say so; figures of held-out rows are null."""
    code, out, err = all_rows(run, table, tmp_path)
    assert (code, err) == (0, "")
    model = read_model(tmp_path)
    rows = [list(map(float, line.split(","))) for line in table.read_text().split()[1:]]
    moments = Moments.from_arrays([[x] for x, _ in rows], [y for _, y in rows])
    expected = score(moments, model.coefficients, model.intercept)
    assert model.scores["test"] == NONE
    assert model.scores["train"]["r2"] == expected.r2
    assert (model.scores["train"]["n_samples"], model.samples) == (60, ())
    assert model.source["split"] == {"by": "content", "seed": 42, "test_size": 0.0}
    first, _, held_out, *_ = out.splitlines()
    assert first == f"✔ R²: {expected.r2:.2f} | RMSE: {expected.rmse:.2f} on the training rows"
    assert held_out == (
        "held out    none  (--test-size 0): nothing says how well it predicts other rows"
    )


def test_the_codes_are_judged_on_the_training_rows(run: Run, table: Path, tmp_path: Path) -> None:
    """The contract says that the held-out rows have no loss, and the report who decides."""
    all_rows(run, table, tmp_path)
    code, out, err = run("quantize", "--artifacts", tmp_path)
    assert (code, err) == (0, "")
    assert "60 training rows        R²      RMSE" in out
    line = next(line for line in out.splitlines() if line.startswith("R² loss, held-out rows"))
    assert line.split()[-5:] == ["undefined", "the", "training", "rows", "decide"]
    contract = json.loads((tmp_path / "quantized.json").read_bytes())["contract"]
    assert contract["r2_loss_test"] is None
    flags = ("--bits", "2", "--max-r2-loss", "0")
    code, _, err = run("quantize", "--artifacts", tmp_path, *flags)
    assert code == 1
    assert "R² on the training rows falls by" in err
    assert "undefined" in run("quantize", "--artifacts", tmp_path, "--curve")[1]


@pytest.mark.parametrize("held_out", ["3,4\n", "3,4\n5,4\n"])
def test_held_out_rows_without_r2(run: Run, table: Path, tmp_path: Path, held_out: str) -> None:
    """A single one, or a target that is the same in all: the training rows decide, too."""
    other = tmp_path / "other.csv"
    other.write_text(f"x,y\n{held_out}")
    flags = ("--target", "y", "--test-data", other, "--artifacts", tmp_path)
    assert run("train", "--data", table, *flags)[0] == 0
    code, out, err = run("quantize", "--artifacts", tmp_path)
    assert (code, err) == (0, "")
    assert "60 training rows" in out
    assert "the training rows decide" in out


def test_other_commands(run: Run, table: Path, tmp_path: Path) -> None:
    """Predict has no samples, verify rebuilds the files, update adds training rows."""
    all_rows(run, table, tmp_path)
    assert run("quantize", "--artifacts", tmp_path)[0] == 0
    code, _, err = run("predict", "--artifacts", tmp_path)
    assert code == 2
    assert "holds no sample rows (trained with --test-size 0 or --samples 0); name a CSV" in err
    code, out, _ = run("verify", "--artifacts", tmp_path, "--data", table)
    assert code == 0
    assert "60 training rows, none held out: R² 0.9" in out
    assert out.endswith(
        "match a rebuild; but no row is held out: nothing says how well it predicts other rows\n"
    )
    more = tmp_path / "more.csv"
    more.write_text("x,y\n7,8\n9,11\n")
    code, out, _ = run("update", "--add", more, "--artifacts", tmp_path)
    assert code == 0
    assert "training      2        0\nheld out      0        0\n" in out
    assert read_model(tmp_path).scores["test"] == NONE
    assert run("quantize", "--artifacts", tmp_path)[0] == 0
    code, found, _ = verdicts(run, tmp_path, "--data", table, more)
    assert (code, found["moments.json"]) == (0, "same")


def test_no_gate_without_held_out_rows(run: Run, table: Path, tmp_path: Path) -> None:
    """It cannot be checked: train says so before it reads, update before it writes."""
    code, _, err = all_rows(run, tmp_path / "missing.csv", tmp_path / "a", "--min-r2", "-9")
    assert (code, err.count("\n")) == (2, 1)
    assert "--test-size 0 holds out no row, so --min-r2 cannot be checked" in err
    all_rows(run, table, tmp_path)
    before = (tmp_path / "model.json").read_bytes()
    more = tmp_path / "more.csv"
    more.write_text("x,y\n7,8\n")
    flags = ("--artifacts", tmp_path, "--min-r2", "-9")
    code, _, err = run("update", "--add", more, *flags)
    assert (code, err.count("\n")) == (1, 1)
    assert "no row is held out (--test-size 0), so --min-r2 cannot be checked" in err
    assert (tmp_path / "model.json").read_bytes() == before


def test_nothing_to_split_like(run: Run, table: Path, tmp_path: Path) -> None:
    """There are no held-out rows to compare with."""
    all_rows(run, table, tmp_path)
    flags = ("--target", "y", "--split-like", tmp_path, "--artifacts", tmp_path / "b")
    code, _, err = run("train", "--data", table, *flags)
    assert (code, err.count("\n")) == (2, 1)
    assert "--split-like: the model was trained on all rows (--test-size 0)" in err


def test_embedded_data() -> None:
    """All 20,640 rows; without rows left for training, and with none held out, nothing else."""
    trained = train(EmbeddedData(test_size=0.0))
    assert trained.model.scores["train"]["n_samples"] == 20640
    assert (trained.model.scores["test"], trained.model.samples) == (NONE, ())
    whole = EmbeddedData().summary()
    assert EmbeddedData(test_size=0.0).summary().train == whole.train + whole.test


def test_other_models_need_held_out_rows(run: Run, table: Path, tmp_path: Path) -> None:
    """A split that holds out no row by chance is an error; a forged one is found."""
    flags = ("--target", "y", "--test-size", "0.5", "--artifacts", tmp_path)
    assert run("train", "--data", table, *flags)[0] == 0
    forge(
        tmp_path / "model.json",
        lambda body: body["source"]["split"].update(test_size=0.0),
    )
    code, found, _ = verdicts(run, tmp_path, "--data", table)
    assert code == 1
    assert found["model.json"].startswith("differs")
    few = tmp_path / "few.csv"
    few.write_text("x,y\n1,2\n2,3\n3,5\n")
    code, _, err = run("train", "--data", few, "--target", "y", "--test-size", "0.0001")
    assert code == 2
    assert "none of 3 rows is held out; expected rows on both sides: change --test-size (0 " in err


@pytest.mark.parametrize("size", ["-0.1", "1", "1.5", "nan", "-0.0"])
def test_sizes(run: Run, table: Path, tmp_path: Path, size: str) -> None:
    """Below 0, and from 1 on, are refused; minus zero is zero."""
    code, _, err = run(
        "train", "--data", table, "--target", "y", f"--test-size={size}", "--artifacts", tmp_path
    )
    assert code == (0 if size == "-0.0" else 2)
    assert err.count("\n") == (0 if size == "-0.0" else 1)


# The levels of the intervals


def test_levels_are_stored(run: Run, table: Path, tmp_path: Path) -> None:
    """In ascending order, for predict, update and verify; others are refused by name."""
    flags = ("--target", "y", "--artifacts", tmp_path, "--levels", " .95, .5,.9")
    assert run("train", "--data", table, *flags)[0] == 0
    interval = read_model(tmp_path).interval
    assert interval is not None
    assert [level for level, _ in interval.quantiles] == [0.5, 0.9, 0.95]
    usual = tmp_path / "usual"
    assert run("train", "--data", table, "--target", "y", "--artifacts", usual)[0] == 0
    outs = {
        run("predict", table, "--interval", "0.9", "--artifacts", f)[1] for f in (tmp_path, usual)
    }
    assert len(outs) == 1
    code, _, err = run("predict", table, "--interval", "0.8", "--artifacts", tmp_path)
    assert code == 2
    assert (
        "no interval is stored for the confidence level 0.8; expected one of 0.5, 0.9, 0.95" in err
    )
    assert run("quantize", "--artifacts", tmp_path)[0] == 0
    assert verdicts(run, tmp_path, "--data", table)[0] == 0


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        (".9,.9", "has a level twice"),
        ("0.9,1", "1 is not between 0 and 1"),
        ("0.9,", "'' is not a finite number"),
        ("0.9,0.9000000001", "too close to each other, to 0 or to 1 with"),
        ("1e-300,2e-324", "is not between 0 and 1"),
    ],
)
def test_levels_that_cannot_be_stored(
    run: Run, table: Path, tmp_path: Path, levels: str, message: str
) -> None:
    """One line, and nothing is written."""
    folder = tmp_path / "a"
    flags = ("--target", "y", "--artifacts", folder, "--levels", levels)
    code, _, err = run("train", "--data", table, *flags)
    assert (code, err.count("\n"), folder.exists()) == (2, 1, False)
    assert message in err


def test_extreme_levels(run: Run, table: Path, tmp_path: Path) -> None:
    """Quantiles of levels next to 0 and 1 are as precise as others."""
    flags = ("--target", "y", "--artifacts", tmp_path, "--levels", "1e-300,0.9999999999999999")
    assert run("train", "--data", table, *flags)[0] == 0
    interval = read_model(tmp_path).interval
    assert interval is not None
    (_, small), (_, large) = interval.quantiles
    assert 1.2e-300 < small < 1.3e-300  # the density at 0 is 1 / 2.5
    p = two_sided_p_value(interval.degrees_of_freedom, large)
    assert p == pytest.approx(1e-16, rel=1e-4)


def test_levels_without_an_interval(run: Run, tmp_path: Path) -> None:
    """A note says that none is stored."""
    path = tmp_path / "rows.csv"
    path.write_text("a,b,y\n" + "".join(f"{k},{2 * k},{k % 5}\n" for k in range(50)))
    flags = ("--features", "a,b", "--target", "y", "--artifacts", tmp_path, "--allow-collinear")
    code, _, err = run("train", "--data", path, *flags, "--levels", "0.9")
    assert (code, err.count("\n")) == (0, 1)
    assert "note: no prediction interval is defined, so no level of --levels is stored" in err
