"""What README.md and docs/ show is what the commands print, and what they name exists."""

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from commands import Run
from sessions import FENCE, PAGES, ROOT, Shown, folder_of_a_page, printed_by, shown_in

from cali_reg.cli.parser import build_parser

SHELL = {"console", "sh"}
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
IDS = [path.relative_to(ROOT).as_posix() for path in PAGES]


def commands(page: str) -> Iterator[list[str]]:
    """Yield the words of every command in a page, run or not: each side of a pipe is one."""
    for fence in FENCE.finditer(page):
        if fence["kind"] not in SHELL:
            continue
        for line in fence["body"].replace("\\\n", " ").splitlines():
            if fence["kind"] == "console" and not line.startswith("$ "):
                continue
            lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars="|&;<>")
            lexer.whitespace_split = True
            words = list(lexer)
            while words:
                stop = next((i for i, word in enumerate(words) if word in "|&&;"), len(words))
                yield words[:stop]
                words = words[stop + 1 :]


@pytest.mark.locked  # the sizes of pickles depend on the version of scikit-learn
@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_sessions_are_what_is_printed(path: Path, made: Path, run: Run) -> None:
    """Each command prints what follows it, and each file holds what is shown of it."""

    def run_command(arguments: Sequence[str]) -> str:
        _, out, err = run(*arguments)
        return (out + err).replace("\\", "/")

    with folder_of_a_page(made):
        for shown in shown_in(path.read_text("utf-8")):
            printed = printed_by(shown, run_command)
            assert shown.agrees_with(printed), f"$ {shown.source}\n{printed}"


def test_sessions_find_a_difference() -> None:
    """One other digit is seen; lines left out are not looked at, those around them are."""
    page = "```console\n$ cali-reg predict\n0.1\n...\n0.3\n```\n"
    (shown,) = shown_in(page)
    assert shown == Shown("cali-reg predict", False, "0.1\n...\n0.3\n", 30, 42)
    assert shown.agrees_with("0.1\n0.2\n0.25\n0.3\n")
    assert shown.agrees_with("0.1\n0.3\n")
    assert not shown.agrees_with("0.1\n0.2\n0.31\n")
    assert not shown.agrees_with("0.1\n0.2\n0.3\n0.4\n")


def test_marked_blocks_are_not_run() -> None:
    """A block that says why it cannot be run here is left alone."""
    page = "<!-- not run: needs gh -->\n```console\n$ gh attestation\nok\n```\n"
    assert list(shown_in(page)) == []
    assert list(commands(page)) == [["gh", "attestation"]]


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_sessions_have_a_prompt(path: Path) -> None:
    """A block of the kind `console` begins with a command; others are of the kind `sh`."""
    for fence in FENCE.finditer(path.read_text("utf-8")):
        assert fence["kind"] != "console" or fence["body"].startswith("$ "), fence["body"]


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_commands_exist(path: Path) -> None:
    """The parser takes every `cali-reg` command, the Makefile has every target and variable."""
    for words in commands(path.read_text("utf-8")):
        words = [word for word in words if word]
        if words[:1] == ["cali-reg"]:
            arguments = words[1 : words.index(">")] if ">" in words else words[1:]
            arguments = arguments[: arguments.index("<")] if "<" in arguments else arguments
            build_parser().parse_args(arguments)
        if "make" in words[:2]:
            names = words[words.index("make") + 1 :]
            for name in names:
                variable = re.match(r"[A-Z_0-9]+(?==)", name)
                pattern = rf"{variable[0]} \?=|\({variable[0]}\)" if variable else rf"^{name}:"
                assert re.search(pattern, MAKEFILE, re.MULTILINE), f"make: {name}"


def test_files_that_are_named_exist() -> None:
    """Every file of docs/ and examples/ that a file of the project names is there."""
    texts = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in ("src", "tests", "tools", "benchmarks", "docs", "examples", ".github"):
        kinds = (".py", ".md", ".yml", ".d2")
        texts += [path for path in (ROOT / folder).rglob("*") if path.suffix in kinds]
    named = {
        name: path.name
        for path in texts
        for name in re.findall(
            r"(?<![\w/])(?:docs|examples)/[\w/]+\.(?:md|svg|d2|py|csv)\b", path.read_text("utf-8")
        )
    }
    assert "docs/architecture.svg" in named
    assert {name: path for name, path in named.items() if not (ROOT / name).exists()} == {}


def test_modules_of_the_code_tour_exist() -> None:
    """Every module and folder that the tour names is there."""
    tour = (ROOT / "docs/contributing/code_tour.md").read_text("utf-8")
    named = set(re.findall(r"`([a-z_/]+(?:/|\.py))`", tour))
    assert len(named) > 30
    homes = (ROOT, ROOT / "src/cali_reg")
    assert {name for name in named if not any((home / name).exists() for home in homes)} == set()
