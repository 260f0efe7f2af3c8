"""Runs that fail for their input, three at once on a busy machine: none may end by a signal.

Reader threads that still run when a process ends abort it, once in some hundred runs.
"""

from __future__ import annotations

from cases import Case
from materials import TRAIN

COUNT, QUICK = 2000, 200
N_WORKERS = 3  # beside processes that only compute
_N_OWN_PROCESSES = 20  # of so many runs, one is a Python process of its own


def case(case: Case) -> None:
    """Run a command on rows of which one is bad, in one of four formats."""
    path, model = case.random.choice(case.materials.bad), case.materials.models[0]
    command = case.random.choice(
        (
            ("train", "--artifacts", "new", *TRAIN, "--batch-size", "100", "--data", path),
            ("predict", path, "--artifacts", model, "--out", "new/x.parquet"),
            ("predict", path, "--artifacts", model, "--keep", "id"),
        )
    )
    own_process, is_report = case.number % _N_OWN_PROCESSES == 0, command[0] != "predict"
    outcome = case.run(*command, own_process=own_process, whole_end=True, is_report=is_report)
    if outcome.code == 0:
        case.fail("wrong", command, "accepts a row without a number")
