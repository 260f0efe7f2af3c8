"""What the README shows is what the code prints."""

import re
from pathlib import Path

import pytest
from commands import Run

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


@pytest.fixture
def in_checkout(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work where `artifacts` is the folder that was made."""
    monkeypatch.chdir(made.parent)


@pytest.mark.usefixtures("in_checkout")
@pytest.mark.parametrize("command", ["train", "quantize", "predict"])
def test_output_is_shown_as_printed(run: Run, command: str) -> None:
    """Each command's output stands in the README, to the letter."""
    code, out, _ = run(command)
    assert code == 0
    assert out in README.replace("\\", "/")


@pytest.mark.usefixtures("made")
def test_footprint_is_that_of_the_files(made: Path) -> None:
    """The table's bytes are the files' sizes."""
    sizes = [
        sum((made / name).stat().st_size for name in names)
        for names in (["linear_model.joblib"], ["quant_params.joblib", "scale.joblib"])
    ]
    rows = re.findall(r"^\| (?:float64|uint8) \|.*?\| (\d+) \|", README, re.MULTILINE)
    assert [int(size) for size in rows] == sizes


def test_files_that_it_links_to_exist() -> None:
    """No link inside the repository is dead."""
    root = Path(__file__).parents[2]
    links = re.findall(r"\]\(([^):]+)\)|src=\"([^\"]+)\"", README)
    assert links
    assert all((root / (link or source).split("#")[0]).exists() for link, source in links)
