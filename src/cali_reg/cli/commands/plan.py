"""Show the column plan of a table, without training."""

from __future__ import annotations

import argparse
import json

from cali_reg.cli import argument_types, arguments, reading_arguments
from cali_reg.runtime.messages import print_notes
from cali_reg.runtime.reading.options import USUAL

DESCRIPTION = """\
Find out what `cali-reg train` would use each column of a table for, and why it
would leave others out: row numbers, identifiers, free text, constant columns,
and columns that depend on others. All rows are read; no file is written."""

EXAMPLES = """\
cali-reg plan rows.csv --target price
cali-reg plan 'rows/*.parquet' --target price --exclude agent --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``cali-reg plan``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help=f"rows to train on: {arguments.FILES}; - reads CSV from standard input",
    )
    parser.add_argument(
        "--target", type=str.strip, required=True, metavar="COLUMN", help="column to predict"
    )
    parser.add_argument(
        "--categorical",
        type=argument_types.names,
        metavar="A,B",
        help="columns to use as categories whatever they hold, separated by commas"
        " (default: text with few categories)",
    )
    arguments.add_exclude(parser)
    parser.add_argument(
        "--json",
        action="store_true",
        help="print the plan as JSON, as the field `plan` of model.json holds it",
    )
    reading_arguments.add_reading(parser)


def run(options: argparse.Namespace) -> None:
    """Print the plan.

    Parameters
    ----------
    options : argparse.Namespace
        As parsed with the arguments of `add_arguments`.

    Raises
    ------
    UsageError
        If options do not fit together.
    DataError
        If the rows cannot be used.
    """
    from cali_reg.jobs.training_data.file_data import FileData
    from cali_reg.jobs.training_data.file_options import FileOptions
    from cali_reg.report.plan_table import plan_table

    asked = {"exclude": options.exclude, "max_levels": options.max_levels}
    data = FileData(
        FileOptions(
            data=options.paths,
            target=options.target,
            categorical=options.categorical or (),
            missing="drop",  # the plan counts them
            reading=USUAL.updated(reading_arguments.asked(options)),
            **{name: value for name, value in asked.items() if value},
        )
    )
    plan = data.plan or {}
    print_notes("cali-reg plan", data.notes)
    if options.json:
        print(json.dumps(plan, indent=2, ensure_ascii=False))
    else:
        print(plan_table(plan), end="")
