"""The command line: where errors become one line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cali_reg.cli.parser import parse
from cali_reg.errors import CaliRegError, GateError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0, 1 if a gate failed, or 2 for bad input or usage."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that has no ✔ shows ?
    options = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        options.run(options)
        print(end="", flush=True)
    except BrokenPipeError:
        _discard_output()
    except OSError as error:
        print(f"cali-reg: output cannot be written ({error.strerror})", file=sys.stderr)
        _discard_output()
        return 2
    except ImportError as error:  # an image, say, that can only predict
        print(f"cali-reg {options.command}: not installed here ({error})", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except CaliRegError as error:
        print(f"cali-reg {options.command}: {error}", file=sys.stderr)
        return 1 if isinstance(error, GateError) else 2
    return 0


def _discard_output() -> None:
    """Point standard output at nothing, so that Python's own flush at exit stays quiet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
