"""Convert coefficients to integer codes with an accuracy contract."""

from __future__ import annotations

import argparse

from cali_reg.cli import argument_types, arguments
from cali_reg.errors import UsageError
from cali_reg.runtime import artifacts

TYPE_CHECKING = False  # see cali_reg/__init__.py
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cali_reg.least_squares.moments_file import TrainTestMoments
    from cali_reg.quantization.change_bound import Rows
    from cali_reg.runtime.model import LinearModel

DESCRIPTION = """\
Convert the float64 coefficients to integer codes, uint8 by default, that change
the predictions on the training rows as little as possible. Print and store the
accuracy contract: how much R² falls, and how much a prediction can change.
Write quant_params.joblib, scale.joblib and quantized.json. If the contract is
not met, no file is written."""

EXAMPLES = """\
cali-reg quantize
cali-reg quantize --bits auto --max-change 0.01
cali-reg quantize --curve"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``cali-reg quantize``."""
    parser.add_argument(
        "--bits",
        type=argument_types.bits,
        default=8,
        metavar="BITS",
        help="bits per code: 2 to 16, or auto for the fewest that satisfy --max-change"
        " (default: %(default)s)",
    )
    parser.add_argument(
        "--max-r2-loss",
        type=argument_types.finite,
        default=0.001,
        metavar="LOSS",
        help="fail with exit code 1 if R² on the training rows or on the held-out rows falls by"
        " more than this (default: %(default)s)",
    )
    parser.add_argument(
        "--max-change",
        type=argument_types.finite,
        metavar="CHANGE",
        help="fail with exit code 1 if a prediction can change by more than this, in units of the"
        " target, for inputs inside the training ranges (default: no check)",
    )
    arguments.add_data(
        parser,
        f"training data, to also measure the largest change of a prediction on it:"
        f" {arguments.FILES} (default: the embedded data, if the model was trained on it)",
    )
    parser.add_argument(
        "--curve",
        action="store_true",
        help="print the accuracy contract for every width from 2 to 16 bits, and write nothing",
    )


def run(options: argparse.Namespace) -> None:
    """Quantize the model, write its artifacts and print the report; or print the curve.

    Parameters
    ----------
    options : argparse.Namespace
        As parsed with the arguments of `add_arguments`.

    Raises
    ------
    GateError
        If the accuracy contract is not met.
    UsageError
        If options do not fit together, or ``--data`` has other rows than the training.
    ArtifactError
        If artifacts are missing, do not belong together, or cannot be written.
    """
    from cali_reg.jobs.gates import check_contract
    from cali_reg.least_squares import moments_file
    from cali_reg.quantization import quantizer
    from cali_reg.report import tables

    model = artifacts.load_model(options.artifacts)
    moments = moments_file.load_for(model, options.artifacts)
    rows = _training_rows(options.data, model, moments)
    if options.curve:
        results = [quantizer.quantize(model, moments, bits, rows=rows) for bits in quantizer.WIDTHS]
        print(tables.curve(results), end="")
        return
    if options.bits == 0:
        if options.max_change is None:
            raise UsageError("--bits auto requires --max-change, the largest change allowed")
        result = quantizer.narrowest(model, moments, options.max_change, rows=rows)
    else:
        result = quantizer.quantize(model, moments, options.bits, rows=rows)
    check_contract(
        result.model.contract, max_r2_loss=options.max_r2_loss, max_change=options.max_change
    )
    artifacts.write(options.artifacts, result.files)
    print(tables.quantized(result, model.target))
    print(tables.files(options.artifacts), end="")


def _training_rows(
    paths: Sequence[str] | None, model: LinearModel, moments: TrainTestMoments
) -> Rows | None:
    """Return the training rows, if they are embedded or named: those that the moments sum up."""
    if paths:
        from cali_reg.jobs.train import TrainingRows, summarize_for

        if summarize_for(model, paths).train != moments.train:
            n_rows = moments.train.n_samples
            raise UsageError(f"{paths[0]}: its rows are not the {n_rows} training rows")
        return TrainingRows(model, paths)
    from cali_reg.data import california_housing
    from cali_reg.jobs.fit import moments_of

    if split := california_housing.recorded_split(model.source):
        rows, _ = split
        if moments_of(rows) == moments.train:
            return [rows.X]
    return None
