"""What is in a release; `make dist sbom` builds it twice and compares."""

import json
import os
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import audit
import packages
import pytest
import sbom
from flit_core import buildapi
from locks import locked

from cali_reg import __version__

ROOT = Path(__file__).parents[2]
RELEASE = f"cali_reg-{__version__}"
LOCK = (ROOT / "requirements.txt").read_text("utf-8")

SMALL_LOCK = """\
numpy==2.4.6 \\
    --hash=sha256:01 \\
    --hash=sha256:02
    # via
    #   -r requirements.in
    #   Scikit_Learn
scikit-learn==1.9.1 ; python_version >= "3" \\
    --hash=sha256:03
    # via -r requirements.in
"""


def source() -> set[str]:
    """Return the names of the package's files: modules, the type marker, the data."""
    folder = ROOT / "src" / "cali_reg"
    paths = [*folder.rglob("*.py"), folder / "py.typed", *folder.glob("data/*.csv.gz")]
    return {path.relative_to(folder.parent).as_posix() for path in paths}


def test_wheel_holds_the_package_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no tests, no artifacts and no other files."""
    monkeypatch.chdir(ROOT)
    with zipfile.ZipFile(tmp_path / buildapi.build_wheel(str(tmp_path))) as wheel:
        names = set(wheel.namelist())
        metadata = wheel.read(f"{RELEASE}.dist-info/METADATA").decode()
    info = ["METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"]
    assert names == source() | {f"{RELEASE}.dist-info/{name}" for name in info}
    assert f"\nVersion: {__version__}\n" in metadata


def test_sdist_holds_what_the_wheel_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the sources of the wheel, and nothing of the machine that built it."""
    monkeypatch.chdir(ROOT)
    with tarfile.open(tmp_path / buildapi.build_sdist(str(tmp_path))) as sdist:
        members = sdist.getmembers()
    names = {member.name.removeprefix(f"{RELEASE}/") for member in members}
    others = {"LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}
    assert names == {f"src/{name}" for name in source()} | others
    assert {(m.uid, m.gid, m.uname, m.gname, m.mode) for m in members} == {(0, 0, "", "", 0o644)}


def test_copies_are_unequal(tmp_path: Path) -> None:
    """The copies have the same contents, but different modes and times."""
    circumstances = [packages.FIRST, packages.SECOND]
    first, second = (packages.copy(tmp_path, case) / "pyproject.toml" for case in circumstances)
    assert first.read_bytes() == second.read_bytes() == (ROOT / "pyproject.toml").read_bytes()
    assert os.name != "posix" or first.stat().st_mode != second.stat().st_mode
    assert first.stat().st_mtime != second.stat().st_mtime


@pytest.mark.parametrize("second", [{"a": b"x", "b": b"z"}, {"a": b"x"}])
def test_unequal_builds_are_no_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: dict[str, bytes]
) -> None:
    """The message names the file that differs, and nothing is written."""
    builds = {"a": {"a": b"x", "b": b"y"}, packages.SECOND.folder: second}
    monkeypatch.setattr(packages, "build", lambda folder, case: builds[case.folder])
    monkeypatch.setattr(packages, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match=r"builds of the same source differ: b$"):
        packages.main()
    assert not list(tmp_path.iterdir())


def test_a_release_replaces_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """dist/ has the files of one version; the SBOM stays."""
    packages.write(tmp_path / "dist", {"cali_reg-0.0.1.tar.gz": b"old", sbom.NAME: b"{}"})
    monkeypatch.setattr(packages, "build", lambda folder, case: {"cali_reg-0.0.2.tar.gz": b"new"})
    monkeypatch.setattr(packages, "ROOT", tmp_path)
    packages.main()
    found = {path.name: path.read_bytes() for path in (tmp_path / "dist").iterdir()}
    assert found == {"cali_reg-0.0.2.tar.gz": b"new", sbom.NAME: b"{}"}


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_time_is_the_commits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The caller's time has priority; without Git it is 0."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setattr(packages, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert packages.source_date() == "0"
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(tmp_path)]
    monkeypatch.setenv("GIT_COMMITTER_DATE", "1700000000 +0000")
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "a"], check=True)
    assert packages.source_date() == "1700000000"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "5")
    assert packages.source_date() == "5"


def document(lock: str) -> dict[str, Any]:
    """Return a part of what cyclonedx-py writes for a lock."""
    components = [
        {
            "bom-ref": f"ref-{name}",
            "name": name,
            "version": version,
            "externalReferences": [{"hashes": [{"content": value} for value in hashes]}],
        }
        for name, version, hashes in sbom.pins(lock)
    ]
    return {"metadata": {"component": {"bom-ref": "root", "name": "a"}}, "components": components}


def test_pins_are_those_of_the_lock() -> None:
    """Every package with its version and all its hashes."""
    pins = sbom.pins(LOCK)
    assert {name: version for name, version, _ in pins} == locked(ROOT / "requirements.txt")
    assert sum(len(hashes) for _, _, hashes in pins) == LOCK.count("--hash=sha256:")
    assert sbom.pins(SMALL_LOCK) == {
        ("numpy", "2.4.6", frozenset({"01", "02"})),
        ("scikit-learn", "1.9.1", frozenset({"03"})),
    }


def test_what_needs_what_is_the_locks() -> None:
    """The root has our version and needs requirements.in; packages need what the lock says."""
    body = document(SMALL_LOCK)
    sbom.complete(body, SMALL_LOCK)
    assert body["metadata"]["component"]["version"] == __version__
    assert {part["ref"]: part["dependsOn"] for part in body["dependencies"]} == {
        "root": ["ref-numpy", "ref-scikit-learn"],
        "ref-scikit-learn": ["ref-numpy"],
        "ref-numpy": [],
    }


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("numpy==2.4.6", "numpy==2.4.5", "numpy"),
        ("hash=sha256:03", "hash=sha256:04", "scikit-learn"),
        (SMALL_LOCK[SMALL_LOCK.index("scikit") :], "", "scikit-learn"),
    ],
)
def test_a_list_of_other_packages_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, name: str
) -> None:
    """Another version or hash, or a missing package: it is named, and nothing is written."""
    (tmp_path / "requirements.txt").write_text(SMALL_LOCK)
    monkeypatch.setattr(sbom, "ROOT", tmp_path)
    monkeypatch.setattr(sbom, "LOCK", tmp_path / "requirements.txt")
    other = json.dumps(document(SMALL_LOCK.replace(old, new))).encode()
    monkeypatch.setattr(sbom, "document", lambda seed: other)
    with pytest.raises(SystemExit, match=rf"differs from requirements.txt: {name}$"):
        sbom.main()
    assert not (tmp_path / "dist").exists()


def test_every_lock_is_audited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of training and of all tools, except for lowest.txt; the exit code is pip-audit's."""
    commands: list[list[str]] = []

    def run(command: list[str], check: bool) -> subprocess.CompletedProcess[bytes]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr("sys.argv", ["audit.py", "--service=osv"])
    assert audit.main() == 1
    locks = {ROOT / "requirements.txt", *ROOT.glob("requirements/*.txt")}
    named = [word for word in commands[0] if word.startswith("--requirement=")]
    wanted = locks - {ROOT / "requirements/lowest.txt"}
    assert sorted(named) == sorted(f"--requirement={lock}" for lock in wanted)
    assert commands[0][-1] == "--service=osv"
