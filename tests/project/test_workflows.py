"""Rules for the workflows; `make workflows` lints them, and `make act` runs ci.yml."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import required
import yaml

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github" / "workflows").iterdir())
TEXTS = {path.stem: path.read_text("utf-8") for path in FILES}
WORKFLOWS: dict[str, Any] = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
CI = WORKFLOWS["ci"]["jobs"]
MAKE = re.compile(r"make(?: -C source)?((?: [a-z-]+)+)((?: [A-Z]+=[\w./-]+)*)")
WITHOUT_MAKE = [
    "python -m pip install --require-hashes -r requirements/tools.txt",
    "tox run -e py --skip-missing-interpreters=false",
]
JOBS = [(name, job) for name, flow in WORKFLOWS.items() for job in flow["jobs"]]


def job(name: str, key: str) -> dict[str, Any]:
    """Return a job of a workflow."""
    found: dict[str, Any] = WORKFLOWS[name]["jobs"][key]
    return found


def runs(steps: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the commands of steps."""
    return (step["run"] for step in steps if "run" in step)


def used(steps: list[dict[str, Any]], action: str) -> list[dict[str, Any]]:
    """Return the inputs of the steps that use an action."""
    return [step.get("with", {}) for step in steps if step.get("uses", "").startswith(action + "@")]


def test_workflows_are_these() -> None:
    """They are the files that tox.ini checks by their schema."""
    (line,) = re.findall(
        r"vendor\.github-workflows (.+)$", (ROOT / "tox.ini").read_text("utf-8"), re.M
    )
    assert line.split() == [f".github/workflows/{path.name}" for path in FILES]
    assert list(WORKFLOWS) == ["ci", "pages", "release", "scheduled"]


@pytest.mark.parametrize(("name", "key"), JOBS)
def test_step_is_one_call_of_a_target_that_exists(name: str, key: str) -> None:
    """No step has logic: it calls make, or on Windows what make would call."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    variables = set(re.findall(r"^([A-Z0-9_]+) \?=", makefile, re.MULTILINE))
    for step in job(name, key).get("steps", []):
        assert "shell" not in step
        if step.get("run") in WITHOUT_MAKE:
            assert step["if"] == "runner.os == 'Windows'"
        elif "run" in step:
            call = MAKE.fullmatch(step["run"])
            assert call, step["run"]
            assert set(call[1].split()) <= targets
            assert {setting.split("=")[0] for setting in call[2].split()} <= variables


def test_every_action_is_pinned() -> None:
    """An action is pinned to a commit, the same everywhere, with its version beside it."""
    pins: dict[str, set[str]] = {}
    for text in TEXTS.values():
        for line in re.findall(r"uses: (.+)$", text, re.MULTILINE):
            if line != "$/.github/workflows/ci.yml":
                pin = re.fullmatch(r"([\w-]+/[\w-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)", line)
                assert pin, line
                pins.setdefault(pin[1], set()).add(pin[2])
    assert {name: found for name, found in pins.items() if len(found) > 1} == {}
    assert "actions/checkout" in pins


@pytest.mark.parametrize(("name", "key"), JOBS)
def test_job_ends_and_leaves_no_credentials(name: str, key: str) -> None:
    """Each job has a time limit and its own name, and a checkout keeps no token."""
    found = job(name, key)
    assert found["name"].split(" (")[0] == key
    if "uses" not in found:
        assert 1 <= found["timeout-minutes"] <= 30
        checkouts = used(found["steps"], "actions/checkout")
        assert all(inputs["persist-credentials"] is False for inputs in checkouts)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_permissions_are_to_read(name: str) -> None:
    """A workflow may read the code; only jobs that publish may do more."""
    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}
    granted = [key for key, job in WORKFLOWS[name]["jobs"].items() if "permissions" in job]
    publishing = {"release": ["provenance", "image", "pypi", "release"], "pages": ["publish"]}
    assert granted == publishing.get(name, [])


def test_jobs_that_publish_build_nothing() -> None:
    """A job with more permissions installs nothing, and runs only the target that publishes."""
    for name, key in JOBS:
        found = job(name, key)
        if "permissions" in found:
            assert not used(found["steps"], "actions/setup-python")
            assert list(runs(found["steps"])) in ([], ["make push"], ["make github-release"])
        if name == "release" and key != "notes":
            assert found["needs"]


def test_release_is_of_main_and_after_an_approval() -> None:
    """A tag elsewhere stops at once; nothing is signed or pushed before a reviewer agrees."""
    jobs = WORKFLOWS["release"]["jobs"]
    assert list(runs(jobs["notes"]["steps"])) == ["make on-main", "make notes"]
    (checkout,) = used(jobs["notes"]["steps"], "actions/checkout")
    assert checkout["fetch-depth"] == 0
    assert jobs["ci"]["needs"] == "notes"
    assert jobs["approve"]["environment"] == {"name": "release"}
    assert {key: found.get("needs") for key, found in jobs.items() if "permissions" in found} == {
        "provenance": "approve",
        "image": "approve",
        "pypi": ["provenance", "image"],
        "release": "pypi",
    }


def test_all_files_of_a_release_are_attested() -> None:
    """What one job makes public, another has signed before: packages, model, SBOM and image."""
    jobs = WORKFLOWS["release"]["jobs"]
    released, signed = (
        {inputs["name"] for inputs in used(jobs[key]["steps"], "actions/download-artifact")}
        for key in ("release", "provenance")
    )
    (attest,) = used(jobs["provenance"]["steps"], "actions/attest-build-provenance")
    assert released == signed
    assert set(attest["subject-path"].split()) == {f"{name}/*" for name in signed}


def test_site_is_published_from_main() -> None:
    """By `make site`, for the address that pyproject.toml gives."""
    assert WORKFLOWS["pages"][True] == {"push": {"branches": ["main"]}}  # YAML reads `on` as true
    assert job("pages", "publish")["needs"] == "site"
    (build,) = [step for step in job("pages", "site")["steps"] if "run" in step]
    with open(ROOT / "pyproject.toml", "rb") as file:
        address = tomllib.load(file)["project"]["urls"]["Documentation"]
    assert (build["run"], build["env"]) == ("make site", {"SITE_URL": address})


@pytest.mark.parametrize("name", ["release", "pages"])
def test_what_is_published_uses_no_cache(name: str) -> None:
    """A pull request could have put something into a cache."""
    assert "cache" not in json.dumps(WORKFLOWS[name]["jobs"])


def test_pip_is_cached() -> None:
    """All other jobs that install packages cache the downloads."""
    for name in ("ci", "scheduled"):
        for found in WORKFLOWS[name]["jobs"].values():
            setups = used(found["steps"], "actions/setup-python")
            assert all(inputs["cache"] == "pip" for inputs in setups)


def test_a_called_workflow_does_not_cancel_its_caller() -> None:
    """Pushes cancel older runs; the groups differ, and do not depend on the caller's name."""
    groups = {name: flow["concurrency"]["group"] for name, flow in WORKFLOWS.items()}
    assert len(set(groups.values())) == len(groups)
    assert "github.workflow" not in str(groups)
    assert WORKFLOWS["ci"]["concurrency"]["cancel-in-progress"] is True
    assert WORKFLOWS["release"]["concurrency"]["cancel-in-progress"] is False


def test_required_needs_all_others() -> None:
    """A failure of any job is noticed, and the last job always runs."""
    assert set(CI["required"]["needs"]) == set(CI) - {"required"}
    assert CI["required"]["if"] == "always()"
    assert {key for key, found in CI.items() if "if" in found} == {"required"}
    assert "continue-on-error" not in TEXTS["ci"]


def test_jobs_run_in_the_order_of_the_loop() -> None:
    """A model is trained only if the tests pass, and an image is built from that model."""
    assert {key: found.get("needs") for key, found in CI.items() if key != "required"} == {
        "lint": None,
        "test-suite": None,
        "coverage": None,
        "train-and-quantize": "test-suite",
        "same-bits": "train-and-quantize",
        "build-and-test-container": "train-and-quantize",
        "same-digest": "build-and-test-container",
    }


def test_matrices_cover_what_is_promised() -> None:
    """All Pythons of pyproject.toml on four systems; bits are compared on the oldest and newest."""
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    pythons = re.findall(r'Python :: (3\.\d+)"', project)
    matrix = CI["test-suite"]["strategy"]["matrix"]
    assert matrix["python"] == pythons
    systems = [*matrix["os"], *(entry["os"] for entry in matrix["include"])]
    assert systems == ["ubuntu-24.04", "ubuntu-24.04-arm", "macos-15", "windows-2025"]
    assert CI["same-bits"]["strategy"]["matrix"] == {
        "os": ["ubuntu-24.04", "ubuntu-24.04-arm"],
        "python": [pythons[0], pythons[-1]],
    }
    for key in ("test-suite", "same-bits"):
        assert CI[key]["strategy"]["fail-fast"] is False
        assert CI[key]["env"] == {"PYTHON": "python${{ matrix.python }}"}


def test_the_model_is_trained_once() -> None:
    """One job stores model-artifacts; jobs that build an image use them and do not train."""
    for name in ("ci", "release"):
        for key, found in WORKFLOWS[name]["jobs"].items():
            steps = found.get("steps", [])
            stored = [inputs["name"] for inputs in used(steps, "actions/upload-artifact")]
            fetched = [inputs["name"] for inputs in used(steps, "actions/download-artifact")]
            assert ("model-artifacts" in stored) == (key == "train-and-quantize")
            for call in runs(steps):
                if re.search(r"\b(docker|smoke|same-digest)\b", call):
                    assert "model-artifacts" in fetched
                    assert call.split().count("RETRAIN=no") == 1


@pytest.mark.skipif(os.name == "nt" or not shutil.which("make"), reason="needs make")
def test_make_keeps_given_files(made: Path, tmp_path: Path) -> None:
    """With RETRAIN=no, make uses files older than the code as they are, and rebuilds none."""
    folder = shutil.copytree(made, tmp_path / "given")
    for path in folder.iterdir():
        os.utime(path, (0, 0))
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}

    def make(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["make", *arguments, f"ARTIFACTS={folder}"]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )

    assert "run -e train" in make("--dry-run", "docker").stdout
    kept = make("--dry-run", "docker", "smoke", "same-digest", "RETRAIN=no").stdout
    assert not re.search(r"run -e (train|quantize)", kept)
    assert "run -e docker" in kept
    (folder / "moments.json").unlink()
    missing = make("train", "RETRAIN=no")
    assert missing.returncode == 2
    assert "moments.json: not found, and RETRAIN=no" in missing.stderr


def test_dependabot_sees_all_that_is_pinned() -> None:
    """Locks, base image and actions are updated after a week, each kind in one pull request."""
    text = (ROOT / ".github" / "dependabot.yml").read_text("utf-8")
    updates = {entry["package-ecosystem"]: entry for entry in yaml.safe_load(text)["updates"]}
    assert set(updates) == {"pip", "docker", "github-actions"}
    folders = {path.parent for path in ROOT.glob("**/requirements*/*.txt")}
    assert set(updates["pip"]["directories"]) == {"/", "/requirements"}
    assert "requirements/lowest.*" in updates["pip"]["exclude-paths"]
    assert {folder.relative_to(ROOT).as_posix() for folder in folders if folder.parent == ROOT} == {
        "requirements"
    }
    for entry in updates.values():
        assert entry["cooldown"]["default-days"] >= 7
        assert [group["patterns"] for group in entry["groups"].values()] == [["*"]]


@pytest.mark.parametrize(
    ("results", "code"),
    [
        (["success", "success"], 0),
        (["success", "failure"], 1),
        (["skipped", "success"], 1),
        (["success", "cancelled"], 1),
        ([], 1),
    ],
)
def test_required_wants_every_job_to_succeed(
    results: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that failed, was skipped or cancelled is an error; so is a list without jobs."""
    needs = {f"job-{number}": {"result": result} for number, result in enumerate(results)}
    monkeypatch.setenv("NEEDS", json.dumps(needs))
    assert required.main() == code


@pytest.mark.parametrize("needs", ["", "[]", "no JSON", '{"lint": null}'])
def test_required_wants_the_jobs(needs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the results of the workflow, it says so."""
    monkeypatch.setenv("NEEDS", needs)
    assert required.main() == 2
