"""The parser of the command line, whose errors are one line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from importlib import import_module

from cali_reg import __version__
from cali_reg.cli import arguments

TYPE_CHECKING = False  # see cali_reg/__init__.py
if TYPE_CHECKING:
    from typing import NoReturn

COMMANDS = ("train", "update", "quantize", "verify", "predict", "export")  # modules of commands/

# a width of its own: asking for that of the terminal imports shutil at every start
_FORMATTER = partial(argparse.RawDescriptionHelpFormatter, width=80)


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Parse a command line; only the module of the command that it names is imported."""
    named = words[:1] if words and words[0] in COMMANDS else COMMANDS
    return build_parser(named).parse_args(words)


def build_parser(names: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """Return the parser of some commands; a parsed command has its function in ``run``."""
    parser = _Parser(
        prog="cali-reg",
        description="Linear regression that can be audited to the last bit.",
        allow_abbrev=False,
        formatter_class=_FORMATTER,
    )
    parser.add_argument("--version", action="version", version=f"cali-reg {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in names:
        command = import_module(f"cali_reg.cli.commands.{name}")
        summary = command.__doc__ or ""
        subparser = subparsers.add_parser(
            name,
            help=summary,
            description=summary,
            allow_abbrev=False,
            formatter_class=_FORMATTER,
        )
        subparser.set_defaults(run=command.run)
        arguments.add_artifacts(subparser)
        command.add_arguments(subparser)
    return parser
