"""What Python's interface takes, in the terms of the jobs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Protocol

from cali_reg.errors import CaliRegError, UsageError
from cali_reg.runtime.messages import did_you_mean
from cali_reg.runtime.reading.options import USUAL
from cali_reg.runtime.schema import format_names

if TYPE_CHECKING:
    from cali_reg.data.files import Source

_ARGUMENTS = {  # of Python, for options of the command line
    "--missing drop": "missing='drop'",
    "--on-error skip": "on_error='skip'",
    "--allow-collinear": "allow_collinear=True",
    "--test-data": "test_data",
    "--test-size": "test_size",
    "--min-r2": "min_r2",
    "--levels": "levels",
    "--baseline": "baselines",
    "--not-missing": "not_missing",
    "--exclude": "exclude",
    "--max-levels": "max_levels",
    "--strict": "strict=True",
    "--na": "missing",
    "--no-na": "not_missing",
    "--ignore": "ignored",
    "--skip-lines": "skip_lines",
    **{f"--{name}": name for name in ("separator", "decimal", "escape", "comment", "names")},
    "predict --unseen baseline": "load_model(folder, unseen='baseline')",
    "train --intervals": "train(..., store_intervals=True)",
    **{f"--{name}": name for name in ("data", "target", "features", "categorical")},
}


class Frame(Protocol):
    """A data frame of any package that gives its columns to Arrow: pandas, polars, PyArrow ..."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """Return the columns, as the Arrow PyCapsule interface says."""


Data = str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | Frame


@contextmanager
def python_words() -> Iterator[None]:
    """Put Python's arguments into the messages of errors, in place of command-line options.

    Yields
    ------
    None

    Raises
    ------
    CaliRegError
        That of the block.
    """
    try:
        yield
    except CaliRegError as error:
        error.args = (in_python(str(error)),)
        raise


def in_python(message: str) -> str:
    """Return a message with Python's arguments in place of command-line options.

    Parameters
    ----------
    message : str
    """
    for option, argument in _ARGUMENTS.items():
        message = re.sub(rf"(?<![\w/-]){re.escape(option)}(?![\w-])", argument, message)
    return message


def sources(name: str, data: Any) -> list[Source]:
    """Return paths as text, and a data frame as what is read like a file.

    Parameters
    ----------
    name : str
        Of the argument, for messages.
    data : Data

    Raises
    ------
    UsageError
        For anything else.
    DataError
        For a frame that Arrow cannot take.
    """
    from cali_reg.data.formats.tables import is_frame, open_frame

    if is_frame(data):
        return [open_frame(data, name)]
    paths = data if isinstance(data, Sequence) and not isinstance(data, str) else [data]
    if not paths or not all(isinstance(path, str | os.PathLike) for path in paths):
        raise UsageError(
            f"{name} is of type {type(data).__name__}; expected a path, a sequence of paths, or a"
            " data frame with __arrow_c_stream__, as those of pandas, polars and PyArrow"
        )
    return [os.fspath(path) for path in paths]


def reading_fields(reading: Any) -> dict[str, Any]:
    """Return how files are read as fields of `Reading`, after a check of their types.

    Parameters
    ----------
    reading : mapping of str to value
        It may be anything.

    Returns
    -------
    dict of str to value

    Raises
    ------
    UsageError
        For an unknown field, and for a value of another type.
    """
    if not isinstance(reading, Mapping):
        raise UsageError(f"reading is {reading!r:.40}; expected such as {{'separator': ';'}}")
    usual = USUAL._asdict()
    fields = {key: tuple(v) if isinstance(v, list) else v for key, v in reading.items()}
    for name, value in fields.items():
        if name not in usual:
            known = format_names(list(usual))
            hint = did_you_mean(str(name), usual)
            raise UsageError(f"reading: unknown field {name!r}{hint} (fields: {known})")
        texts = value if isinstance(value, tuple) else ()
        if type(value) is not type(usual[name]) or not all(isinstance(t, str) for t in texts):
            kind = {str: "a text", int: "an integer"}.get(type(usual[name]), "a list of texts")
            raise UsageError(f"reading: {name} is {value!r:.40}; expected {kind}")
        if name in ("missing", "not_missing"):
            fields[name] = tuple(sorted(set(value)))
    return fields


def column_names(argument: str, names: Any) -> list[str]:
    """Return names of columns without blanks around them, after a check of their type.

    Parameters
    ----------
    argument : str
        The argument's name, for messages.
    names : sequence of str
        It may be anything.

    Returns
    -------
    list of str

    Raises
    ------
    UsageError
        For anything but texts.
    """
    is_list = isinstance(names, Iterable) and not isinstance(names, str | bytes)
    found = list(names) if is_list else []
    wrong = [name for name in found if not isinstance(name, str)]
    if wrong or not is_list:
        what = "a name" if argument == "target" else "a list of names"
        raise UsageError(f"{argument} is {(wrong or [names])[0]!r:.40}; expected {what}")
    return [name.strip() for name in found]


def confidence_levels(levels: Any) -> list[float]:
    """Return confidence levels in order, after a check.

    Parameters
    ----------
    levels : sequence of float
        It may be anything.

    Returns
    -------
    list of float

    Raises
    ------
    UsageError
        For anything but different numbers between 0 and 1.
    """
    found = sorted(float(level) for level in levels if isinstance(level, Real))
    if not found or len(set(found)) < len(levels) or not 0 < found[0] <= found[-1] < 1:
        raise UsageError(f"levels is {levels!r:.60}; expected different numbers between 0 and 1")
    return found


def check_choice(name: str, value: Any, *choices: str) -> None:
    """Raise UsageError for a value that is not one of the choices.

    Parameters
    ----------
    name : str
        Of the argument.
    value : str
        It may be anything.
    choices : str
    """
    if value not in choices:
        raise UsageError(f"{name} is {value!r:.40}; expected {' or '.join(map(repr, choices))}")


def check_count(name: str, value: Any, least: int, most: int = 999_999_999) -> None:
    """Raise UsageError for anything but an integer in a range.

    Parameters
    ----------
    name : str
        Of the argument.
    value : int
        It may be anything.
    least, most : int
        The range.
    """
    if not isinstance(value, Integral) or not least <= int(value) <= most:
        raise UsageError(f"{name} is {value!r:.40}; expected an integer from {least} to {most}")


def check_numbers(test_size: Any, seed: Any, cv: Any, n_sample_rows: Any) -> None:
    """Raise UsageError for numbers that have no meaning.

    Parameters
    ----------
    test_size, seed, cv, n_sample_rows
        The arguments of `train`.
    """
    if not isinstance(test_size, Real) or not 0 <= float(test_size) < 1:
        raise UsageError(f"test_size is {test_size!r:.40}; expected 0, or a number between 0 and 1")
    check_count("seed", seed, 0, 2**32 - 1)
    check_count("n_sample_rows", n_sample_rows, 0)
    if not isinstance(cv, Integral) or (cv and not 2 <= int(cv) <= 100):
        raise UsageError(f"cv is {cv!r:.40}; expected an integer from 2 to 100, or 0 for no folds")
