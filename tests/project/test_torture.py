"""`make torture` finds what it looks for: each fault is planted once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOUND = {
    "no fault": [],
    "a check failed": [],
    "traceback": ["traceback"],
    "error nobody foresaw": ["traceback"],
    "segmentation fault": ["signal"],
    "abort": ["signal"],
    "computes": ["hang"],
    "waits": ["hang"],
    "memory": ["memory"],
    "escape sequence": ["control"],
    "two lines": ["control"],
    "bidi mark in a report": ["control"],
    "bidi mark in data": [],
    "ended by its signal": [],
    "ended by another": ["signal"],
    "exit code of its signal": [],
    "exit code of a signal": ["traceback"],
    # an open file, its rename, and so on: each call of which a kill could come before
    "killed at call 0": ["-9"],
    "killed at call 1": ["-9", "new"],
    "killed at call 2": ["-9", "first"],
    "killed at call 3": ["-9", "first", "new"],
    "killed at call 4": ["0", "first", "second"],
    "intact folder": [],
    "torn folder": ["torn"],
    "reader is refused": ["torn"],
    "temporary file": ["leftover"],
    "fingerprints are checked": [],
    "fingerprints are not checked": ["wrong"],
    # the exit code, and figures of the table: runs, signals, raw control characters
    "run without a fault": ["0", "2", "0", "0"],
    "run with a fault": ["1", "4", "0", "1"],
}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks, and measures as Linux does")


@pytest.fixture(scope="module")
def found(made: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Return which kinds were found, by the name of the fault."""
    folder = tmp_path_factory.mktemp("planted")
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tools" / "torture")])
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "support" / "planted_faults.py", made, folder],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, list[str]] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("fault", FOUND)
def test_fault_is_found(fault: str, found: dict[str, list[str]]) -> None:
    """Each fault counts as its kind and as no other; what is no fault counts as none."""
    assert found[fault] == FOUND[fault]


def test_every_planted_fault_is_expected(found: dict[str, list[str]]) -> None:
    """No fault is planted and then forgotten."""
    assert list(found) == list(FOUND)
