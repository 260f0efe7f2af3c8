"""Ask the advisory service for known flaws of all that the locks hold; nothing is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Run pip-audit over every lock; further arguments are its own (``-s osv``)."""
    locks = [ROOT / "requirements.txt", *sorted(ROOT.glob("requirements/*.txt"))]
    command = [
        *(sys.executable, "-m", "pip_audit", "--strict", "--progress-spinner=off"),
        *("--require-hashes", "--disable-pip"),  # the locks are whole: there is nothing to resolve
        *(f"--requirement={lock}" for lock in locks),
        *sys.argv[1:],
    ]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
