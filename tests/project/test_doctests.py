"""The examples in the documentation are what the code prints."""

import doctest
import importlib
from pathlib import Path

import numpy as np
import pytest
from package import MODULES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("module", ["", *(module for module in MODULES if module != "__main__")])
def test_docstrings(module: str) -> None:
    """Every example in a docstring gives what it shows."""
    name = f"cali_reg.{module}" if module else "cali_reg"
    with np.printoptions(legacy=False):
        assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("path", [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))], ids=str)
def test_documents(path: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every Python session in the README and in docs/ gives what it shows."""
    monkeypatch.chdir(made.parent)
    assert doctest.testfile(str(path), module_relative=False, encoding="utf-8").failed == 0
