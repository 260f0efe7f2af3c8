"""The options of how files are read, which several commands share."""

from __future__ import annotations

import argparse
from typing import Any

from cali_reg.cli import argument_types
from cali_reg.errors import UsageError

OPTIONS = {  # the fields of `Reading`, and the options that give them
    "separator": "separator",
    "decimal": "decimal",
    "encoding": "encoding",
    "skip_lines": "skip_lines",
    "comment": "comment",
    "names": "names",
    "ignored": "ignore",
    "escape": "escape",
    "missing": "na",
    "not_missing": "no_na",
}
_DESCRIPTION = """\
Separators, decimal commas with semicolons, and UTF-16 are found in each file.
What train is told here is kept in model.json, for the other commands, too."""


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Add the options of how files are read, which `asked` returns.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    group = parser.add_argument_group("how files are read", _DESCRIPTION)
    group.add_argument(
        "--separator",
        type=argument_types.separator,
        metavar="CHARACTER",
        help="what separates the cells of CSV files: a character, or comma, semicolon, tab, pipe"
        " or blanks (runs of blanks and tabs)",
    )
    group.add_argument("--decimal", metavar="MARK", help="decimal mark of CSV files: . or ,")
    group.add_argument("--encoding", metavar="NAME", help="encoding of CSV files, such as cp1252")
    group.add_argument(
        "--skip-lines",
        type=argument_types.count,
        metavar="N",
        help="number of lines before the header of CSV files",
    )
    group.add_argument(
        "--comment", metavar="TEXT", help="lines of CSV files that begin with this are no rows"
    )
    group.add_argument(
        "--names",
        type=argument_types.names,
        metavar="A,B",
        help="names of all columns of CSV files without a header, separated by commas",
    )
    _add_values(group)


def _add_values(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--ignore",
        type=argument_types.characters,
        metavar="CHARACTERS",
        help="characters to leave out of numbers in CSV files: '$,%%' reads $1,200 as 1200 and 12%%"
        " as 12; \\xa0 is a no-break space",
    )
    group.add_argument(
        "--escape",
        metavar="CHARACTER",
        help="what makes a quote in a quoted cell of CSV files a part of it, such as \\"
        " (default: the quote is doubled)",
    )
    group.add_argument(
        "--na",
        nargs="+",
        action="extend",
        metavar="VALUE",
        help="further values that are missing, in all columns and formats, such as ? or -999",
    )
    group.add_argument(
        "--no-na",
        nargs="+",
        action="extend",
        metavar="TEXT",
        help="what is no missing value, of NA, N/A, NaN, nan, null and NULL",
    )


def asked(options: argparse.Namespace, *, has_files: bool = True) -> dict[str, Any]:
    """Return the options of `add_reading` that were given, as fields of `Reading`.

    Parameters
    ----------
    options : argparse.Namespace
        As parsed with the arguments of `add_reading`.
    has_files : bool, default=True
        Whether there are files to read.

    Raises
    ------
    UsageError
        For such an option without files.
    """
    found = {}
    for field, name in OPTIONS.items():
        value = getattr(options, name)
        if value is not None:
            found[field] = tuple(value) if isinstance(value, list) else value
            if name in ("na", "no_na"):
                found[field] = tuple(sorted(set(value)))
            if not has_files:
                raise UsageError(f"--{name.replace('_', '-')} requires --data; name the files")
    return found
