"""``python -m cali_reg`` and the installed ``cali-reg``: one start for both.

What happens here comes before everything else is imported.
"""

import _signal  # type: ignore[import-not-found]  # `signal` takes longer to import
import os
import sys


def _quit(number: int, frame: object) -> None:
    """End at once: nothing has begun, or all is done."""
    os._exit(128 + number)


def _reserve_standard_streams() -> None:
    """Open the null device in place of closed streams: no other file may get their numbers."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def main() -> int:
    """Run the command line of this process.

    Returns
    -------
    int
        Its exit code.
    """
    from cali_reg.cli.entrypoint import main as run

    return run()


if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
    _signal.signal(_signal.SIGINT, _quit)  # an import that Control-C ends prints a traceback
_reserve_standard_streams()

if __name__ == "__main__":
    sys.exit(main())
