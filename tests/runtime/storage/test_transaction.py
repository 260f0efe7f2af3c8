"""Sets of files: all new or all old, whatever happens in between."""

import ast
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from interruptions import NAMES, Outcome, content, read

from cali_reg.errors import ArtifactError, FormatError
from cali_reg.runtime import artifacts, fingerprinted_json
from cali_reg.runtime.atomic_files import write_file, write_files
from cali_reg.runtime.storage import journal, locks, transaction
from cali_reg.runtime.storage.journal import Entry, dump_journal
from cali_reg.runtime.storage.names import JOURNAL
from cali_reg.runtime.storage.temporary import temporary_file

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs fork and POSIX locks")


SUPPORT = str(Path(__file__).parents[2] / "support")
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([SUPPORT, *sys.path])}
NONE: dict[str, bytes] = {}


def names(folder: Path) -> set[str]:
    """Return the names in a folder."""
    return {path.name for path in folder.iterdir()}


def interrupted(folder: Path, how: str) -> list[Outcome]:
    """Write again and again in a process of its own, stopped before each step in turn."""
    code = "import sys, interruptions; print(interruptions.outcomes(sys.argv[1], sys.argv[2]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), how],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: list[Outcome] = ast.literal_eval(done.stdout)
    return found


def is_a_set(outcome: Outcome) -> bool:
    """Tell whether readers find one set, the same before and after recovery."""
    _, before, after, _ = outcome
    return before == after and before in (content("a"), content("b"))


def test_kill_before_each_step(tmp_path: Path) -> None:
    """The files are all old or all new, for each reader; the next command leaves nothing else."""
    write_files(tmp_path, content("a"))
    outcomes = interrupted(tmp_path, "kill")
    assert len(outcomes) > 20
    assert {status for status, *_ in outcomes} == {0, 9}
    assert all(map(is_a_set, outcomes))
    assert any(JOURNAL in left for *_, left in outcomes)


@pytest.mark.parametrize("how", ["kill", "interrupt", "fail"])
def test_the_first_set(tmp_path: Path, how: str) -> None:
    """The same where there was no file before: there is none, or all."""
    for outcome in interrupted(tmp_path, how):
        assert is_a_set(outcome) or outcome[1:3] == (NONE, NONE)


def test_control_c_before_each_step(tmp_path: Path) -> None:
    """Control-C waits until the set is complete; nothing is left even without recovery."""
    write_files(tmp_path, content("a"))
    outcomes = interrupted(tmp_path, "interrupt")
    assert {status for status, *_ in outcomes} == {0, 130}
    assert all(map(is_a_set, outcomes))
    assert all(left == set(NAMES) for *_, left in outcomes)


def test_failure_of_each_step(tmp_path: Path) -> None:
    """Where one file cannot be replaced, all others get their old content back."""
    write_files(tmp_path, content("a"))
    outcomes = interrupted(tmp_path, "fail")
    assert {status for status, *_ in outcomes} == {0, 2}
    assert all(map(is_a_set, outcomes))


def test_failure_is_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message after a failure is true: the old files are back, or which are new and old."""
    write_files(tmp_path, content("a"))
    replace = Path.replace

    def refuse(path: Path, target: Path) -> Path:
        if target.name == "second":
            raise PermissionError(1, "Operation not permitted")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(ArtifactError, match="those of before"):
        write_files(tmp_path, content("b"))
    assert (read(tmp_path), names(tmp_path)) == (content("a"), set(NAMES))

    def refuse_more(path: Path, target: Path) -> Path:
        if target.name == "second" or (target.name == "first" and "b" not in path.read_text()):
            raise PermissionError(1, "Operation not permitted")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refuse_more)
    with pytest.raises(ArtifactError, match="first are new, second, third old; make the folder"):
        write_files(tmp_path, content("b"))
    assert read(tmp_path) == content("b")  # through the journal
    monkeypatch.undo()
    assert (read(tmp_path), names(tmp_path)) == (content("b"), set(NAMES))
    assert [(tmp_path / name).read_bytes() for name in NAMES] == [*content("b").values()]


def test_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that has none is no obstacle."""

    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", refuse)
    write_files(tmp_path, content("a"))
    test_failure_is_described(tmp_path, monkeypatch)


def test_writers_and_readers_at_once(tmp_path: Path) -> None:
    """Two writers and a reader: each set that is read is of one writer."""
    write_files(tmp_path, content("a"))
    code = (
        "import sys; from pathlib import Path; from interruptions import content\n"
        "from cali_reg.runtime.atomic_files import write_files\n"
        "while True: write_files(Path(sys.argv[1]), content(sys.argv[2]))\n"
    )
    commands = [[sys.executable, "-c", code, str(tmp_path), letter] for letter in "bc"]
    writers = [subprocess.Popen(command, env=ENVIRONMENT) for command in commands]
    seen = set()
    try:
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            found = read(tmp_path)
            assert found in [content(letter) for letter in "abc"]
            seen.add(found["first"])
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    assert len(seen) == 3
    read(tmp_path)
    assert names(tmp_path) == set(NAMES)


def test_only_temporary_files_of_dead_processes_go(tmp_path: Path) -> None:
    """Those of living ones stay, and so does what has another name or is no file."""
    (tmp_path / ".cali-reg-notes").write_text("mine")
    (tmp_path / ".cali-reg-abcdefgh.tmp").write_text("dead")
    os.mkfifo(tmp_path / ".cali-reg-pipe1234.tmp")
    with temporary_file(tmp_path) as (_, living):
        read(tmp_path)
        write_files(tmp_path, {"one": b"1"})
        expected = {".cali-reg-notes", ".cali-reg-pipe1234.tmp", living.name, "one"}
        assert names(tmp_path) == expected


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "../x", "new": ".cali-reg-abcdefgh.tmp", "old": None, "sha256": ""},
        {"name": "x", "new": "../../etc/passwd", "old": None, "sha256": ""},
        {"name": "x", "new": ".cali-reg-abcdefgh.tmp", "old": "/etc/passwd", "sha256": ""},
        {"name": 1, "new": ".cali-reg-abcdefgh.tmp", "old": None, "sha256": ""},
        {"name": "x"},
        None,
    ],
)
def test_a_journal_from_elsewhere(tmp_path: Path, entry: object) -> None:
    """A journal cannot name a file outside of its folder."""
    data = fingerprinted_json.dump("journal", 1, {"files": [entry]})[0]
    (tmp_path / JOURNAL).write_bytes(data)
    with pytest.raises(FormatError, match="not a journal that cali-reg wrote; delete it"):
        read(tmp_path)
    with pytest.raises(FormatError, match="not a journal that cali-reg wrote; delete it"):
        write_files(tmp_path, content("a"))


def journal_of(folder: Path, *entries: Entry) -> Path:
    """Write a journal, as a command that was killed leaves it; return its path."""
    path = folder / JOURNAL
    path.write_bytes(dump_journal(entries))
    return path


def test_a_journal_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a shared folder it decides nothing: it is not followed, and stops no single file."""
    victim = tmp_path / "victim.csv"
    victim.write_text("mine")
    sha256 = hashlib.sha256(b"mine").hexdigest()
    missing = ".cali-reg-abcdefgh.tmp"
    path = journal_of(
        tmp_path, Entry("victim.csv", missing, None, sha256), Entry("x", missing, None, "")
    )
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    monkeypatch.setattr(journal, "_owner_of", lambda folder: 23456)
    with pytest.raises(ArtifactError, match="journal: the journal of another user; it is finished"):
        read(tmp_path)
    write_file(tmp_path / "out.csv", b"x")
    assert names(tmp_path) == {"victim.csv", "out.csv", path.name}
    monkeypatch.undo()
    read(tmp_path)  # of this user: what it says is done
    assert names(tmp_path) == {"out.csv"}


def test_a_pipe_in_place_of_a_new_file(tmp_path: Path) -> None:
    """Nobody waits for what never comes."""
    write_files(tmp_path, content("a"))
    first = sorted(NAMES)[0]
    pipe = tmp_path / ".cali-reg-abcdefgh.tmp"
    os.mkfifo(pipe)
    journal_of(tmp_path, Entry(first, pipe.name, None, "0" * 64))
    assert read(tmp_path) == content("a")


def test_a_lock_that_another_process_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer waits for a while; readers do not."""
    write_files(tmp_path, content("a"))
    monkeypatch.setattr(transaction, "_PATIENCE", 0.05)
    with locks.lock_folder(tmp_path, 0) as locked:
        assert locked
        with pytest.raises(ArtifactError, match="another process keeps it locked"):
            write_files(tmp_path, content("b"))
        assert read(tmp_path) == content("a")
    assert names(tmp_path) == set(NAMES)


def test_a_folder_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a folder cannot be locked, as on some network drives, a file in it can."""
    try_lock = locks.try_lock

    def refuse_folders(handle: int) -> bool | None:
        return try_lock(handle) if os.path.isfile(f"/proc/self/fd/{handle}") else None  # noqa: PTH113

    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc")
    monkeypatch.setattr(locks, "try_lock", refuse_folders)
    write_files(tmp_path, content("a"))
    with locks.lock_folder(tmp_path, 0) as first, locks.lock_folder(tmp_path, 0) as second:
        assert (first, second) == (True, False)
    assert names(tmp_path) == {*NAMES, locks.LOCK_FILE}


def test_files_of_a_model_that_is_gone(folder: Path) -> None:
    """What was made from one model is not written beside another."""
    before = (folder / "quantized.json").read_bytes()
    fingerprint = artifacts.read_model(folder).fingerprint
    artifacts.replace(folder, {"quantized.json": before}, fingerprint)
    with pytest.raises(ArtifactError, match="replaced by another command meanwhile; nothing"):
        artifacts.replace(folder, {"quantized.json": b""}, "another")
    assert (folder / "quantized.json").read_bytes() == before
