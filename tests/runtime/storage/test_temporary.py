"""Temporary files are gone when their block ends, however it ends."""

import signal
from pathlib import Path
from typing import Any

import pytest

from cali_reg.runtime.storage import temporary


def test_a_signal_right_after_the_file_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits until somebody knows the file, and will delete it."""
    create = temporary._create

    def interrupted(folder: Path) -> Any:
        made = create(folder)
        signal.raise_signal(signal.SIGINT)
        return made

    monkeypatch.setattr(temporary, "_create", interrupted)
    with pytest.raises(KeyboardInterrupt), temporary.temporary_file(tmp_path):
        pass
    assert not list(tmp_path.iterdir())
