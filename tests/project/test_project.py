"""The project itself: locks, make targets, tox environments, settings and files at the top."""

import re
import shutil
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from locks import canonical, locked

from cali_reg import __version__

ROOT = Path(__file__).parents[2]
TARGETS = [
    *("help", "lint", "type-check", "test", "test-all", "lowest", "coverage", "devenv"),
    *("train", "quantize", "verify", "predict"),
    *("bench", "docs", "site", "lock", "lock-check", "ci", "clean"),
    *("docker", "smoke", "docker-reproducible"),
    *("workflows", "act", "same-digest", "image-archive", "upstream"),
    *("required", "on-main", "notes", "push", "github-release", "last-release"),
    *("dist", "sbom", "audit", "torture"),
]


def needed(name: str, seen: set[str]) -> set[str]:
    """Return the names of all dependencies of an installed distribution, direct or not."""
    for requirement in metadata.requires(name) or []:
        match = re.match(r"([A-Za-z0-9._-]+)", requirement)
        assert match
        dependency = canonical(match[1])
        if ";" not in requirement and dependency not in seen:
            seen.add(dependency)
            needed(dependency, seen)
    return seen


def test_lock_holds_all_that_training_needs() -> None:
    """requirements.txt pins every dependency of the installed package, direct or not."""
    pins = locked(ROOT / "requirements.txt")
    names = needed("cali-reg", set())
    assert {"numpy", "scikit-learn", "joblib", "scipy", "python-flint"} <= names
    assert names <= set(pins)


@pytest.mark.locked
def test_installed_versions_are_the_locked_ones() -> None:
    """The tests run with the locked versions."""
    for name, version in locked(ROOT / "requirements.txt").items():
        assert metadata.version(name) == version


def test_package_takes_its_dependencies_from_requirements_in() -> None:
    """The dependencies of the installed package are those of requirements.in."""
    lines = (ROOT / "requirements.in").read_text("utf-8").splitlines()
    listed = [line for line in lines if line and not line.startswith("#")]
    listed.remove("colorama")  # of tqdm's own, for Windows
    needed = [line for line in metadata.requires("cali-reg") or [] if "extra ==" not in line]
    assert sorted(needed) == sorted(listed)


@pytest.mark.parametrize(
    "lock", [ROOT / "requirements.txt", *sorted(ROOT.glob("requirements/*.txt"))]
)
def test_every_pin_has_a_hash(lock: Path) -> None:
    """Every pin has hashes, and no lock names a host."""
    text = lock.read_text("utf-8")
    pins = [block for block in re.split(r"\n(?=[A-Za-z0-9])", text) if "==" in block.split("\n")[0]]
    assert pins
    assert all("--hash=sha256:" in pin for pin in pins)
    assert "://" not in text


def test_locks_agree() -> None:
    """A package in several locks has one version; only lowest.txt has older ones."""
    versions: dict[str, set[str]] = {}
    locks = {ROOT / "requirements.txt", *ROOT.glob("requirements/*.txt")}
    for lock in locks - {ROOT / "requirements/lowest.txt"}:
        for name, version in locked(lock).items():
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_lowest_versions_are_the_lower_bounds() -> None:
    """lowest.txt pins each dependency of pyproject.toml, extras too, to the bound given there."""
    with open(ROOT / "pyproject.toml", "rb") as file:
        project = tomllib.load(file)["project"]
    extras = project["optional-dependencies"].values()
    bounds = [*project["dependencies"], *(line for lines in extras for line in lines)]
    pins = locked(ROOT / "requirements/lowest.txt")
    for bound in bounds:
        name, version = bound.split(">=")
        pinned = pins[canonical(name)].split(".")
        assert pinned[: version.count(".") + 1] == version.split("."), bound
        assert set(pinned[version.count(".") + 1 :]) <= {"0"}, bound


def test_make_lists_its_targets() -> None:
    """Every target is phony, has a line of help, and is listed here."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    helped = re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)
    assert sorted(helped) == sorted(TARGETS)
    phony = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert set(TARGETS) <= set(" ".join(phony).split())


def test_citation_is_of_this_version() -> None:
    """CITATION.cff has the version, license, source and keywords that the package has."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    with open(ROOT / "pyproject.toml", "rb") as file:
        project = tomllib.load(file)["project"]
    assert citation["version"] == __version__
    assert citation["repository-code"] == project["urls"]["Source"]
    assert [citation["license"], citation["title"]] == [project["license"], project["name"]]
    assert citation["keywords"] == project["keywords"]


def test_pre_commit_calls_make() -> None:
    """Its only hook is of this repository and calls targets that exist."""
    (source,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    (hook,) = source["hooks"]
    assert (source["repo"], hook["language"]) == ("local", "system")
    make, *targets = hook["entry"].split()
    assert make == "make"
    assert set(targets) <= set(TARGETS)


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_contributing_explains_the_top_level() -> None:
    """Each file and folder at the top of the repository has its line in CONTRIBUTING.md."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("no checkout")
    section = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("## The top level")[2]
    names = {name.split("/")[0] for name in re.findall(r"`([^`]+)`", section)}
    assert {line.split("/")[0] for line in listed.stdout.splitlines()} <= names


def test_verify_makes_nothing() -> None:
    """The files to be checked are no prerequisites: make would rebuild them first."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert re.findall(r"^verify:(.*) ## ", makefile, re.MULTILINE) == [" $(TOX)"]


def test_tox_describes_its_environments() -> None:
    """Each environment has a description, and those that the Makefile calls exist."""
    tox = (ROOT / "tox.ini").read_text("utf-8")
    sections = re.split(r"^\[testenv", tox, flags=re.MULTILINE)[1:]
    assert all("\ndescription = " in section for section in sections)
    makefile = (ROOT / "Makefile").read_text("utf-8")
    called = re.findall(r"\$\(TOX\) run -e ([a-z-]+)", makefile)
    stages = re.findall(r"\$\(STAGE\) (?:tox )?([a-z-]+)", makefile)
    called += [name for name in stages if name != "image"]
    assert {"train", "predict", "bench", "docker"} <= set(called)
    named = {section.split("]")[0].lstrip(":") for section in sections} | {"py"}
    assert set(called) <= named


def test_coverage_counts_branches() -> None:
    """At least 95 % of lines and branches of the whole package must be covered."""
    with open(ROOT / "pyproject.toml", "rb") as file:
        settings = tomllib.load(file)["tool"]["coverage"]
    assert settings["run"]["branch"] is True
    assert settings["run"]["source_pkgs"] == ["cali_reg"]
    assert not {"omit", "include", "exclude_lines", "exclude_also"} & set(str(settings).split("'"))
    assert settings["report"]["fail_under"] >= 95


def test_artifacts_folder_is_empty_in_git() -> None:
    """A checkout has the folder, and nothing in it is committed."""
    lines = (ROOT / "artifacts" / ".gitignore").read_text("utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["*", "!.gitignore"]
