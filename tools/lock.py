"""Lock all requirements with hashes; with --check, fail if a lock is out of date or was changed.

One lock is for Python 3.11 to 3.14, so it is made on the oldest of them. `requirements/lowest.in`
is written, too: it pins each dependency of pyproject.toml to the lowest version allowed there.
"""

from __future__ import annotations

import argparse
import difflib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOWEST = Path("requirements/lowest.in")
LOCKS = [
    Path("requirements.txt"),
    Path("requirements/build.txt"),
    Path("requirements/dev.txt"),
    Path("requirements/bench.txt"),
    Path("requirements/docs.txt"),
    Path("requirements/workflows.txt"),
    Path("requirements/tools.txt"),
    Path("requirements/release.txt"),
    Path("requirements/site.txt"),
    LOWEST.with_suffix(".txt"),
]
COMPILE = [
    *(sys.executable, "-m", "piptools", "compile", "--quiet", "--generate-hashes"),
    *("--strip-extras", "--allow-unsafe", "--no-emit-index-url", "--no-emit-find-links"),
    *("--no-emit-trusted-host", "--resolver=backtracking"),
]


def main() -> int:
    """Write all locks, or print how they differ from new ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    parser.add_argument("--upgrade", action="store_true", help="use the newest versions")
    options = parser.parse_args()
    if sys.version_info[:2] != (3, 11):
        sys.exit("lock: the locks are made with Python 3.11; install it, or let CI check the locks")
    if not options.check:
        (ROOT / LOWEST).write_text(lowest(), encoding="utf-8", newline="\n")
        for lock in LOCKS:
            compile_lock(ROOT, lock, *["--upgrade"] * options.upgrade)
        return 0
    if (ROOT / LOWEST).read_text("utf-8") != lowest():
        sys.exit(f"{LOWEST}: not the lower bounds of pyproject.toml; run `make lock`")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for path in [*ROOT.glob("requirements*.*"), *ROOT.glob("requirements/*.*")]:
            target = copy / path.relative_to(ROOT)
            target.parent.mkdir(exist_ok=True)
            shutil.copy(path, target)
        return max(is_stale(copy, lock) for lock in LOCKS)


def lowest() -> str:
    """Return requirements: all lower bounds of pyproject.toml as pins, and the tools of tests."""
    with open(ROOT / "pyproject.toml", "rb") as file:
        settings = tomllib.load(file)
    project = settings["project"]
    bounds = [*settings["build-system"]["requires"], *project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        bounds += extra
    tools = (ROOT / "requirements/dev.in").read_text("utf-8").splitlines()
    lines = [
        "# Made by `make lock`: the lowest versions that pyproject.toml allows, then dev.in.",
        *sorted(bound.replace(">=", "==") for bound in bounds),
        *(line for line in tools if line and not line.startswith(("#", "-"))),
    ]
    return "\n".join(lines) + "\n"


def compile_lock(root: Path, lock: Path, *arguments: str) -> None:
    """Run pip-compile for one lock; versions that still fit are kept."""
    environment = {**os.environ, "CUSTOM_COMPILE_COMMAND": "make lock"}
    command = [*COMPILE, *arguments, "--output-file", str(lock), str(lock.with_suffix(".in"))]
    if subprocess.run(command, cwd=root, env=environment, check=False).returncode:
        sys.exit(f"{lock}: cannot be compiled; see above")


def is_stale(copy: Path, lock: Path) -> bool:
    """Compile a lock again in `copy`, with its hashes, and print how the committed one differs."""
    compile_lock(copy, lock, "--no-reuse-hashes")
    committed, fresh = (root.joinpath(lock).read_text("utf-8") for root in (ROOT, copy))
    lines = difflib.unified_diff(committed.splitlines(), fresh.splitlines(), lineterm="", n=0)
    difference = "\n".join(list(lines)[2:12])
    if difference:
        print(f"{lock}: out of date or changed; run `make lock`\n{difference}", file=sys.stderr)
    return bool(difference)


if __name__ == "__main__":
    sys.exit(main())
