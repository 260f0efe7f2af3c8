"""The command line: usage, exit codes, and terminals and pipes of any kind."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Run, run_process

from cali_reg import __version__
from cali_reg.cli import entrypoint
from cali_reg.cli.commands import predict

BAD_USAGE = [
    [],
    ["fly"],
    ["train", "--fast"],
    ["train", "--seed", "-1"],
    ["train", "--seed", "4294967296"],
    ["train", "--seed", "1.5"],
    ["train", "--test-size", "0"],
    ["train", "--test-size", "1"],
    ["train", "--test-size", "nan"],
    ["train", "--min-r2", "high"],
    ["train", "--samples", "-1"],
    ["train", "--cv", "١"],
    ["train", "--see", "1"],
    ["predict", "--precision", "float16"],
    ["predict", "--interval", "1"],
    ["predict", "--interval", "0"],
    ["predict", "--on-error", "hope"],
    ["predict", "--unseen", "guess"],
    ["predict", "--outside", "clip"],
    ["quantize", "--artifacts"],
    ["export"],
    ["export", "--format", "pmml"],
]


@pytest.mark.parametrize("arguments", BAD_USAGE, ids=" ".join)
def test_bad_usage(run: Run, arguments: list[str]) -> None:
    """One line on standard error that points to the help; exit code 2."""
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "--help" in err


def test_version(run: Run) -> None:
    """``--version`` prints the version, alone."""
    assert run("--version") == (0, f"cali-reg {__version__}\n", "")


def test_module_is_the_command(made: Path) -> None:
    """``python -m cali_reg`` and the installed ``cali-reg`` are the same."""
    script = Path(sys.executable).with_name("cali-reg")
    outputs = {
        subprocess.run(
            [*command, "predict", "--artifacts", str(made)], capture_output=True, check=True
        ).stdout
        for command in ([sys.executable, "-m", "cali_reg"], [str(script)])
    }
    assert len(outputs) == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_terminals_of_any_encoding(tmp_path: Path, encoding: str) -> None:
    """A terminal that has no check mark gets something else, not a traceback."""
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = run_process("train", "--artifacts", tmp_path, env=environment)
    assert done.returncode == 0
    assert re.match("[✔?] R[²?]: 0.58 | RMSE: 0.75", done.stdout.decode(encoding))


@pytest.mark.skipif(os.name != "posix", reason="pipes close otherwise elsewhere")
def test_closed_pipe_ends_quietly(made: Path, tmp_path: Path) -> None:
    """A reader that has seen enough, such as head, is no error."""
    rows = "a\n" + "1\n" * 50_000
    header = ",".join(["MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup"])
    rows = f"{header},Latitude,Longitude\n" + "1,2,3,4,5,6,7,8\n" * 50_000
    (tmp_path / "rows.csv").write_text(rows)
    command = f"{sys.executable} -m cali_reg predict {tmp_path}/rows.csv --artifacts {made}"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} | head -n 1"], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.count(b"\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="shell syntax")
def test_closed_standard_streams(made: Path) -> None:
    """Closed input or output gives no traceback."""
    command = f"{sys.executable} -m cali_reg predict --artifacts {made}"
    for redirection in ("<&-", ">&-", "2>&-", "- <&-"):
        done = subprocess.run(
            ["bash", "-c", f"{command} {redirection}"], capture_output=True, check=False
        )
        assert b"Traceback" not in done.stderr
        assert done.returncode == (2 if redirection.startswith("-") else 0)


def test_interrupt_is_quiet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Control-C ends a command with the usual exit code and no traceback."""

    def interrupt(options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(predict, "run", interrupt)
    assert entrypoint.main(["predict"]) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("module", ["numpy", "cali_reg.jobs.fit"])
def test_missing_packages_are_named(module: str) -> None:
    """Where only predicting is installed, other commands say what they lack."""
    code = (
        f"import sys; sys.modules[{module!r}] = None; from cali_reg.cli.entrypoint import main;"
        "sys.exit(main(['train']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    (line,) = done.stderr.decode().splitlines()
    assert done.returncode == 2
    assert line.startswith("cali-reg train: a package is not installed (")
    assert module.split(".")[-1] in line
