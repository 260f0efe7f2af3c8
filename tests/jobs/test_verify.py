"""Verifying: what was made passes on any machine, and whoever changed a file is found out."""

import io
import math
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import Run
from forgeries import HOSTILE, Body, differing, forge, verdicts
from layouts import write_csv
from table_data import train_on

from cali_reg.data import california_housing
from cali_reg.runtime import artifacts
from cali_reg.runtime.atomic_files import write_files


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """Return a file of the default training rows."""
    rows, _ = california_housing.split(california_housing.california_housing())
    return write_csv(tmp_path / "rows.csv", rows, slice(None))


@pytest.fixture(scope="module")
def updated(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder whose model has lost its first 700 training rows, with their rest in CSV."""
    from cali_reg.cli.entrypoint import main

    folder = tmp_path_factory.mktemp("updated")
    shutil.copytree(made, folder / "artifacts")
    rows, _ = california_housing.split(california_housing.california_housing())
    gone = write_csv(folder / "gone.csv", rows, slice(700))
    write_csv(folder / "rest.csv", rows, slice(700, None))
    common = ["--artifacts", str(folder / "artifacts")]
    assert main(["update", *common, "--remove", str(gone)]) == 0
    assert main(["quantize", *common]) == 0
    return folder


@pytest.fixture
def changed(updated: Path, tmp_path: Path) -> Path:
    """Return a copy of `updated` that a test may change."""
    return Path(shutil.copytree(updated, tmp_path / "updated"))


def test_what_was_made_is_the_same(run: Run, folder: Path) -> None:
    """Every file passes, and none is touched."""
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    code, found, last = verdicts(run, folder)
    assert (code, set(found.values())) == (0, {"same"})
    assert last.startswith(f"✔ {folder}: all 6 files")
    after = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    assert after == before


def test_other_options_are_read_from_the_files(run: Run, tmp_path: Path) -> None:
    """Split, samples and width are those that the files name, even under a broken seal."""
    run("train", "--artifacts", tmp_path, "--seed", "7", "--test-size", "0.5", "--samples", "2")
    run("quantize", "--artifacts", tmp_path, "--bits", "11")
    assert verdicts(run, tmp_path)[0] == 0
    for name in ("model.json", "quantized.json"):
        text = (tmp_path / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace('"intercept": -3', '"intercept": -4'))
    found = differing(verdicts(run, tmp_path)[1])
    assert found.keys() == {"model.json", "quantized.json"}
    assert all("the fingerprint does not match" in text for text in found.values())


def feature(key: str, value: object) -> Callable[[Body], None]:
    """Return a change of the first feature."""
    return lambda body: body["features"][0].update({key: value})


def renamed(name: str) -> Callable[[Body], None]:
    """Return a change of the first column's name."""

    def change(body: Body) -> None:
        body["columns"][0]["name"] = body["features"][0]["name"] = name

    return change


def item(key: str, value: object) -> Callable[[Body], None]:
    """Return a change of the first item of a list."""
    return lambda body: body[key].__setitem__(0, value)


def total(part: str, place: int, text: str) -> Callable[[Body], None]:
    """Return a change of one of the sums."""
    return lambda body: body[part]["sums"].__setitem__(place, text)


def low_bits(body: Body) -> None:
    """Change the lowest bits of the training rows' sum of MedInc."""
    digits, exponent = body["train"]["sums"][1].split("p")
    body["train"]["sums"][1] = f"{int(digits, 16) ^ 2:#x}p{exponent}"


FORGED: dict[str, tuple[str, Callable[[Body], None], str]] = {
    "coefficient": (
        "model.json",
        feature("coefficient", 0.4486748),
        "coefficient of MedInc is 0.4486748, rebuilt 0.4486749",
    ),
    "last bit": (
        "model.json",
        lambda body: body.update(intercept=math.nextafter(body["intercept"], 0)),
        "intercept is -37.02327770606412, rebuilt -37.02327770606413",
    ),
    "range": (
        "model.json",
        feature("maximum", 20.0),
        "maximum of MedInc is 20.0, rebuilt 15.0001",
    ),
    "outer ranges": (
        "model.json",
        lambda body: body.update(ranges="outer"),
        'ranges is "outer", rebuilt "exact"',
    ),
    "integer for float": (
        "model.json",
        feature("minimum", 0),
        "minimum of MedInc is 0, rebuilt 0.4",
    ),
    "standard error": (
        "model.json",
        feature("standard_error", None),
        "standard_error of MedInc is",
    ),
    "name": (
        "model.json",
        renamed("a\u202e\n"),
        r'columns.0.name is "a\u202e\n", rebuilt "MedInc"',
    ),
    "name of a feature": (
        "model.json",
        feature("name", "Income"),
        "columns and features do not match",
    ),
    "score": (
        "model.json",
        lambda body: body["scores"]["test"].update(r2=0.99),
        "scores.test.r2 is 0.99, rebuilt 0.57578770",
    ),
    "surplus score": (
        "model.json",
        lambda body: body["scores"].update({"\x1b[2J": 1}),
        r"scores.\x1b[2J is 1, rebuilt absent",
    ),
    "sample": ("model.json", item("samples", [0.0] * 8), "samples.0.0 is 0.0, rebuilt"),
    "link": ("model.json", lambda body: body.update(moments="0" * 64), 'moments is "000'),
    "code": ("quantized.json", item("codes", 254), "code of MedInc is 254, rebuilt 255"),
    "impossible code": ("quantized.json", item("codes", 256), "a code does not fit 8 bits"),
    "exponent": ("quantized.json", item("exponents", -8), "exponent of MedInc is -8, rebuilt -9"),
    "zero point": (
        "quantized.json",
        lambda body: body.update(zero_point=127),
        "zero_point is 127, rebuilt 128",
    ),
    "contract": (
        "quantized.json",
        lambda body: body["contract"].update(max_change_bound=0.01),
        "contract.max_change_bound is 0.01, rebuilt 0.0599",
    ),
    "contract without the measured change": (
        "quantized.json",
        lambda body: body["contract"].pop("max_change_measured"),
        "contract.max_change_measured is absent, rebuilt 0.018",
    ),
    "moments": ("moments.json", low_bits, "sum of MedInc over the training rows is"),
    "product": (
        "moments.json",
        total("test", 10, "0x1p20"),
        "sum of MedInc × MedInc over the held-out rows is 1048576, rebuilt",
    ),
    "number of rows": (
        "moments.json",
        total("train", 0, "0x1p15"),
        "number of training rows is 32768, rebuilt 16512",
    ),
    "impossible moments": (
        "moments.json",
        total("train", 10, "0x1p-90"),
        "no rows have these sums",
    ),
}


@pytest.mark.parametrize("case", FORGED)
def test_forged_documents_are_named(run: Run, folder: Path, case: str) -> None:
    """One value changed and the fingerprint made to match: that file differs, and says where."""
    name, change, message = FORGED[case]
    forge(folder / name, change)
    code, found, last = verdicts(run, folder)
    assert code == 1
    assert differing(found).keys() == {name}
    assert found[name].startswith("differs: ")
    assert message in found[name]
    assert f"1 of 6 files differ from a rebuild: {name};" in last


@pytest.mark.parametrize("name", artifacts.ALL)
def test_missing_files_are_named(run: Run, folder: Path, name: str) -> None:
    """Whichever is gone, the others are still compared."""
    (folder / name).unlink()
    code, found, _ = verdicts(run, folder)
    assert (code, differing(found)) == (1, {name: "differs: missing"})


def test_folder_in_place_of_a_file(run: Run, folder: Path) -> None:
    """What cannot be read is named, with the reason."""
    (folder / "model.json").unlink()
    (folder / "model.json").mkdir()
    code, found, _ = verdicts(run, folder)
    assert code == 1
    assert list(differing(found)) == ["model.json"]
    assert "cannot be read" in found["model.json"]


@pytest.mark.parametrize("case", HOSTILE)
def test_damaged_documents_are_named(run: Run, folder: Path, case: str) -> None:
    """Whatever happened to it, a file is named, and the others still get their verdict."""
    damage, _ = HOSTILE[case]
    (folder / "model.json").write_bytes(damage((folder / "model.json").read_bytes()))
    code, found, _ = verdicts(run, folder)
    assert (code, list(differing(found))) == (1, ["model.json"])


@pytest.mark.parametrize("name", ["linear_model.joblib", "quant_params.joblib", "scale.joblib"])
def test_changed_pickles_are_named(run: Run, folder: Path, name: str) -> None:
    """One bit, a byte less or a byte more is a difference."""
    data = (folder / name).read_bytes()
    place = len(data) * 2 // 3
    changed = bytes([*data[:place], data[place] ^ 1, *data[place + 1 :]])
    for other, message in (
        (changed, f"byte {place} is {changed[place]:#04x}, rebuilt {data[place]:#04x}"),
        (data[:-1], f"its size is {len(data) - 1} bytes, rebuilt {len(data)}"),
        (data + b"\0", f"its size is {len(data) + 1} bytes, rebuilt {len(data)}"),
    ):
        (folder / name).write_bytes(other)
        code, found, _ = verdicts(run, folder)
        assert (code, differing(found)) == (1, {name: f"differs: {message}"})


class Bomb:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_pickles_are_not_unpickled(run: Run, folder: Path, tmp_path: Path) -> None:
    """A pickle that does something when loaded is a difference like any other."""
    bomb = pickle.dumps(Bomb(tmp_path / "exploded"))
    for name in ("linear_model.joblib", "quant_params.joblib", "scale.joblib"):
        (folder / name).write_bytes(bomb)
    code, found, _ = verdicts(run, folder)
    assert (code, len(differing(found))) == (1, 3)
    assert not (tmp_path / "exploded").exists()
    pickle.loads(bomb)  # noqa: S301 - it would have
    assert (tmp_path / "exploded").exists()


def test_another_scikit_learn_is_named(run: Run, folder: Path) -> None:
    """Where versions explain a difference, they are the difference: it takes the lock to tell."""
    path = folder / "linear_model.joblib"
    data = path.read_bytes()
    path.write_bytes(
        data.replace(b"_sklearn_version\x94\x8c\x05", b"_sklearn_version\x94\x8c\x050")
    )
    (version,) = (data.split(b"_sklearn_version\x94\x8c\x05")[1].split(b"\x94")[0].decode(),)
    code, found, _ = verdicts(run, folder)
    assert code == 1
    assert f"written by scikit-learn 0{version}, rebuilt with {version};" in found[path.name]


def test_whole_forgery_of_other_rows(run: Run, changed: Path) -> None:
    """Files that agree with each other, but not with the rows that they name, are not accepted."""
    code, found, last = verdicts(run, changed / "artifacts")
    assert (code, len(differing(found))) == (1, 6)
    assert "number of training rows is 15812, rebuilt 16512" in found["moments.json"]
    assert "give the training rows with --data" in last


def test_updated_model_with_its_rows(run: Run, updated: Path) -> None:
    """With the rows that remain, all of an updated model is checked."""
    code, found, _ = verdicts(run, updated / "artifacts", "--data", updated / "rest.csv")
    assert (code, set(found.values())) == (0, {"same"})


def test_updated_model_with_other_rows(run: Run, updated: Path) -> None:
    """Rows that are not the training rows do not give the moments."""
    code, found, _ = verdicts(run, updated / "artifacts", "--data", updated / "gone.csv")
    assert code == 1
    assert "number of training rows is 15812, rebuilt 700" in found["moments.json"]


def test_outer_ranges_hold_the_rows(run: Run, changed: Path) -> None:
    """After a removal ranges may be too wide, never too narrow."""
    path = changed / "artifacts" / "model.json"
    forge(path, feature("minimum", 0.25))
    run("quantize", "--artifacts", path.parent)
    assert verdicts(run, path.parent, "--data", changed / "rest.csv")[0] == 0
    forge(path, feature("minimum", 1.5))
    code, found, _ = verdicts(run, path.parent, "--data", changed / "rest.csv")
    assert code == 1
    assert "minimum of MedInc is 1.5, rebuilt 0.4999" in found["model.json"]


def test_embedded_rows_from_a_file(run: Run, folder: Path, csv: Path) -> None:
    """The rows in a file do what the embedded ones do; wider ranges are no part of `exact`."""
    assert verdicts(run, folder, "--data", csv)[0] == 0
    forge(folder / "model.json", feature("maximum", 20.0))
    code, found, _ = verdicts(run, folder, "--data", csv)
    assert (code, list(differing(found))) == (1, ["model.json"])


def test_embedded_rows_from_standard_input(
    run: Run, folder: Path, csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read once, though the sums and the largest change both need the rows."""
    run("quantize", "--artifacts", folder, "--data", csv)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(csv.read_bytes())))
    code, _, err = run("verify", "--artifacts", folder, "--data", "-")
    assert (code, err) == (0, "")


def test_trusted_moments(run: Run, changed: Path) -> None:
    """Without the rows, all that follows from the moments is checked, and the rest is named."""
    folder = changed / "artifacts"
    run("quantize", "--artifacts", folder, "--data", changed / "rest.csv")
    code, found, last = verdicts(run, folder, "--trust-moments")
    assert code == 0
    assert found == {
        **dict.fromkeys(artifacts.ALL, "same"),
        "moments.json": "same (not checked: training rows)",
        "model.json": "same (not checked: ranges)",
        "quantized.json": "same (not checked: measured change)",
    }
    assert last.endswith("all 6 files match a rebuild, except what was not checked")


@pytest.mark.parametrize(
    "case",
    ["coefficient", "last bit", "standard error", "score", "sample", "code", "contract"],
)
def test_trusted_moments_find_forgeries(run: Run, changed: Path, case: str) -> None:
    """What the moments or the embedded held-out rows determine is not taken from the files."""
    name, change, _ = FORGED[case]
    if case == "code":
        change = item("codes", 1)
    forge(changed / "artifacts" / name, change)
    code, found, _ = verdicts(run, changed / "artifacts", "--trust-moments")
    assert (code, list(differing(found))) == (1, [name])


def test_trusted_moments_of_embedded_rows(run: Run, folder: Path) -> None:
    """Rows that are at hand are checked, however much is trusted."""
    assert set(verdicts(run, folder, "--trust-moments")[1].values()) == {"same"}
    forge(folder / "moments.json", total("test", 10, "0x1p20"))
    code, found, _ = verdicts(run, folder, "--trust-moments")
    assert (code, list(differing(found))) == (1, ["moments.json"])


FOREIGN: dict[str, Body] = {
    "none": {},
    "a file": {"data": "rows.csv"},
    "no split": {"data": "california_housing"},
    "split as text": {"data": "california_housing", "split": "0.2"},
    "seed as text": {"data": "california_housing", "split": {"seed": "42", "test_size": 0.2}},
    "huge seed": {"data": "california_housing", "split": {"seed": 2**32, "test_size": 0.2}},
    "all held out": {"data": "california_housing", "split": {"seed": 42, "test_size": 1.0}},
    "surplus": {"data": "california_housing", "split": {"seed": 42, "test_size": 0.2}, "a": 1},
}


@pytest.mark.parametrize("case", FOREIGN)
def test_rows_that_are_not_at_hand(run: Run, folder: Path, csv: Path, case: str) -> None:
    """Without rows there is no verdict, unless moments.json may stand for them."""
    forge(folder / "model.json", lambda body: body.update(source=FOREIGN[case]))
    run("quantize", "--artifacts", folder, "--data", csv)
    for options, message in (
        ([], "the training rows are unavailable; name them with --data, or pass --trust-moments"),
        (["--data", csv], "the held-out rows are unavailable; pass --trust-moments"),
    ):
        code, out, err = run("verify", "--artifacts", folder, *options)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert message in err
    code, found, _ = verdicts(run, folder, "--data", csv, "--trust-moments")
    assert code == 0
    assert found["moments.json"] == "same (not checked: held-out rows)"
    assert found["model.json"] == "same (not checked: samples)"


def test_columns_that_do_not_belong_together(run: Run, folder: Path) -> None:
    """Moments of other columns than the rows are refused in one line."""
    forge(folder / "moments.json", lambda body: body["features"].__setitem__(0, "Income"))
    code, out, err = run("verify", "--artifacts", folder, "--trust-moments")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "columns of its files and of the rows differ" in err


def test_nothing_to_verify(run: Run, tmp_path: Path) -> None:
    """A folder without artifacts is bad input, as are rows that cannot be read."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        code, out, err = run("verify", "--artifacts", folder)
        assert (code, out) == (2, "")
        assert (
            err
            == f"cali-reg verify: {folder}: no artifact found; name their folder with --artifacts\n"
        )


def test_collinear_columns_are_made_again(run: Run, tmp_path: Path) -> None:
    """A model trained with --allow-collinear passes: that was a gate, and is no result."""
    rows, held_out = california_housing.split(california_housing.california_housing())
    rows.X[:, 4] = 2 * rows.X[:, 1]
    trained = train_on(rows, held_out, allow_collinear=True)
    assert trained.model.rank == 7
    write_files(tmp_path, trained.files)
    path = write_csv(tmp_path / "rows.csv", rows, slice(None))
    assert run("quantize", "--artifacts", tmp_path, "--max-r2-loss", "1")[0] == 0
    assert verdicts(run, tmp_path, "--data", path)[0] == 0
