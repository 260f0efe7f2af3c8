"""What is wrong with a run, and the table of figures."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import children

MEMORY_LIMIT = 10**9  # bytes
FIGURES = {
    "runs": "runs",
    "signal": "signals",
    "traceback": "tracebacks",
    "hang": f"hangs over {children.CPU_LIMIT:.0f} s",
    "memory": "runs over 1 GB",
    "wrong": "wrong predictions",
    "torn": "torn folders",
    "leftover": "leftovers after the next command",
    "control": "raw control characters",
    "secret": "secrets shown",
}
TEMPORARY = ".cali-reg"  # how the names of temporary files begin

_CODES = {0, 1, 2}  # success, a check failed, invalid input; 70 is an error nobody foresaw
_TRACES = (b"Traceback (most recent call last)", b"Exception ignored", b"Fatal Python error")
_MOST_ALIKE = 2  # failures that are shown of a kind and group

Snapshot = Mapping[str, bytes]


def judge(
    outcome: children.Outcome, *, is_report: bool = True, sent: int | None = None
) -> Iterator[str]:
    """Yield the kinds of what is wrong with a run.

    `is_report` says that the output is for people: it may hold no control characters. Data that
    are copied (``predict --keep``) may. `sent` is a signal that the run was sent.
    """
    over_cpu = outcome.cpu > children.CPU_LIMIT or outcome.code == -signal.SIGXCPU
    if outcome.hung or over_cpu:
        yield "hang"
    elif outcome.code < 0 and outcome.code != -(sent or 0):
        yield "signal"
    allowed = _CODES if sent is None else _CODES | {128 + sent}
    if any(trace in outcome.err + outcome.out for trace in _TRACES) or (
        outcome.code >= 0 and outcome.code not in allowed
    ):
        yield "traceback"
    elif not _is_ours(outcome.err) or any(
        map(has_raw_characters, [outcome.err, outcome.out if is_report else b""])
    ):
        yield "control"
    if outcome.peak > MEMORY_LIMIT:
        yield "memory"


def has_raw_characters(text: bytes) -> bool:
    """Tell whether a text holds more than printable characters and line ends."""
    try:
        return not text.decode().replace("\n", "").isprintable()
    except UnicodeDecodeError:
        return True


def _is_ours(err: bytes) -> bool:
    """Tell whether each line of the error output begins as ours do: no message has two lines."""
    return all(line.startswith(b"cali-reg") for line in err.split(b"\n") if line)


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder, but not what is temporary."""
    if not folder.is_dir():
        return {}
    paths = [path for path in folder.rglob("*") if path.is_file()]
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    return {name: data for name, data in found.items() if not name.startswith(TEMPORARY)}


def leftovers(folder: Path, expected: Iterable[str]) -> list[str]:
    """Return the names in a folder that are not expected there, hidden ones included."""
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    return sorted(names - set(expected))


class Tally:
    """The figures of one part, and its failures."""

    def __init__(self, part: str) -> None:
        self.part = part
        self.figures: Counter[str] = Counter(runs=0)
        self.failures: list[tuple[str, str, str]] = []

    def fail(self, kind: str, group: str, text: str) -> None:
        """Count a failure, and note what happened; of each kind and group, only some are shown."""
        self.figures[kind] += 1
        self._add(kind, group, text)

    def merge(self, other: Mapping[str, Any]) -> None:
        """Add what another process counted: the `as_json` of its tally."""
        self.figures.update(other["figures"])
        for failure in other["failures"]:
            self._add(*failure)

    def _add(self, kind: str, group: str, text: str) -> None:
        if sum(failure[:2] == (kind, group) for failure in self.failures) < _MOST_ALIKE:
            self.failures.append((kind, group, text))

    def as_json(self) -> dict[str, Any]:
        """Return what `merge` takes."""
        return {"figures": dict(self.figures), "failures": self.failures}


def table(tallies: Iterable[Tally], seconds: Mapping[str, float]) -> str:
    """Return the figures of all parts and their sums, as lines of a Markdown table."""
    tallies = list(tallies)
    header = ["", *(tally.part for tally in tallies), "all"]
    lines = [_row(header), _row(["---", *["---:"] * (len(header) - 1)])]
    for kind, name in FIGURES.items():
        counts = [tally.figures[kind] for tally in tallies]
        lines.append(_row([name, *map("{:,}".format, [*counts, sum(counts)])]))
    taken = [seconds[tally.part] for tally in tallies]
    return "\n".join([*lines, _row(["seconds", *map("{:,.0f}".format, [*taken, sum(taken)])])])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
