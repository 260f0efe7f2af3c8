"""How one CSV file is read: as the user asks, and as a first look at its beginning finds.

Only what is beyond doubt is found. A wrong guess must be an error later, never another number.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from cali_reg.runtime.cell_parser import is_code, parse_cell
from cali_reg.runtime.reading.options import BLANKS, SEPARATOR_NAMES, Reading

LOOK = 1 << 16  # bytes of a file that a first look sees
_ROWS = 1000  # of these, at most
_SEPARATORS = ",\t;|"
_MARKS = {  # of encodings; that of UTF-32 begins as that of UTF-16 does
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
UTF_8 = "utf-8"
_LINE_END = re.compile(r"\r\n?|\n")
# Between blanks: a cell in quotes, or any other.
_CELLS = re.compile(r'"(?:[^"]|"")*"(?=[ \t\r\n]|$)|[^ \t\r\n]+')
_WITH_COMMA = re.compile(r"[ \t]*[+-]?([0-9]+),([0-9]+)(?:[eE][+-]?[0-9]+)?[ \t]*")
_ANY_COMMA = re.compile(r"([ \t]*[+-]?[0-9]*),([0-9]*(?:[eE][+-]?[0-9]+)?[ \t]*)")
_WITH_POINT = re.compile(r"[ \t]*[+-]?[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?[ \t]*")
_IN_GROUPS = re.compile(r"[ \t]*[+-]?[0-9]{1,3}(?:,[0-9]{3}){2,}[ \t]*")


class Dialect(NamedTuple):
    """How one CSV file is read.

    Attributes
    ----------
    separator : str
        Of cells: one character; a blank stands for runs of blanks and tabs.
    decimal : str
        The decimal mark, a point or a comma.
    encoding : str
    escape, comment, ignored : str
        As in `Reading`.
    skip_lines : int
        Number of lines before the header.
    names : tuple of str
        The columns' names, if the file has no header.
    found : tuple of str
        What a first look has found that is not as usual, in words.
    """

    separator: str = ","
    decimal: str = "."
    encoding: str = UTF_8
    escape: str = ""
    comment: str = ""
    skip_lines: int = 0
    names: tuple[str, ...] = ()
    ignored: str = ""
    found: tuple[str, ...] = ()

    @property
    def has_plain_numbers(self) -> bool:
        """Whether the numbers are written as Python writes them."""
        return self.decimal == "." and not self.ignored

    @property
    def has_plain_lines(self) -> bool:
        """Whether all lines are rows as they are, so that `line` changes none."""
        return not self.comment and self.separator != BLANKS

    def note(self, name: str) -> str:
        """Return a line about what a first look has found.

        Parameters
        ----------
        name : str
            Name of the file.
        """
        return f"{name}: found {' and '.join(self.found)}"

    def reader(self, lines: Iterable[str], *, strict: bool = True) -> Any:
        """Return a reader of Python's csv module.

        Parameters
        ----------
        lines : iterable of str
            As `line` returns them.
        strict : bool, default=True
            Whether text that is not CSV is an error.
        """
        escape = self.escape or None
        return csv.reader(lines, delimiter=self.separator, escapechar=escape, strict=strict)

    def is_comment(self, line: str) -> bool:
        """Tell whether a line, at the beginning of a row, is a comment.

        Parameters
        ----------
        line : str
        """
        return bool(self.comment) and line.startswith(self.comment)

    def line(self, line: str) -> str:
        """Return a line with one separator between two cells.

        Parameters
        ----------
        line : str
        """
        if self.separator != BLANKS:
            return line
        return BLANKS.join(_CELLS.findall(line)) + "\n"

    def parse(self, text: str) -> float | None:
        """Return the value of a cell in a column of numbers; None if it has no such value.

        Parameters
        ----------
        text : str
        """
        if self.ignored:
            text = text.translate(_deletion(self.ignored))
        if self.decimal == ",":
            if "." in text:
                return None
            text = text.replace(",", ".")
        return parse_cell(text)

    def is_code(self, text: str) -> bool:
        """Tell whether a cell is a number with leading zeros, such as 007.

        Parameters
        ----------
        text : str
        """
        return is_code((text.translate(_deletion(self.ignored)) if self.ignored else text).strip())

    def category(self, text: str) -> str:
        """Return a cell of a categorical column, with a decimal point if it is a number.

        Parameters
        ----------
        text : str
        """
        if self.decimal != "," or "," not in text:
            return text
        return _ANY_COMMA.sub(r"\1.\2", text) if _ANY_COMMA.fullmatch(text) else text


USUAL_DIALECT = Dialect()


def separator_of(path: str) -> str:
    """Return what separates the cells of a file, as its name says it.

    Parameters
    ----------
    path : str
    """
    return "\t" if ".tsv" in path.lower()[-8:] else ","


def find_dialect(head: bytes, reading: Reading, usual: str = ",") -> Dialect:
    """Find how a file is read.

    Parameters
    ----------
    head : bytes
        The first `LOOK` bytes of the file, decompressed; fewer only if it has no more.
    reading : Reading
        What the user asks for.
    usual : str, default=","
        The separator where there is no sign of another one.

    Returns
    -------
    Dialect
    """
    return _look(head, reading, usual)[0]


def is_plain(head: bytes, reading: Reading, usual: str = ",") -> bool:
    """Tell whether the beginning of a file is enough to find its dialect: its header is plain.

    Parameters
    ----------
    head : bytes
        The first bytes of the file.
    reading, usual
        As for `find_dialect`.
    """
    return _look(head, reading, usual)[1]


def _look(head: bytes, reading: Reading, usual: str) -> tuple[Dialect, bool]:
    """Return the dialect, and whether further rows would change nothing."""
    encoding, found = reading.encoding or UTF_8, []
    if not reading.encoding and (mark := next(filter(head.startswith, _MARKS), b"")):
        encoding = _MARKS[mark]
        found.append(f"{encoding.upper()} text")
    text = head.decode(encoding, "replace").removeprefix("\ufeff")
    skip_lines, start = reading.skip_lines, 0
    for _ in range(skip_lines):
        start = _next_line(text, start)
    separator = reading.separator
    if not separator and (said := re.match(r"sep=([^\r\n\"])(?=[\r\n])", text[start:])):
        separator, skip_lines = said[1], skip_lines + 1
        start = _next_line(text, start)
    dialect = Dialect(
        encoding=encoding,
        decimal=reading.decimal or ".",
        escape=reading.escape,
        comment=reading.comment,
        skip_lines=skip_lines,
        names=reading.names,
        ignored=reading.ignored,
    )
    header = text[start : _next_line(text, start)]
    while header and (dialect.is_comment(header) or not header.strip("\r\n")):
        start += len(header)
        header = text[start : _next_line(text, start)]
    if not separator and _candidates(header) == {usual}:
        return dialect._replace(separator=usual, found=tuple(found)), header[-1:] in ("\r", "\n")
    is_whole = len(head) < LOOK
    separator = separator or _separator(dialect, text[start:], usual, is_whole=is_whole)
    dialect = dialect._replace(separator=separator)
    if separator != (reading.separator or usual):
        found.append(f"cells separated by {_in_words(separator)}")
    rows = _rows(dialect, text[start:], is_whole=is_whole)
    if separator == ";" and not reading.decimal and _has_decimal_commas(rows):
        dialect = dialect._replace(decimal=",")
        found.append("decimal commas")
    return dialect._replace(found=tuple(found)), False


def _next_line(text: str, start: int) -> int:
    """Return where the line after the one at `start` begins."""
    end = _LINE_END.search(text, start)
    return end.end() if end else len(text)


def _candidates(header: str) -> set[str]:
    """Return the characters outside of quotes that may separate the cells of a line."""
    outside = re.sub(r'"[^"]*"', "", header) if '"' in header else header
    return {character for character in _SEPARATORS if character in outside}


def _separator(dialect: Dialect, text: str, usual: str, *, is_whole: bool) -> str:
    """Return the separator that gives most rows as many cells as the header, at least two."""
    best, most = usual, (0, False)
    for separator in _SEPARATORS:
        rows = _rows(dialect._replace(separator=separator), text, is_whole=is_whole)
        if rows and len(rows[0]) > 1:
            n_alike = sum(len(row) == len(rows[0]) for row in rows)
            n_alike = 0 if n_alike == 1 < len(rows) else n_alike
            if (n_alike, separator == usual) > most:
                best, most = separator, (n_alike, separator == usual)
    if most[0]:
        return best
    rows = _rows(dialect._replace(separator=BLANKS), text, is_whole=is_whole)
    is_table = len(rows) > 1 and len(rows[0]) > 1 and len(set(map(len, rows))) == 1
    # New York and San Jose are cells of one column
    is_table = is_table and all(any(map(_is_number, row)) for row in rows[1:])
    return BLANKS if is_table else usual


def _rows(dialect: Dialect, text: str, *, is_whole: bool) -> list[list[str]]:
    """Return the first rows with cells, without one that may be cut off."""
    lines = (dialect.line(line) for line in io.StringIO(text, newline=""))
    reader = dialect.reader((line for line in lines if not dialect.is_comment(line)), strict=False)
    try:
        rows = list(islice(filter(None, reader), _ROWS + 1))
    except csv.Error:
        return []
    return rows[:_ROWS] if is_whole else rows[: min(_ROWS, len(rows) - 1)]


def _is_number(cell: str) -> bool:
    return parse_cell(cell.replace(",", ".")) is not None


def _has_decimal_commas(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether numbers have decimal commas, without doubt.

    ``1,234`` alone may be a thousand as well.
    """
    is_sure = False
    for cell in (cell for row in rows for cell in row):
        if _WITH_POINT.fullmatch(cell) or _IN_GROUPS.fullmatch(cell):
            return False
        if found := _WITH_COMMA.fullmatch(cell):
            whole, fraction = found.groups()
            is_sure = is_sure or len(fraction) != 3 or len(whole) > 3 or whole.startswith("0")
    return is_sure


def _in_words(separator: str) -> str:
    names = {character: f"{name}s" for name, character in SEPARATOR_NAMES.items()}
    return {**names, BLANKS: "blanks"}.get(separator, repr(separator))


@lru_cache
def _deletion(characters: str) -> dict[int, None]:
    return dict.fromkeys(map(ord, characters))
