"""The examples in the documentation are what the code prints."""

import doctest
import importlib
from pathlib import Path

import numpy as np
import pytest
from package import MODULES
from sessions import PAGES, folder_of_a_page


@pytest.mark.parametrize("module", ["", *(module for module in MODULES if module != "__main__")])
def test_docstrings(module: str) -> None:
    """Every example in a docstring gives what it shows."""
    name = f"cali_reg.{module}" if module else "cali_reg"
    with np.printoptions(legacy=False):
        assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_documents(path: Path, made: Path) -> None:
    """Every Python session in the README and in docs/ gives what it shows."""
    text = path.read_text("utf-8")
    session = doctest.DocTestParser().get_doctest(text, {}, path.name, str(path), 0)
    with folder_of_a_page(made):
        assert doctest.DocTestRunner().run(session).failed == 0
