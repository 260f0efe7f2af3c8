"""Groups of options that belong together."""

from __future__ import annotations

import argparse
from pathlib import Path

from cali_reg.cli import argument_types


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add what names the rows to train on."""
    parser.add_argument(
        "--data",
        nargs="+",
        metavar="PATH",
        help="CSV, Parquet or Arrow files to train on, as paths, patterns, folders or addresses"
        " (default: California Housing, embedded)",
    )
    parser.add_argument("--target", metavar="COLUMN", help="the column to predict, of --data")
    parser.add_argument(
        "--features",
        type=argument_types.names,
        metavar="A,B",
        help="columns to predict from (default: all but the target)",
    )
    parser.add_argument(
        "--categorical",
        type=argument_types.names,
        metavar="A,B",
        help="columns of text to encode one-hot; the first level is the baseline",
    )
    parser.add_argument(
        "--missing",
        choices=["refuse", "drop"],
        default="refuse",
        help="what to do with rows that lack a value (default: refuse)",
    )
    parser.add_argument(
        "--test-data", nargs="+", metavar="PATH", help="files of the held-out rows, all of them"
    )
    parser.add_argument(
        "--batch-size",
        type=argument_types.positive,
        default=60000,
        metavar="ROWS",
        help="rows to read at once (default: 60000); no result depends on it",
    )
    parser.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="read on a cluster: a scheduler's address, or local[:WORKERS] for processes here"
        " (needs the extra dask)",
    )


def add_gates(parser: argparse.ArgumentParser) -> None:
    """Add what a model must pass."""
    parser.add_argument(
        "--min-r2",
        type=argument_types.finite,
        metavar="R2",
        help="fail, and leave the old artifacts, if R² on the held-out rows is lower",
    )
    parser.add_argument(
        "--allow-collinear",
        action="store_true",
        help="accept columns that depend on others, with the solution of least norm",
    )


def add_prediction(parser: argparse.ArgumentParser) -> None:
    """Add which rows to predict, how, and where to."""
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="CSV, Parquet or Arrow files with the model's columns, as paths, patterns, folders or"
        " addresses; - for CSV on standard input",
    )
    parser.add_argument(
        "--precision",
        choices=["float64", "uint8"],
        default="float64",
        help="which model predicts the rows (default: float64)",
    )
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
    parser.add_argument(
        "--unseen",
        choices=["error", "baseline"],
        default="error",
        help="what text is that training has not seen (default: error)",
    )
    parser.add_argument(
        "--outside",
        choices=["note", "error"],
        default="note",
        help="what a row outside of the training ranges is (default: note)",
    )
    parser.add_argument(
        "--on-error",
        choices=["stop", "skip"],
        default="stop",
        help="what to do at a bad row: stop, or list it and go on (default: stop)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="where to write: .parquet, .arrow, or CSV text (default: standard output)",
    )
