"""Running the command: in this process, or in one of its own."""

import subprocess
import sys
from typing import Any, Protocol


class Run(Protocol):
    """What the fixture `run` returns."""

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        """Run one command; return its exit code, output and error output."""


def run_process(*arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run one command in a process of its own; `options` are those of subprocess.run."""
    command = [sys.executable, "-m", "cali_reg", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, **options)
