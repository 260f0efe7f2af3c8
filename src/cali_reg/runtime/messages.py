"""Text for people: one line, without control characters and without secrets."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

TYPE_CHECKING = False  # see cali_reg/__init__.py
if TYPE_CHECKING:
    from typing import TextIO

_MASK = "***"
_RED, _GREEN, _YELLOW, _PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"
_LONGEST = 2000  # characters of a message: names come from anywhere
_MOST_COMPARED, _LONGEST_COMPARED = 10_000, 60  # names, and characters of each


class _State:
    """What holds for all messages of this process."""

    quiet = False


_state = _State()


def printable(text: str) -> str:
    r"""Return text with everything that is not printable escaped, line breaks included.

    A terminal obeys control characters; marks of direction and line separators make a text look
    like another. All of these become escapes such as ``\x1b``.

    Parameters
    ----------
    text : str
        From anywhere: the name of a file or of a column, a level, the message of a library.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def mask_secrets(text: str) -> str:
    """Return text in which no address has a password or the value of a parameter.

    Parameters
    ----------
    text : str
        It may have addresses such as ``s3://key:secret@bucket/x.csv?token=1``.

    Returns
    -------
    str
        With ``***`` in place of them.
    """
    if ":/" not in text:
        return text
    return " ".join(map(_mask_word, text.split(" ")))


@contextmanager
def quiet(asked: bool) -> Iterator[None]:
    """Print only errors, and results that were asked for, while a block runs.

    Parameters
    ----------
    asked : bool
        False changes nothing.

    Yields
    ------
    None
    """
    _state.quiet, before = asked, _state.quiet
    try:
        yield
    finally:
        _state.quiet = before


def is_quiet() -> bool:
    """Tell whether only errors, and results that were asked for, are to be printed."""
    return _state.quiet


def print_report(text: str) -> None:
    """Print what a command has done to standard output, with its first sign in color.

    Parameters
    ----------
    text : str
        Whole lines. ``✔`` in front means success, ``!`` a warning.
    """
    if not _state.quiet:
        color = {"✔": _GREEN, "!": _YELLOW}.get(text[:1], "")
        print(_paint(text, 1, color, sys.stdout), end="", flush=True)


def print_error(program: str, text: str, *, is_note: bool = False) -> None:
    """Print a message to standard error, in one line.

    A standard error that is closed or full is no reason to stop, and the message goes nowhere else.

    Parameters
    ----------
    program : str
        What the line begins with.
    text : str
        The message.
    is_note : bool, default=False
        Whether nothing has gone wrong: ``--quiet`` is then obeyed.
    """
    if sys.stderr is None or (is_note and _state.quiet):
        return
    try:
        line = mask_secrets(f"{program}: {text}")  # before it is cut: the cut could hide the @
        line = line if len(line) <= _LONGEST else line[:_LONGEST] + "..."
        color = _YELLOW if is_note else _RED
        line = _paint(printable(line), len(program) + 1, color, sys.stderr)
        print(line, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        discard(2)


def print_notes(program: str, notes: Iterable[str]) -> None:
    """Print notes to standard error, a line for each.

    Parameters
    ----------
    program : str
        What each line begins with.
    notes : iterable of str
    """
    for note in notes:
        print_error(program, f"note: {note}", is_note=True)


def discard(descriptor: int) -> None:
    """Let a standard stream write to nowhere, so that Python's flush at exit cannot fail.

    Parameters
    ----------
    descriptor : int
        1 for standard output, 2 for standard error.
    """
    with contextlib.suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, descriptor)
        os.close(null)


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return the end of a message about an unknown name: the one that it is most like.

    Parameters
    ----------
    name : str
        The unknown name. Upper case, blanks and the signs between words count little.
    names : iterable of str
        The known names.

    Returns
    -------
    str
        Such as ``; did you mean 'price'?``, or nothing if no name is like it.
    """
    from difflib import get_close_matches  # only after an error

    known: dict[str, str] = {}
    for other in islice(names, _MOST_COMPARED):
        known.setdefault(_plain(other), other)
    found = get_close_matches(_plain(name), known, n=1)
    return f"; did you mean {known[found[0]]!r}?" if found else ""


def _paint(text: str, length: int, color: str, stream: TextIO) -> str:
    """Return a text with its first characters in a color, if a terminal shows it."""
    if not color or not _has_colors(stream):
        return text
    return f"{color}{text[:length]}{_PLAIN}{text[length:]}"


def _has_colors(stream: TextIO) -> bool:
    """Tell whether to print in color: see https://no-color.org and https://force-color.org."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    # a console of Windows shows colors only if it is asked to; its Terminal does anyway
    is_able = os.name == "posix" or "WT_SESSION" in os.environ
    return is_able and os.environ.get("TERM") != "dumb" and stream.isatty()


def _plain(name: str) -> str:
    letters = (letter for letter in name[:_LONGEST_COMPARED].casefold() if letter.isalnum())
    return "".join(letters) or name[:_LONGEST_COMPARED]


def _mask_word(word: str) -> str:
    scheme, mark, rest = word.partition("://")
    if not mark:
        scheme, mark, rest = word.partition(":/")  # an address that was taken for a path
    if not mark:
        return word
    user, at, host = rest.rpartition("@")
    is_user = ":" in user.partition("/")[0] if mark == ":/" else ":" in user or "/" not in user
    if at and is_user:
        rest = f"{_MASK}@{host}"
    # a question mark may be a wildcard, but not in an address of the web
    end = min(f"{rest}{sign}".index(sign) for sign in "?#")
    parameters = rest[end + 1 :]
    if "=" in parameters or (parameters and scheme.endswith(("http", "https"))):
        after = parameters[len(parameters.rstrip("'\")],:;.")) :]  # what the sentence adds
        fields = [field.partition("=") for field in parameters.split("&")]
        masked = [f"{name}={_MASK}" if sign else _MASK for name, sign, _ in fields]
        rest = rest[: end + 1] + "&".join(masked) + after
    return scheme + mark + rest


def text_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, align: str | None = None
) -> str:
    """Format a table: the first column is aligned to the left, the others to the right.

    Parameters
    ----------
    header : sequence of str
    rows : sequence of sequence of str
    align : str, optional
        ``<`` or ``>`` for each column, in place of that.

    Returns
    -------
    str
    """
    rows = [[printable(cell) for cell in row] for row in rows]
    header = [printable(cell) for cell in header]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    sides = align or "<".ljust(len(header), ">")
    lines = (
        "  ".join(
            f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)
        )
        for row in (header, *rows)
    )
    return "".join(line.rstrip() + "\n" for line in lines)
