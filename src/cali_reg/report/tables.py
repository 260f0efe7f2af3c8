"""Text tables that the commands print."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cali_reg.report.plan_table import plan_table
from cali_reg.runtime import artifacts
from cali_reg.runtime.messages import printable, text_table

if TYPE_CHECKING:  # a table needs none of the packages that made its numbers
    from cali_reg.jobs.fit import Trained
    from cali_reg.jobs.update import Updated
    from cali_reg.jobs.verify import Verdict
    from cali_reg.least_squares.statistics.scores import Scores
    from cali_reg.quantization.quantizer import Quantized
    from cali_reg.runtime.model import LinearModel


def trained(result: Trained, level: float = 0.95, *, details: bool = False) -> str:
    """Format a training report: scores, then the regression table.

    Parameters
    ----------
    result : Trained
        The model with its solution.
    level : float, default=0.95
        Of the confidence intervals of coefficients.
    details : bool, default=False
        Whether to show the inflation of variances and the condition number, too.

    Returns
    -------
    str
        R² and RMSE on the first line.
    """
    test, train = result.model.scores["test"], result.model.scores["train"]
    n_dropped = result.model.source.get("dropped_rows")
    dropped = f"\ndropped   {n_dropped:>6} rows  with missing values" if n_dropped else ""
    shown, where = (test, "") if test["n_samples"] else (train, " on the training rows")
    return (
        f"✔ R²: {_number(shown['r2'], '.2f')} | RMSE: {_number(shown['rmse'], '.2f')}{where}\n\n"
        f"held out  {_scores(test)}\ntraining  {_scores(train)}{dropped}\n"
        f"{_about_zero(result)}{_rounding(result)}\n"
        f"{_plan(result.model)}{result.summary(level, details=details)}"
    )


def updated(result: Updated) -> str:
    """Format how many rows an update added to and removed from each side.

    Parameters
    ----------
    result : Updated
        The model with the numbers of rows.

    Returns
    -------
    str
        A row for each side.
    """
    added, removed = result.added, result.removed
    rows = [
        ["training", str(added.training), str(removed.training)],
        ["held out", str(added.held_out), str(removed.held_out)],
    ]
    return text_table(["rows", "added", "removed"], rows)


def cross_validated(folds: Sequence[Scores]) -> str:
    """Format the scores of a cross-validation: a row for each fold, and their mean.

    Parameters
    ----------
    folds : sequence of Scores
        Of each fold, by the model of the other folds; at least one.

    Returns
    -------
    str
    """
    rows = [
        [f"fold {k}", str(s.n_samples), _score(s.r2), _score(s.rmse)]
        for k, s in enumerate(folds, start=1)
    ]
    r2 = sum(fold.r2 for fold in folds) / len(folds)
    rmse = sum(fold.rmse for fold in folds) / len(folds)
    mean = ["mean", "", _score(r2), _score(rmse)]
    return text_table(["cross-validation", "rows", "R²", "RMSE"], [*rows, mean])


def quantized(result: Quantized, target: str) -> str:
    """Format a quantization report: scores of both models, and the accuracy contract.

    Parameters
    ----------
    result : Quantized
        The quantized model, and the scores of both models.
    target : str
        Name of the target, the unit of a change.

    Returns
    -------
    str
    """
    width, contract = f"uint{result.model.bits}", result.model.contract
    scores = [
        [name, *map(_score, (s.r2, s.rmse, s.bias))]
        for name, s in (("float64", result.before), (width, result.after))
    ]
    optimum = "proven minimum of all codes"
    if contract["r2_gap"]:
        optimum = f"at most {contract['r2_gap']:.3g} above the minimum"
    decided = "the training rows decide" if contract["r2_loss_test"] is None else ""
    promises = [
        ["R² loss, training rows", f"{contract['r2_loss_train']:.3g}", optimum],
        ["R² loss, held-out rows", _number(contract["r2_loss_test"], ".3g"), decided],
        ["largest prediction change, bound", f"{contract['max_change_bound']:.6f}", target],
    ]
    if "max_change_measured" in contract:
        change = f"{contract['max_change_measured']:.6f}"
        promises.append(["largest prediction change, training rows", change, target])
    return (
        "✔ Quantised parameters saved\n\n"
        + text_table(
            [f"{result.before.n_samples} {result.rows} rows", "R²", "RMSE", "bias"], scores
        )
        + "\n"
        + text_table(["contract", "", ""], promises)
    )


def curve(results: Sequence[Quantized]) -> str:
    """Format the accuracy contracts of several widths: a row for each number of bits.

    Parameters
    ----------
    results : sequence of Quantized
        One for each width. A change that was not measured is shown as ``-``.

    Returns
    -------
    str
    """
    rows = [
        [
            str(result.model.bits),
            str(sum(map(len, list(result.files.values())[:2]))),
            f"{result.model.contract['r2_loss_train']:.2g}",
            _number(result.model.contract["r2_loss_test"], ".2g"),
            f"{result.model.contract['max_change_bound']:.2g}",
            _number(result.model.contract.get("max_change_measured"), ".2g", missing="-"),
        ]
        for result in results
    ]
    losses, changes = ["R² loss training", "held out"], ["largest change bound", "measured"]
    return text_table(["bits", "bytes", *losses, *changes], rows)


def verdicts(results: Sequence[Verdict]) -> str:
    """Format the result of a verification: a line for each file.

    Parameters
    ----------
    results : sequence of Verdict
        At least one.

    Returns
    -------
    str
        ``same`` or the first difference, and what was not checked.
    """
    width = max(len(result.name) for result in results)
    lines = []
    for result in results:
        verdict = f"differs: {result.difference}" if result.difference else "same"
        unchecked = f" (not checked: {result.unchecked})" if result.unchecked else ""
        lines.append(printable(f"{result.name:{width}}  {verdict}{unchecked}") + "\n")
    return "".join(lines)


def verified(model: LinearModel) -> str:
    """Format what a verification says about the rows, and what it took on trust about them.

    Parameters
    ----------
    model : LinearModel
        The rebuilt model.

    Returns
    -------
    str
        A line with the numbers of rows and R², and one with the split.
    """
    train, test = model.scores["train"], model.scores["test"]
    split = model.source.get("split")
    fields = split if isinstance(split, dict) else {"split": split}
    how = ", ".join(f"{name} {_cut(json.dumps(value))}" for name, value in sorted(fields.items()))
    rows = f"{train['n_samples']} training rows, {test['n_samples'] or 'none'} held out"
    r2, where = (test["r2"], "") if test["n_samples"] else (train["r2"], " on the training rows")
    return (
        f"{rows}: R² {_number(r2, '.6g')}{where}\n"
        + printable(f"split, which is not checked: {how}")
        + "\n"
    )


def caution(model: LinearModel) -> str:
    """Return what is wrong with a model whose files are right; empty if nothing is.

    Parameters
    ----------
    model : LinearModel
        The rebuilt model.
    """
    r2 = model.scores["test"]["r2"]
    if not model.scores["test"]["n_samples"]:
        return "no row is held out: nothing says how well it predicts other rows"
    if r2 is None:
        return "its R² on the held-out rows is undefined: nothing says how well it predicts"
    if r2 <= 0:
        return f"it predicts the held-out rows no better than their mean does (R² {r2:.6g})"
    return ""


def files(folder: Path, names: Iterable[str] = artifacts.ALL) -> str:
    """Format the names and sizes of the artifacts that exist in a folder.

    Parameters
    ----------
    folder : Path
    names : iterable of str
        File names; by default those of all artifacts.

    Returns
    -------
    str
        Sizes are in bytes.
    """
    paths = [folder / name for name in names]
    rows = [[str(path), str(path.stat().st_size)] for path in paths if path.exists()]
    return text_table(["file", "bytes"], rows)


def _plan(model: LinearModel) -> str:
    """Format the column plan of a training, if there is one."""
    if model.plan is None or "updated" in model.source:
        return ""
    return plan_table(model.plan) + "\n"


def _about_zero(result: Trained) -> str:
    """Format the R² that other programs print without an intercept; nothing with one."""
    if result.model.fit_intercept:
        return ""
    train, test = (result.model.scores[part] for part in ("train", "test"))
    held_out = f", {_number(test['r2_uncentered'], '')} on the held-out rows" * bool(
        test["n_samples"]
    )
    return (
        "no intercept: R² is about the mean of the target; about zero it is"
        f" {_number(train['r2_uncentered'], '')} on the training rows{held_out}\n"
    )


def _rounding(result: Trained) -> str:
    """Say how much the roundings of float64 predictions matter; nothing where it is not known."""
    scores = result.model.scores.values()
    bounds = [bound for s in scores if (bound := s.get("r2_rounding_bound")) is not None]
    if not bounds:
        return ""
    return f"rounding  R² of the float64 predictions differs by at most {max(bounds):.2g}\n"


def score_cells(scores: Mapping[str, float | None]) -> list[str]:
    """Return the number of rows, R² and RMSE of one side, as texts.

    Parameters
    ----------
    scores : mapping of str to float or None
        A side of the model's scores.
    """
    return [str(scores["n_samples"]), *(_number(scores[name], ".6g") for name in ("r2", "rmse"))]


def _scores(scores: Mapping[str, float | None]) -> str:
    if not scores["n_samples"]:
        return f"{'none':>6}  (--test-size 0): nothing says how well it predicts other rows"
    r2, rmse = (_number(scores[name], "") for name in ("r2", "rmse"))
    return f"{scores['n_samples']:>6} rows  R² {r2}  RMSE {rmse}"


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:60] + "..."


def _score(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.6f}"


def _number(value: float | None, form: str, *, missing: str = "undefined") -> str:
    return missing if value is None else format(value, form)
