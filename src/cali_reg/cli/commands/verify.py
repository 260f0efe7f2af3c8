"""Rebuild the artifacts from the data and compare every byte."""

from __future__ import annotations

import argparse

from cali_reg.cli import arguments, reading_arguments
from cali_reg.errors import GateError
from cali_reg.runtime.messages import print_report, printable

DESCRIPTION = """\
Rebuild all artifacts from the training data, and compare every byte with the
files in the artifacts folder. Print one line for each file: the same, or its
first difference. The folder is not changed, and no file is unpickled. Exit code
1 if a file differs."""

EXAMPLES = """\
cali-reg verify
cali-reg verify --data 'rows/*.parquet' --artifacts downloaded"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``cali-reg verify``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    arguments.add_data(
        parser,
        f"the data that the model was trained on: {arguments.FILES}"
        " (default: the embedded California Housing data)",
    )
    arguments.add_test_data(
        parser, "files of the held-out rows, for a model trained with --test-data"
    )
    parser.add_argument(
        "--trust-moments",
        action="store_true",
        help="use the sums stored in moments.json in place of unavailable rows, and list what is"
        " then not checked",
    )
    reading_arguments.add_reading(parser)


def run(options: argparse.Namespace) -> None:
    """Rebuild the artifacts, print the result for each file, and fail if one differs.

    Parameters
    ----------
    options : argparse.Namespace
        As parsed with the arguments of `add_arguments`.

    Raises
    ------
    GateError
        If a file differs from its rebuild, or is missing.
    UsageError
        If the training rows or the held-out rows are not available.
    DataError
        If the rows cannot be used.
    ArtifactError
        If the folder has no artifacts, or they have other columns than the rows.
    """
    from cali_reg.jobs.verify import verify
    from cali_reg.report import tables

    verdicts, model = verify(
        options.artifacts,
        data=options.data or (),
        test_data=options.test_data or (),
        reading=reading_arguments.asked(options, has_files=bool(options.data or options.test_data)),
        trust_moments=options.trust_moments,
    )
    print_report(tables.verdicts(verdicts) + tables.verified(model))
    differing = [verdict.name for verdict in verdicts if verdict.difference]
    if differing:
        raise GateError(
            f"{options.artifacts}: {len(differing)} of {len(verdicts)} files differ from a rebuild:"
            f" {', '.join(differing)}; do not use them (if `cali-reg update` made them, give the"
            " training rows with --data)"
        )
    unchecked = ", except what was not checked" * any(verdict.unchecked for verdict in verdicts)
    folder = printable(str(options.artifacts))
    match = f"{folder}: all {len(verdicts)} files match a rebuild{unchecked}"
    caution = tables.caution(model)
    print_report(f"! {match}; but {caution}\n" if caution else f"✔ {match}\n")
