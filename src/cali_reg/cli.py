"""The command line: one parser, one small function a command, one place for errors."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from cali_reg import __version__, artifacts, predict
from cali_reg.errors import CaliRegError, GateError
from cali_reg.rows import parse_number

TYPE_CHECKING = False  # see __init__.py
if TYPE_CHECKING:
    from typing import NoReturn

    Commands = argparse._SubParsersAction["_Parser"]  # it has no public name


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0, 1 if a gate failed, or 2 for bad input or usage."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that has no ✔ shows ?
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
        print(end="", flush=True)
    except BrokenPipeError:
        _discard_output()
    except OSError as error:
        print(f"cali-reg: output cannot be written ({error.strerror})", file=sys.stderr)
        _discard_output()
        return 2
    except KeyboardInterrupt:
        return 130
    except CaliRegError as error:
        print(f"cali-reg {options.command}: {error}", file=sys.stderr)
        return 1 if isinstance(error, GateError) else 2
    return 0


def _train(options: argparse.Namespace) -> None:
    from cali_reg import dataset, display, train

    table = dataset.california_housing()
    rows, held_out = dataset.split(table, options.test_size, options.seed)
    split = {"seed": options.seed, "test_size": options.test_size}
    trained = train.train(
        rows,
        held_out,
        source={"data": "california_housing", "split": split},
        n_samples=options.samples,
        min_r2=options.min_r2,
        allow_collinear=options.allow_collinear,
    )
    folds = train.cross_validate(rows, options.cv, options.seed) if options.cv else []
    artifacts.write(options.artifacts, trained.files)
    print(display.trained(trained))
    if folds:
        print(display.cross_validated(folds))
    print(display.files(options.artifacts, trained.files), end="")


def _update(options: argparse.Namespace) -> None:
    from cali_reg import display
    from cali_reg.update import update

    updated = update(
        options.artifacts,
        add=options.add,
        remove=options.remove,
        min_r2=options.min_r2,
        allow_collinear=options.allow_collinear,
    )
    artifacts.write(options.artifacts, updated.files)
    print(display.trained(updated))
    print(display.files(options.artifacts, updated.files), end="")


def _quantize(options: argparse.Namespace) -> None:
    from cali_reg import dataset, display, quantize

    model = artifacts.load_model(options.artifacts)
    result = quantize.quantize(options.artifacts)
    change = None
    if model.source.get("data") == "california_housing":
        split = model.source["split"]
        _, held_out = dataset.split(dataset.california_housing(), split["test_size"], split["seed"])
        change = quantize.largest_change(model, result.model, held_out)
    artifacts.write(options.artifacts, result.files)
    print(display.quantized(result, change, model.target))
    print(display.files(options.artifacts, result.files), end="")


def _predict(options: argparse.Namespace) -> None:
    if options.file is None:
        text = predict.describe_samples(options.artifacts)
    else:
        text = predict.predict_file(options.artifacts, options.file, options.precision)
    if options.out is None:
        print(text, end="")
    else:
        artifacts.write(options.out.parent, {options.out.name: text.encode()})


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="cali-reg",
        description="Linear regression that can be audited to the last bit.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"cali-reg {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_train(commands)
    _add_update(commands)
    _add_quantize(commands)
    _add_predict(commands)
    return parser


def _add_train(commands: Commands) -> None:
    parser = _command(commands, "train", _train, "fit the model, evaluate it, write it")
    parser.add_argument(
        "--test-size",
        type=_fraction,
        default=0.2,
        metavar="FRACTION",
        help="held-out part of the rows (default: 0.2)",
    )
    parser.add_argument("--seed", type=_seed, default=42, help="of the split (default: 42)")
    parser.add_argument(
        "--samples",
        type=_count,
        default=5,
        metavar="N",
        help="held-out rows to keep in model.json for a first prediction (default: 5)",
    )
    parser.add_argument(
        "--cv", type=_count, default=0, metavar="K", help="also print K-fold cross-validation"
    )
    _add_gates(parser)


def _add_update(commands: Commands) -> None:
    parser = _command(commands, "update", _update, "add and remove training rows, exactly")
    parser.add_argument(
        "--add", metavar="FILE", help="CSV file of rows to add; - for standard input"
    )
    parser.add_argument("--remove", metavar="FILE", help="CSV file of rows to remove")
    _add_gates(parser)


def _add_quantize(commands: Commands) -> None:
    _command(commands, "quantize", _quantize, "turn the coefficients into uint8 codes")


def _add_predict(commands: Commands) -> None:
    parser = _command(commands, "predict", _predict, "predict the sample rows, or those of a file")
    parser.add_argument(
        "file", nargs="?", help="CSV file with the model's columns; - for standard input"
    )
    parser.add_argument(
        "--precision",
        choices=["float64", "uint8"],
        default="float64",
        help="which model predicts the rows of the file (default: float64)",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="where to write (default: standard output)"
    )


def _add_gates(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--min-r2",
        type=_finite,
        metavar="R2",
        help="fail, and leave the old artifacts, if R² on the held-out rows is lower",
    )
    parser.add_argument(
        "--allow-collinear",
        action="store_true",
        help="accept columns that depend on others, with the solution of least norm",
    )


def _command(
    commands: Commands, name: str, run: Callable[[argparse.Namespace], None], summary: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
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


def _fraction(text: str) -> float:
    value = _finite(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def _finite(text: str) -> float:
    value = parse_number(text)
    if value is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number")
    return value


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise argparse.ArgumentTypeError(f"{text!r} is not a count, such as 5")
    return int(text)


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 11 and int(text) < 2**32):
        raise argparse.ArgumentTypeError(f"{text!r} is not a seed from 0 to 4294967295")
    return int(text)


def _discard_output() -> None:
    """Point standard output at nothing, so that Python's own flush at exit stays quiet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
