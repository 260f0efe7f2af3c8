"""What make does to a folder's model: `make train`, `quantize`, `predict`, `docker` and `verify`.

A copy of the Makefile runs with a tox that writes down how it was called, and writes as few files
as `cali-reg` would.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cali_reg.cli.entrypoint import main

ROOT = Path(__file__).resolve().parents[2]
FAKE_TOX = f"""#!{sys.executable} -I
import hashlib, json, sys
from pathlib import Path
words = sys.argv[1:]
name = words[words.index("-e") + 1]
arguments = words[words.index("--") + 1 :] if "--" in words else []
with open("calls", "a") as file:
    print(json.dumps([name, *arguments]), file=file)
if name in ("train", "quantize"):
    folder = Path(arguments[1])
    folder.mkdir(exist_ok=True)
    own = "--data" in arguments
    (folder / "moments.json").write_text("")
    made = ["model.json", "linear_model.joblib"]
    fingerprint = hashlib.sha256(repr(arguments).encode()).hexdigest()
    content = dict(fingerprint=fingerprint, target=arguments[-1].removeprefix("--target="))
    content |= dict(features=[1, 2], source=dict(data="files" if own else "california_housing"))
    if name == "quantize":
        made = ["quantized.json", "quant_params.joblib", "scale.joblib"]
        content = dict(model=json.loads((folder / "model.json").read_bytes())["fingerprint"])
    for path in made:
        (folder / path).write_text(json.dumps(content))
"""
ROWS = "a,b,y\n" + "\n".join(f"{k % 7},{k * k % 11},{k}" for k in range(60)) + "\n"
TRAIN = ("train", "DATA=rows.csv", "TARGET=y")

pytestmark = pytest.mark.skipif(
    os.name == "nt" or not shutil.which("make"), reason="needs make and a POSIX shell"
)


class Project:
    """A copy of what make reads, in a folder of its own."""

    def __init__(self, path: Path, made: Path) -> None:
        self.path = path
        for name in ("tools/stages.py", "requirements/tools.txt", "Makefile"):
            (path / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, path / name)
        (path / "src").mkdir()
        (path / "src" / "code.py").write_text("")
        (path / "rows.csv").write_text(ROWS)
        tox = path / ".venv" / "bin" / "tox"
        tox.parent.mkdir(parents=True)
        tox.write_text(FAKE_TOX)
        tox.chmod(0o755)
        self._made = made

    def make(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run make."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if "MAKE" not in name and name not in ("DATA", "TARGET", "ARTIFACTS")
        }
        environment |= {"PYTHONPATH": str(ROOT / "src"), "PYTHON": sys.executable} | variables
        return subprocess.run(
            ["make", *words],
            cwd=self.path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def call(self, *words: str, **variables: str) -> list[list[str]]:
        """Run make, which succeeds; return how it called tox."""
        before = len(self.calls())
        done = self.make(*words, **variables)
        assert done.returncode == 0, done.stderr
        return self.calls()[before:]

    def calls(self) -> list[list[str]]:
        """Return all calls of tox."""
        path = self.path / "calls"
        return list(map(json.loads, path.read_text("utf-8").splitlines())) if path.exists() else []

    def take_default(self, folder: str = "artifacts") -> Path:
        """Put California Housing's model into a folder, as if copied from elsewhere."""
        return Path(shutil.copytree(self._made, self.path / folder))

    def content(self, folder: str = "artifacts") -> dict[str, bytes]:
        """Return what a folder holds."""
        return {path.name: path.read_bytes() for path in (self.path / folder).iterdir()}

    def source(self, folder: str = "artifacts") -> str:
        """Return which data a folder's model is of."""
        return str(json.loads((self.path / folder / "model.json").read_text())["source"]["data"])

    def change_code(self) -> None:
        """Make the code newer than all models."""
        os.utime(self.path / "src" / "code.py", (2**32, 2**32))


@pytest.fixture
def project(tmp_path: Path, made: Path) -> Project:
    """Return a fresh checkout."""
    return Project(tmp_path, made)


def names(calls: list[list[str]]) -> list[str]:
    """Return which environments were called."""
    return [call[0] for call in calls]


def test_second_time_does_nothing(project: Project) -> None:
    """`make train quantize` works once, and again if code, flags or files have changed."""
    assert project.call("train", "quantize") == [
        ["train", "--artifacts", "artifacts", "--min-r2", "0.5"],
        ["quantize", "--artifacts", "artifacts"],
    ]
    assert project.call("train", "quantize") == []
    assert project.call("predict", "smoke")[0] == ["predict", "--artifacts", "artifacts"]
    assert names(project.calls()) == ["train", "quantize", "predict", "docker", "smoke"]
    assert names(project.call("train", "quantize", "MIN_R2=0.4")) == ["train", "quantize"]
    (project.path / "artifacts" / "scale.joblib").unlink()
    assert names(project.call("predict")) == ["quantize", "predict"]
    (project.path / "artifacts" / "moments.json").unlink()
    assert project.call("quantize")[0][-1] == "0.4"  # what it was trained with
    project.change_code()
    assert names(project.call("quantize")) == ["train", "quantize"]


@pytest.mark.parametrize("folder", ["artifacts", "my folder"])
@pytest.mark.parametrize("by", ["make", "cali-reg"])
def test_own_model_is_kept(project: Project, folder: str, by: str) -> None:
    """No target but train replaces the model of a user's data, whatever has changed."""
    variables = {"ARTIFACTS": folder} if folder != "artifacts" else {}
    if by == "make":
        assert project.call(*TRAIN, **variables)[0][-3:] == ["--data", "rows.csv", "--target=y"]
    else:
        arguments = ["--data", str(project.path / "rows.csv"), "--target", "y"]
        assert main(["train", "--artifacts", str(project.path / folder), *arguments]) == 0
    model = project.content(folder)["model.json"]
    project.change_code()
    predict = project.make("predict", **variables)
    assert predict.returncode == 0
    assert f"{folder} holds a model of your own: target 'y', 2 features" in predict.stderr
    assert names(project.call("predict", "quantize", "bench", **variables)) == ["predict", "bench"]
    if folder == "artifacts":
        assert names(project.call("docker", "smoke", "same-digest")) == [
            "docker",
            "smoke",
            "docker",
        ]
    assert project.content(folder)["model.json"] == model


@pytest.mark.parametrize("jobs", ["-j1", "-j4", "-k"])
def test_own_model_is_not_taken_for_the_default(project: Project, jobs: str) -> None:
    """`make train quantize` says what the folder holds and what to type, and changes nothing."""
    project.call(*TRAIN)
    before = project.content()
    done = project.make(jobs, "train", "quantize")
    assert done.returncode == 2
    assert done.stdout == ""
    line, *_ = done.stderr.splitlines()
    assert line.startswith(
        "make train: artifacts holds a model of your own: target 'y', 2 features;"
        " not replaced by California Housing: name its data again, DATA=... TARGET=..."
    )
    assert "--data rows.csv --target=y" in line
    assert "REPLACE=yes" in line
    assert project.content() == before
    assert names(project.call("train", "quantize", "REPLACE=yes")) == ["train", "quantize"]
    assert project.source() == "california_housing"


def test_own_model_is_trained_again_when_told(project: Project) -> None:
    """With its variables, from the environment too, train and quantize do as with the default."""
    told = {"DATA": "rows.csv", "TARGET": "y"}
    assert project.call("train", "quantize", **told)[1][-2:] == ["--data", "rows.csv"]
    assert project.call("train", "quantize", **told) == []
    assert project.make("train", "quantize", **told).stderr == ""
    (project.path / "rows.csv").write_text(ROWS + "1,2,3\n")
    assert names(project.call("train", "quantize", **told)) == ["train", "quantize"]
    (project.path / "other.csv").write_text(ROWS)
    other = project.make("predict", "DATA=other.csv", "TARGET=y")
    assert other.returncode == 2
    assert "DATA or TARGET is another" in other.stderr
    assert names(project.call("train", "DATA=other.csv", "TARGET=a")) == ["train"]


def test_changed_default_is_a_model_of_ones_own(project: Project) -> None:
    """A default that the user updated, or trained with another split, is not trained again."""
    folder = project.take_default()
    model = json.loads((folder / "model.json").read_text())
    assert names(project.call("train")) == ["train"]  # as before: make knows nothing of it
    (folder / "model.json").write_text(json.dumps(model | {"fingerprint": "0" * 64}))
    assert project.make("train").returncode == 2
    (folder / ".train-flags").unlink()
    model["source"]["split"]["seed"] = 7
    (folder / "model.json").write_text(json.dumps(model))
    assert project.make("train").returncode == 2
    (folder / "model.json").write_text("{")
    assert "model.json cannot be read" in project.make("train").stderr


def test_closed_pipe_deletes_nothing(project: Project) -> None:
    """`make train | head` leaves the model that tox wrote, even if tox then fails."""
    tox = project.path / ".venv" / "bin" / "tox"
    tox.write_text(FAKE_TOX + "sys.exit(1)")
    assert project.make("train").returncode == 2
    assert len(project.content()) == 4
    tox.write_text(FAKE_TOX)
    assert names(project.call("train", "quantize")) == ["quantize"]
    tox.write_text(FAKE_TOX + "print(flush=True); print('x' * 10**6, flush=True)")
    closed, end = os.pipe()
    os.close(closed)
    for goals in (["train", "MIN_R2=0.4"], ["quantize"]):
        done = subprocess.run(
            ["make", *goals, f"PYTHON={sys.executable}"],
            cwd=project.path,
            stdout=end,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode
    os.close(end)
    assert {"model.json", "quantized.json", ".train-flags"} <= set(project.content())


@pytest.mark.parametrize(
    "name",
    [
        "my rows.csv",
        "o'brien.csv",
        'say "hi".csv',
        "a$HOME.csv",
        "a$(touch pwned).csv",
        "`touch pwned`.csv",
        "a;touch pwned.csv",
        "a&b|c>d.csv",
        "x#y.csv",
        "{envdir}.csv",
        "back\\slash.csv",
        "$(shell touch pwned).csv",
        "${HOME}%.csv",
        "~x.csv",
        "[a]b.csv",
        "-x.csv",
        "été.csv",
    ],
)
def test_data_and_target_are_what_they_look_like(project: Project, name: str) -> None:
    """Any path and any column name work as they are typed; nothing in them is run."""
    target = name.removesuffix(".csv")
    quoted = '"' + target.replace('"', '""') + '"'
    (project.path / name).write_text(ROWS.replace("y\n", f"{quoted}\n", 1))
    variables = {"DATA": name, "TARGET": target}
    typed = [f"{key}={value}" for key, value in variables.items()]
    train, quantize = project.call("train", "quantize", *typed)
    path = f"./{name}" if name.startswith("-") else name
    assert train[1:] == ["--artifacts", "artifacts", "--data", path, f"--target={target}"]
    assert quantize[-1] == path
    assert project.call("train", "quantize", **variables) == []  # it means the same
    assert not list(project.path.glob("pwned*"))


def test_several_files(project: Project) -> None:
    """DATA takes several paths and patterns; quotes and backslashes protect blanks."""
    (project.path / "my data").mkdir()
    for name in ("my data/a.csv", "my data/b.csv", "o'a.csv"):
        (project.path / name).write_text(ROWS)
    for text, paths in {
        "rows.csv 'my data/a.csv'": ["rows.csv", "my data/a.csv"],
        r"rows.csv my\ data/*.csv": ["rows.csv", "my data/*.csv"],
        "my data/*.csv": ["my data/*.csv"],
        "my data": ["my data"],
        "rows.csv o'a.csv": ["rows.csv", "o'a.csv"],
    }.items():
        (call,) = project.call("train", f"DATA={text}", "TARGET=y")
        assert call[call.index("--data") + 1 : -1] == paths
    os.utime(project.path / "my data" / "b.csv", (2**32, 2**32))
    assert names(project.call("train", "DATA=my data/*.csv", "TARGET=y"))


def test_flags_are_words(project: Project) -> None:
    """Quotes in flags hold blanks together; no shell reads them."""
    flags = "TRAIN_FLAGS=--features 'a' --test-size=0.5"
    assert project.call(*TRAIN, flags)[0][-3:] == ["--features", "a", "--test-size=0.5"]
    (project.path / "new rows.csv").write_text(ROWS)
    (project.path / "it's.csv").write_text(ROWS)
    calls = project.call("predict", "PREDICT_FLAGS='new rows.csv' it\\'s.csv --keep=a")
    assert calls[-1][-3:] == ["new rows.csv", "it's.csv", "--keep=a"]
    for text in ("; touch pwned", "$(touch pwned)", "`touch pwned`", "$(shell touch pwned)"):
        assert project.call("predict", f"PREDICT_FLAGS={text}")[0][3:] == text.split()
        assert project.call("verify", f"VERIFY_FLAGS={text}")[0][3:] == text.split()
        assert project.call("bench", f"BENCH_FLAGS={text}") == [["bench", *text.split()]]
        project.make("same-digest", f"EXPECT={text}")
        project.make("train", f"ARTIFACTS=x{text}")
    assert not list(project.path.glob("pwned*"))
    done = project.make("predict", "PREDICT_FLAGS=it's.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert "PREDICT_FLAGS: No closing quotation" in done.stderr


def test_data_needs_a_target(project: Project) -> None:
    """One without the other is an error; nothing else is trained instead."""
    for word, text in {"DATA=rows.csv": "without TARGET", "TARGET=y": "without DATA"}.items():
        done = project.make("train", word)
        assert done.returncode == 2
        assert text in done.stderr
    assert not project.calls()
    assert project.call("train", "TRAIN_FLAGS=--data rows.csv --target y")


def test_dry_run_runs_nothing(project: Project) -> None:
    """With --dry-run the commands are printed, with --question the exit code tells."""
    done = project.make("--dry-run", *TRAIN, "quantize")
    assert "run -e train -- --artifacts artifacts --data rows.csv --target=y" in done.stdout
    assert "run -e quantize" in done.stdout
    assert project.make("-q", "train").returncode != 0
    project.make("-t", "train")
    assert not project.calls()
    project.call("train")
    assert project.make("-q", "train").returncode == 0


def test_given_files_are_kept(project: Project) -> None:
    """With RETRAIN=no, whatever the folder holds is used, and what is missing is an error."""
    project.call(*TRAIN, "quantize")
    project.change_code()
    assert names(project.call("train", "quantize", "docker", "RETRAIN=no")) == ["docker"]
    (project.path / "artifacts" / "quantized.json").unlink()
    done = project.make("docker", "RETRAIN=no")
    assert done.returncode == 2
    assert "quantized.json: not found, and RETRAIN=no" in done.stderr


def test_image_is_of_artifacts(project: Project) -> None:
    """Docker takes no other folder."""
    project.take_default("other")
    done = project.make("docker", "ARTIFACTS=other")
    assert done.returncode == 2
    assert "make docker: the image takes its model from the folder artifacts" in done.stderr
    assert "docker" not in names(project.calls())
