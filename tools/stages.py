"""Run what `make` runs on a model's folder, and never replace a model that make did not make.

Make passes its variables in the environment: nothing in them is run, neither by make nor by a
shell. Standard library only: it runs before any environment exists.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from glob import glob
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parents[1]
TOX = ".venv/bin/tox"
RECORD = ".train-flags"  # what make trained the folder with, and which model that gave
MODEL, CODES = "model.json", "quantized.json"
TRAINED = (MODEL, "linear_model.joblib", "moments.json")
QUANTIZED = (CODES, "quant_params.joblib", "scale.joblib")
DEFAULT_GATE = "0.5"  # the least R² of California Housing; of other data, if any, it is the user's

# what tells the default model from one of other rows, of another split, or of fewer columns
DEFAULT = {
    "source": {"data": "california_housing", "split": {"seed": 42, "test_size": 0.2}},
    "target": "MedHouseVal",
    "n_features": 8,
    "n_rows": [16512, 4128],
}


class Folder:
    """A model's folder: what it holds, and what make knows of it.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.model = self._read(MODEL)
        record = self._read(RECORD)
        known = bool(self.model) and record.get("model") == self.model.get("fingerprint")
        self.arguments: list[str] | None = record.get("arguments") if known else None
        self.has_record = bool(record)

    @property
    def is_own(self) -> bool:
        """Whether it holds a model that is not California Housing's, or that make did not make."""
        if not (self.path / MODEL).exists():
            return False
        if self.arguments is not None:
            return names_files(self.arguments)
        return self.has_record or not self._is_default()

    @property
    def description(self) -> str:
        """What it holds, for a message."""
        if not self.model:
            return f"{self.path / MODEL} cannot be read"
        features = len(self.model.get("features", ()))
        return (
            f"{self.path} holds a model of your own: target {self.model.get('target')!r},"
            f" {features} feature{'' if features == 1 else 's'}"
        )

    def missing(self, names: tuple[str, ...]) -> list[Path]:
        """Return which of some files are not there."""
        return [self.path / name for name in names if not (self.path / name).exists()]

    def trained_before(self, sources: Iterator[Path]) -> bool:
        """Tell whether any source has changed since the training."""
        time = (self.path / MODEL).stat().st_mtime_ns
        return any(source.stat().st_mtime_ns > time for source in sources)

    def needs_codes(self) -> bool:
        """Tell whether the codes are missing, or are not of this model."""
        if self.missing(QUANTIZED):
            return True
        times = [(self.path / name).stat().st_mtime_ns for name in (CODES, *TRAINED)]
        return times[0] < max(times[1:]) or self._read(CODES).get("model") != self.model.get(
            "fingerprint"
        )

    def remember(self, arguments: list[str]) -> None:
        """Record what its model was trained with."""
        record = {"arguments": arguments, "model": self._read(MODEL).get("fingerprint")}
        (self.path / RECORD).write_text(json.dumps(record) + "\n", "utf-8")

    def _read(self, name: str) -> dict[str, Any]:
        try:
            content = json.loads((self.path / name).read_bytes())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _is_default(self) -> bool:
        try:
            found = {
                "source": self.model["source"],
                "target": self.model["target"],
                "n_features": len(self.model["features"]),
                "n_rows": [self.model["scores"][part]["n_samples"] for part in ("train", "test")],
            }
        except (KeyError, TypeError):
            return False
        return found == DEFAULT


def train(folder: Folder) -> bool:
    """Train if anything has changed, but do not replace a user's own model.

    Parameters
    ----------
    folder : Folder

    Returns
    -------
    bool
        Whether it ran.
    """
    if not _is_allowed(folder, TRAINED):
        return False
    arguments = requested()
    if folder.is_own and not names_files(arguments) and variable("REPLACE") != "yes":
        fail(
            f"make train: {folder.description}; not replaced by California Housing:"
            f" {_advice(folder)}"
        )
    return _train_if_changed(folder, arguments)


def quantize(folder: Folder) -> bool:
    """Quantize if the model has changed; train before only if the model is not the user's own.

    Parameters
    ----------
    folder : Folder

    Returns
    -------
    bool
        Whether anything ran.
    """
    if not _is_allowed(folder, TRAINED + QUANTIZED):
        return False
    asked, trained = requested(), False
    if folder.is_own:
        if variable("DATA") and folder.arguments and rows_of(folder.arguments) != rows_of(asked):
            fail(
                f"make: {folder.description}, trained with {shlex.join(folder.arguments)};"
                " DATA or TARGET is another: run `make train` with these first, or leave them out"
            )
        if missing := folder.missing(TRAINED):
            fail(f"make: {missing[0]}: not found, and {folder.description}: train it again")
        if not variable("DATA"):
            print(f"make: {folder.description}; it is used as it is", file=sys.stderr)
    elif folder.arguments is not None and not _is_anything_asked():
        trained = _train_if_changed(folder, folder.arguments)
    else:
        trained = _train_if_changed(folder, asked)
    if not trained and not folder.needs_codes():
        return False
    data = ["--data", *data_paths(variable("DATA"))] if variable("DATA") else []
    finish(run("-q", "quantize", "--artifacts", str(folder.path), *data))
    return True


def requested() -> list[str]:
    """Return the arguments of `cali-reg train` that the variables ask for, without the folder."""
    data, target, gate = map(variable, ("DATA", "TARGET", "MIN_R2"))
    flags = words("TRAIN_FLAGS")
    if "MIN_R2" not in os.environ and not (data or names_files(flags)):
        gate = DEFAULT_GATE
    arguments = ["--min-r2", gate] if gate else []
    if data:
        arguments += ["--data", *data_paths(data)]
    if target:
        arguments += [f"--target={target}"]
    return arguments + flags


def rows_of(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return the files and the target that arguments of `cali-reg train` name."""
    found: dict[str, list[str]] = {"--data": [], "--target": []}
    option = ""
    for word in arguments:
        if word.startswith("--"):
            option, equals, word = word.partition("=")
            if not equals:
                continue
        found.setdefault(option, []).append(word)
    return found["--data"], found["--target"]


def names_files(arguments: list[str]) -> bool:
    """Tell whether arguments of `cali-reg train` name files of rows."""
    return any(word == "--data" or word.startswith("--data=") for word in arguments)


def data_paths(text: str) -> list[str]:
    """Return the paths in DATA: one that exists, blanks and all, or several between blanks.

    Parameters
    ----------
    text : str
        Quotes and backslashes protect blanks, as in a shell; nothing else has a meaning.
    """
    whole = _with_home(text.strip())
    if Path(whole).exists() or _matches(whole):
        paths = [whole]
    else:
        try:
            paths = shlex.split(text)
        except ValueError:  # an apostrophe
            paths = text.split()
        paths = list(map(_with_home, paths))
    return [f"./{path}" if path.startswith("-") and path != "-" else path for path in paths]


def words(name: str) -> list[str]:
    """Return the words of a variable of flags; quotes hold blanks together, as in a shell."""
    try:
        return list(map(_with_home, shlex.split(variable(name))))
    except ValueError as error:
        fail(f"make: {name}: {error}; close the quote, or write \\' for an apostrophe")


def variable(name: str) -> str:
    """Return the value of a variable of make."""
    value = os.environ.get(name, "")
    return value if value.strip() else ""


def run(option: str, environment: str, *arguments: str) -> int:
    """Run a tox environment, or print the command if make was called with --dry-run.

    Parameters
    ----------
    option : str
        An option of tox.
    environment : str
    *arguments : str
        What its command gets.

    Returns
    -------
    int
        Its exit code.
    """
    place = 2 if option.startswith("--") else 1  # some options are of `tox run`, not of tox
    command = [TOX, "run"]
    command.insert(place, option)
    command += ["-e", environment, *(["--", *arguments] if arguments else [])]
    flags = _make_flags()
    if "n" in flags:
        print(shlex.join(command), flush=True)
    if flags & {"n", "t", "q"}:
        return int("q" in flags)
    return subprocess.run(command, check=False).returncode


def finish(code: int) -> None:
    """Exit if a command has failed; a signal becomes the exit code of a shell."""
    if code:
        sys.exit(128 - code if code < 0 else code)


def fail(message: str) -> NoReturn:
    """Print a message of one line, and exit with 2."""
    print(message, file=sys.stderr)
    sys.exit(2)


def main(goal: str, *rest: str) -> None:
    """Run one target of make.

    Parameters
    ----------
    goal : str
        `train`, `quantize`, `image`, `predict` or `verify`; or `tox`.
    *rest : str
        After `tox`: the environment, the variable that holds its flags, arguments before those.
        After `train` and `quantize`: any word, to be told if there is nothing to do.
    """
    if goal == "tox":
        environment, name, *before = rest
        finish(run("--skip-missing-interpreters=false", environment, *before, *words(name)))
        return
    folder = Folder(Path(variable("ARTIFACTS") or "artifacts"))
    if goal == "image":
        if str(folder.path) != "artifacts":
            fail(
                "make docker: the image takes its model from the folder artifacts;"
                " leave ARTIFACTS out"
            )
    elif goal in ("train", "quantize"):
        ran = train(folder) if goal == "train" else quantize(folder)
        if not ran and rest:
            print(f"make: nothing to be done for {goal!r}: {folder.path} is up to date")
    else:
        flags = words(f"{goal.upper()}_FLAGS")
        finish(run("-qq", goal, "--artifacts", str(folder.path), *flags))


def _is_allowed(folder: Folder, names: tuple[str, ...]) -> bool:
    """Tell whether files may be made; with RETRAIN=no they must be there, and are as they are."""
    if variable("RETRAIN") != "no":
        return True
    for path in folder.missing(names):
        fail(f"{path}: not found, and RETRAIN=no; leave RETRAIN out, or download the file")
    return False


def _train_if_changed(folder: Folder, arguments: list[str]) -> bool:
    data = variable("DATA")
    _check_pair(arguments)
    if (
        not folder.missing(TRAINED)
        and folder.arguments == arguments
        and not folder.trained_before(_sources(data))
    ):
        return False
    path = folder.path / MODEL
    before = path.stat().st_mtime_ns if path.exists() else None
    try:
        code = run("-q", "train", "--artifacts", str(folder.path), *arguments)
    finally:  # a closed pipe ends tox, not what it has trained
        if path.exists() and path.stat().st_mtime_ns != before:
            folder.remember(arguments)
    finish(code)
    return True


def _check_pair(arguments: list[str]) -> None:
    """Exit if there is a target without data, or data without a target."""
    files, target = rows_of(arguments)
    if target and not files:
        fail("make: TARGET is given without DATA: name the file of rows, DATA=rows.csv")
    if files and not target:
        fail("make: DATA is given without TARGET: name the column to predict, TARGET=price")


def _is_anything_asked() -> bool:
    """Tell whether any variable says how to train."""
    return any(map(variable, ("DATA", "TARGET", "TRAIN_FLAGS"))) or "MIN_R2" in os.environ


def _sources(data: str) -> Iterator[Path]:
    """Yield the files that a model depends on, as far as they are on this machine."""
    for pattern in ("src/**/*.py", "src/**/*.gz", "pyproject.toml", "requirements.*"):
        yield from ROOT.glob(pattern)
    for text in data_paths(data) if data else ():
        path = Path(text)
        if path.is_dir():
            yield from (inner for inner in path.rglob("*") if inner.is_file())
        elif path.exists():
            yield path
        elif "://" not in text:
            yield from _matches(text)


def _matches(pattern: str) -> list[Path]:
    """Return the files of a pattern, which may be absolute."""
    return list(map(Path, glob(pattern, recursive=True)))  # noqa: PTH207


def _with_home(path: str) -> str:
    """Return a path with the home folder for the tilde at its start."""
    return str(Path.home()) + path[1:] if path == "~" or path.startswith("~/") else path


def _advice(folder: Folder) -> str:
    again = ""
    if folder.arguments:
        again = f" (it was trained with {shlex.join(folder.arguments)})"
    return (
        f"name its data again, DATA=... TARGET=...{again}, leave `train` out to use it as it is,"
        " take another folder, ARTIFACTS=default, or add REPLACE=yes"
    )


def _make_flags() -> set[str]:
    """Return make's short options, such as n of --dry-run: it passes them as one word, first."""
    first = variable("MAKEFLAGS").split(" ")[0]
    return set() if "=" in first or first.startswith("-") else set(first)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
