"""Ask the advisory service for known vulnerabilities of all locked packages; nothing is installed.

`requirements/lowest.txt` is left out: it holds old versions on purpose, and only tests install it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Run pip-audit over every lock; further arguments are its own (``-s osv``)."""
    locks = [ROOT / "requirements.txt", *sorted(ROOT.glob("requirements/*.txt"))]
    locks.remove(ROOT / "requirements/lowest.txt")
    command = [
        *(sys.executable, "-m", "pip_audit", "--strict", "--progress-spinner=off"),
        *(
            "--require-hashes",
            "--disable-pip",
        ),  # the locks are complete, nothing must be resolved
        *(f"--requirement={lock}" for lock in locks),
        *sys.argv[1:],
    ]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
