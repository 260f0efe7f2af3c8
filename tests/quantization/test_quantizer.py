"""Quantization: small files, a proven optimum, and a contract that is kept."""

import json
import math
from fractions import Fraction
from pathlib import Path

import joblib
import numpy as np
import pytest
import reference
from commands import Run
from hypothesis import given
from hypothesis import strategies as st
from table_data import train_on

from cali_reg.data import california_housing
from cali_reg.data.california_housing import Table
from cali_reg.errors import DataError, GateError
from cali_reg.jobs.fit import fit
from cali_reg.jobs.gates import check_contract
from cali_reg.jobs.training_data.embedded_data import moments_of
from cali_reg.least_squares import moments_file
from cali_reg.least_squares.moments_file import TrainTestMoments
from cali_reg.least_squares.statistics.scores import r2_loss, score
from cali_reg.quantization import quantizer
from cali_reg.runtime import artifacts
from cali_reg.runtime.model import LinearModel, QuantizedModel
from cali_reg.runtime.schema import Column


@pytest.fixture(scope="module")
def split() -> tuple[Table, Table]:
    """Return the default split."""
    return california_housing.split(california_housing.california_housing(), 0.2, 42)


@pytest.fixture(scope="module")
def model(made: Path) -> LinearModel:
    """Return the default model."""
    return artifacts.read_model(made)


@pytest.fixture(scope="module")
def moments(made: Path, model: LinearModel) -> TrainTestMoments:
    """Return the default model's moments."""
    return moments_file.load_with_model(made)[1]


@pytest.fixture(scope="module")
def quantized(made: Path, model: LinearModel) -> QuantizedModel:
    """Return the default quantized model."""
    return artifacts.read_quantized(made, model)


def test_output(run: Run, folder: Path) -> None:
    """It says that it saved, both models' scores, the contract, and the bytes of every file."""
    code, out, err = run("quantize", "--artifacts", folder)
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "✔ Quantised parameters saved"
    for word in ("0.575788", "0.575815", "uint8", "proven", "largest prediction change, bound"):
        assert word in out
    assert all(str(folder / name) in out for name in artifacts.ALL)


def test_both_models_print_the_same_r2(model: LinearModel, made: Path) -> None:
    """To two decimals, nothing is lost."""
    result = quantizer.quantize(model, moments_file.load_with_model(made)[1])
    assert f"{result.before.r2:.2f}" == f"{result.after.r2:.2f}" == "0.58"


def test_losses_are_exact(
    quantized: QuantizedModel,
    model: LinearModel,
    split: tuple[Table, Table],
) -> None:
    """The contract's losses of R² are those of rational arithmetic on the rows."""
    models = [(m.coefficients, m.intercept) for m in (model, quantized)]
    for rows, key in zip(split, ("r2_loss_train", "r2_loss_test"), strict=True):
        assert quantized.contract[key] == reference.r2_loss(rows.X, rows.y, *models)


def test_default_loss_is_tiny_and_proven(quantized: QuantizedModel) -> None:
    """At 8 bits, the loss on the training rows is proven to be the least: under 5e-7."""
    assert 0 < quantized.contract["r2_loss_train"] < 5e-7
    assert quantized.contract["r2_gap"] == 0
    assert abs(quantized.contract["r2_loss_test"]) < 4e-4


@pytest.mark.parametrize("seed", range(42, 62, 5))
def test_loss_on_other_splits(seed: int) -> None:
    """So it is on other splits (`make bench` has all 20): 2e-6 in training, 4e-4 held out."""
    rows, held_out = california_housing.split(california_housing.california_housing(), 0.2, seed)
    model = train_on(rows, held_out).model
    moments = TrainTestMoments(rows.names, rows.target, moments_of(rows), moments_of(held_out))
    contract = quantizer.quantize(model, moments).model.contract
    assert contract["r2_loss_train"] <= 2e-6
    assert abs(contract["r2_loss_test"]) <= 4e-4
    assert contract["r2_gap"] == 0
    assert abs(quantizer.quantize(model, moments, 10).model.contract["r2_loss_test"]) <= 5e-5


def test_intercept_leaves_no_bias(quantized: QuantizedModel, moments: TrainTestMoments) -> None:
    """The refitted intercept makes the training errors sum up to zero, but for its rounding."""
    scores = score(moments.train, quantized.coefficients, quantized.intercept)
    assert abs(scores.bias) <= 2.0**-48


def test_codes_carry_the_accuracy(
    quantized: QuantizedModel, model: LinearModel, moments: TrainTestMoments
) -> None:
    """Replacing the codes by their mean breaks the contract: they are no decoration."""
    mean = round(sum(quantized.codes) / len(quantized.codes))
    flat = quantized._replace(codes=(mean,) * len(quantized.codes))
    loss = r2_loss(
        moments.train,
        (model.coefficients, model.intercept),
        (flat.coefficients, flat.intercept),
    )
    with pytest.raises(GateError, match="R² on the training rows falls by"):
        check_contract(
            {**quantized.contract, "r2_loss_train": loss}, max_r2_loss=0.001, max_change=None
        )


BROKEN = {
    "loss": (["--bits", "2"], "R² on the training rows falls by 0.00424", "--max-r2-loss 0.001"),
    "change": (["--max-change", "0.01"], "may change by 0.0599896", "--max-change 0.01"),
    "auto": (["--bits", "auto", "--max-change", "1e-9"], "even 16 bits may", "--max-change 1e-09"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_contract(run: Run, folder: Path, case: str) -> None:
    """Exit code 1, the reason with both figures, and the old artifacts untouched."""
    options, found, allowed = BROKEN[case]
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    code, out, err = run("quantize", "--artifacts", folder, *options)
    assert (code, out) == (1, "")
    assert found in err
    assert allowed in err
    assert err.count("\n") == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_auto_takes_the_narrowest_width(
    run: Run, folder: Path, model: LinearModel, moments: TrainTestMoments
) -> None:
    """``--bits auto`` finds the least width whose bound is small enough, and no wider one."""
    code, _, _ = run("quantize", "--artifacts", folder, "--bits", "auto", "--max-change", "0.1")
    chosen = artifacts.read_quantized(folder, model)
    assert code == 0
    assert chosen.contract["max_change_bound"] <= 0.1
    narrower = quantizer.quantize(model, moments, chosen.bits - 1).model
    assert narrower.contract["max_change_bound"] > 0.1


def test_auto_measures_the_chosen_width_only(model: LinearModel, moments: TrainTestMoments) -> None:
    """The rows of large files are read once, not once for each width that is tried."""
    calls = []

    def blocks() -> list[np.ndarray]:
        calls.append(1)
        return [np.array([[feature.maximum for feature in model.features]])]

    narrowest = quantizer.narrowest(model, moments, 0.1, blocks=blocks)
    assert len(calls) == 1
    assert (
        narrowest.files
        == quantizer.quantize(model, moments, narrowest.model.bits, blocks=blocks).files
    )


def test_auto_needs_a_limit(run: Run, folder: Path) -> None:
    """Without --max-change there is nothing to keep to."""
    code, _, err = run("quantize", "--artifacts", folder, "--bits", "auto")
    assert code == 2
    assert "--bits auto requires --max-change" in err


def test_curve_lists_all_widths(run: Run, folder: Path) -> None:
    """A row for each width from 2 to 16; nothing is written."""
    before = (folder / "quantized.json").read_bytes()
    code, out, _ = run("quantize", "--artifacts", folder, "--curve")
    rows = [line.split() for line in out.splitlines()[1:]]
    assert code == 0
    assert [row[0] for row in rows] == [str(bits) for bits in range(2, 17)]
    losses = [float(row[2]) for row in rows]
    assert losses == sorted(losses, reverse=True)
    assert (folder / "quantized.json").read_bytes() == before


def test_rows_named_with_data(
    run: Run,
    folder: Path,
    split: tuple[Table, Table],
    tmp_path: Path,
) -> None:
    """Training rows given as a file are checked against the moments, then measured on."""
    rows = split[0]
    lines = [",".join([rows.target, *rows.names])]
    for y, x in zip(rows.y.tolist(), rows.X.tolist(), strict=True):
        lines.append(",".join(map(repr, [y, *x])))
    path = tmp_path / "rows.csv"
    before = (folder / "quantized.json").read_bytes()
    path.write_text("\n".join(lines))
    assert run("quantize", "--artifacts", folder, "--data", path)[0] == 0
    assert (folder / "quantized.json").read_bytes() == before
    path.write_text("\n".join(lines[:-1]))
    code, _, err = run("quantize", "--artifacts", folder, "--data", path)
    assert code == 2
    assert "its rows are not the 16512 training rows" in err


def test_no_measurement_without_the_rows(run: Run, folder: Path, tmp_path: Path) -> None:
    """After an update the embedded rows are not the training rows: nothing is measured."""
    path = tmp_path / "row.csv"
    names = [*california_housing.FEATURES, california_housing.TARGET]
    path.write_text(",".join(names) + "\n" + ",".join("1" * len(names)) + "\n")
    run("update", "--artifacts", folder, "--add", path)
    code, out, _ = run("quantize", "--artifacts", folder)
    assert code == 0
    assert "largest prediction change, training rows" not in out
    assert "max_change_measured" not in json.loads((folder / "quantized.json").read_text())


def test_joblib_files_rebuild_the_coefficients(made: Path, quantized: QuantizedModel) -> None:
    """The pair loads with joblib alone, is at most 100 bytes, and gives the same bits."""
    paths = made / "quant_params.joblib", made / "scale.joblib"
    codes, (scale, zero_point, exponents, intercept) = map(joblib.load, paths)
    rebuilt = [
        scale / 256 * 2.0**e * (code - zero_point) for code, e in zip(codes, exponents, strict=True)
    ]
    assert tuple(rebuilt) == quantized.coefficients
    assert intercept == quantized.intercept
    assert sum(path.stat().st_size for path in paths) <= 100
    assert (made / "quantized.json").stat().st_size < 2000


@pytest.mark.parametrize("size", [1e308, 1e-290])
def test_values_at_the_ends_of_float64(run: Run, tmp_path: Path, size: float) -> None:
    """Where a prediction can be beyond float64, one line says so; verify works all the same."""
    random = np.random.default_rng(1)
    lines = ["x1,x2,y"]
    for _ in range(60):
        x, d, noise = (random.uniform(-1, 1, 3) * [size, size / 1e8, 0.01]).tolist()
        lines.append(f"{x!r},{x + d!r},{d * 1e7 * (1 + noise)!r}")
    rows, folder = tmp_path / "rows.csv", tmp_path / "model"
    rows.write_text("\n".join(lines) + "\n")
    assert run("train", "--data", rows, "--target", "y", "--artifacts", folder)[0] == 0
    for options in ([], ["--data", rows], ["--curve"], ["--bits", "auto", "--max-change", "1"]):
        code, _, err = run("quantize", *options, "--artifacts", folder)
        if size > 1:
            assert (code, err.count("\n")) == (2, 1)
            assert "can be beyond float64: no contract can bound their change; scale" in err
        else:
            assert code == 0, err
    code, out, err = run("verify", "--data", rows, "--artifacts", folder)
    assert (code, out.count("same")) == ((1, 3) if size > 1 else (0, 6)), err
    if size > 1:
        (folder / "quantized.json").write_text("x")
        code, out, err = run("verify", "--data", rows, "--artifacts", folder)
        assert code == 1
        assert "quantized.json       differs: cannot be rebuilt (predictions inside" in out


def test_wide_codes_rebuild_too(run: Run, folder: Path, model: LinearModel) -> None:
    """More than eight bits: the codes are integers all the same."""
    run("quantize", "--artifacts", folder, "--bits", "12")
    codes = joblib.load(folder / "quant_params.joblib")
    assert tuple(codes) == artifacts.read_quantized(folder, model).codes
    assert max(codes) > 255


def test_contract_counts_the_bytes(made: Path, quantized: QuantizedModel) -> None:
    """The bytes in the contract are the files' sizes."""
    for name, size in quantized.contract["bytes"].items():
        assert (made / name).stat().st_size == size


@given(st.integers(0, 255), st.integers(256, 511), st.integers(-900, 900))
def test_dequantized_coefficients_are_exact(code: int, scale: int, exponent: int) -> None:
    """A coefficient is scale / 256 * 2**exponent * (code - zero_point), without a rounding."""
    model = QuantizedModel(8, 128, scale, (exponent,), (code,), 0.0, "", {})
    expected = Fraction(scale, 256) * Fraction(2) ** exponent * (code - 128)
    assert Fraction(model.coefficients[0]) == expected


@pytest.mark.parametrize("weight", [2.0**1001, -(2.0**-1001)])
def test_coefficients_out_of_reach(
    model: LinearModel, moments: TrainTestMoments, weight: float
) -> None:
    """Coefficients whose codes' values might be no float64 are refused."""
    feature = model.features[0]._replace(coefficient=weight)
    extreme = model._replace(features=(feature, *model.features[1:]))
    with pytest.raises(DataError, match=r"above 2\*\*1000 or below 2\*\*-1000"):
        quantizer.quantize(extreme, moments)


def test_constant_target(tmp_path: Path) -> None:
    """Nothing to explain: all codes are zero points, and the loss is undefined."""
    table = Table(("a",), "t", np.array([[1.0], [2.0], [4.0]]), np.ones(3))
    rows = moments_of(table)
    moments = TrainTestMoments(table.names, table.target, rows, rows)
    columns = (Column("a"),)
    model = fit(moments, [(1.0, 4.0)], columns=columns, samples=(), source={}).model
    result = quantizer.quantize(model, moments).model
    assert result.coefficients == (0.0,)
    assert result.intercept == 1.0
    assert result.contract["r2_loss_train"] is None
    assert math.isfinite(result.contract["max_change_bound"])


@pytest.mark.parametrize("field", ["model.json", "moments.json"])
def test_missing_inputs(run: Run, folder: Path, field: str) -> None:
    """Without a model or its moments, the message says what to run."""
    (folder / field).unlink()
    code, out, err = run("quantize", "--artifacts", folder)
    assert (code, out) == (2, "")
    assert f"{folder / field}: no such file; run `cali-reg train` first" in err
