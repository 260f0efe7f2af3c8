"""A folder of the first version of the format still loads, predicts, quantizes and verifies."""

import json
import shutil
from pathlib import Path

import pytest
from commands import Run
from forgeries import differing, forge, verdicts

from cali_reg.errors import DataError
from cali_reg.jobs.verification.rebuild_inputs import find_inputs
from cali_reg.runtime import artifacts
from cali_reg.runtime.schema import Column

GOLDEN = Path(__file__).parents[1] / "support" / "version_1"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return a copy of the folder that the first version wrote."""
    return Path(shutil.copytree(GOLDEN, tmp_path / "artifacts"))


def test_it_predicts(run: Run, old: Path) -> None:
    """Predictions are those that it always had."""
    code, out, _ = run("predict", "--artifacts", old)
    assert code == 0
    assert out.splitlines()[0] == "Sample predictions: [0.719 1.764 2.710 2.839 2.605]"


def test_it_keeps_its_bytes() -> None:
    """Read and written again, the file is the same."""
    model = artifacts.read_model(GOLDEN)
    assert model.version == 1
    assert model.to_json() == (GOLDEN / "model.json").read_bytes()


def test_it_verifies(run: Run, old: Path) -> None:
    """A rebuild gives its files, byte for byte; the pickle alone depends on scikit-learn."""
    _, found, _ = verdicts(run, old)
    assert set(differing(found)) <= {"linear_model.joblib"}


def test_a_forged_one_does_not(run: Run, old: Path) -> None:
    """Whoever changes a coefficient is found out, in the old format as in the new."""
    forge(old / "model.json", lambda body: body.update(intercept=-37.0))
    code, found, _ = verdicts(run, old)
    assert code == 1
    assert found["model.json"].startswith("differs: intercept is -37.0")


def test_a_version_cannot_be_mixed(run: Run, old: Path) -> None:
    """The old version with a field of the new one is rejected."""
    forge(old / "model.json", lambda body: body.update(rounding_bound=1.0))
    code, _, err = run("predict", "--artifacts", old)
    assert code == 2
    assert "version 1 has no rounding bound" in err


def test_an_update_writes_the_new_version(run: Run, old: Path, tmp_path: Path) -> None:
    """Rows can be added to an old model; what is written is of the new version."""
    model = artifacts.read_model(old)
    rows = tmp_path / "rows.csv"
    names = [*model.names, model.target]
    rows.write_text(",".join(names) + "\n" + ",".join(map(repr, [*model.samples[0], 2.0])) + "\n")
    assert run("update", "--artifacts", old, "--add", rows)[0] == 0
    body = json.loads((old / "model.json").read_bytes())
    assert body["version"] == 2
    assert body["scores"]["train"]["n_samples"] == model.scores["train"]["n_samples"] + 1  # type: ignore[operator]


def test_the_new_version_adds_bounds_and_changes_nothing_else(made: Path) -> None:
    """Without its bounds, the new default model says what the old one said."""
    old, new = (json.loads((folder / "model.json").read_bytes()) for folder in (GOLDEN, made))
    assert new.pop("rounding_bound") > 0
    assert new.pop("reading") == {}
    for scores in new["scores"].values():
        assert 0 < scores.pop("r2_rounding_bound") < 1e-12
    for model in (old, new):
        del model["version"], model["fingerprint"]
    assert new == old


def test_its_categories_are_texts(run: Run, tmp_path: Path) -> None:
    """Version 1 compared texts: 10.0, True and NA are levels as they are, and keep their bytes."""
    rows = ["x,c,y", *(f"{k * k % 7},{'abc'[k % 3]},{k}" for k in range(30)), ""]
    (tmp_path / "rows.csv").write_text("\n".join(rows))
    command = ("train", "--data", tmp_path / "rows.csv", "--target", "y", "--categorical", "c")
    assert run(*command, "--strict", "--artifacts", tmp_path)[0] == 0
    new = artifacts.read_model(tmp_path)
    levels = ("10.0", "NA", "True")
    names = ("x", "c=NA", "c=True")
    old = new._replace(
        version=1,
        columns=(Column("x"), Column("c", levels)),
        features=tuple(f._replace(name=n) for f, n in zip(new.features, names, strict=True)),
    ).to_json()
    (tmp_path / "model.json").write_bytes(old)
    model = artifacts.read_model(tmp_path)
    assert model.to_json() == old
    (tmp_path / "old.csv").write_text("x,c\n1,10.0\n1,NA\n1,True\n")
    (tmp_path / "new.csv").write_text("x,c\n1,a\n1,b\n1,c\n")
    code, out, _ = run("predict", "--artifacts", tmp_path, tmp_path / "old.csv")
    assert (code, out.split()) == (
        0,
        [repr(new.predict([1.0, b, c])) for b, c in ((0, 0), (1, 0), (0, 1))],
    )
    (tmp_path / "gap.csv").write_text("x,c\n1,\n")
    _, _, err = run("predict", "--artifacts", tmp_path, tmp_path / "gap.csv")
    assert "row 1: column 'c' has no value" in err
    (tmp_path / "other.csv").write_text("x,c\n1,null\n")
    _, _, err = run("predict", "--artifacts", tmp_path, tmp_path / "other.csv")
    assert "row 1: column 'c' holds 'null', a category not seen in training" in err
    with pytest.raises(DataError, match=r"of version 1, with '10\.0' in column 'c', which is"):
        find_inputs(model, [str(tmp_path / "rows.csv")], [], {})
