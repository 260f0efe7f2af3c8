"""Run ci.yml on this machine with act: it must pass as it is, and fail if any of its jobs fails.

The jobs run on this machine, each in a copy of the checkout. Folders of `tools/ci/act` replace the
actions that need GitHub. First all jobs run completely. Then the workflow runs once for each job:
that job fails and the others do nothing, which tests how jobs depend on each other, in seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[2]
STAND_INS = ROOT / "tools" / "ci" / "act"
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
RUNNER = "ubuntu-24.04"  # the only kind of runner that this machine can replace
DOCKER = ("build-and-test-container", "same-digest")
LINES = 60

Jobs = dict[str, dict[str, Any]]


class Outcome(NamedTuple):
    """What came out of a run: the result of each job, and the lines that each entry printed."""

    green: bool
    results: dict[str, str]
    output: dict[str, list[str]]


def main() -> None:
    """Run the workflow in all ways; stop at the first run with an unexpected result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wiring", action="store_true", help="leave out the complete run")
    parser.add_argument(
        "--leave-out", metavar="JOB", nargs="+", default=[], help="jobs that ran before"
    )
    options = parser.parse_args()
    text = WORKFLOW.read_text("utf-8")
    jobs: Jobs = yaml.safe_load(text)["jobs"]
    for name in options.leave_out:
        if name not in jobs or name == "required":
            parser.error(f"{name!r} cannot be left out; the jobs are {', '.join(jobs)}")
    with tempfile.TemporaryDirectory(prefix="act-") as name:
        folder = Path(name)
        pythons = link_pythons(folder / "pythons", sorted(set(versions(jobs))))
        if missing := set(fixed(jobs)) - set(pythons):
            parser.error(f"ci.yml needs Python {', '.join(sorted(missing))}; install it")
        command = [*act(text), *(f"--matrix=python:{version}" for version in pythons)]
        left_out = {**dict.fromkeys(options.leave_out, "as requested"), **without_docker()}
        print_left_out(jobs, pythons, left_out)
        if not options.wiring:
            check_real(jobs, pythons, run(command, folder, left_out), left_out)
        check_wiring(jobs, pythons, command, folder)


def versions(jobs: Jobs) -> Iterator[str]:
    """Yield the versions of Python that the jobs use."""
    yield from fixed(jobs)
    for job in jobs.values():
        yield from matrix(job).get("python", [])


def fixed(jobs: Jobs) -> Iterator[str]:
    """Yield the versions that are not entries of a matrix."""
    for job in jobs.values():
        for step in job["steps"]:
            yield from re.findall(r"^3\.\d+$", step.get("with", {}).get("python-version", ""))


def matrix(job: dict[str, Any]) -> dict[str, Any]:
    """Return the matrix of a job, empty if it has none."""
    found: dict[str, Any] = job.get("strategy", {}).get("matrix", {})
    return found


def link_pythons(folder: Path, wanted: Iterable[str]) -> list[str]:
    """Create a folder for each wanted Python that is installed here. Returns their versions."""
    found = []
    for version in wanted:
        code = "import sys; print(getattr(sys, '_base_executable', '') or sys.executable)"
        try:
            done = subprocess.run(
                [f"python{version}", "-c", code], check=True, capture_output=True, text=True
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        for name in ("python", "python3", f"python{version}"):
            link = folder / version / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(done.stdout.strip())
        found.append(version)
    return found


def act(text: str) -> list[str]:
    """Return the command that runs the workflow, with a folder in place of each of its actions."""
    command = ["act", "push", "--json", "--no-cache-server", f"--workflows={WORKFLOW}"]
    for action, ref in set(re.findall(r"uses: actions/([\w-]+)@(\w+)", text)):
        if action != "checkout":  # act itself copies the files
            command.append(f"--local-repository=actions/{action}@{ref}={STAND_INS / action}")
    return [*command, f"--platform={RUNNER}=-self-hosted", f"--matrix=os:{RUNNER}"]


def without_docker() -> dict[str, str]:
    """Return the jobs that cannot run since no Docker engine answers, each with that reason."""
    if shutil.which("docker"):
        done = subprocess.run(["docker", "info"], check=False, capture_output=True)
        if done.returncode == 0:
            return {}
    return dict.fromkeys(DOCKER, "no Docker engine answers")


def print_left_out(jobs: Jobs, pythons: list[str], left_out: dict[str, str]) -> None:
    """Print which parts of the workflow do not run here, and why."""
    for name, job in jobs.items():
        entries = matrix(job)
        systems = [*entries.get("os", []), *(more["os"] for more in entries.get("include", []))]
        for system in systems:
            if system != RUNNER:
                print(f"- {name}: not on {system}, which this machine is not")
        for version in entries.get("python", []):
            if version not in pythons:
                print(f"- {name}: not on Python {version}, which is not installed")
    for name, why in left_out.items():
        print(f"- {name}: not run, {why}")


def run(command: list[str], folder: Path, left_out: Iterable[str], fail: str = "") -> Outcome:
    """Run the workflow and print each step. Returns results and printed lines."""
    store = Path(tempfile.mkdtemp(dir=folder))
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TOX", "MAKE", "MFLAGS", "VIRTUAL_ENV", "PYTHONHASHSEED"))
    }
    environment |= {
        "PATH": os.pathsep.join([str(STAND_INS / "bin"), os.environ["PATH"]]),
        "PYTHONS": str(folder / "pythons"),
        "ENVIRONMENTS": str(ROOT / ".tox" / "act"),
        "STORE": str(store),
        "LEFT_OUT": " ".join(left_out),
        "FAIL": fail,
    }
    output: dict[str, list[str]] = {}
    with subprocess.Popen(
        [*command, f"--action-cache-path={folder / 'act'}"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    ) as process:
        for line in process.stdout or ():
            collect(line, output, quiet=[*left_out, "required"])
    lines = "\n".join(output.get("required", []))
    results = dict(re.findall(r"^[✔✘] ([\w-]+): (\w+)$", lines, re.MULTILINE))
    return Outcome(process.returncode == 0, results, output)


def collect(line: str, output: dict[str, list[str]], quiet: list[str]) -> None:
    """Add a line of the log to those of its job and Python version; print the end of a step."""
    try:
        event = json.loads(line)
    except ValueError:
        event = {"msg": line}
    entry = f"{event.get('jobID', 'act')} {event.get('matrix', {}).get('python', '')}".strip()
    output.setdefault(entry, []).append(re.sub(r"\x1b\[[\d;]*m", "", event["msg"]).rstrip())
    result = event.get("stepResult") if event.get("stage") == "Main" else None
    shown = event["step"].startswith(("make ", "tox ", "python ")) if result else False
    if shown and event["jobID"] not in quiet:
        seconds = event.get("executionTime", 0) / 1e9
        sign = "✔" if result == "success" else "✘"
        print(f"{sign} {entry}: {event['step']} ({result}, {seconds:.1f} s)", flush=True)


def check_real(jobs: Jobs, pythons: list[str], outcome: Outcome, left_out: Iterable[str]) -> None:
    """Check that all jobs succeeded, that tests ran, and that the image got the stored model."""
    if not outcome.green or outcome.results != dict.fromkeys(set(jobs) - {"required"}, "success"):
        stop("the run failed", outcome)
    for name, job in jobs.items():
        for version in matrix(job).get("python", []):
            if version in pythons and f"{name} {version}" not in outcome.output:
                stop(f"{name} did not run on Python {version}", outcome)
    for entry, lines in outcome.output.items():
        log = "\n".join(lines)
        name = entry.partition(" ")[0]
        if name in left_out:
            continue
        if name == "test-suite":
            passed = re.findall(r"\d+ passed.* in [\d.]+s", log)
            print(f"  {entry}: {passed[0] if passed else stop('no test ran', outcome)}")
        trained = re.search(r"run -e (train|quantize)", log)
        if name in DOCKER and (trained or "run -e docker" not in log):
            stop(f"{entry} did not take the stored model", outcome)
    print("✔ passes as it is")


def check_wiring(jobs: Jobs, pythons: list[str], command: list[str], folder: Path) -> None:
    """Check that the workflow passes without a failure, and fails if any of its jobs fails."""
    others = sorted(set(jobs) - {"required"})
    for failing in ["", *others]:
        entry = f"{failing} "
        if failing and matrix(jobs[failing]):
            # one entry of the matrix: the newest Python that is installed here
            entry += f"python{[v for v in matrix(jobs[failing])['python'] if v in pythons][-1]}"
        outcome = run(command, folder, others, fail=entry)
        expected = {name: expect(name, failing, jobs) for name in others}
        if outcome.green == bool(failing) or outcome.results != expected:
            stop(f"with a failure in {entry!r}: {outcome.results}; expected {expected}", outcome)
        print(f"✔ {'fails' if failing else 'passes'} if {entry.strip() or 'no job'} fails")


def expect(name: str, failing: str, jobs: Jobs) -> str:
    """Return the expected result of a job if `failing` fails: jobs that need it are skipped."""
    if name == failing:
        return "failure"
    needs = jobs[name].get("needs", [])
    needs = [needs] if isinstance(needs, str) else needs
    return "success" if all(expect(n, failing, jobs) == "success" for n in needs) else "skipped"


def stop(why: str, outcome: Outcome) -> str:
    """Print the last lines of each job, and stop."""
    for entry, lines in outcome.output.items():
        print(f"--- {entry}", *lines[-LINES:], sep="\n")
    sys.exit(f"act: {why}; see above")


if __name__ == "__main__":
    main()
