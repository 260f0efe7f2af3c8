"""The command line: usage, exit codes, and terminals and pipes of any kind."""

import io
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from commands import Run, run_process

from cali_reg import __version__
from cali_reg.cli import entrypoint
from cali_reg.cli.commands import predict
from cali_reg.cli.entrypoint import main

BAD_USAGE = [
    [],
    ["fly"],
    ["train", "--fast"],
    ["train", "--seed", "-1"],
    ["train", "--seed", "4294967296"],
    ["train", "--seed", "1.5"],
    ["train", "--test-size", "-0.1"],
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
def test_terminals_of_any_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    """A terminal that has no check mark gets something else, not a traceback."""
    terminal = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main(["train", "--artifacts", str(tmp_path)]) == 0
    shown = terminal.buffer.getvalue().decode(encoding)
    assert re.match("[✔?] R[²?]: 0.58 | RMSE: 0.75", shown)
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = run_process("train", "--help", env=environment)
    assert done.returncode == 0
    assert re.search("if R[²?] on the", done.stdout.decode(encoding))


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


def test_control_c_while_the_command_is_loaded() -> None:
    """It ends at once, without a traceback from an import."""
    code = (
        "import runpy, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, *others):\n"
        "        if name == sys.argv[1]: signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "runpy.run_module('cali_reg', run_name='__main__')"
    )
    for module in ("cali_reg.cli.entrypoint", "argparse", "cali_reg.runtime.artifacts"):
        command = [sys.executable, "-c", code, module, "predict"]
        done = subprocess.run(command, capture_output=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signal_while_a_command_runs(made: Path, tmp_path: Path, number: signal.Signals) -> None:
    """The usual exit code, at most one line, and no file is left."""
    command = [sys.executable, "-m", "cali_reg", "predict", "-", "--artifacts", made]
    command += ["--out", tmp_path / "out.csv"]
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:  # type: ignore[call-overload]
        deadline = time.monotonic() + 20
        while not list(tmp_path.glob(".cali-reg-*.tmp")) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    expected = f"cali-reg predict: stopped by signal {number:d}\n"
    assert err.decode() == ("" if number == signal.SIGINT else expected)
    assert not list(tmp_path.iterdir())


def test_an_ignored_signal_stays_ignored(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As under nohup; and a command leaves all handlers as they were."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    monkeypatch.setattr(predict, "run", lambda options: signal.raise_signal(signal.SIGINT))
    try:
        assert run("predict")[0] == 0
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert run("predict")[0] == 130
    assert signal.getsignal(signal.SIGINT) is before


class SurpriseError(Exception):
    """An error that nobody foresaw."""


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (
            SurpriseError("a\nb\x1b[31m"),
            70,
            "unexpected error (SurpriseError: a\\nb\\x1b[31m); please report",
        ),
        (RecursionError(), 70, "unexpected error (RecursionError: ); please report it with"),
        (MemoryError(), 2, "not enough memory; give the command more"),
        (OSError(12, "Cannot allocate memory"), 2, "not enough memory; give the command more"),
        (ImportError("x.so: failed to map segment from shared object"), 2, "not enough memory"),
        (RuntimeError("can't start new thread"), 2, "not enough memory"),
        (PermissionError(13, "Permission denied", "x.csv"), 2, "x.csv: Permission denied\n"),
        (ConnectionResetError(104, "Connection reset by peer"), 2, "Connection reset by peer\n"),
    ],
)
def test_errors_that_nobody_foresaw(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, message: str
) -> None:
    """One line, and never the exit code of a failed check; --debug shows where it was raised."""

    def fail(options: object) -> None:
        raise error

    monkeypatch.setattr(predict, "run", fail)
    found, out, err = run("predict")
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert err.startswith(f"cali-reg predict: {message}")
    assert (entrypoint.ISSUES in err) == (code == 70)
    *lines, last = run("predict", "--debug")[2].splitlines(keepends=True)
    assert last == err
    assert lines[0] == "cali-reg predict: Traceback (most recent call last):\n"
    assert any("in fail" in line for line in lines)


def test_where_to_report() -> None:
    """The address is the project's."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["urls"]["Issues"] == entrypoint.ISSUES
    assert project["scripts"] == {"cali-reg": "cali_reg.__main__:main"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "2>/dev/null"])
@pytest.mark.parametrize("has_file", [True, False])
def test_messages_stay_out_of_the_predictions(
    made: Path, tmp_path: Path, redirection: str, has_file: bool
) -> None:
    """Whatever standard error is, the predictions and the exit code are the same."""
    header = "MedInc,HouseAge,AveRooms,AveBedrms,Population,AveOccup,Latitude,Longitude\n"
    (tmp_path / "rows.csv").write_text(header + "1,2,3,4,5,6,37,-120\n" + "x,2,3,4,5,6,7,8\n")
    out = tmp_path / "out.txt"
    words = f"predict {tmp_path}/rows.csv --artifacts {made} --on-error skip"
    words += f" --out {out}" * has_file
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m cali_reg {words} {redirection}"],
        capture_output=True,
        check=False,
    )
    found = out.read_text() if has_file else done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert float(found)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", ["--version", "--help", "predict --help"])
def test_help_to_a_full_disk(words: str) -> None:
    """It says so, in one line."""
    command = f"{sys.executable} -m cali_reg {words} > /dev/full"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stderr == b"cali-reg: cannot write the output (No space left on device)\n"


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
