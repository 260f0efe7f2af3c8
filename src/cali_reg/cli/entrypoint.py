"""Entry point of the command line: turns errors into one line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cali_reg.cli.parser import parse
from cali_reg.errors import CaliRegError, GateError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words after the program's name; by default those of the process.

    Returns
    -------
    int
        Exit code: 0; 1 if a check failed; 2 for invalid input or options; 130 after Control-C.

    Raises
    ------
    SystemExit
        After ``--help``, ``--version`` and usage errors.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show ✔ gets ?
    options = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        options.run(options)
        print(end="", flush=True)
    except BrokenPipeError:
        _discard_output()
    except OSError as error:
        print(f"cali-reg: cannot write the output ({error.strerror})", file=sys.stderr)
        _discard_output()
        return 2
    except ImportError as error:  # for example in the image, which can only predict
        print(
            f"cali-reg {options.command}: a package is not installed ({error});"
            " install cali-reg with its dependencies",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        return 130
    except CaliRegError as error:
        print(f"cali-reg {options.command}: {error}", file=sys.stderr)
        return 1 if isinstance(error, GateError) else 2
    return 0


def _discard_output() -> None:
    """Redirect standard output to the null device, so that Python's flush at exit cannot fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
