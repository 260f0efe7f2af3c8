"""Add or remove training rows without reading the other rows again."""

from __future__ import annotations

import argparse

from cali_reg.cli import arguments, reading_arguments
from cali_reg.runtime import artifacts
from cali_reg.runtime.messages import print_notes, print_report, printable

DESCRIPTION = """\
Add rows to a trained model, or remove rows from it. Only these rows are read,
and the new coefficients are bit for bit those of training from scratch. The old
artifacts are replaced, and the report says how many rows moved; quantize the
new model again. The model does not know its rows: rows to remove that it never
had are found only if no rows can have the sums that remain. If a check fails,
no file is written."""

EXAMPLES = """\
cali-reg update --add new.csv
cali-reg update --add may.parquet --remove 'april/*.parquet' --min-r2 0.5"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``cali-reg update``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    parser.add_argument(
        "--add",
        nargs="+",
        metavar="PATH",
        help=f"rows to add: {arguments.FILES}; - reads CSV from standard input",
    )
    parser.add_argument(
        "--remove",
        nargs="+",
        metavar="PATH",
        help="rows to remove: files as for --add; the model must have been trained on these rows",
    )
    arguments.add_left_out(parser)
    parser.add_argument(
        "--unseen",
        choices=["error", "baseline"],
        default="error",
        help="how to treat training rows with a category that the model does not know: error (the"
        " row is invalid), or baseline (take it as the baseline category, and say how many there"
        " were) (default: %(default)s)",
    )
    arguments.add_gates(parser)
    reading_arguments.add_reading(parser)


def run(options: argparse.Namespace) -> None:
    """Update the model, write its artifacts and print the report.

    Parameters
    ----------
    options : argparse.Namespace
        As parsed with the arguments of `add_arguments`.

    Raises
    ------
    GateError
        If R² on the held-out rows is below ``--min-r2``.
    UsageError
        If there is nothing to add or to remove.
    DataError
        If the rows cannot be used, or were not those of the model.
    ArtifactError
        If artifacts are missing, do not belong together, or cannot be written.
    """
    from cali_reg.jobs.update import update
    from cali_reg.report import tables

    updated = update(
        options.artifacts,
        add=options.add or (),
        remove=options.remove or (),
        reading=reading_arguments.asked(options),
        min_r2=options.min_r2,
        allow_collinear=options.allow_collinear,
        missing=options.missing,
        unseen=options.unseen,
        on_error=options.on_error,
    )
    artifacts.replace(options.artifacts, updated.files, updated.based_on)
    print_notes("cali-reg update", updated.notes)
    print_report(tables.trained(updated) + "\n")
    print_report(tables.updated(updated) + "\n")
    print_report(tables.files(options.artifacts, updated.files))
    quantized = options.artifacts / artifacts.QUANTIZED
    if quantized.exists():
        path = printable(str(quantized))
        print_report(f"\n{path} has the codes of the model before: run `cali-reg quantize`\n")
