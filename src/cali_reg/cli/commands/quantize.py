"""Convert coefficients to integer codes with an accuracy contract."""

from __future__ import annotations

import argparse

from cali_reg.cli import argument_types, arguments, reading_arguments
from cali_reg.runtime import artifacts
from cali_reg.runtime.messages import print_report

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
    """Add the options of ``cali-reg quantize``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
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
        " more than this; where the held-out rows determine no R², the training rows decide"
        " (default: %(default)s)",
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
    reading_arguments.add_reading(parser)


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
    from cali_reg.jobs.quantize import quantize_all_widths, quantize_model
    from cali_reg.report import tables

    data = options.data or ()
    reading = reading_arguments.asked(options, has_files=bool(data))
    if options.curve:
        print(tables.curve(quantize_all_widths(options.artifacts, data, reading)), end="")
        return
    result = quantize_model(
        options.artifacts,
        options.bits,
        data=data,
        reading=reading,
        max_r2_loss=options.max_r2_loss,
        max_change=options.max_change,
    )
    target = artifacts.read_model(options.artifacts).target
    artifacts.replace(options.artifacts, result.files, result.model.model_fingerprint)
    print_report(tables.quantized(result, target) + "\n")
    print_report(tables.files(options.artifacts))
