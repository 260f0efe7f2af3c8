"""The arguments that several commands share, each declared once."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cali_reg.cli import argument_types
from cali_reg.errors import UsageError
from cali_reg.runtime.cell_parser import MISSING
from cali_reg.runtime.messages import did_you_mean

# for help texts
FILES = "CSV, JSON, Excel, Parquet or Arrow files, given as paths, wildcards, folders or URLs"


def add_artifacts(parser: argparse.ArgumentParser) -> None:
    """Add ``--artifacts``, the folder that commands of a model read or write.

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


def add_messages(parser: argparse.ArgumentParser) -> None:
    """Add ``--quiet``, and ``--debug``, which shows where an error comes from.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    parser.add_argument(
        "-q",
        "--quiet",
        action="store_true",
        help="print only errors, and results that were asked for: no report, notes or progress",
    )
    parser.add_argument(
        "--debug",
        action="store_true",
        help="after an error, also print where in the code it was raised, to report it",
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


def add_categories(parser: argparse.ArgumentParser) -> None:
    """Add ``--categorical``, and what says how the categories are read.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    parser.add_argument(
        "--categorical",
        type=argument_types.names,
        metavar="A,B",
        help="categorical columns, separated by commas: each is one-hot encoded, with its first"
        " category in sorted order as the baseline (default: none)",
    )
    parser.add_argument(
        "--baseline",
        action="append",
        metavar="COLUMN=CATEGORY",
        help="use another category as the baseline of a categorical column; may be given for"
        " several columns",
    )
    parser.add_argument(
        "--not-missing",
        action="append",
        metavar="COLUMN=TEXT",
        help="treat a text such as NA as a category of a categorical column (default: NA, N/A, NaN,"
        " nan, null, NULL and empty cells are missing values)",
    )


def add_plan(parser: argparse.ArgumentParser) -> None:
    """Add the options of the column plan.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    add_exclude(parser)
    parser.add_argument(
        "--strict",
        action="store_true",
        help="make no column plan: use all columns or those of --features, and reject those that"
        " are no features",
    )


def add_exclude(parser: argparse.ArgumentParser) -> None:
    """Add the options that leave columns out of the plan.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    parser.add_argument(
        "--exclude",
        type=argument_types.names,
        metavar="A,B",
        help="columns to leave out, separated by commas (default: those that the column plan"
        " leaves out: row numbers, identifiers, free text, constant and dependent columns ...)",
    )
    parser.add_argument(
        "--max-levels",
        type=argument_types.positive,
        metavar="N",
        help="leave out text with more than N categories, unless --categorical names it"
        " (default: 50)",
    )


def plan_options(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options of the column plan that are given.

    Parameters
    ----------
    options : argparse.Namespace
        As parsed with the arguments of `add_plan`.

    Raises
    ------
    UsageError
        For options that do not fit together.
    """
    found = {
        name: getattr(options, name)
        for name in ("exclude", "max_levels", "strict")
        if getattr(options, name)
    }
    for name in ("exclude", "max_levels"):
        for other in ("strict", "features"):
            if name in found and getattr(options, other):
                raise UsageError(f"--{name.replace('_', '-')} does not go with --{other}")
    return found


def baselines(options: argparse.Namespace) -> dict[str, str]:
    """Return the baseline of each column that ``--baseline`` names.

    Parameters
    ----------
    options : argparse.Namespace
        As parsed with the arguments of `add_categories`.

    Raises
    ------
    UsageError
        For a column that is not categorical, or is named twice.
    """
    found: dict[str, str] = {}
    for column, category in _pairs("--baseline", options.baseline, options.categorical):
        if column in found:
            raise UsageError(f"--baseline: column {column!r} is named twice; name it once")
        found[column] = category
    return found


def not_missing(options: argparse.Namespace) -> dict[str, list[str]]:
    """Return the texts that are categories, of each column that ``--not-missing`` names.

    Parameters
    ----------
    options : argparse.Namespace
        As parsed with the arguments of `add_categories`.

    Raises
    ------
    UsageError
        For a column that is not categorical, and for a text that is a category anyway.
    """
    marks = [mark for mark in MISSING if mark]
    found: dict[str, list[str]] = {}
    for column, text in _pairs("--not-missing", options.not_missing, options.categorical):
        if text not in marks:
            raise UsageError(
                f"--not-missing: {text!r} is no sign of a missing value; expected one of"
                f" {', '.join(marks)}"
            )
        found[column] = sorted({text, *found.get(column, ())})
    return found


def _pairs(
    option: str, texts: Sequence[str] | None, columns: Sequence[str] | None
) -> Iterator[tuple[str, str]]:
    """Yield the column and the text of each COLUMN=TEXT; both may hold an equals sign."""
    for text in texts or ():
        text = text.strip()
        found = [column for column in columns or () if text.startswith(f"{column}=")]
        if not found:
            name, known = text.partition("=")[0], columns or ()
            hint = "" if name in known else did_you_mean(name, known)
            raise UsageError(
                f"{option} is {text!r}{hint or ';'} expected COLUMN=TEXT with a column of"
                " --categorical"
            )
        column = max(found, key=len)
        yield column, text[len(column) + 1 :]


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


def add_left_out(parser: argparse.ArgumentParser) -> None:
    """Add ``--missing`` and ``--on-error``, which say what rows are left out of a training.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    parser.add_argument(
        "--missing",
        choices=["error", "drop"],
        default="error",
        help="how to treat rows with missing values: error (stop, and say how many there are), or"
        " drop (leave out these rows) (default: %(default)s)",
    )
    parser.add_argument(
        "--on-error",
        choices=["stop", "skip"],
        default="stop",
        help="what to do at a row that is invalid for another reason, such as text in place of a"
        " number: stop with exit code 2, or skip it and say how many there were"
        " (default: %(default)s)",
    )


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
