"""The arguments that several commands share, each declared once."""

from __future__ import annotations

import argparse
from pathlib import Path

from cali_reg.cli import argument_types


def add_artifacts(parser: argparse.ArgumentParser) -> None:
    """Add ``--artifacts``, the folder that every command reads or writes."""
    parser.add_argument(
        "--artifacts",
        type=Path,
        default=Path("artifacts"),
        metavar="DIR",
        help="folder of the model's files (default: artifacts)",
    )


def add_data(parser: argparse.ArgumentParser, text: str) -> None:
    """Add ``--data``, the training rows; `text` is its help."""
    parser.add_argument("--data", nargs="+", metavar="PATH", help=text)


def add_test_data(parser: argparse.ArgumentParser, text: str) -> None:
    """Add ``--test-data``, the held-out rows; `text` is its help."""
    parser.add_argument("--test-data", nargs="+", metavar="PATH", help=text)


def add_precision(parser: argparse.ArgumentParser, text: str) -> None:
    """Add ``--precision``, which of the two models is used; `text` is its help."""
    parser.add_argument(
        "--precision",
        choices=["float64", "uint8"],
        default="float64",
        help=f"{text} (default: float64)",
    )


def add_out(parser: argparse.ArgumentParser, text: str) -> None:
    """Add ``--out``, the file to write; `text` is its help."""
    parser.add_argument("--out", type=Path, metavar="FILE", help=text)


def add_gates(parser: argparse.ArgumentParser) -> None:
    """Add what a new model must pass before it replaces the old one."""
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
