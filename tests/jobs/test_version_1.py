"""A folder of the first version of the format still loads, predicts, quantizes and verifies."""

import json
import shutil
from pathlib import Path

import pytest
from commands import Run
from forgeries import differing, forge, verdicts

from cali_reg.runtime import artifacts

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
    for scores in new["scores"].values():
        assert 0 < scores.pop("r2_rounding_bound") < 1e-12
    for model in (old, new):
        del model["version"], model["fingerprint"]
    assert new == old
