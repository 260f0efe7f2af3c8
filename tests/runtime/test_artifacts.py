"""Artifacts: canonical, whole or not there, and refused when damaged or foreign."""

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import Run
from forgeries import HOSTILE, resealed
from hypothesis import given
from hypothesis import strategies as st

from cali_reg.errors import ArtifactError, FormatError
from cali_reg.runtime import artifacts, fingerprinted_json
from cali_reg.runtime.atomic_files import write_files
from cali_reg.runtime.model import LinearModel, QuantizedModel
from cali_reg.runtime.storage.regular_file import TooLargeError, read_open

JSON_FILES = ["model.json", "moments.json", "quantized.json"]
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1), JSON_VALUES, max_size=5))
def test_documents_round_trip(content: dict[str, object]) -> None:
    """What is dumped loads again as the same content, and dumps as the same bytes."""
    content = {k: v for k, v in content.items() if k not in ("format", "version", "fingerprint")}
    data = fingerprinted_json.dump("test", 3, content)[0]
    loaded = fingerprinted_json.load("test", (3,), data, "x")
    assert {key: loaded[key] for key in content} == content
    assert fingerprinted_json.dump("test", 3, content)[0] == data
    assert data.endswith(b"\n")
    expected = json.dumps(loaded, sort_keys=True, indent=1, ensure_ascii=False)
    assert data.decode() == expected + "\n"


@pytest.mark.parametrize("name", JSON_FILES)
def test_files_are_canonical(made: Path, name: str) -> None:
    """Sorted keys, shortest floats, one newline at the end: one content, one file."""
    text = (made / name).read_text("utf-8")
    assert json.dumps(json.loads(text), sort_keys=True, indent=1) + "\n" == text


@pytest.mark.parametrize("name", JSON_FILES)
def test_every_flipped_byte_is_noticed(made: Path, name: str) -> None:
    """A change of any one byte is refused as damage."""
    data = (made / name).read_bytes()
    kind = name.removesuffix(".json")
    versions = (1, 2)
    for place in range(0, len(data), 7):
        damaged = bytearray(data)
        damaged[place] ^= 1
        with pytest.raises(FormatError):
            fingerprinted_json.load(kind, versions, bytes(damaged), name)


@pytest.mark.parametrize("case", HOSTILE)
def test_damaged_model(run: Run, folder: Path, case: str) -> None:
    """One line, exit code 2, no traceback, whatever happened to model.json."""
    damage, message = HOSTILE[case]
    path = folder / "model.json"
    path.write_bytes(damage(path.read_bytes()))
    for command in (["predict"], ["quantize"], ["update", "--add", "x.csv"]):
        code, out, err = run(*command, "--artifacts", folder)
        assert (code, out) == (2, "")
        assert err.count("\n") == 1
        assert f"{path}: {message}" in err


FORGED_MODELS: dict[str, dict[str, object]] = {
    "no features": {"features": 3},
    "feature without a name": {"features": [{"coefficient": 1.0}]},
    "text as a coefficient": {
        "features": [
            {"name": "a", "coefficient": "1", "standard_error": None, "minimum": 0, "maximum": 1}
        ],
        "samples": [],
    },
    "boolean intercept": {"intercept": True},
    "short sample": {"samples": [[1.0]]},
    "unknown field": {"surprise": 1},
    "numeric target": {"target": 7},
    "source as a list": {"source": []},
    "huge intercept": {"intercept": 10**400},
    "integer that no float64 equals": {"intercept": 2**53 + 1},
    "no features at all": {"features": [], "columns": [], "samples": [], "interval": None},
    "error as text": {
        "features": [
            {"name": "a", "coefficient": 1, "standard_error": "1", "minimum": 0, "maximum": 1}
        ],
        "columns": [{"name": "a", "levels": None}],
        "samples": [],
        "interval": None,
    },
}


@pytest.mark.parametrize("case", FORGED_MODELS)
def test_forged_models(made: Path, case: str) -> None:
    """A well-sealed model with impossible content is refused before anything is computed."""
    data = resealed((made / "model.json").read_bytes(), **FORGED_MODELS[case])
    with pytest.raises(FormatError, match="create the file again"):
        LinearModel.from_json(data)


def test_integers_in_place_of_floats(made: Path, tmp_path: Path, run: Run) -> None:
    """Other programs write -37 for -37.0: each engine predicts as with the float."""
    content = json.loads((made / "model.json").read_bytes())
    interval = content["interval"]
    features = [
        {**feature, "coefficient": 2, "minimum": -1000, "maximum": 100_000, "standard_error": 1}
        for feature in content["features"]
    ]
    columns = [column["name"] for column in content["columns"]]
    pq.write_table(pa.table({name: [1.5, 2.0] for name in columns}), tmp_path / "rows.parquet")
    lines = [",".join(columns), *[",".join(["1.5"] * 8)] * 2, ""]
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    found = set()
    for convert in (int, float):
        changed = {
            "intercept": convert(-37),
            "rounding_bound": convert(1),
            "interval": {**interval, "means": [convert(int(mean)) for mean in interval["means"]]},
            "features": [
                {k: v if k == "name" else convert(v) for k, v in f.items()} for f in features
            ],
            "samples": [[convert(int(v)) for v in row] for row in content["samples"]],
        }
        data = resealed((made / "model.json").read_bytes(), **changed)
        (tmp_path / "model.json").write_bytes(data)
        model = artifacts.read_model(tmp_path)
        assert type(model.intercept) is float
        assert {type(value) for row in model.samples for value in row} == {float}
        for rows in ([], ["rows.parquet"], ["rows.csv", "--interval", "0.95"]):
            words = [tmp_path / row if row.startswith("rows") else row for row in rows]
            code, out, err = run("predict", *words, "--artifacts", tmp_path)
            assert code == 0, err
            found.add(out)
    assert len(found) == 3


@contextlib.contextmanager
def stopped_after(seconds: int) -> Iterator[None]:
    """Send SIGALRM to what takes longer: the command then ends with another exit code."""
    before = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("waits without an end"))
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(os.name != "posix", reason="needs named pipes and devices")
@pytest.mark.parametrize("kind", ["fifo", "device"])
@pytest.mark.parametrize("name", JSON_FILES)
def test_pipes_and_devices_in_place_of_artifacts(
    run: Run, folder: Path, kind: str, name: str
) -> None:
    """What has no end is not read."""
    (folder / name).unlink()
    if kind == "fifo":
        os.mkfifo(folder / name)
    else:
        (folder / name).symlink_to("/dev/zero")
    readers = {
        "model.json": ("verify", "quantize", "predict"),
        "moments.json": ("verify", "quantize"),
        "quantized.json": ("verify", "predict"),
    }
    for command in readers[name]:
        with stopped_after(20):
            code, out, err = run(command, "--artifacts", folder)
        assert code == (1 if command == "verify" else 2)
        assert "not a regular file" in out + err


def test_a_file_that_grows_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read to its end, or refused if that is too far."""
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100)
    status = os.stat_result((*path.stat()[:6], 10, *path.stat()[7:]))
    with path.open("rb") as file:
        monkeypatch.setattr(os, "fstat", lambda _: status)
        assert read_open(file, 100) == b"x" * 100
        file.seek(0)
        with pytest.raises(TooLargeError):
            read_open(file, 99)


def test_artifacts_that_are_too_large(run: Run, folder: Path) -> None:
    """They are not read at all."""
    os.truncate(folder / "model.json", artifacts.LARGEST + 1)
    code, _, err = run("predict", "--artifacts", folder)
    assert code == 2
    assert f"is too large ({artifacts.LARGEST + 1} bytes; expected at most" in err


FORGED_CODES: dict[str, dict[str, object]] = {
    "text as codes": {"codes": "abcdefgh"},
    "float exponents": {"exponents": [0.5] * 8},
    "fewer codes": {"codes": [1]},
    "overflow": {"exponents": [5000] * 8},
    "code beyond its bits": {"codes": [300] * 8},
    "negative code": {"codes": [-1] * 8},
    "huge scale": {"scale": 10**9},
    "no bits": {"bits": 0},
    "contract as a number": {"contract": 5},
    "unknown field": {"surprise": 1},
}


@pytest.mark.parametrize("case", FORGED_CODES)
def test_forged_codes(made: Path, case: str) -> None:
    """The same for quantized.json."""
    data = resealed((made / "quantized.json").read_bytes(), **FORGED_CODES[case])
    with pytest.raises(FormatError, match="create the file again"):
        QuantizedModel.from_json(data)


def test_write_replaces_all_files(tmp_path: Path) -> None:
    """New files appear with ordinary permissions; nothing else is left behind."""
    write_files(tmp_path / "a" / "b", {"one": b"1", "two": b"2"})
    write_files(tmp_path / "a" / "b", {"one": b"new"})
    found = {path.name: path.read_bytes() for path in (tmp_path / "a" / "b").iterdir()}
    assert found == {"one": b"new", "two": b"2"}
    if os.name == "posix":
        mask = os.umask(0)
        os.umask(mask)
        mode = stat.S_IMODE((tmp_path / "a" / "b" / "one").stat().st_mode)
        assert mode == 0o666 & ~mask


def test_full_disk_leaves_the_old_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the second file cannot be written, the first is not replaced either."""
    write_files(tmp_path, {"one": b"old", "two": b"old"})

    def fsync(handle: int) -> None:
        if os.fstat(handle).st_size == 3:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(ArtifactError, match=r"No space left on device.*nothing there was changed"):
        write_files(tmp_path, {"one": b"1", "two": b"new"})
    found = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert found == {"one": b"old", "two": b"old"}


def test_folder_in_the_place_of_a_file(tmp_path: Path) -> None:
    """If the second file cannot be replaced, the first is not replaced either."""
    write_files(tmp_path, {"one": b"old"})
    (tmp_path / "two").mkdir()
    with pytest.raises(ArtifactError, match="two: not a regular file; name another"):
        write_files(tmp_path, {"one": b"new", "two": b"new"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]
    assert (tmp_path / "one").read_bytes() == b"old"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_behind_standard_output(made: Path) -> None:
    """Output that cannot be written is an error, in one line."""
    command = [sys.executable, "-m", "cali_reg", "predict", "--artifacts", str(made)]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert b"No space left" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_kill_while_writing_leaves_whole_files(tmp_path: Path) -> None:
    """However often a writer is killed, the file is the old one or the new one, whole."""
    code = (
        "import itertools, sys; from pathlib import Path\n"
        "from cali_reg.runtime.atomic_files import write_files\n"
        "for i in itertools.count():\n"
        "    write_files(Path(sys.argv[1]), {'file': bytes([i % 256]) * 300_000})\n"
    )
    for _ in range(4):
        with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) as writer:
            deadline = time.monotonic() + 10
            while not (tmp_path / "file").exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(0.05)
            writer.send_signal(signal.SIGKILL)
        data = (tmp_path / "file").read_bytes()
        assert len(data) == 300_000
        assert len(set(data)) == 1


def test_folder_that_is_a_file(run: Run, tmp_path: Path) -> None:
    """An output folder that cannot be made gets one line, exit code 2."""
    (tmp_path / "file").write_text("here")
    code, out, err = run("train", "--artifacts", tmp_path / "file")
    assert (code, out) == (2, "")
    assert err.startswith(f"cali-reg train: {tmp_path / 'file'}: cannot be written")
    assert err.count("\n") == 1


def test_no_model_yet(run: Run, tmp_path: Path) -> None:
    """Each command that needs a model says how to make one."""
    for command in (["predict"], ["predict", "x.csv"], ["quantize"], ["update", "--add", "x"]):
        code, _, err = run(*command, "--artifacts", tmp_path)
        assert code == 2
        assert f"{tmp_path / 'model.json'}: no such file; run `cali-reg train` first" in err


def test_a_model_that_is_a_folder(run: Run, tmp_path: Path) -> None:
    """A file that exists but cannot be read gets one line, with the system's reason."""
    (tmp_path / "model.json").mkdir()
    code, out, err = run("predict", "--artifacts", tmp_path)
    assert (code, out) == (2, "")
    assert err.startswith(f"cali-reg predict: {tmp_path / 'model.json'}: cannot be read (")
    assert err.count("\n") == 1
