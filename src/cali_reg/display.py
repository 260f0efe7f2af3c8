"""What the commands print: small tables of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from scipy.special import stdtr

from cali_reg.quantize import Quantized
from cali_reg.solve import Scores
from cali_reg.train import Trained


def trained(result: Trained) -> str:
    """Return the training report: scores, then a row for each coefficient."""
    test, train = result.model.scores["test"], result.model.scores["train"]
    return (
        f"✔ R²: {_number(test['r2'], '.2f')} | RMSE: {_number(test['rmse'], '.2f')}\n\n"
        f"held out  {test['n_samples']:>6} rows  R² {test['r2']}  RMSE {test['rmse']}\n"
        f"training  {train['n_samples']:>6} rows  R² {train['r2']}  RMSE {train['rmse']}\n\n"
        f"{_coefficients(result)}"
    )


def cross_validated(folds: Sequence[Scores]) -> str:
    """Return a row for each fold of a cross-validation, and their mean."""
    rows = [
        [f"fold {k}", str(s.n_samples), f"{s.r2:.6f}", f"{s.rmse:.6f}"]
        for k, s in enumerate(folds, start=1)
    ]
    r2 = sum(fold.r2 for fold in folds) / len(folds)
    rmse = sum(fold.rmse for fold in folds) / len(folds)
    mean = ["mean", "", f"{r2:.6f}", f"{rmse:.6f}"]
    return _table(["cross-validation", "rows", "R²", "RMSE"], [*rows, mean])


def quantized(result: Quantized, largest_change: float | None, target: str) -> str:
    """Return the quantization report: both models' scores on the held-out rows."""
    rows = [
        ["float64", f"{result.before.r2:.6f}", f"{result.before.rmse:.6f}"],
        [f"uint{result.model.bits}", f"{result.after.r2:.6f}", f"{result.after.rmse:.6f}"],
    ]
    scores = _table([f"{result.before.n_samples} held-out rows", "R²", "RMSE"], rows)
    change = (
        ""
        if largest_change is None
        else (f"\nLargest change of a prediction: {largest_change:.6f} {target}\n")
    )
    return f"✔ Quantised parameters saved\n\n{scores}{change}"


def files(folder: Path, contents: Mapping[str, bytes]) -> str:
    """Return the names and sizes of the files written."""
    rows = [[str(folder / name), str(len(data))] for name, data in contents.items()]
    return _table(["file", "bytes"], rows)


def _coefficients(result: Trained) -> str:
    solution, model = result.solution, result.model
    names = ["(intercept)", *model.names]
    values = [solution.intercept, *solution.coefficients]
    errors = [solution.intercept_standard_error, *solution.standard_errors]
    rows = [
        [name, f"{value:.6g}", f"{error:.3g}", *_t_and_p(value, error, solution.degrees_of_freedom)]
        for name, value, error in zip(names, values, errors, strict=True)
    ]
    return _table(["", "coefficient", "std. error", "t", "p"], rows)


def _t_and_p(value: float, error: float, degrees_of_freedom: int) -> tuple[str, str]:
    """Return Student's t and its two-sided p-value."""
    if not error > 0:
        return "-", "-"
    t = value / error
    return f"{t:.2f}", f"{2 * stdtr(degrees_of_freedom, -abs(t)):.3g}"


def _number(value: float | None, form: str) -> str:
    return "undefined" if value is None else format(value, form)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Align the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = (
        "  ".join(f"{cell:{'<' if j == 0 else '>'}{widths[j]}}" for j, cell in enumerate(row))
        for row in (header, *rows)
    )
    return "".join(line.rstrip() + "\n" for line in lines)
