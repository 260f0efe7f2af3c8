"""Entry point of the command line: turns errors into one line and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence

from cali_reg.cli.parser import complete, parse
from cali_reg.errors import CaliRegError, GateError
from cali_reg.runtime.messages import discard, mask_secrets, print_error, quiet
from cali_reg.runtime.storage.signals import handled

ISSUES = "https://github.com/cali-reg/cali-reg/issues"
_NO_MEMORY = "not enough memory; give the command more, or less to read (train: --batch-size)"
_SIGNS_OF_NO_MEMORY = ("Cannot allocate memory", "failed to map segment", "can't start new thread")


class Stopped(KeyboardInterrupt):
    """The process was asked to stop, by Control-C or from outside.

    Parameters
    ----------
    number : int
        Of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words after the program's name; by default those of the process.

    Returns
    -------
    int
        Exit code: 0; 1 if a check failed; 2 for invalid input or options; 70 for an error that
        nobody foresaw; 128 and the signal's number after a signal: 130 after Control-C.

    Raises
    ------
    SystemExit
        After ``--help``, ``--version`` and usage errors.
    """
    if "_ARGCOMPLETE" in os.environ:
        complete()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show ✔ gets ?
    command, debug = "cali-reg", False
    received: list[int] = []

    def stop(number: int, _: object) -> None:
        received.append(number)
        raise Stopped(number)

    with handled(stop):
        try:
            options = parse(sys.argv[1:] if arguments is None else arguments)
            command, debug = f"cali-reg {options.command}", options.debug
            with quiet(options.quiet):
                options.run(options)
            print(end="", flush=True)
        except SystemExit:
            if (failed := _flush()) is None:
                raise
            print_error(command, _explain_system_error(failed))
            return 2
        except BaseException as error:  # a library may make another error of a Stopped
            code, message = _explain(Stopped(received[0]) if received else error)
            _flush()
            if debug:
                _print_traceback(command, error)
            if message:
                print_error(command, message)
            return code
    return 0


def _explain(error: BaseException) -> tuple[int, str]:
    """Return the exit code of an error and its message, which is empty if there is none."""
    if isinstance(error, CaliRegError):
        return 1 if isinstance(error, GateError) else 2, str(error)
    if isinstance(error, KeyboardInterrupt):
        number = getattr(error, "number", 2)
        return 128 + number, "" if number == 2 else f"stopped by signal {number}"
    if isinstance(error, BrokenPipeError):
        return 0, ""  # the reader has seen enough
    text = str(error)
    if isinstance(error, MemoryError) or any(sign in text for sign in _SIGNS_OF_NO_MEMORY):
        return 2, _NO_MEMORY
    if isinstance(error, OSError):
        return 2, _explain_system_error(error)
    if isinstance(error, ImportError):  # for example in the image, which can only predict
        return 2, f"a package is not installed ({text}); install cali-reg with its dependencies"
    what = f"{type(error).__name__}: {mask_secrets(text)[:300]}"
    return 70, (f"unexpected error ({what}); please report it with the output of --debug: {ISSUES}")


def _explain_system_error(error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.filename is None and error.errno in (None, errno.EIO, errno.ENOSPC, errno.EBADF):
        return f"cannot write the output ({reason})"
    where = "" if error.filename is None else f"{error.filename}: "
    return f"{where}{reason}"


def _flush() -> OSError | None:
    """Write what was printed, or forget it and return why: Python's flush at exit must not fail."""
    try:
        print(end="", flush=True)
    except OSError as error:
        discard(1)
        return error
    return None


def _print_traceback(command: str, error: BaseException) -> None:
    import traceback

    for lines in traceback.format_exception(error):
        for line in lines.splitlines():
            print_error(command, line)
