"""The options of ``cali-reg predict``."""

from __future__ import annotations

import argparse
from pathlib import Path

from cali_reg import option_types


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options to a parser."""
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
        type=option_types.fraction,
        metavar="LEVEL",
        help="also write the lower and upper bound of the prediction interval, such as 0.95",
    )
    parser.add_argument(
        "--keep",
        type=option_types.names,
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
