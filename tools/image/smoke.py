"""Run the image without privileges, and compare all that it prints with this machine's output."""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from image import ROOT, TAG

LOCKED = [
    *("--read-only", "--network", "none", "--cap-drop", "ALL"),
    *("--security-opt", "no-new-privileges", "--memory", "64m"),
]
N_ROWS = 300
LIMIT = 60_000_000

PROCESS = "print(open('/proc/self/status').read(), end='')"
# Run without --read-only, which would hide files that can be written.
FILES = """
import os
device, size = os.stat('/').st_dev, 0
for folder, folders, files in os.walk('/'):
    folders[:] = [name for name in folders if os.stat(os.path.join(folder, name)).st_dev == device]
    for path in [folder, *(os.path.join(folder, name) for name in files)]:
        found = os.lstat(path)
        if found.st_dev == device and not os.path.islink(path):
            size += 0 if path == folder else found.st_size
            if os.access(path, os.W_OK):
                print('writable:', path)
print(size)
"""


class Result(NamedTuple):
    """Exit code and output of a command."""

    code: int
    out: bytes
    err: bytes


def main() -> None:
    """Run all checks; stop at the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", default=TAG, help=f"the image to run (default: {TAG})")
    image = parser.parse_args().image
    rows = make_rows(json.loads((ROOT / "artifacts/model.json").read_bytes()))
    bad = rows.replace(b"\n", "\nzw\N{LATIN SMALL LETTER O WITH DIAERESIS}lf".encode(), 1)
    check_same(image, [], b"", "the sample rows, by default")
    check_same(image, ["predict"], b"", "the sample rows")
    for precision in ("float64", "uint8"):
        arguments = ["predict", "-", "--precision", precision]
        check_same(image, arguments, rows, f"{N_ROWS} rows, {precision}")
    check_same(image, ["predict", "-", "--interval", "0.95"], rows, f"{N_ROWS} rows, intervals")
    check_same(image, ["predict", "-"], bad, "bad input", code=2)
    check_same(image, ["predict", "--no-such-option"], b"", "bad usage", code=2)
    check_process(image)
    check_files(image)


def make_rows(model: dict[str, list[dict[str, float]]]) -> bytes:
    """Return a CSV file of rows within the training ranges, both ends included."""
    features = model["features"]
    draw = random.Random(0)  # noqa: S311 - no secret, the same rows in every run
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(feature["name"] for feature in features)
    writer.writerow(feature["minimum"] for feature in features)
    writer.writerow(feature["maximum"] for feature in features)
    for _ in range(N_ROWS - 2):
        writer.writerow(
            draw.uniform(feature["minimum"], feature["maximum"]) for feature in features
        )
    return text.getvalue().encode()


def check_same(image: str, arguments: list[str], stdin: bytes, what: str, *, code: int = 0) -> None:
    """Run one command here and in the image: exit code, output and errors must be the same."""
    command = [sys.executable, "-I", "-X", "utf8", "-m", "cali_reg", *(arguments or ["predict"])]
    here = run(command, stdin)
    there = run(["docker", "run", "--rm", "--interactive", *LOCKED, image, *arguments], stdin)
    if here.code != code or (here.out if code else here.err):
        fail(what, f"unexpected on this machine: {here}")
    if there != here:
        fail(what, f"the image differs from this machine\n{first_difference(there, here)}")
    print(f"✔ {what}: the same {len(here.out or here.err)} bytes, exit code {code}")


def first_difference(there: Result, here: Result) -> str:
    """Return the first difference: the exit code, a line of errors, or a line of output."""
    if there.code != here.code:
        return f"exit code {there.code}, here {here.code}; {there.err.decode(errors='replace')}"
    for name, one, other in (("errors", there.err, here.err), ("output", there.out, here.out)):
        lines = itertools.zip_longest(one.splitlines(), other.splitlines())
        for number, (line, expected) in enumerate(lines, 1):
            if line != expected:
                return f"line {number} of the {name}: {line!r}, here {expected!r}"
    return "the ends of the lines"


def check_process(image: str) -> None:
    """Check that the process is not root, has no capabilities and cannot gain any."""
    lines = python(image, PROCESS, *LOCKED).splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    capabilities = {name: int(status[name], 16) for name in status if name.startswith("Cap")}
    user, group = status["Uid"].split(), status["Gid"].split()
    if "0" in user + group or any(capabilities.values()) or status["NoNewPrivs"] != "1":
        fail("process", f"user {user}, group {group}, {capabilities}")
    print(f"✔ process: user {user[0]}, group {group[0]}, no capabilities")


def check_files(image: str) -> None:
    """Check that the user cannot write any file of the image, and that the image is small."""
    *writable, size = python(image, FILES).splitlines()
    if writable:
        fail("files", "\n".join(writable))
    if int(size) > LIMIT:
        fail("files", f"{size} bytes; expected at most {LIMIT}")
    print(f"✔ files: none writable, {int(size) / 1e6:.1f} MB in all")


def python(image: str, code: str, *flags: str) -> str:
    """Return the output of the image's interpreter."""
    command = ["docker", "run", "--rm", *flags, "--entrypoint", "/usr/local/bin/python3", image]
    done = run([*command, "-I", "-c", code])
    if done.code or done.err:
        fail("interpreter", str(done))
    return done.out.decode()


def run(command: list[str], stdin: bytes = b"") -> Result:
    """Run a command in the checkout, where `artifacts` is, as in the image."""
    done = subprocess.run(command, input=stdin, capture_output=True, cwd=Path(ROOT), check=False)
    return Result(done.returncode, done.stdout, done.stderr)


def fail(what: str, why: str) -> None:
    """Stop with a message."""
    sys.exit(f"smoke: {what}: {why}")


if __name__ == "__main__":
    main()
