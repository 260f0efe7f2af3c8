"""What a folder may hold: its files, and a reader's answer, after commands that nobody disturbs.

A command that is killed, cut short or run beside another must leave one of these.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import children
from cases import Case
from verdicts import leftovers, snapshot

Command = tuple[str, ...]
READER: Command = ("predict", "--artifacts", "m")  # of both models: no file may be of another


class State(NamedTuple):
    """The files of a folder, the names in it, and how a reader ends there."""

    files: dict[str, bytes]
    names: frozenset[str]
    reader: tuple[int, bytes]


_known: dict[tuple[Path, tuple[Command, ...]], State] = {}


def state_after(model: Path, *commands: Command) -> State:
    """Return the state of a model's folder, called ``m``, after commands one after the other."""
    key = (model, commands)
    if key not in _known:
        with children.scratch_folder() as home:
            folder = Path(shutil.copytree(model, home / "m"))
            for command in commands:
                children.run(command, home)
            outcome = children.run(READER, home)
            names = frozenset(path.name for path in folder.iterdir())
            _known[key] = State(snapshot(folder), names, (outcome.code, outcome.out))
    return _known[key]


def check_folder(case: Case, allowed: Iterable[State], context: Command) -> bool:
    """Fail unless a reader finds one of the allowed states, and leaves nothing else there.

    Returns
    -------
    bool
        Whether it is so.
    """
    allowed, folder = list(allowed), case.folder / "m"
    outcome = case.run(*READER)
    if (outcome.code, outcome.out) not in [state.reader for state in allowed]:
        text = (outcome.out + outcome.err).decode(errors="backslashreplace")
        case.fail("torn", context, f"then {' '.join(READER)} prints {text!r}")
    elif not (states := [state for state in allowed if state.files == snapshot(folder)]):
        case.fail("torn", context, "files of two trainings are in the folder")
    elif found := leftovers(folder, states[0].names):
        case.fail("leftover", context, str(found))
    else:
        return True
    return False
