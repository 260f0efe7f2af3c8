"""Write the model for other programs, as C, ONNX or JSON."""

from __future__ import annotations

import argparse

from cali_reg.cli import arguments
from cali_reg.errors import UsageError
from cali_reg.runtime import artifacts, predictor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``cali-reg export``."""
    parser.add_argument(
        "--format",
        choices=["c", "onnx", "json"],
        required=True,
        help="a C99 header, an ONNX graph (needs the extra onnx) or a JSON file",
    )
    arguments.add_precision(parser, "which model to export: of coefficients, or of codes")
    arguments.add_out(parser, "where to write (default: standard output)")


def run(options: argparse.Namespace) -> None:
    """Write the model in the format of another program, to a file or standard output."""
    from cali_reg.export.formats import export

    if options.format == "onnx" and options.out is None:
        raise UsageError("an ONNX file is binary; name a file with --out, such as model.onnx")
    data = export(options.artifacts, options.format, options.precision)
    if options.out is not None:
        artifacts.write(options.out.parent, {options.out.name: data})
        return
    with predictor.open_text(None) as file:
        file.write(data.decode())
