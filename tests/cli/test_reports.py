"""What commands print about their work: for people, in color, for programs, or not at all."""

import hashlib
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Run

from cali_reg.cli.parser import complete
from cali_reg.runtime import artifacts
from cali_reg.runtime.messages import print_error, print_report, quiet

LINES = ["y,town,rooms", *(f"{k * 7 % 13 + k},{k % 3},{k % 5}" for k in range(60))]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Return a file to train on, with a category that gets a note."""
    path = tmp_path / "rows.csv"
    path.write_text("\n".join([*LINES, "1,2.0,3"]) + "\n")
    return path


def test_quiet(run: Run, rows: Path, tmp_path: Path) -> None:
    """No command prints a report or a note; what was asked for, and what went wrong, is printed."""
    data, folder = ("--data", rows), ("--artifacts", tmp_path / "model")
    train = ("train", *data, "--target", "y", "--categorical", "town", *folder)
    code, out, err = run(*train)
    assert (code, out[:4], err[:21]) == (0, "✔ R²", "cali-reg train: note:")
    for words in (train, ("quantize",), ("verify", *data), ("update", "--add", rows)):
        assert run(*words, "--quiet", *folder) == (0, "", ""), words
    model = artifacts.read_model(tmp_path / "model")
    assert [model.scores[side]["n_samples"] for side in ("train", "test")] == [98, 24]
    assert run("predict", *folder, "-q")[1].startswith("Sample predictions: [")
    code, out, err = run("quantize", "--curve", *folder, "-q")
    assert (code, out.count("\n"), err) == (0, 16, "")
    assert run("verify", *data, *folder, "-q")[:2] == (1, "")


def test_quiet_predictions(run: Run, rows: Path, tmp_path: Path) -> None:
    """A row that is skipped is reported; one outside the training ranges is only noted."""
    folder = ("--artifacts", tmp_path / "model")
    run("train", "--data", rows, "--target", "y", "--features", "rooms", *folder)
    path = tmp_path / "new.csv"
    path.write_text("rooms\n99\nx\n")
    code, out, err = run("predict", path, "--on-error", "skip", "-q", *folder)
    assert (code, out.count("\n")) == (0, 1)
    assert "row 2: column 'rooms' holds 'x'" in err
    assert "training ranges" not in err
    assert "training ranges" in run("predict", path, "--on-error", "skip", *folder)[2]


def test_quiet_ends(capsys: pytest.CaptureFixture[str]) -> None:
    """Quiet is one command's: the next one in this process reports."""
    with pytest.raises(ZeroDivisionError), quiet(True):
        _ = 1 / 0
    with quiet(False):
        print_report("done\n")
    assert capsys.readouterr().out == "done\n"


def test_json(run: Run, rows: Path, tmp_path: Path) -> None:
    """The report has the numbers of the model and the hashes of its files, and nothing else."""
    folder = tmp_path / "model"
    words = ("train", "--data", rows, "--target", "y", "--categorical", "town", "--cv", "3")
    code, out, err = run(*words, "--json", "--artifacts", folder)
    report, model = json.loads(out), artifacts.read_model(folder)
    assert code == 0
    assert [f"cali-reg train: note: {note}" for note in report["notes"]] == err.splitlines()
    assert report["scores"] == model.scores
    assert report["intercept"]["coefficient"] == model.intercept
    assert [
        (feature["name"], feature["coefficient"], feature["standard_error"])
        for feature in report["features"]
    ] == [(f.name, f.coefficient, f.standard_error) for f in model.features]
    assert report["baselines"] == {"town": "0"}
    assert report["degrees_of_freedom"] == 49 - 4
    assert report["fingerprints"] == {
        "model": model.fingerprint,
        "moments": model.moments_fingerprint,
    }
    files = {file["path"]: (file["bytes"], file["sha256"]) for file in report["files"]}
    assert files == {
        str(path): (len(data := path.read_bytes()), hashlib.sha256(data).hexdigest())
        for path in folder.iterdir()
    }
    assert (
        sum(fold["n_samples"] for fold in report["cross_validation"])
        == report["scores"]["train"]["n_samples"]
    )
    feature = report["features"][-1]
    t = feature["coefficient"] / feature["standard_error"]
    assert feature["t"] == pytest.approx(t, rel=1e-15)
    lines = run(*words, "--artifacts", folder)[1].splitlines()
    shown = [line for line in lines if line.startswith("rooms")][-1]  # after that of the plan
    cells = [f"{feature['t']:.2f}", f"{feature['p']:.3g}"]
    assert shown.split()[-4:] == [*cells, *(f"{feature[end]:.6g}" for end in ("low", "high"))]


def test_level_and_details(run: Run, rows: Path, tmp_path: Path) -> None:
    """The report has intervals of another level and what columns share; no file changes."""
    words = ("train", "--data", rows, "--target", "y", "--categorical", "town")
    usual = json.loads(run(*words, "--json", "--artifacts", tmp_path)[1])
    files = {path: path.read_bytes() for path in tmp_path.glob("*.*")}
    asked = (*words, "--level", "0.5", "--details", "--artifacts", tmp_path)
    report = json.loads(run(*asked, "--json")[1])
    assert {path: path.read_bytes() for path in tmp_path.glob("*.*")} == files
    names = ["low", "high"]
    for other, feature in zip(usual["features"], report["features"], strict=True):
        assert other["low"] < feature["low"] < feature["high"] < other["high"]
        assert {**other, **{k: feature[k] for k in names}} == feature
    regression = report["regression"]
    assert (regression["level"], usual["regression"]["level"]) == (0.5, 0.95)
    assert [test["name"] for test in regression["joint_tests"]] == ["town"]
    assert len(regression["variance_inflation"]) == 3
    assert "condition_number" not in usual["regression"]
    text = run(*asked)[1]
    assert "50 % from" in text
    (number,) = re.findall(r"\(condition number\) +(\S+)\n", text)
    assert number == f"{regression['condition_number']:.4g}"
    assert f"  {regression['f_test']['f']:.6g}  " in text
    assert run(*asked, "--level", "1")[0] == 2


def test_json_of_what_is_undefined(run: Run, tmp_path: Path) -> None:
    """NaN is no JSON: what has no value is null."""
    path = tmp_path / "rows.csv"
    path.write_text("y,x\n1,0.5\n3,0.2\n")
    other = tmp_path / "other.csv"
    other.write_text("y,x\n1,0.25\n")
    words = ("train", "--data", path, "--target", "y", "--test-data", other)
    code, out, err = run(*words, "--json", "--artifacts", tmp_path)
    assert (code, err) == (0, "")
    report = json.loads(out)
    for estimate in (report["intercept"], *report["features"]):
        assert [estimate[key] for key in ("standard_error", "t", "p")] == [None] * 3
    assert report["scores"]["test"]["r2"] is None


class Stream(io.StringIO):
    """Standard output or error, on a terminal or not."""

    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        """Tell whether it is a terminal."""
        return self.is_terminal


@pytest.mark.skipif(os.name != "posix", reason="Windows has no TERM")
@pytest.mark.parametrize(
    ("variables", "is_terminal", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_colors(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], is_terminal: bool, expected: bool
) -> None:
    """There are colors on a terminal, unless a variable says otherwise, and nowhere else."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    out, err = Stream(is_terminal), Stream(is_terminal)
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    print_report("✔ R²: 0.5\n")
    print_report("file  bytes\n")
    print_error("cali-reg train", "x\x1b[0m")
    print_error("cali-reg train", "note: y", is_note=True)
    red, green, yellow, plain = ("\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m")
    if not expected:
        red = green = yellow = plain = ""
    assert out.getvalue() == f"{green}✔{plain} R²: 0.5\nfile  bytes\n"
    assert err.getvalue().splitlines() == [
        f"{red}cali-reg train:{plain} x\\x1b[0m",
        f"{yellow}cali-reg train:{plain} note: y",
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cali-reg tr", ["train "]),
        ("cali-reg train --targ", ["--target "]),
        ("cali-reg train --missing ", ["error", "drop"]),
        ("cali-reg predict ro", ["rows.csv "]),
    ],
)
def test_completion(tmp_path: Path, line: str, expected: list[str]) -> None:
    """A shell gets commands, options, choices and files, as argcomplete asks for them."""
    (tmp_path / "rows.csv").touch()
    answer = tmp_path / "answer"
    request = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_SHELL": "bash",
        "_ARGCOMPLETE_IFS": "\n",
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "COMP_TYPE": "9",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
    }
    command = [sys.executable, "-m", "cali_reg"]
    subprocess.run(command, env={**os.environ, **request}, cwd=tmp_path, check=True)
    assert answer.read_text().splitlines() == expected


def test_completion_without_its_package(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is completed, and nothing is said."""
    monkeypatch.setitem(sys.modules, "argcomplete", None)
    complete()
    assert capsys.readouterr() == ("", "")
