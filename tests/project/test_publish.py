"""The steps of a release publish what was built, and nothing for a wrong tag."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import publish
import pytest

import cali_reg

TAG = f"v{cali_reg.__version__}"
CHANGELOG = f"""# Changelog

## [Unreleased]

### Added

- Not yet.

## [{cali_reg.__version__}] - 2026-01-31

### Added

- Something, with [a link](docs/how_to/ci_and_releases.md).

## [0.0.1] - 2025-12-31

- Old.

[0.0.1]: somewhere
"""
SECTION = "### Added\n\n- Something, with [a link](docs/how_to/ci_and_releases.md).\n"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout with a changelog, a version and files to publish."""
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG, "utf-8")
    package = tmp_path / "src" / "cali_reg" / "__init__.py"
    package.parent.mkdir(parents=True)
    package.write_text(f'__version__ = "{cali_reg.__version__}"\n', "utf-8")
    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / "image.json").write_text(json.dumps({"manifest": "sha256:abc"}), "utf-8")
    (dist / "image.tar").touch()
    monkeypatch.setattr(publish, "ROOT", tmp_path)
    monkeypatch.setattr(publish, "DIST", dist)
    monkeypatch.setenv("TAG", TAG)
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    return tmp_path


@pytest.fixture
def calls(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Replace running commands; return the list of those that would run."""
    seen: list[list[str]] = []

    def run(*command: str) -> str:
        seen.append(list(command))
        if "--digestfile" in command:
            Path(command[command.index("--digestfile") + 1]).write_text("sha256:abc", "utf-8")
        return '[{"tagName": "v9"}]' if "list" in command else ""

    monkeypatch.setattr(publish, "run", run)
    return seen


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_a_release_is_of_main(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last commit of main and those before pass; one of another branch does not."""

    def git(*words: str) -> str:
        names = [
            f"GIT_{who}_{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        ]
        return subprocess.run(
            ["git", *words],
            cwd=folder,
            env={**os.environ, **dict.fromkeys(names, "x")},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    folder = tmp_path
    git("init", "--quiet", "--initial-branch", "main", "origin")
    folder = tmp_path / "origin"
    for branch in ("main", "main", "other"):
        git("checkout", "--quiet", "-B", branch)
        git("commit", "--quiet", "--allow-empty", "--message", "x")
        git("tag", f"v{len(git('tag').split())}")
    git("checkout", "--quiet", "main")
    git("clone", "--quiet", ".", "../clone")
    folder = tmp_path / "clone"
    monkeypatch.setattr(publish, "ROOT", folder)
    for tag in ("v0", "v1"):
        git("checkout", "--quiet", tag)
        publish.require_main()
        assert f"commit {git('rev-parse', tag)} is on main" in capsys.readouterr().out
    git("checkout", "--quiet", "v2")
    with pytest.raises(SystemExit) as stopped:
        publish.require_main()
    assert stopped.value.code == 1
    assert "is not on refs/remotes/origin/main; merge it" in capsys.readouterr().err


@pytest.mark.usefixtures("checkout")
def test_notes_are_the_section(capsys: pytest.CaptureFixture[str]) -> None:
    """The tag's section is printed, without its heading and the next sections."""
    publish.print_notes()
    assert capsys.readouterr().out == SECTION


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize("tag", ["v0.0.1", cali_reg.__version__, "v9", "$(id)"])
def test_a_tag_of_another_version_is_refused(tag: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The tag must be the version, so that files and tag agree."""
    with pytest.raises(SystemExit) as stopped:
        publish.notes(tag)
    assert stopped.value.code == 1
    assert f"is not {TAG}" in capsys.readouterr().err


@pytest.mark.parametrize("old", [f"[{cali_reg.__version__}] -", " - 2026-01-31", SECTION])
def test_a_missing_section_is_refused(
    old: str, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a heading, a date or a text there is no release."""
    (checkout / "CHANGELOG.md").write_text(CHANGELOG.replace(old, ""), "utf-8")
    with pytest.raises(SystemExit) as stopped:
        publish.notes(TAG)
    assert stopped.value.code == 1
    assert "has no section" in capsys.readouterr().err


def test_the_tag_must_be_set(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its environment variables, a step stops before it does anything."""
    monkeypatch.delenv("TAG")
    with pytest.raises(SystemExit) as stopped:
        publish.release()
    assert stopped.value.code == 2
    assert not (checkout / "output").exists()


def test_push_keeps_the_digest(
    checkout: Path, calls: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image goes to the lower-case repository, with the manifest that was archived."""
    monkeypatch.setenv("REPOSITORY", "ghcr.io/Owner/Name")
    publish.push()
    ((*copy, source, target),) = calls
    assert copy[:3] == ["skopeo", "copy", "--preserve-digests"]
    assert "--dest-tls-verify=false" not in copy
    assert source == f"oci-archive:{checkout / 'dist' / 'image.tar'}"
    assert target == f"docker://ghcr.io/owner/name:{cali_reg.__version__}"
    output = (checkout / "output").read_text("utf-8")
    assert output == "name=ghcr.io/owner/name\ndigest=sha256:abc\n"


@pytest.mark.usefixtures("calls")
def test_push_of_another_digest_fails(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest in the registry must be that of the build."""
    monkeypatch.setenv("REPOSITORY", "ghcr.io/owner/name")
    (checkout / "dist" / "image.json").write_text('{"manifest": "sha256:def"}', "utf-8")
    with pytest.raises(SystemExit) as stopped:
        publish.push()
    assert stopped.value.code == 1
    assert not (checkout / "output").exists()


def test_publish_takes_all_files(checkout: Path, calls: list[list[str]]) -> None:
    """The release has the tag's section and all files in dist."""
    publish.release()
    (command,) = calls
    assert command[:5] == ["gh", "release", "create", TAG, "--verify-tag"]
    assert command[command.index("--notes") + 1] == SECTION
    assert command[-2:] == [str(checkout / "dist" / name) for name in ("image.json", "image.tar")]


def test_last_release_is_fetched(checkout: Path, calls: list[list[str]]) -> None:
    """The newest release's tag is an output, and the files to compare are downloaded."""
    publish.fetch_last()
    assert calls[1][:4] == ["gh", "release", "download", "v9"]
    assert {"image.json", "model.json", "*.joblib"} <= set(calls[1])
    assert (checkout / "output").read_text("utf-8") == "tag=v9\n"


def test_no_release_is_no_error(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first release, the tag is empty and nothing is downloaded."""
    monkeypatch.setattr(publish, "run", lambda *_: "[]")
    publish.fetch_last()
    assert (checkout / "output").read_text("utf-8") == "tag=\n"


def test_a_missing_program_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """There is no traceback if a tool is not installed or fails."""
    with pytest.raises(SystemExit):
        publish.run("no-such-program")
    assert "no-such-program is not installed" in capsys.readouterr().err
