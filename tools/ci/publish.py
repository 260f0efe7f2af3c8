"""Run a step of a release that publishes or downloads; its settings are environment variables.

It imports only the standard library, since jobs that publish install nothing. It calls skopeo and
gh, which are installed on GitHub's runners.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "dist"
LAST = ROOT / "last-release"
# `make verify` and `make same-digest` compare with these files.
COMPARED = ("image.json", "model.json", "moments.json", "quantized.json", "*.joblib")
MAIN = "refs/remotes/origin/main"
LOCAL = re.compile(r"(localhost|127\.0\.0\.1)(:\d+)?/")


def main() -> None:
    """Run one step."""
    parser = argparse.ArgumentParser(description=__doc__)
    steps = {
        "on-main": require_main,
        "notes": print_notes,
        "push": push,
        "release": release,
        "last": fetch_last,
    }
    parser.add_argument("step", choices=steps)
    steps[parser.parse_args().step]()


def require_main() -> None:
    """Stop unless the commit that is checked out is on main, or is its last one."""
    commit = run("git", "rev-parse", "HEAD").strip()
    branches = run("git", "branch", "--remotes", "--contains", commit, "--format", "%(refname)")
    if MAIN not in branches.splitlines():
        fail(f"commit {commit} is not on {MAIN}; merge it, and tag the commit that is there")
    print(f"✔ commit {commit} is on main")


def print_notes() -> None:
    """Print the release notes of the tag."""
    print(notes(setting("TAG")), end="")


def notes(tag: str) -> str:
    """Return the changelog's section for a tag; stop if it is another version's or has no date."""
    package = (ROOT / "src/cali_reg/__init__.py").read_text("utf-8")
    (version,) = re.findall(r'^__version__ = "(.+)"$', package, re.MULTILINE)
    if tag != f"v{version}":
        fail(f"tag {tag!r} is not v{version}, as in src/cali_reg/__init__.py; use that tag")
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    head = rf"^## \[{re.escape(version)}\] - \d{{4}}-\d{{2}}-\d{{2}}$"
    section = re.search(rf"{head}\n+(.+?)\n*(?=^## |^\[|\Z)", changelog, re.MULTILINE | re.DOTALL)
    if not section or section[1].startswith("## "):
        fail(f"CHANGELOG.md has no section '## [{version}] - YYYY-MM-DD' with text; write it")
    return section[1] + "\n"


def push() -> None:
    """Copy the archived image to REPOSITORY:version unchanged, with the same digest."""
    repository, version = setting("REPOSITORY").lower(), setting("TAG").removeprefix("v")
    expected = json.loads((DIST / "image.json").read_bytes())["manifest"]
    # without encryption to this machine, as docker does it
    flags = ["--dest-tls-verify=false"] if LOCAL.match(repository) else []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "digest"
        copy = ["skopeo", "copy", "--preserve-digests", "--digestfile", str(file), *flags]
        run(*copy, f"oci-archive:{DIST / 'image.tar'}", f"docker://{repository}:{version}")
        digest = file.read_text("utf-8").strip()
    if digest != expected:
        fail(f"{repository} has the digest {digest}; expected {expected}, of dist/image.json")
    print(f"✔ {repository}:{version}@{digest}")
    output(name=repository, digest=digest)


def release() -> None:
    """Create the release with all files in `dist`."""
    tag = setting("TAG")
    files = sorted(str(path) for path in DIST.iterdir())
    create = ["gh", "release", "create", tag, "--verify-tag", "--title", tag]
    run(*create, "--notes", notes(tag), *files)


def fetch_last() -> None:
    """Download the last release's files to `last-release`; print its tag, or `none`."""
    tags = run("gh", "release", "list", "--exclude-drafts", "--limit", "1", "--json", "tagName")
    tag = "".join(entry["tagName"] for entry in json.loads(tags))
    if tag:
        patterns = [argument for pattern in COMPARED for argument in ("--pattern", pattern)]
        run("gh", "release", "download", tag, "--dir", str(LAST), "--clobber", *patterns)
    print(f"last release: {tag or 'none'}")
    output(tag=tag)


def setting(name: str) -> str:
    """Return an environment variable; a tag as an argument would be read by a shell."""
    return os.environ.get(name) or fail(f"{name} is not set", code=2)


def run(*command: str) -> str:
    """Run a command in the checkout. Returns its output; stops with its errors if it fails."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        fail(f"{command[0]} is not installed")
    if done.returncode:
        fail(f"{command[0]} {command[1]} failed: {done.stderr.strip()}")
    return done.stdout


def output(**values: str) -> None:
    """Pass values to the next steps of the job, if this is one."""
    with open(os.environ.get("GITHUB_OUTPUT") or os.devnull, "a", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())


def fail(why: str, code: int = 1) -> NoReturn:
    """Stop with a message."""
    print(f"publish: {why}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
