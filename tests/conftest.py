"""What all tests share: finished artifacts, a way to run commands, a Hypothesis profile."""

import shutil
from pathlib import Path

import pytest
from commands import Run
from hypothesis import HealthCheck, settings

from cali_reg.cli.entrypoint import main

settings.register_profile(
    "cali-reg",
    derandomize=True,  # the same examples in every run: no test fails by chance
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("cali-reg")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs one command in this process."""

    def run_command(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
        return (code, *capsys.readouterr())

    return run_command


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the default artifacts; tests read it and change nothing."""
    folder = tmp_path_factory.mktemp("made") / "artifacts"
    for command in ("train", "quantize"):
        assert main([command, "--artifacts", str(folder)]) == 0
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """Return a copy of the default artifacts that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "artifacts"))
