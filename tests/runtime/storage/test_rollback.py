"""Sets of files where steps fail: the old files take their names again, and the message is true."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from interruptions import NAMES, content, read

from cali_reg.errors import ArtifactError
from cali_reg.runtime.atomic_files import write_files
from cali_reg.runtime.storage import locks, snapshot, temporary, transaction
from cali_reg.runtime.storage.names import JOURNAL
from cali_reg.runtime.storage.regular_file import read_open

pytestmark = pytest.mark.skipif(os.name != "posix", reason="renames what is open")


class Disk:
    """Renames and removals of files, counted; those from `first` to `last` fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.n_steps, self.first, self.last = 0, 10**9, 10**9
        monkeypatch.setattr(os, "fsync", lambda _: None)  # slow, and no power is lost here
        for name in ("replace", "unlink"):
            monkeypatch.setattr(Path, name, self._counted(getattr(Path, name)))

    def fail(self, first: int, last: int) -> None:
        """Let some of the next steps fail, counted from 1."""
        self.n_steps, self.first, self.last = 0, first, last

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            self.n_steps += 1
            if self.first <= self.n_steps <= self.last:
                raise PermissionError(1, "Operation not permitted")
            return call(*arguments, **options)

        return step


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Return the disk of this test."""
    return Disk(monkeypatch)


def sets(folder: Path, old: dict[str, bytes]) -> Iterator[None]:
    """Yield once for each step of writing a set, in a folder that holds an old set or none."""
    for _ in range(40):
        for path in folder.iterdir():
            os.unlink(path)  # noqa: PTH108
        if old:
            write_files(folder, old)
        yield


@pytest.mark.parametrize("old", [content("a"), {}, {"second": b"a"}], ids=["all", "none", "one"])
@pytest.mark.parametrize("n_failures", [1, 2, 100])
def test_steps_that_fail(
    tmp_path: Path, disk: Disk, old: dict[str, bytes], n_failures: int
) -> None:
    """From whichever step on, and for how many: readers find one set, and so does the next."""
    new, seen = content("b"), set()
    for first, _ in enumerate(sets(tmp_path, old), start=1):
        disk.fail(first, first + n_failures - 1)
        try:
            write_files(tmp_path, new)
            message = ""
        except (ArtifactError, OSError) as error:
            message = str(error)
        is_over = disk.n_steps < first
        found = read(tmp_path)
        disk.fail(10**9, 10**9)
        seen.add(
            "written"
            if not message
            else "put back"
            if "those of before" in message
            else "neither"
            if "it finishes" in message
            else "not begun"
        )
        assert found in (old, new)
        if not message:
            assert found == new
        elif "it finishes" not in message:
            assert found == old
        assert read(tmp_path) == found
        assert {path.name for path in tmp_path.iterdir()} == set(found)
        if is_over:
            break
    assert is_over
    assert {"written", "not begun"} <= seen
    assert ("put back" in seen) == (n_failures == 1)
    assert ("neither" in seen) == (n_failures > 1)


def test_a_new_file_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If someone deletes it before it has its name, the old files come back."""
    write_files(tmp_path, content("a"))
    complete = transaction._complete

    def delete_first(folder: Path, entries: Any) -> str:
        os.unlink(folder / entries[1].new)  # noqa: PTH108
        return complete(folder, entries)

    monkeypatch.setattr(transaction, "_complete", delete_first)
    with pytest.raises(ArtifactError, match=r"cannot be written .a new file is missing."):
        write_files(tmp_path, content("b"))
    assert {path.name for path in tmp_path.iterdir()} == set(NAMES)
    assert read(tmp_path) == content("a")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_a_system_that_does_not_move_open_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Windows: each file is closed before it is renamed or deleted."""
    for module in (transaction, temporary):
        monkeypatch.setattr(module, "CAN_MOVE_OPEN_FILES", False)
    for name in ("replace", "unlink"):
        monkeypatch.setattr(Path, name, refused_while_open(getattr(Path, name)))
    (tmp_path / ".cali-reg-abcdefgh.tmp").write_text("dead")
    for letter in "ab":
        write_files(tmp_path, content(letter))
    assert read(tmp_path) == content("b")
    assert {path.name for path in tmp_path.iterdir()} == set(NAMES)


def refused_while_open(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a change of a file's name that fails while this process has the file open."""

    def refuse(path: Path, *arguments: Any, **options: Any) -> Any:
        handles = Path("/proc/self/fd").iterdir()
        if str(path.resolve()) in {os.path.realpath(handle) for handle in handles}:
            raise PermissionError(13, "The process cannot access the file")
        return call(path, *arguments, **options)

    return refuse


def test_locks_of_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is locked in place of the folder; if there is no lock at all, writing goes on."""
    monkeypatch.setattr(locks, "fcntl", None)
    busy = True

    class Msvcrt:
        LK_NBLCK = 2

        @staticmethod
        def locking(handle: int, mode: int, n_bytes: int) -> None:
            assert (mode, n_bytes) == (2, 1)
            if busy:
                raise PermissionError(13, "Permission denied")

    monkeypatch.setitem(sys.modules, "msvcrt", Msvcrt)
    with locks.lock_folder(tmp_path, 0) as locked:
        assert locked is False
    busy = False
    with locks.lock_folder(tmp_path, 0) as locked:
        assert locked is True
    assert [path.name for path in tmp_path.iterdir()] == [locks.LOCK_FILE]
    monkeypatch.setitem(sys.modules, "msvcrt", None)  # then it cannot be imported
    with locks.lock_folder(tmp_path, 0) as locked:
        assert locked is True


def test_a_second_name_is_a_copy_without_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the mode and the times of the file."""
    path = tmp_path / "file"
    path.write_bytes(b"x")
    path.chmod(0o640)

    def refuse(*_: object, **__: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(os, "link", refuse)
    name = transaction._second_name(path)
    assert name is not None
    assert (name.read_bytes(), name.stat().st_mode) == (b"x", path.stat().st_mode)
    assert name.stat().st_ino != path.stat().st_ino
    assert transaction._second_name(tmp_path / JOURNAL) is None


def test_files_of_another_user_in_a_shared_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder such as /tmp only the owner of a file may replace it: seen before, and said."""
    write_files(tmp_path, content("a"))
    tmp_path.chmod(0o1777)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(ArtifactError, match=r"of another user in a shared folder.; nothing was ch"):
        write_files(tmp_path, content("b"))
    monkeypatch.undo()
    assert read(tmp_path) == content("a")


@pytest.mark.parametrize(("code", "is_protected"), [(errno.EPERM, True), (errno.EACCES, False)])
def test_immutable_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, is_protected: bool
) -> None:
    """What cannot be opened since it must not change; a read-only file may be replaced."""
    write_files(tmp_path, content("a"))
    open_file = os.open

    def refuse(path: Any, flags: int, *mode: int) -> int:
        if flags == os.O_WRONLY:
            raise OSError(code, os.strerror(code))
        return open_file(path, flags, *mode)

    monkeypatch.setattr(os, "open", refuse)
    if is_protected:
        with pytest.raises(ArtifactError, match=r"does not let it be replaced .immutable, or of"):
            write_files(tmp_path, content("b"))
    else:
        write_files(tmp_path, content("b"))
    assert read(tmp_path) == content("a" if is_protected else "b")


def test_files_that_are_replaced_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that never finds one set gives up, and says so."""
    write_files(tmp_path, content("a"))
    monkeypatch.setattr(snapshot, "_PAUSE", 0)

    def read_and_replace(file: Any, limit: int) -> bytes:
        data = read_open(file, limit)
        (tmp_path / "new").write_bytes(data)
        (tmp_path / "new").rename(tmp_path / "first")
        return data

    monkeypatch.setattr(snapshot, "read_open", read_and_replace)
    with pytest.raises(ArtifactError, match="its files are being replaced all the time; try again"):
        read(tmp_path)


def test_a_journal_that_is_a_folder(tmp_path: Path) -> None:
    """Nothing is read beside it: no one knows what it stands for."""
    write_files(tmp_path, content("a"))
    (tmp_path / JOURNAL).mkdir()
    with pytest.raises(ArtifactError, match=r"its journal cannot be read .not a regular file."):
        read(tmp_path)
