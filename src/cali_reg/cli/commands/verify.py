"""Rebuild the artifacts from the data and compare every byte."""

from __future__ import annotations

import argparse

from cali_reg.cli import arguments
from cali_reg.errors import GateError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``cali-reg verify``."""
    arguments.add_data(parser, "files that the model was trained on (default: the embedded data)")
    arguments.add_test_data(parser, "files of the rows held out by this option")
    parser.add_argument(
        "--trust-moments",
        action="store_true",
        help="use moments.json in place of unavailable rows, and say what is not checked",
    )


def run(options: argparse.Namespace) -> None:
    """Rebuild the artifacts, print a verdict on each, and fail if one differs."""
    from cali_reg.jobs.verify import verify
    from cali_reg.report import tables

    verdicts = verify(
        options.artifacts,
        data=options.data or (),
        test_data=options.test_data or (),
        trust_moments=options.trust_moments,
    )
    print(tables.verdicts(verdicts), end="", flush=True)
    differing = [verdict.name for verdict in verdicts if verdict.difference]
    if differing:
        raise GateError(
            f"{options.artifacts}: {len(differing)} of {len(verdicts)} files are not what their"
            f" making gives: {', '.join(differing)}; do not use them (or, if `cali-reg update`"
            " made them, name the training rows with --data)"
        )
    unchecked = " but for what was not checked" * any(verdict.unchecked for verdict in verdicts)
    print(
        f"✔ {options.artifacts}: all {len(verdicts)} files are what their making gives{unchecked}"
    )
