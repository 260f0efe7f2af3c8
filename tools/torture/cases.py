"""A case: one thing that is done to the product, told by a seed and a number."""

from __future__ import annotations

import random
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import children
from materials import Materials
from verdicts import Tally, judge

_DETAILS = re.compile(r"[-/\w.]*[/\d][-/\w.]*")  # paths and numbers


class Order(NamedTuple):
    """Which cases to do."""

    part: str
    seed: int
    numbers: range | tuple[int, ...]
    n_workers: int


class Case:
    """What a case works with: a folder of its own, random numbers of its own, and the tally."""

    def __init__(self, materials: Materials, tally: Tally, seed: int, number: int, folder: Path):
        self.materials, self.number, self.folder = materials, number, folder
        self.random = random.Random(f"{seed} {tally.part} {number}")  # noqa: S311
        self.label = ""  # what it is, if its number does not say it
        self.group = ""  # of failures that are alike; else their texts tell
        self.tally = tally

    def run(
        self, *arguments: object, is_report: bool = True, sent: int | None = None, **options: Any
    ) -> children.Outcome:
        """Run a command and judge it; return how it ended."""
        child = children.Child(arguments, self.folder, **options)
        return self.finish(child, arguments, is_report=is_report, sent=sent)

    def finish(
        self,
        child: children.Child,
        arguments: tuple[object, ...],
        *,
        is_report: bool = True,
        sent: int | None = None,
    ) -> children.Outcome:
        """Wait for a run and judge it."""
        outcome = child.finish()
        self.judge(outcome, arguments, is_report=is_report, sent=sent)
        return outcome

    def judge(
        self,
        outcome: children.Outcome,
        arguments: tuple[object, ...],
        *,
        is_report: bool = True,
        sent: int | None = None,
    ) -> None:
        """Count a run, and what is wrong with it."""
        self.tally.figures["runs"] += 1
        for kind in judge(outcome, is_report=is_report, sent=sent):
            self.fail(kind, arguments, _describe(outcome, kind))

    def fail(self, kind: str, arguments: tuple[object, ...], text: str) -> None:
        """Report a failure of this case."""
        command = shlex.join(map(str, arguments))
        name = f"{self.tally.part} case {self.number} {self.label}".rstrip()
        group = self.group or _DETAILS.sub("", text.split(": ", 1)[-1])[:60]
        self.tally.fail(kind, group, f"{name}: {command}: {text}")

    def copy_model(self, which: int = 0, name: str = "m") -> Path:
        """Return a copy of one of the two models."""
        return Path(shutil.copytree(self.materials.models[which], self.folder / name))


def run_cases(
    function: Callable[[Case], None], order: Order, materials: Materials, keep: Path | None = None
) -> Tally:
    """Do the cases of one part in several processes; `keep` is a folder to leave theirs in."""
    tally = Tally(order.part)

    def work(worker: int) -> dict[str, Any]:
        own = Tally(order.part)
        for number in order.numbers[worker :: order.n_workers]:
            with _folder(keep, f"{order.part}-{number}") as folder:
                function(Case(materials, own, order.seed, number, folder))
        return own.as_json()

    for result in children.in_parallel(work, order.n_workers):
        tally.merge(result)
    return tally


@contextmanager
def _folder(keep: Path | None, name: str) -> Iterator[Path]:
    """Yield a new folder; it stays if it is to be kept."""
    if keep:
        (keep / name).mkdir(parents=True)
        yield keep / name
    else:
        with children.scratch_folder() as folder:
            yield folder


def _describe(outcome: children.Outcome, kind: str) -> str:
    text = outcome.out[-300:] if kind == "control" and not outcome.err else outcome.err[-300:]
    return (
        f"exit code {outcome.code}, {outcome.cpu:.1f} s, {outcome.peak >> 20} MiB:"
        f" {text.decode(errors='backslashreplace')!r}"
    )
