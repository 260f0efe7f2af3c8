"""Help, examples and the reference of the commands."""

import argparse
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Run, run_process

from cali_reg.cli.parser import build_parser
from cali_reg.least_squares.solution import LEVELS

COMMANDS = ["train", "plan", "update", "quantize", "verify", "predict", "export"]
ROOT = Path(__file__).parents[2]
WIDEST = 80  # columns of a terminal


def options_of(command: str) -> list[argparse.Action]:
    """Return the arguments of a command, its --help aside."""
    (commands,) = (
        action
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    parser: argparse.ArgumentParser = commands.choices[command]
    return [action for action in parser._actions if action.dest != "help"]


def test_help_lists_all_commands(run: Run) -> None:
    """The help lists the commands that the tests know, each with a summary, and no other."""
    code, out, _ = run("--help")
    assert code == 0
    assert re.findall(r"^    ([a-z-]+)  +[A-Z]", out, re.MULTILINE) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_description_and_examples(run: Run, command: str) -> None:
    """The help of a command is usage, a paragraph, options and examples, for any terminal."""
    code, out, _ = run(command, "--help")
    usage, description, *_, examples = out.split("\n\n")
    assert code == 0
    assert usage.startswith(f"usage: cali-reg {command} ")
    assert re.fullmatch(r"[A-Z].{80,}\.", description, re.DOTALL)
    assert examples.startswith(f"examples:\n  cali-reg {command}")
    assert max(map(len, out.splitlines())) <= WIDEST


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_can_be_parsed(run: Run, command: str) -> None:
    """Every example is a command line that the parser accepts; the program's are, too."""
    for text in (run("--help")[1], run(command, "--help")[1]):
        for example in text.partition("examples:\n")[2].splitlines():
            program, *words = shlex.split(example.partition(" > ")[0])
            assert program == "cali-reg"
            assert callable(build_parser().parse_args(words).run)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_has_help(command: str) -> None:
    """The help of an option says what it does, and its default if it has one."""
    for action in options_of(command):
        text = (action.help or "") % vars(action)
        assert len(text.split()) > 2, action.dest
        if action.default:
            assert text.endswith(f"(default: {action.default})"), action.dest
        for choice in action.choices or ():
            assert re.search(rf"\b{choice}\b", text), (action.dest, choice)


def test_help_names_the_levels_of_intervals() -> None:
    """The help of --interval names the confidence levels that a model holds."""
    (option,) = (action for action in options_of("predict") if action.dest == "interval")
    assert [float(text) for text in re.findall(r"0\.\d+", option.help or "")] == list(LEVELS)


def test_help_is_the_same_on_every_terminal() -> None:
    """Help has a fixed width."""
    texts = {
        run_process("train", "--help", env={**os.environ, "COLUMNS": columns}).stdout
        for columns in ("40", "200")
    }
    assert len(texts) == 1


def test_only_the_named_command_is_imported() -> None:
    """A command does not wait for the modules of the others."""
    code = (
        "import sys; from cali_reg.cli.parser import parse; parse(['predict']);"
        "print(*(name for name in sys.modules if name.startswith('cali_reg.cli.commands.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["cali_reg.cli.commands.predict"]


def test_reference_is_current() -> None:
    """docs/reference/cli.md is what `make docs` writes, and has a section for every command."""
    tool = ROOT / "tools" / "docs" / "cli_reference.py"
    done = subprocess.run([sys.executable, tool, "--check"], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    text = (ROOT / "docs" / "reference" / "cli.md").read_text("utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == COMMANDS
    for command in COMMANDS:
        section = text.partition(f"\n## {command}\n")[2].partition("\n## ")[0]
        for action in options_of(command):
            name = (*action.option_strings, action.metavar)[0]
            assert re.search(rf"^\| `{name}\b", section, re.MULTILINE), name


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "trian",
            "cali-reg: unknown command 'trian'; did you mean 'train'? (commands: train, plan, upd",
        ),
        (
            "xyz",
            "cali-reg: unknown command 'xyz' (commands: train, plan, update, quantize, verify, pre",
        ),
        (
            "--vrsion",
            "cali-reg: unknown option --vrsion; did you mean '--version'? see cali-reg --",
        ),
        ("", "cali-reg: the following arguments are required: COMMAND; see cali-reg --help"),
        (
            "train --data a.csv --traget y",
            "cali-reg train: unknown option --traget; did you mean '--target'? see cali-reg train",
        ),
        (
            "train --target=y --vague=1",
            "cali-reg train: unknown option --vague; see cali-reg train",
        ),
        (
            "export --fromat c",
            "cali-reg export: unknown option --fromat; did you mean '--format'? see cali-reg",
        ),
        ("predict -z a.csv", "cali-reg predict: unknown option -z; see cali-reg predict --help"),
        (
            "train a.csv",
            "cali-reg train: unknown argument 'a.csv'; name files with --data; see cali-reg train",
        ),
        ("export a.c --format c", "cali-reg export: unknown argument 'a.c'; see cali-reg export"),
    ],
)
def test_usage_errors_lead_to_the_right_help(run: Run, words: str, message: str) -> None:
    """The nearest command or option is named, and the help is that of the command."""
    code, out, err = run(*words.split())
    assert (code, out) == (2, "")
    assert err.startswith(message)
    assert err.count("\n") == 1


def test_words_that_only_look_like_options(run: Run, tmp_path: Path) -> None:
    """Values with an equals sign or a blank, and all words after --, are no options."""
    path = tmp_path / "--a.csv"
    path.write_text("x,--y\n" + "".join(f"{k},{k * k}\n" for k in range(20)))
    flags = ("--target=--y", "--data", path, "--artifacts", tmp_path)
    assert run("train", *flags)[0] == 0
    assert run("predict", "--artifacts", tmp_path, "--", path)[0] == 0
    code, _, err = run("train", *flags, "--split-like", "--a b")
    assert (code, "--a b" in err) == (2, True)
