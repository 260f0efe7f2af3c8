"""The arguments that several commands share, each declared once."""

from __future__ import annotations

import argparse
from pathlib import Path

from cali_reg.cli import argument_types

FILES = "CSV, Parquet or Arrow files, given as paths, wildcards, folders or URLs"  # for help texts


def add_artifacts(parser: argparse.ArgumentParser) -> None:
    """Add ``--artifacts``, the folder that every command reads or writes.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    parser.add_argument(
        "--artifacts",
        type=Path,
        default=Path("artifacts"),
        metavar="DIR",
        help="folder of the model's files (default: %(default)s)",
    )


def add_data(parser: argparse.ArgumentParser, text: str) -> None:
    """Add ``--data``, the files of the training data.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    text : str
        The help text.
    """
    parser.add_argument("--data", nargs="+", metavar="PATH", help=text)


def add_test_data(parser: argparse.ArgumentParser, text: str) -> None:
    """Add ``--test-data``, the files of the held-out rows.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    text : str
        The help text.
    """
    parser.add_argument("--test-data", nargs="+", metavar="PATH", help=text)


def add_precision(parser: argparse.ArgumentParser, text: str) -> None:
    """Add ``--precision``, which of the two models to use.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    text : str
        The beginning of the help text.
    """
    parser.add_argument(
        "--precision",
        choices=["float64", "uint8"],
        default="float64",
        help=f"{text}: float64 (the exact coefficients), or uint8 (the quantized model, of any"
        " width) (default: %(default)s)",
    )


def add_out(parser: argparse.ArgumentParser, text: str) -> None:
    """Add ``--out``, the file to write.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    text : str
        The help text.
    """
    parser.add_argument("--out", type=Path, metavar="FILE", help=text)


def add_gates(parser: argparse.ArgumentParser) -> None:
    """Add ``--min-r2`` and ``--allow-collinear``, the conditions that a new model must meet.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    parser.add_argument(
        "--min-r2",
        type=argument_types.finite,
        metavar="R2",
        help="fail with exit code 1 if R² on the held-out rows is below this value"
        " (default: no check)",
    )
    parser.add_argument(
        "--allow-collinear",
        action="store_true",
        help="accept collinear columns (constant, or a linear combination of other columns, exactly"
        " or up to rounding), and use the solution of least norm",
    )
