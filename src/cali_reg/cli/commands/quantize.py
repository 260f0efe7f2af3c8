"""Convert the coefficients to integer codes, and check the accuracy contract."""

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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``cali-reg quantize``."""
    parser.add_argument(
        "--bits",
        type=argument_types.bits,
        default=8,
        help="width of a code, 2 to 16, or auto: the least that keeps --max-change (default: 8)",
    )
    parser.add_argument(
        "--max-r2-loss",
        type=argument_types.finite,
        default=0.001,
        metavar="LOSS",
        help="fail if R² falls by more, on training or held-out rows (default: 0.001)",
    )
    parser.add_argument(
        "--max-change",
        type=argument_types.finite,
        metavar="CHANGE",
        help="fail if a prediction inside the training ranges may change by more",
    )
    arguments.add_data(
        parser, "files that the model was trained on, to measure the change on the training rows"
    )
    parser.add_argument(
        "--curve", action="store_true", help="print a table of all widths, and write nothing"
    )


def run(options: argparse.Namespace) -> None:
    """Quantize the model, check the contract, write, print; or print the curve."""
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
            raise UsageError("--bits auto needs --max-change, the change that is allowed")
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
