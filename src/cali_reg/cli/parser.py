"""Parser of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module

from cali_reg import __version__
from cali_reg.cli import arguments
from cali_reg.cli.commands import COMMANDS
from cali_reg.runtime.messages import did_you_mean, print_error
from cali_reg.runtime.schema import format_names

TYPE_CHECKING = False  # see cali_reg/__init__.py
if TYPE_CHECKING:
    from typing import NoReturn


_WITHOUT_MODEL = ("plan",)  # commands that neither read nor write one
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
    """A parser that reports a usage error in one line, and asks for its own help."""

    def error(self, message: str) -> NoReturn:
        end = "" if message.endswith("?") else ";"
        print_error(self.prog, f"{message}{end} see {self.prog} --help")
        self.exit(2)

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse words. A sub-parser comes here, too, and what it does not know is an error."""
        self._check_options(args or ())
        options, unknown = super().parse_known_args(args, namespace)
        if unknown and unknown[0].startswith("-"):
            self.error(f"unknown option {unknown[0]}")
        if unknown:
            advice = "; name files with --data" if "--data" in self._option_string_actions else ""
            self.error(f"unknown argument {unknown[0]!r}{advice}")
        return options, unknown

    def _check_options(self, words: Sequence[str]) -> None:
        """Name an unknown option before argparse misses the one that it was meant to be."""
        known = self._option_string_actions
        for word in words:
            option = word.partition("=")[0]
            if word == "--" or (self._subparsers and not word.startswith("-")):
                break  # what follows is no option, or one of a sub-parser
            if option.startswith("--") and " " not in option and option not in known:
                self.error(f"unknown option {option}{did_you_mean(option, known)}")


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
    parser = build_parser(named)
    if words and named is COMMANDS and not words[0].startswith("-"):
        known = format_names(COMMANDS)
        parser.error(
            f"unknown command {words[0]!r}{did_you_mean(words[0], COMMANDS)} (commands: {known})"
        )
    return parser.parse_args(words)


def complete() -> None:
    """Answer a shell that asks which words may come next, and end; needs argcomplete."""
    with suppress(ImportError):
        from argcomplete import autocomplete

        autocomplete(build_parser())


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
        "-V",
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
        if name not in _WITHOUT_MODEL:
            arguments.add_artifacts(subparser)
        command.add_arguments(subparser)
        arguments.add_messages(subparser)
    return parser


def _epilog(examples: str) -> str:
    return "\n  ".join(["examples:", *examples.splitlines()])
