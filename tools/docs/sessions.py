"""Compare the sessions in README.md and docs/ with what the commands print; --write updates them.

In a fence of the kind `console`, lines that begin with `$ ` are commands, which a backslash at the
end continues; the lines after each are its output. A fence with a title, as in
```json title="artifacts/model.json", shows that file. A line `...` stands for lines left out.
`<!-- not run: reason -->` before a fence exempts it. Each page is run in a folder of its own, which
holds the default artifacts and `examples/`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_GENERATED = ROOT / "docs" / "reference" / "cli.md"  # by a tool with a check of its own
PAGES = [ROOT / "README.md", *sorted({*(ROOT / "docs").rglob("*.md")} - {_GENERATED})]
TARGETS = ("train", "quantize", "verify", "predict")  # of make, that run a command of this name

FENCE = re.compile(
    r'^(?P<note><!-- not run: [^\n]+ -->\n)?```(?P<kind>\w+)(?: title="(?P<title>[^"\n]+)")?\n'
    r"(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_STEP = re.compile(r"^\$ (?P<command>(?:.*\\\n)*.*)\n(?P<output>(?:(?!\$ ).*\n)*)", re.MULTILINE)

Run = Callable[[Sequence[str]], str]  # arguments of cali-reg to all that it prints


@dataclass(frozen=True)
class Shown:
    """A command or a file, and the text that a page shows of it, from `start` to `end`."""

    source: str
    is_file: bool
    text: str
    start: int
    end: int

    def agrees_with(self, printed: str) -> bool:
        """Tell whether this is what was printed, where `...` stands for lines left out."""
        parts = re.split(r"^\.\.\.\n", self.text, flags=re.MULTILINE)
        pattern = r"(?:.*\n)*?".join(map(re.escape, parts))
        return re.fullmatch(pattern, printed) is not None


def shown_in(page: str) -> Iterator[Shown]:
    """Yield what a page shows, in order."""
    for fence in FENCE.finditer(page):
        start = fence.start("body")
        if fence["title"]:
            yield Shown(fence["title"], True, fence["body"], start, fence.end("body"))
        elif fence["kind"] == "console" and not fence["note"]:
            for step in _STEP.finditer(fence["body"]):
                begin, end = (start + position for position in step.span("output"))
                yield Shown(step["command"], False, step["output"], begin, end)


def printed_by(shown: Shown, run: Run) -> str:
    """Return what a command prints in the working directory, or what a file holds."""
    if shown.is_file:
        return Path(shown.source).read_text("utf-8")
    program, *words = shlex.split(shown.source.replace("\\\n", ""))
    if program == "cali-reg":
        return run(words)
    if program == "make":
        return "".join(run(arguments) for arguments in _made(words))
    if program == "docker":  # `make smoke` holds that an image prints what this machine does
        return run(words[words.index("cali-reg:test") + 1 :] or ["predict"])
    if program == "python":
        return _run_python(words)
    raise SystemExit(f"{shown.source}: expected cali-reg, make, docker or python")


def _made(words: Sequence[str]) -> Iterator[list[str]]:
    """Yield the arguments of cali-reg for each target of a make command."""
    variables = dict(word.split("=", 1) for word in words if "=" in word)
    for target in (word for word in words if "=" not in word):
        if target not in TARGETS or variables.keys() > {"ARTIFACTS"}:
            raise SystemExit(f"make {target}: cannot be run here; mark it `<!-- not run: ... -->`")
        yield [target, "--artifacts", variables.get("ARTIFACTS", "artifacts")]


def _run_python(words: Sequence[str]) -> str:
    environment = {**os.environ, "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        env=environment,
        check=False,
    )
    return done.stdout


def _run_process(arguments: Sequence[str]) -> str:
    return _run_python(["-m", "cali_reg", *arguments])


def renewed(page: str, run: Run) -> str:
    """Return a page with what is printed now; what leaves lines out is not changed."""
    parts, position = [], 0
    for shown in shown_in(page):
        printed = printed_by(shown, run)
        keep = shown.agrees_with(printed) or "...\n" in shown.text
        if keep and not shown.agrees_with(printed):
            print(f"{shown.source}: renew this by hand from\n{printed}", file=sys.stderr)
        parts += [page[position : shown.start], shown.text if keep else printed]
        position = shown.end
    return "".join([*parts, page[position:]])


@contextmanager
def folder_of_a_page(artifacts: Path) -> Iterator[None]:
    """Work in a new folder that holds copies of the artifacts and of `examples/`."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "examples", Path(folder, "examples"))
        shutil.copytree(artifacts, Path(folder, "artifacts"))
        with contextlib.chdir(folder):
            yield


def main() -> int:
    """Update all pages, or print those that are out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="renew the pages")
    write = parser.parse_args().write
    stale = 0
    with tempfile.TemporaryDirectory() as folder:
        artifacts = Path(folder, "artifacts")
        for command in ("train", "quantize"):
            _run_process([command, "--artifacts", str(artifacts)])
        for path in PAGES:
            page = path.read_text("utf-8")
            with folder_of_a_page(artifacts):
                fresh = renewed(page, _run_process)
            if fresh != page:
                stale += 1
                print(f"{path.relative_to(ROOT)}: {'updated' if write else 'out of date'}")
            if write:
                path.write_text(fresh, "utf-8", newline="\n")
    return int(stale > 0 and not write)


if __name__ == "__main__":
    sys.exit(main())
