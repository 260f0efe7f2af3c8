"""Plant each fault that `make torture` must find, in child processes, and print what it found.

It runs in a process of its own, since it forks: ``planted_faults.py MODEL FOLDER``, with a trained
model and an empty folder. It prints JSON: by the name of a fault, the kinds that were found.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import children
import materials
import states
import torture
import verdicts
from cases import Case
from materials import Materials
from parts import json_mutants
from parts.kills import stop_at

from cali_reg.runtime import fingerprinted_json


def say(text: str, code: int = 2) -> int:
    """Print a message as a command would, and return its exit code."""
    print(text, file=sys.stderr)
    return code


def report(text: str) -> int:
    """Print a report, and return its exit code."""
    print(text)
    return 0


def fail() -> int:
    """Fail as a program with an error that nobody foresaw."""
    raise ZeroDivisionError


def spin() -> int:
    """Compute without an end."""
    while True:
        sum(range(1000))


def wait() -> int:
    """Wait longer than is allowed."""
    time.sleep(60)
    return 0


def fill() -> int:
    """Take more memory than is allowed, for a moment."""
    return len(bytearray(b"x") * 400_000_000) * 0


def kill(number: int) -> int:
    """End by a signal."""
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    return 0


FAULTS: dict[str, tuple[Callable[[], int], dict[str, Any]]] = {
    "no fault": (partial(say, "cali-reg train: x.csv: no such file"), {}),
    "a check failed": (partial(say, "cali-reg verify: differs", 1), {}),
    "traceback": (fail, {}),
    "error nobody foresaw": (partial(say, "cali-reg: unexpected error", 70), {}),
    "segmentation fault": (partial(kill, signal.SIGSEGV), {}),
    "abort": (partial(kill, signal.SIGABRT), {}),
    "computes": (spin, {}),
    "waits": (wait, {}),
    "memory": (fill, {}),
    "escape sequence": (partial(say, "cali-reg train: \x1b[31mx.csv: no such file"), {}),
    "two lines": (partial(say, "cali-reg train: x\ny.csv: no such file"), {}),
    "bidi mark in a report": (partial(report, "\u202egpj.exe  0.5"), {}),
    "bidi mark in data": (partial(report, "\u202egpj.exe  0.5"), {"is_report": False}),
    "ended by its signal": (partial(kill, signal.SIGTERM), {"sent": signal.SIGTERM}),
    "ended by another": (partial(kill, signal.SIGTERM), {"sent": signal.SIGINT}),
    "exit code of its signal": (lambda: 130, {"sent": signal.SIGINT}),
    "exit code of a signal": (lambda: 130, {}),
}


def judged(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the kinds that are found for each of `FAULTS`."""
    for name, (fault, options) in FAULTS.items():

        def main(_: object, fault: Callable[[], int] = fault) -> int:
            return fault()

        yield name, list(verdicts.judge(children.run([], folder, main=main), **options))


def in_folders(model: Path, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the kinds that are found for folders that a command may have left."""

    def change(folder: Path) -> None:
        data = (folder / "moments.json").read_bytes()
        (folder / "moments.json").write_bytes(data + b"\n")

    changes: dict[str, Callable[[Path], object]] = {
        "intact folder": lambda folder: None,
        "torn folder": change,
        "reader is refused": lambda folder: (folder / "model.json").unlink(),
        "temporary file": lambda folder: (folder / ".cali-reg-abcdefgh").touch(),
    }
    for name, change_folder in changes.items():
        case = new_case(model, folder / name)
        change_folder(case.copy_model())
        states.check_folder(case, [states.state_after(model)], ("train",))
        yield name, sorted(set(case.tally.figures) - {"runs"})


def accepted(model: Path, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield what is found when no fingerprint is checked, and when it is."""
    json_mutants._COMMANDS = {"model.json": (("predict",),)}  # it starts in no time
    for name in ("fingerprints are checked", "fingerprints are not checked"):
        found: set[str] = set()
        for number in range(60):
            if found or (number > 8 and name == "fingerprints are checked"):
                break
            case = new_case(model, folder / f"{name} {number}", number)
            json_mutants.case(case)
            found |= set(case.tally.figures) & {"wrong"}
        yield name, sorted(found)
        fingerprinted_json._is_intact = lambda *_: True


def new_case(model: Path, folder: Path, number: int = 0) -> Case:
    """Return a case with an empty folder."""
    folder.mkdir(parents=True)
    rows = {kind: [folder / "none.csv"] for kind in ("csv", "parquet", "arrow")}
    made = Materials((model, model), rows, folder / "none.csv", [])
    return Case(made, verdicts.Tally("planted"), 0, number, folder)


def stopped(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the files that a writer of two leaves when it is killed at each of its calls."""

    def write(_: object) -> int:
        for name in ("first", "second"):
            Path("new").write_text(name)
            os.replace("new", name)  # noqa: PTH105
        return 0

    for call in range(5):
        place = folder / str(call)
        place.mkdir(parents=True)
        prepare = partial(stop_at, call, partial(kill, signal.SIGKILL))
        outcome = children.run([], place, main=write, prepare=prepare)
        names = sorted(path.name for path in place.iterdir())
        yield f"killed at call {call}", [str(outcome.code), *names]


def whole_runs(model: Path, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the exit code, and the lines that are not empty, of whole runs of one part."""

    def fault(case: Case) -> None:
        text = "cali-reg: no \x1b[31mfile" if case.number == 3 else "cali-reg: no file"
        case.run("predict", main=lambda _: say(text))

    materials.make = lambda home: new_case(model, home / "materials").materials
    torture.PARTS = {"part": torture.Part(fault, 4, 2)}
    for name, words in (("run without a fault", ["--quick"]), ("run with a fault", [])):
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            code = torture.main(words)
        rows = [line.split(" | ") for line in text.getvalue().splitlines() if " | " in line]
        figures = {row[0].strip("| "): row[1] for row in rows}
        shown = [figures[name] for name in ("runs", "signals", "raw control characters")]
        yield name, [str(code), *shown]


def main(model: Path, folder: Path) -> None:
    """Plant all faults."""
    children.CPU_LIMIT = 1.0
    children.WALL_LIMIT, verdicts.MEMORY_LIMIT = 3.0, 400_000_000
    found = dict(judged(folder))
    found |= dict(stopped(folder / "stopped"))
    children.WALL_LIMIT = 30.0
    found |= dict(in_folders(model, folder / "folders"))
    found |= dict(accepted(model, folder / "accepted"))
    found |= dict(whole_runs(model, folder))
    print(json.dumps(found))


if __name__ == "__main__":
    with contextlib.chdir(sys.argv[2]):
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    shutil.rmtree(sys.argv[2])
