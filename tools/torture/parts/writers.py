"""Two commands that write into one folder at one moment, and readers beside them.

What they leave, and what the readers see, is what they would have left one after the other, or one
of them alone.
"""

from __future__ import annotations

import time
from itertools import permutations

import children
from cases import Case
from states import READER, check_folder, state_after

from parts.kills import COMMANDS, written_for

COUNT, QUICK = 400, 40

_WRITERS = (*COMMANDS[:3], ("quantize", "--artifacts", "m", "--bits", "5"))
_N_READERS = 4


def case(case: Case) -> None:
    """Start two writers and some readers, and compare what each gives."""
    case.copy_model()
    commands = [written_for(case, case.random.choice(_WRITERS)) for _ in range(2)]
    model = case.materials.models[0]
    orders = [(), *permutations(commands, 1), *permutations(commands)]
    allowed = [state_after(model, *order) for order in orders]
    writers = []
    for command in commands:
        writers.append((children.Child(command, case.folder), command))
        time.sleep(case.random.choice((0.0, 0.0, 0.01, 0.03)))
    context = (*commands[0], "&", *commands[1])
    for _ in range(_N_READERS):
        outcome = case.run(*READER)
        if (outcome.code, outcome.out) not in [state.reader for state in allowed]:
            text = (outcome.out + outcome.err).decode(errors="backslashreplace")
            case.fail("torn", context, f"meanwhile {' '.join(READER)} prints {text!r}")
    for child, command in writers:
        case.finish(child, command)
    check_folder(case, allowed, context)
