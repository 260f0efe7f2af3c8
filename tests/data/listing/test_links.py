"""Each row counts once, whatever its file is called; no link leads out of a folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from commands import Run
from layouts import numbers, pieces, refused, train, write

from cali_reg.data.listing.local_folders import identity

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two files, one of them in a folder in it."""
    first, second = pieces(numbers(), 2)
    write(first, tmp_path / "in" / "a.csv")
    write(second, tmp_path / "in" / "year=2024" / "b.csv")
    return tmp_path / "in"


@pytest.fixture
def expected(run: Run, tmp_path: Path, folder: Path) -> dict[str, bytes]:
    """Return the artifacts of both files."""
    return train(run, tmp_path / "out", folder / "a.csv", folder / "year=2024" / "b.csv")


def test_links_inside_of_a_folder(
    run: Run, tmp_path: Path, folder: Path, expected: dict[str, bytes]
) -> None:
    """Cycles end, and further names of files and folders do not count."""
    (folder / "self").symlink_to(".")
    (folder / "year=2024" / "up").symlink_to("..")
    (folder / "latest").symlink_to(folder / "year=2024")
    (folder / "0.csv").symlink_to("a.csv")
    (folder / "year=2024" / "c.csv").symlink_to("../a.csv")
    for k in range(20):
        (folder / f"again{k}").symlink_to("self/latest/up")
    for path in ("", "/", "/self", "/*", "/**/*.csv", "/**/*", "*"):
        assert train(run, tmp_path / "out", f"{folder}{path}") == expected


def test_link_to_what_is_hidden(
    run: Run, tmp_path: Path, folder: Path, expected: dict[str, bytes]
) -> None:
    """A link may be the only name that counts, as where volumes are mounted in containers."""
    (folder / "year=2024").rename(folder / "..2024")
    (folder / "..data").symlink_to("..2024")
    (folder / "year=2024").symlink_to("..data")
    (folder / "a.csv").rename(folder / "_a.csv")
    (folder / "a.csv").symlink_to("_a.csv")
    for path in (folder, folder / "*", folder / "**" / "*.csv"):
        assert train(run, tmp_path / "out", path) == expected


@pytest.mark.parametrize("kind", ["file", "folder", "up"])
def test_link_out_of_a_folder(run: Run, tmp_path: Path, folder: Path, kind: str) -> None:
    """It is refused: neither are rows read that nobody named, nor are any left out in silence."""
    write(numbers(30), tmp_path / "secret" / "c.csv")
    target = {"file": "secret/c.csv", "folder": "secret", "up": "."}[kind]
    link = folder / ("c.csv" if kind == "file" else "c")
    link.symlink_to(tmp_path / target)
    for path in (folder, folder / "**" / "*.csv"):
        message = refused(run, tmp_path, "--target", "price", "--data", path)
        assert message == (
            f"{link}: a link that leads out of the folder; remove it, or name the files to read"
            " themselves"
        )
    # what is named itself may be anywhere, with a wildcard, too
    both = [folder / "a.csv", link if kind != "up" else tmp_path / "secret"]
    wanted = train(run, tmp_path / "out", folder / "a.csv", tmp_path / "secret" / "c.csv")
    if kind != "up":
        assert train(run, tmp_path / "out", *both) == wanted
        pattern = folder / ("*.csv" if kind == "file" else "c*/*.csv")
        more = () if kind == "file" else (folder / "a.csv",)
        assert train(run, tmp_path / "out", pattern, *more) == wanted


def test_links_that_lead_nowhere(
    run: Run, tmp_path: Path, folder: Path, expected: dict[str, bytes]
) -> None:
    """A file of rows that is gone is an error; other names do not matter."""
    for name, target in (("README.md", "gone"), (".#a.csv", "me@host:1"), ("x", "x")):
        (folder / name).symlink_to(target)
    (folder / "notes.txt").symlink_to("/etc/hostname")
    assert train(run, tmp_path / "out", folder) == expected
    for name in ("gone.csv", "b.csv"):
        link = folder / "b.csv"
        link.symlink_to(name)
        message = refused(run, tmp_path, "--target", "price", "--data", folder)
        assert message.startswith(f"{link}: a link that leads nowhere; ")
        link.unlink()


def test_one_file_under_two_names(run: Run, tmp_path: Path, folder: Path) -> None:
    """Rows that would count twice are refused: links of both kinds, and ways around."""
    file = folder / "a.csv"
    (tmp_path / "hard.csv").hardlink_to(file)
    (tmp_path / "soft.csv").symlink_to(file)
    (tmp_path / "folder").symlink_to(folder)
    (tmp_path / "other").mkdir()
    names = ["hard.csv", "soft.csv", "folder/a.csv", "in/year=2024/../a.csv", "./in//a.csv"]
    for name in names:
        path = f"{tmp_path}/{name}"
        message = refused(run, tmp_path, "--target", "price", "--data", file, path)
        assert "a.csv: named twice" in message or f"{path}: named twice, first as " in message
        message = refused(run, tmp_path, "--target", "price", "--data", file, "--test-data", path)
        assert message.startswith(f"{path}: is in --data, as {file}, and in --test-data; the held")
        # a folder, too, in either order
        message = refused(run, tmp_path, "--target", "price", "--data", path, "--test-data", folder)
        assert ": is in --data, as " in message
    (folder / "hard.csv").hardlink_to(file)
    message = refused(run, tmp_path, "--target", "price", "--data", folder)
    assert message.startswith(f"{folder / 'hard.csv'}: named twice, first as {file}; its rows")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--data", "a.csv: named twice, first as standard input"),
        ("--test-data", "a.csv: is in --data, as standard input, and in --test-data"),
    ],
)
def test_standard_input_is_a_file(
    run: Run,
    tmp_path: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    option: str,
    message: str,
) -> None:
    """The file that standard input comes from is that file."""
    data = ["-", folder / "a.csv"] if option == "--data" else ["-", option, folder / "a.csv"]
    with open(folder / "a.csv", encoding="utf-8") as lines:
        monkeypatch.setattr(sys, "stdin", lines)
        assert message in refused(run, tmp_path, "--target", "price", "--data", *data)


def test_a_file_that_is_not_there_is_itself(tmp_path: Path) -> None:
    """It has no inode to compare."""
    path = str(tmp_path / "missing.csv")
    assert identity(path) == (path,)
