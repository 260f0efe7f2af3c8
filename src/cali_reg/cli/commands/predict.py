"""Predict the sample rows, or the rows of files."""

from __future__ import annotations

import argparse

from cali_reg.cli import argument_types, arguments, reading_arguments
from cali_reg.errors import UsageError
from cali_reg.runtime import artifacts
from cali_reg.runtime.atomic_files import write_file
from cali_reg.runtime.predictor import (
    PredictOptions,
    open_predictor,
    predict_rows,
)
from cali_reg.runtime.samples import describe_samples

DESCRIPTION = """\
Predict the rows of files, which are matched to the model's columns by name, and
write one prediction per row. Without files, predict the sample rows stored in
model.json, with the float64 and the quantized model. Files of any size are read
in bounded memory. An invalid row stops the command with a one-line message."""

EXAMPLES = """\
cali-reg predict
cali-reg predict rows.csv --on-error skip > predictions.txt
cali-reg predict 'new/*.parquet' --interval 0.95 --keep id --out out.parquet"""

_OF_FILES = {  # the options that apply to the rows of files only, and their defaults
    "precision": "float64",
    "interval": None,
    "keep": None,
    "unseen": "error",
    "outside": "note",
    "on_error": "stop",
    "name": None,
    "row_numbers": False,
    **dict.fromkeys(reading_arguments.OPTIONS.values()),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``cali-reg predict``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help=f"rows to predict: {arguments.FILES}; - reads CSV from standard input"
        " (default: the sample rows)",
    )
    arguments.add_precision(parser, "model to predict with")
    parser.add_argument(
        "--interval",
        type=argument_types.fraction,
        metavar="LEVEL",
        help="also write the lower and upper bounds of the prediction interval with this"
        " confidence level: 0.5, 0.8, 0.9, 0.95, 0.98, 0.99 or 0.999, unless `train --levels` chose"
        " others (default: no interval)",
    )
    parser.add_argument(
        "--keep",
        type=argument_types.names,
        metavar="A,B",
        help="columns of the input to copy to the output, separated by commas (default: none)",
    )
    parser.add_argument(
        "--name",
        type=argument_types.name,
        metavar="NAME",
        help="name of the column of predictions; standard output then has a header, too (default:"
        " prediction)",
    )
    parser.add_argument(
        "--row-numbers",
        action="store_true",
        help="also write the number of each row in its file, from 1, as the first column, row",
    )
    _add_checks(parser)
    arguments.add_out(
        parser,
        "output file: CSV with a header if its name ends in .csv, Parquet for .parquet or .pq,"
        " Arrow for .arrow or .feather; for .txt, or a name without an ending, what standard"
        " output has: a header only if there are several columns (default: standard output)",
    )
    reading_arguments.add_reading(parser)


def _add_checks(parser: argparse.ArgumentParser) -> None:
    """Add the options of how invalid and unusual rows are treated."""
    parser.add_argument(
        "--unseen",
        choices=["error", "baseline"],
        default="error",
        help="how to treat categories not seen in training: error (the row is invalid), or"
        " baseline (predict with the baseline category, and report on standard error how many rows"
        " have them) (default: %(default)s)",
    )
    parser.add_argument(
        "--outside",
        choices=["note", "error"],
        default="note",
        help="how to treat values outside the training ranges: note (predict, and report on"
        " standard error how many rows have them), or error (the row is invalid)"
        " (default: %(default)s)",
    )
    parser.add_argument(
        "--on-error",
        choices=["stop", "skip", "blank"],
        default="stop",
        help="what to do at an invalid row: stop with exit code 2; skip it; or write it without a"
        " prediction (blank); the last two report it on standard error (default: %(default)s)",
    )


def run(options: argparse.Namespace) -> None:
    """Predict the sample rows, or the rows of files, and write the predictions.

    Parameters
    ----------
    options : argparse.Namespace
        As parsed with the arguments of `add_arguments`.

    Raises
    ------
    DataError
        If a file cannot be read, and at an invalid row unless it is skipped.
    UsageError
        If options do not fit together, or do not fit the model.
    ArtifactError
        If artifacts are missing, do not belong together, or cannot be written.
    """
    if not options.paths:
        _predict_samples(options)
        return
    request = PredictOptions(
        artifacts=options.artifacts,
        paths=options.paths,
        out=options.out,
        precision=options.precision,
        interval=options.interval,
        keep=options.keep or (),
        unseen=options.unseen,
        outside=options.outside,
        on_error=options.on_error,
        name=options.name,
        row_numbers=options.row_numbers,
        reading=reading_arguments.asked(options),
    )
    predictor = open_predictor(request)
    if request.is_small or not _has_pyarrow():
        predict_rows(request, predictor)
    else:
        from cali_reg.jobs.predict import predict_files

        predict_files(request, predictor)


def _has_pyarrow() -> bool:
    from importlib.util import find_spec  # slow to import

    return find_spec("pyarrow") is not None


def _predict_samples(options: argparse.Namespace) -> None:
    """Predict with both models; no option but the folder and the output changes the samples."""
    for name, default in _OF_FILES.items():
        if getattr(options, name) != default:
            raise UsageError(
                f"--{name.replace('_', '-')} requires rows to predict: name files, or - for"
                " standard input"
            )
    if options.out is not None:
        artifacts.require_output(options.out, options.artifacts)
    if options.out is not None and options.out.suffix.lower() not in ("", ".", ".txt"):
        raise UsageError(
            f"{options.out}: sample predictions are text; expected a name such as x.txt"
        )
    text = describe_samples(options.artifacts)
    if options.out is None:
        print(text, end="")
    else:
        write_file(options.out, text.encode())
