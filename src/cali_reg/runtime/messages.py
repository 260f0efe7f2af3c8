"""Text for people: one line, without control characters and without secrets."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable
from itertools import islice

_MASK = "***"
_LONGEST = 2000  # characters of a message: names come from anywhere
_MOST_COMPARED, _LONGEST_COMPARED = 10_000, 60  # names, and characters of each


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


def print_error(program: str, text: str) -> None:
    """Print a message to standard error, in one line.

    A standard error that is closed or full is no reason to stop, and the message goes nowhere else.

    Parameters
    ----------
    program : str
        What the line begins with.
    text : str
        The message.
    """
    if sys.stderr is None:
        return
    try:
        line = mask_secrets(f"{program}: {text}")  # before it is cut: the cut could hide the @
        line = line if len(line) <= _LONGEST else line[:_LONGEST] + "..."
        print(printable(line), file=sys.stderr, flush=True)
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
        print_error(program, f"note: {note}")


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
