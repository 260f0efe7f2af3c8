"""The file of --out: what it may be, and what it keeps of the file before."""

import os
import stat
from pathlib import Path

import pytest
from commands import Run

from cali_reg.errors import ArtifactError
from cali_reg.runtime.atomic_files import write_file

HEADER = "MedInc,HouseAge,AveRooms,AveBedrms,Population,AveOccup,Latitude,Longitude\n"
pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Return a CSV file of one row."""
    path = tmp_path / "rows.csv"
    path.write_text(HEADER + "1,2,3,4,5,6,37,-120\n")
    return path


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o777])
def test_mode_and_owner(run: Run, made: Path, rows: Path, mode: int) -> None:
    """A private file stays private."""
    out = rows.with_name("out.csv")
    out.touch()
    if os.geteuid() == 0:
        os.chown(out, 12, 34)
    out.chmod(mode)
    before = out.stat()
    assert run("predict", "--artifacts", made, rows, "--out", out)[0] == 0
    after = out.stat()
    assert out.read_text()
    assert stat.S_IMODE(after.st_mode) == mode
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)


def test_links_are_followed(tmp_path: Path) -> None:
    """The link stays; what it points to is replaced, or made if it is not there yet."""
    (tmp_path / "there").mkdir()
    for name in ("old", "new"):
        target, link = tmp_path / "there" / name, tmp_path / name
        link.symlink_to(Path("there") / name)
        if name == "old":
            target.touch(0o600)
        write_file(link, b"data")
        assert (link.is_symlink(), target.read_bytes()) == (True, b"data")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(ArtifactError, match="cannot be written"):
        write_file(loop, b"data")


@pytest.mark.parametrize("kind", ["folder", "fifo", "null", "link to a fifo"])
@pytest.mark.parametrize("command", ["export --format c", "predict", "predict rows"])
def test_only_regular_files(
    run: Run, made: Path, rows: Path, tmp_path: Path, kind: str, command: str
) -> None:
    """A device, a pipe or a folder stays what it is."""
    out, words = tmp_path / "out", command.replace("rows", str(rows)).split()
    if kind == "folder":
        out.mkdir()
    elif kind == "null":
        out = Path("/dev/null")
    else:
        os.mkfifo(tmp_path / "fifo")
        out = tmp_path / "fifo"
        if kind != "fifo":
            out = tmp_path / "link"
            out.symlink_to("fifo")
    before = os.lstat(out)
    code, _, err = run(*words, "--artifacts", made, "--out", out)
    assert (code, err.count("\n")) == (2, 1)
    assert "not a regular file; name another" in err
    assert os.path.samestat(os.lstat(out), before)


@pytest.mark.parametrize("command", ["export --format c", "predict", "predict rows"])
@pytest.mark.parametrize("name", ["model.json", "scale.joblib", "link", "hard link"])
def test_not_the_model(
    run: Run, folder: Path, rows: Path, tmp_path: Path, command: str, name: str
) -> None:
    """A file of the model is never an output, by whichever name, there or not."""
    if name == "scale.joblib":
        (folder / name).unlink()
    out = folder / name
    if "link" in name:
        out = tmp_path / name
        (os.link if "hard" in name else os.symlink)(folder / "quantized.json", out)
    words = command.replace("rows", str(rows)).split()
    code, _, err = run(*words, "--artifacts", folder, "--out", out)
    assert (code, err.count("\n")) == (2, 1)
    assert f"--out {out}: this is a file of the model; name another" in err


@pytest.mark.parametrize("path", ["rows.csv", "./x/../rows.csv", "*.csv", ".", "file"])
def test_not_an_input(
    run: Run, made: Path, rows: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Nor is a file that is read, alone or among others; by a path, a wildcard or a folder."""
    monkeypatch.chdir(rows.parent)
    Path("x").mkdir()
    if path not in ("*.csv", "."):  # or the file would be named twice
        os.link(rows, "hard.csv")
    before = rows.read_bytes()
    path = rows.as_uri() if path == "file" else path
    for out in (rows, Path("hard.csv"), Path("x/../rows.csv")):
        if path in ("*.csv", ".") and out != rows:
            continue
        code, _, err = run("predict", path, "--artifacts", made, "--out", out)
        assert (code, err.count("\n")) == (2, 1)
        assert f"--out {out}: this is an input file; name another" in err
        assert rows.read_bytes() == before


@pytest.mark.parametrize("name", [".cali-reg-journal", ".cali-reg-abcdefgh.tmp", ".cali-reg-lock"])
def test_not_a_name_that_is_used_for_a_moment(
    run: Run, made: Path, tmp_path: Path, name: str
) -> None:
    """The next command would take it for its own."""
    code, _, err = run("export", "--format", "c", "--artifacts", made, "--out", tmp_path / name)
    assert (code, err.count("\n"), (tmp_path / name).exists()) == (2, 1, False)
    assert f"{tmp_path / name}: a name that cali-reg uses itself; name another" in err
