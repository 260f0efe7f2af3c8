"""Predict the sample rows, or the rows of files."""

from __future__ import annotations

import argparse

from cali_reg.cli import argument_types, arguments
from cali_reg.runtime import artifacts, predictor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``cali-reg predict``."""
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="CSV, Parquet or Arrow files with the model's columns, as paths, patterns, folders or"
        " addresses; - for CSV on standard input",
    )
    arguments.add_precision(parser, "which model predicts the rows")
    parser.add_argument(
        "--interval",
        type=argument_types.fraction,
        metavar="LEVEL",
        help="also write the lower and upper bound of the prediction interval, such as 0.95",
    )
    parser.add_argument(
        "--keep",
        type=argument_types.names,
        metavar="A,B",
        help="columns of the rows to copy before the prediction",
    )
    _add_checks(parser)
    arguments.add_out(
        parser, "where to write: .parquet, .arrow, or CSV text (default: standard output)"
    )


def _add_checks(parser: argparse.ArgumentParser) -> None:
    """Add what to do with rows that are not like those of the training."""
    parser.add_argument(
        "--unseen",
        choices=["error", "baseline"],
        default="error",
        help="how to treat categories not seen in training (default: error)",
    )
    parser.add_argument(
        "--outside",
        choices=["note", "error"],
        default="note",
        help="how to treat values outside the training ranges (default: note)",
    )
    parser.add_argument(
        "--on-error",
        choices=["stop", "skip"],
        default="stop",
        help="what to do at a bad row: stop, or list it and go on (default: stop)",
    )


def run(options: argparse.Namespace) -> None:
    """Predict the sample rows, or the rows of files."""
    if not options.paths:
        _predict_samples(options)
        return
    request = predictor.Request(
        paths=options.paths,
        out=options.out,
        precision=options.precision,
        interval=options.interval,
        keep=options.keep or (),
        unseen=options.unseen,
        outside=options.outside,
        on_error=options.on_error,
    )
    model = predictor.Predictor(options.artifacts, request)
    if request.is_small or not _has_pyarrow():
        predictor.predict_rows(request, model)
    else:
        from cali_reg.jobs.predict import predict_files

        predict_files(request, model)


def _has_pyarrow() -> bool:
    from importlib.util import find_spec  # slow to import

    return find_spec("pyarrow") is not None


def _predict_samples(options: argparse.Namespace) -> None:
    text = predictor.describe_samples(options.artifacts)
    if options.out is None:
        print(text, end="")
    else:
        artifacts.write(options.out.parent, {options.out.name: text.encode()})
