"""The checks of `make act` find what is wrong with a run of the workflow."""

import json
from typing import Any

import act
import pytest
import yaml

JOBS = yaml.safe_load(act.WORKFLOW.read_text("utf-8"))["jobs"]
OTHERS = [name for name in JOBS if name != "required"]
OUTPUT = {
    "test-suite 3.11": ["= 5 passed in 1.00s ="],
    "same-bits 3.11": [],
    "build-and-test-container": [".venv/bin/tox run -e docker"],
    "same-digest": [".venv/bin/tox run -e docker"],
}
GREEN = act.Outcome(True, dict.fromkeys(OTHERS, "success"), OUTPUT)


def test_every_action_has_a_stand_in_that_takes_its_inputs() -> None:
    """A new action, or a new input of one, needs a folder in tools/ci/act that knows it."""
    for job in JOBS.values():
        for step in job["steps"]:
            owner, _, name = step.get("uses", "").partition("@")[0].partition("/")
            if owner and name != "checkout":
                assert owner == "actions"
                text = (act.STAND_INS / name / "action.yml").read_text("utf-8")
                assert set(step["with"]) <= set(yaml.safe_load(text)["inputs"])


def test_what_act_names_is_in_the_workflow() -> None:
    """The kind of runner that is replaced, and the jobs that need Docker, exist."""
    assert {job["runs-on"] for job in JOBS.values()} >= {act.RUNNER}
    assert set(act.DOCKER) < set(JOBS)
    assert set(act.fixed(JOBS)) == {"3.11", "3.13"}
    assert set(act.versions(JOBS)) == {"3.11", "3.12", "3.13", "3.14"}


def test_jobs_that_need_a_failing_one_are_skipped() -> None:
    """Directly or indirectly; the others succeed."""
    found = {name: act.expect(name, "train-and-quantize", JOBS) for name in OTHERS}
    assert found == {
        "lint": "success",
        "test-suite": "success",
        "coverage": "success",
        "train-and-quantize": "failure",
        "same-bits": "skipped",
        "build-and-test-container": "skipped",
        "same-digest": "skipped",
    }
    assert {act.expect(name, "", JOBS) for name in OTHERS} == {"success"}


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (GREEN._replace(green=False), "the run failed"),
        (GREEN._replace(results={**GREEN.results, "lint": "skipped"}), "the run failed"),
        (GREEN._replace(results={}), "the run failed"),
        (GREEN._replace(output={"test-suite 3.11": []}), "same-bits did not run on Python 3.11"),
        (GREEN._replace(output={**OUTPUT, "test-suite 3.11": ["no tests ran in 1.00s"]}), "test"),
        (GREEN._replace(output={**OUTPUT, "same-digest": ["tox run -e train"]}), "stored model"),
        (GREEN._replace(output={**OUTPUT, "same-digest": []}), "stored model"),
    ],
)
def test_unexpected_runs_are_reported(outcome: act.Outcome, why: str) -> None:
    """It failed, a job is missing, no tests ran, or an image has not the stored model."""
    act.check_real(JOBS, ["3.11"], GREEN, [])
    with pytest.raises(SystemExit, match=why):
        act.check_real(JOBS, ["3.11"], outcome, [])


def test_lines_are_sorted_by_entry(capsys: pytest.CaptureFixture[str]) -> None:
    """A line is added to its job and Python, without colors; the end of a step is printed."""
    event: dict[str, Any] = {
        "jobID": "test-suite",
        "matrix": {"os": act.RUNNER, "python": "3.11"},
        "msg": "\x1b[1;32m5 passed\x1b[0m\n",
    }
    step = {"step": "make test", "stage": "Main", "stepResult": "failure", "executionTime": 2e9}
    output: dict[str, list[str]] = {}
    act.collect(json.dumps(event), output, [])
    act.collect(json.dumps(event | step), output, ["test-suite"])
    assert capsys.readouterr().out == ""
    act.collect(json.dumps(event | step), output, [])
    act.collect("no JSON\n", output, [])
    assert output == {"test-suite 3.11": ["5 passed"] * 3, "act": ["no JSON"]}
    assert capsys.readouterr().out == "✘ test-suite 3.11: make test (failure, 2.0 s)\n"
