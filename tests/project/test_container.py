"""What the image is built from, and its tools; `make docker smoke docker-reproducible` runs it."""

import io
import json
import re
import tarfile
from pathlib import Path

import archive
import image
import pytest
import reproducible
import root
import smoke
from package import STANDARD_LIBRARY_ONLY

from cali_reg.runtime.model import LinearModel

ROOT = Path(__file__).parents[2]


def read(name: str) -> str:
    """Return the text of a file of the project."""
    return (ROOT / name).read_text("utf-8")


def test_context_holds_what_predicts() -> None:
    """Of the package, .dockerignore allows the modules of a prediction and no other."""
    names = re.findall(r"^!src/cali_reg/(\w+)(?:\.py)?$", read(".dockerignore"), re.MULTILINE)
    assert sorted(names) == sorted(["__init__", *STANDARD_LIBRARY_ONLY])


def test_context_is_an_allow_list() -> None:
    """Only what is named is allowed, without a pattern; it exists or is an artifact."""
    lines = [line for line in read(".dockerignore").splitlines() if not line.startswith("#")]
    names = [line.removeprefix("!") for line in lines[1:-1]]
    assert lines == ["*", *(f"!{name}" for name in names), "**/__pycache__"]
    assert not [name for name in names if re.search(r"[*?\[]", name)]
    assert all((ROOT / name).exists() for name in names if not name.startswith("artifacts/"))


def test_base_is_pinned() -> None:
    """The base image is pinned by digest, unless another is given; no frontend is downloaded."""
    text = read("Dockerfile")
    (base,) = re.findall(r"^FROM (\S+) AS base$", text, re.MULTILINE)
    assert "\nARG BASE_IMAGE=base\n" in text
    assert re.fullmatch(r"python:3\.13-slim@sha256:[0-9a-f]{64}", base)
    assert "# syntax" not in text


def test_label_takes_the_fingerprint(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build gets the fingerprint of model.json, and the time that the caller gives."""
    monkeypatch.setattr(image, "ROOT", made.parent)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "123")
    model = LinearModel.from_json((made / "model.json").read_bytes())
    settings = image.settings()
    assert settings["MODEL_FINGERPRINT"] == model.fingerprint
    assert settings["SOURCE_DATE_EPOCH"] == "123"


def test_record_of_a_build_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second build must have the recorded digest; the error names both engines."""
    path = tmp_path / "dist" / "image.json"
    image.write_record(path, {"config": "sha256:a", "engine": "26.1"})
    record = image.read_record(path)
    image.check_same(record, "sha256:a", "28.0")
    with pytest.raises(
        SystemExit, match=r"sha256:b, by engine 28\.0; expected sha256:a, by.*26\.1"
    ):
        image.check_same(record, "sha256:b", "28.0")
    for text in ("", "[]", "{}", "no JSON"):
        path.write_text(text)
        with pytest.raises(SystemExit) as stopped:
            image.read_record(path)
        assert stopped.value.code == 2
        assert "not a record of a build" in capsys.readouterr().err


def test_digests_of_an_archive_are_its_own(tmp_path: Path) -> None:
    """The registry's digest is the one of the manifest in the archive's index."""
    path = tmp_path / "image.tar"
    index = {"manifests": [{"mediaType": "application/x", "digest": "sha256:abc"}]}
    manifest = {"config": {"digest": "sha256:def"}}
    members = {"index.json": index, "blobs/sha256/abc": manifest}
    content = {name: (json.dumps(value).encode(), 0) for name, value in members.items()}
    path.write_bytes(tar_of(content))
    assert archive.digests(path) == ("sha256:abc", "sha256:def")
    index["manifests"][0]["mediaType"] = archive.INDEX
    path.write_bytes(tar_of({"index.json": (json.dumps(index).encode(), 0)}))
    with pytest.raises(SystemExit, match="holds an index"):
        archive.digests(path)
    path.write_bytes(tar_of({"manifest.json": (b"[]", 0)}))
    with pytest.raises(SystemExit, match="not an OCI archive"):
        archive.digests(path)


def test_rows_span_the_training_ranges(made: Path) -> None:
    """The rows of the smoke test reach both ends of every range."""
    model = json.loads((made / "model.json").read_bytes())
    header, *lines = smoke.make_rows(model).decode().splitlines()
    columns = zip(*(map(float, line.split(",")) for line in lines), strict=True)
    assert len(lines) == smoke.N_ROWS
    assert header.split(",") == [feature["name"] for feature in model["features"]]
    assert [(min(column), max(column)) for column in columns] == [
        (feature["minimum"], feature["maximum"]) for feature in model["features"]
    ]


def test_modes_and_times_are_made_equal(tmp_path: Path) -> None:
    """Files that differ only in mode and time become the same."""
    roots = [tmp_path / "first", tmp_path / "second"]
    for folder, mode in zip(roots, (0o600, 0o777), strict=True):
        for name in ("usr/local/bin/python3", "lib64/ld-linux.so.2", "artifacts/model.json"):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode)
        root.make_equal(folder)
    first, second = (
        [(path.relative_to(folder), path.stat().st_mode, path.stat().st_mtime) for path in paths]
        for folder, paths in ((folder, sorted(folder.rglob("*"))) for folder in roots)
    )
    assert first == second
    assert {oct(mode & 0o777) for _, mode, _ in first} == {"0o644", "0o755"}


def saved(path: Path, config: dict[str, str], **files: tuple[bytes, int]) -> Path:
    """Write an image of one layer, whose files have contents and times, as `docker save` does."""
    layer = tar_of({name: (*file,) for name, file in files.items()})
    manifest = [{"Config": "config.json", "Layers": ["layer.tar"]}]
    members = {
        "config.json": (json.dumps(config).encode(), 0),
        "layer.tar": (layer, 0),
        "manifest.json": (json.dumps(manifest).encode(), 0),
    }
    path.write_bytes(tar_of(members))
    return path


def tar_of(files: dict[str, tuple[bytes, int]]) -> bytes:
    """Return a tar archive of files with contents and times."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, (content, time) in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), time
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def test_differences_name_layer_file_and_setting(tmp_path: Path) -> None:
    """The differences of two images are listed; equal images have none."""
    first = saved(tmp_path / "1.tar", {"created": "then"}, a=(b"x", 0), b=(b"y", 0))
    second = saved(tmp_path / "2.tar", {"created": "now"}, b=(b"y", 7), c=(b"z", 0))
    images = [reproducible.read(path) for path in (first, second)]
    assert list(reproducible.differences(images[0], images[0])) == []
    assert list(reproducible.differences(*images)) == [
        "config: created: 'then' and 'now'",
        "layer 1: a: only in the first build",
        "layer 1: b: mtime: 0 and 7",
        "layer 1: c: only in the second build",
    ]


def test_copies_are_unequal(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two copies that are built have the same contents, but different modes and times."""
    monkeypatch.setattr(reproducible, "SOURCES", [])
    monkeypatch.setattr(reproducible, "ROOT", made.parent)
    copies = [
        reproducible.copy(tmp_path / name, umask, age) for name, umask, age in reproducible.COPIES
    ]
    first, second = (folder / "artifacts/model.json" for folder in copies)
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_mode != second.stat().st_mode
    assert first.stat().st_mtime != second.stat().st_mtime
