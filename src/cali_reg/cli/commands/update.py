"""Add or remove training rows without reading the other rows again."""

from __future__ import annotations

import argparse

from cali_reg.cli import arguments
from cali_reg.runtime import artifacts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``cali-reg update``."""
    parser.add_argument(
        "--add", nargs="+", metavar="PATH", help="files of rows to add; - for CSV on standard input"
    )
    parser.add_argument("--remove", nargs="+", metavar="PATH", help="files of rows to remove")
    arguments.add_gates(parser)


def run(options: argparse.Namespace) -> None:
    """Add and remove rows, check the gates, write the new model, print."""
    from cali_reg.jobs.update import update
    from cali_reg.report import tables

    updated = update(
        options.artifacts,
        add=options.add or (),
        remove=options.remove or (),
        min_r2=options.min_r2,
        allow_collinear=options.allow_collinear,
    )
    artifacts.write(options.artifacts, updated.files)
    print(tables.trained(updated))
    print(tables.files(options.artifacts, updated.files), end="")
