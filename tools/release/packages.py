"""Build sdist and wheel from two different copies of the source; keep them if they are equal."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ["LICENSE", "README.md", "pyproject.toml", "src"]


@dataclass(frozen=True)
class Circumstances:
    """What may differ between two machines that build the same source."""

    folder: str
    umask: int
    age: int  # of the files, in seconds
    environment: dict[str, str]


FIRST = Circumstances("a", 0o022, 86_400, {"PYTHONHASHSEED": "1", "TZ": "UTC"})
SECOND = Circumstances(
    "a folder/of another name", 0o077, 300_000_000, {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo"}
)


def main() -> None:
    """Build twice, compare, and write both files to dist/."""
    with tempfile.TemporaryDirectory() as name:
        first, second = (build(Path(name), circumstances) for circumstances in (FIRST, SECOND))
    differing = [name for name in {**first, **second} if first.get(name) != second.get(name)]
    if differing:
        sys.exit(f"packages: two builds of the same source differ: {', '.join(differing)}")
    for old in (ROOT / "dist").glob("cali_reg-*"):  # of another version
        old.unlink()
    write(ROOT / "dist", first)
    for name, data in first.items():
        print(f"{hashlib.sha256(data).hexdigest()}  dist/{name}")
    print("✔ built twice, the same bytes")


def build(folder: Path, circumstances: Circumstances) -> dict[str, bytes]:
    """Build a copy of the source. Returns the files that come out: the sdist, and its wheel."""
    source, out = copy(folder, circumstances), folder / circumstances.folder / "out"
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(source)],
        env={**os.environ, **circumstances.environment, "SOURCE_DATE_EPOCH": source_date()},
        umask=circumstances.umask,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}packages: the build failed; see above")
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def copy(folder: Path, circumstances: Circumstances) -> Path:
    """Copy the files that a build needs, with the modes and times of the circumstances."""
    target = folder / circumstances.folder / "source"
    target.mkdir(parents=True)
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, target / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, target / name)
    modified = time.time() - circumstances.age
    for path in sorted([target, *target.rglob("*")], reverse=True):
        path.chmod((0o777 if path.is_dir() else 0o666) & ~circumstances.umask)
        os.utime(path, (modified, modified))
    return target


def source_date() -> str:
    """Return SOURCE_DATE_EPOCH: the caller's, else the commit's time; 0 without Git."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return os.environ["SOURCE_DATE_EPOCH"]
    try:
        command = ["git", "log", "-1", "--format=%ct"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "0"
    return done.stdout.strip() or "0"


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Write each file completely, or leave it as it was."""
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        temporary = folder / f".{name}"
        temporary.write_bytes(data)
        temporary.replace(folder / name)


if __name__ == "__main__":
    main()
