"""The commands' options: one parser, whose errors are one line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from cali_reg import __version__
from cali_reg.cli import argument_types, arguments, commands

TYPE_CHECKING = False  # see __init__.py
if TYPE_CHECKING:
    from typing import NoReturn

    Subparsers = argparse._SubParsersAction["_Parser"]  # it has no public name


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; a parsed command has its function in ``run``."""
    parser = _Parser(
        prog="cali-reg",
        description="Linear regression that can be audited to the last bit.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"cali-reg {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_train(subparsers)
    _add_update(subparsers)
    _add_quantize(subparsers)
    _add_verify(subparsers)
    _add_predict(subparsers)
    _add_export(subparsers)
    return parser


def _add_train(subparsers: Subparsers) -> None:
    parser = _command(
        subparsers, "train", commands.run_train, "fit the model, evaluate it, write it"
    )
    arguments.add_data(parser)
    parser.add_argument(
        "--test-size",
        type=argument_types.fraction,
        default=0.2,
        metavar="FRACTION",
        help="held-out part of the rows (default: 0.2)",
    )
    parser.add_argument(
        "--seed", type=argument_types.seed, default=42, help="of the split (default: 42)"
    )
    parser.add_argument(
        "--samples",
        type=argument_types.count,
        default=5,
        metavar="N",
        help="held-out rows to keep in model.json for a first prediction (default: 5)",
    )
    parser.add_argument(
        "--cv",
        type=argument_types.count,
        default=0,
        metavar="K",
        help="also print K-fold cross-validation",
    )
    arguments.add_gates(parser)


def _add_update(subparsers: Subparsers) -> None:
    parser = _command(
        subparsers, "update", commands.run_update, "add and remove training rows, exactly"
    )
    parser.add_argument(
        "--add", nargs="+", metavar="PATH", help="files of rows to add; - for CSV on standard input"
    )
    parser.add_argument("--remove", nargs="+", metavar="PATH", help="files of rows to remove")
    arguments.add_gates(parser)


def _add_quantize(subparsers: Subparsers) -> None:
    parser = _command(
        subparsers, "quantize", commands.run_quantize, "turn the coefficients into integer codes"
    )
    parser.add_argument(
        "--bits",
        type=argument_types.bits,
        default=8,
        help="width of a code, 2 to 16, or auto: the least that keeps --max-change (default: 8)",
    )
    parser.add_argument(
        "--max-r2-loss",
        type=argument_types.finite,
        default=0.001,
        metavar="LOSS",
        help="fail if R² falls by more, on training or held-out rows (default: 0.001)",
    )
    parser.add_argument(
        "--max-change",
        type=argument_types.finite,
        metavar="CHANGE",
        help="fail if a prediction inside the training ranges may change by more",
    )
    parser.add_argument(
        "--data",
        nargs="+",
        metavar="PATH",
        help="files that the model was trained on, to measure the change on the training rows",
    )
    parser.add_argument(
        "--curve", action="store_true", help="print a table of all widths, and write nothing"
    )


def _add_verify(subparsers: Subparsers) -> None:
    parser = _command(
        subparsers, "verify", commands.run_verify, "make the artifacts again and compare each byte"
    )
    parser.add_argument(
        "--data",
        nargs="+",
        metavar="PATH",
        help="files that the model was trained on (default: the embedded data)",
    )
    parser.add_argument(
        "--test-data", nargs="+", metavar="PATH", help="files of the rows held out by this option"
    )
    parser.add_argument(
        "--trust-moments",
        action="store_true",
        help="have moments.json stand for rows that are not at hand, and say what is unchecked",
    )


def _add_predict(subparsers: Subparsers) -> None:
    parser = _command(
        subparsers, "predict", commands.run_predict, "predict the sample rows, or those of files"
    )
    arguments.add_prediction(parser)


def _add_export(subparsers: Subparsers) -> None:
    parser = _command(
        subparsers, "export", commands.run_export, "write the model as C, ONNX or JSON for others"
    )
    parser.add_argument(
        "--format",
        choices=["c", "onnx", "json"],
        required=True,
        help="a C99 header, an ONNX graph (needs the extra onnx) or a JSON file",
    )
    parser.add_argument(
        "--precision",
        choices=["float64", "uint8"],
        default="float64",
        help="which model to export: of coefficients, or of codes (default: float64)",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="where to write (default: standard output)"
    )


def _command(
    subparsers: Subparsers, name: str, run: Callable[[argparse.Namespace], None], summary: str
) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", allow_abbrev=False
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "--artifacts",
        type=Path,
        default=Path("artifacts"),
        metavar="DIR",
        help="folder of the model's files (default: artifacts)",
    )
    return parser
