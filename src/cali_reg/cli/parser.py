"""Parser of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from importlib import import_module

from cali_reg import __version__
from cali_reg.cli import arguments
from cali_reg.cli.commands import COMMANDS
from cali_reg.runtime.messages import print_error

TYPE_CHECKING = False  # see cali_reg/__init__.py
if TYPE_CHECKING:
    from typing import NoReturn


_DESCRIPTION = """\
Linear regression that can be audited to the last bit: exact coefficients,
quantization with an accuracy contract, and files that can be rebuilt byte for
byte. `cali-reg COMMAND --help` describes a command.

Exit code: 0 for success, 1 if a check failed, 2 for invalid input or options,
70 for an error in cali-reg itself, 128 and the number of a signal after it."""

_EXAMPLES = """\
cali-reg train --data rows.csv --target price
cali-reg predict new.csv --interval 0.95 --out predictions.csv
cali-reg verify --data rows.csv"""

# A fixed width: the default one imports shutil at every start, to ask for that of the terminal.
_FORMATTER = partial(argparse.RawDescriptionHelpFormatter, width=80)


class _Parser(argparse.ArgumentParser):
    """A parser that reports a usage error in one line."""

    def error(self, message: str) -> NoReturn:
        print_error(self.prog, f"{message}; see {self.prog} --help")
        self.exit(2)


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Parse the words of a command line.

    Only the module of the command in `words` is imported: the others cost 3 ms at every start.

    Parameters
    ----------
    words : sequence of str
        Arguments after the program's name.

    Returns
    -------
    argparse.Namespace
        The options, with the command's name as ``command`` and its function as ``run``.

    Raises
    ------
    SystemExit
        With code 2 after a usage error, and with code 0 after ``--help`` or ``--version``.
    """
    named = words[:1] if words and words[0] in COMMANDS else COMMANDS
    return build_parser(named).parse_args(words)


def build_parser(names: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """Build the parser of some commands.

    Parameters
    ----------
    names : sequence of str
        Names of modules in ``cali_reg.cli.commands``; by default all commands.

    Returns
    -------
    argparse.ArgumentParser
        Its sub-parsers set ``run`` to the function of their command.
    """
    parser = _Parser(
        prog="cali-reg",
        description=_DESCRIPTION,
        epilog=_epilog(_EXAMPLES),
        allow_abbrev=False,
        formatter_class=_FORMATTER,
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"cali-reg {__version__}",
        help="show the version and exit",
    )
    subparsers = parser.add_subparsers(
        title="commands", dest="command", required=True, metavar="COMMAND"
    )
    for name in names:
        command = import_module(f"cali_reg.cli.commands.{name}")
        subparser = subparsers.add_parser(
            name,
            help=command.__doc__,
            description=command.DESCRIPTION,
            epilog=_epilog(command.EXAMPLES),
            allow_abbrev=False,
            formatter_class=_FORMATTER,
        )
        subparser.set_defaults(run=command.run)
        arguments.add_artifacts(subparser)
        command.add_arguments(subparser)
        arguments.add_debug(subparser)
    return parser


def _epilog(examples: str) -> str:
    return "\n  ".join(["examples:", *examples.splitlines()])
