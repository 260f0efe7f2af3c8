"""Write the model for other programs, as C, ONNX or JSON."""

from __future__ import annotations

import argparse

from cali_reg.cli import arguments
from cali_reg.errors import UsageError
from cali_reg.runtime import artifacts
from cali_reg.runtime.atomic_files import write_file
from cali_reg.runtime.text_writer import open_text

DESCRIPTION = """\
Write the float64 or the quantized model in a format that other programs read: a
C header without dependencies, an ONNX graph, or a JSON file of plain numbers."""

EXAMPLES = """\
cali-reg export --format c > model.h
cali-reg export --format onnx --precision uint8 --out model.onnx"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``cali-reg export``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    parser.add_argument(
        "--format",
        choices=["c", "onnx", "json"],
        required=True,
        help="c: a C99 header; onnx: an ONNX graph (needs cali-reg[onnx]); json: a JSON file",
    )
    arguments.add_precision(parser, "model to export")
    arguments.add_out(parser, "output file; required for onnx (default: standard output)")


def run(options: argparse.Namespace) -> None:
    """Write the model in another format, to a file or standard output.

    Parameters
    ----------
    options : argparse.Namespace
        As parsed with the arguments of `add_arguments`.

    Raises
    ------
    UsageError
        If the output needs a file, or a package that is not installed.
    ArtifactError
        If artifacts are missing, do not belong together, or cannot be written.
    """
    from cali_reg.export.formats import export

    if options.format == "onnx" and options.out is None:
        raise UsageError("--format onnx is binary; name a file with --out, such as model.onnx")
    if options.out is not None:
        artifacts.require_output(options.out, options.artifacts)
    data = export(options.artifacts, options.format, options.precision)
    if options.out is not None:
        write_file(options.out, data)
        return
    with open_text(None) as file:
        file.write(data.decode())
