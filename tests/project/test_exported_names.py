"""What users may import from a package itself: a change of these lists is a change of the API."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

EXPORTED = {
    "cali_reg": [
        *("ExactLinearRegression", "Model", "Moments", "TrainedModel"),
        *("load_california_housing", "load_model", "train"),
    ],
    "cali_reg.least_squares": [
        *("Moments", "Scores", "Solution", "TrainTestMoments", "cross_validate"),
        *("half_widths", "predict", "score", "solve"),
    ],
    "cali_reg.runtime": [
        *("Column", "LinearModel", "Prediction", "Predictor", "QuantizedModel", "RowValidator"),
        "load_model",
    ],
    "cali_reg.quantization": ["Closest", "Quantized", "closest", "narrowest", "quantize"],
}
NAMES = [(package, name) for package, names in EXPORTED.items() for name in names]


@pytest.mark.parametrize("package", EXPORTED)
def test_exported_names(package: str) -> None:
    """``__all__`` and ``dir`` say what is exported; what is not has the usual error."""
    module = importlib.import_module(package)
    assert module.__all__ == EXPORTED[package]
    assert set(module.__all__) <= set(dir(module))
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        _ = module.nothing


@pytest.mark.parametrize(("package", "name"), NAMES)
def test_names_are_found_and_hide_no_module(package: str, name: str) -> None:
    """Each name is the object of its module; no module of the package has the same name."""
    module = importlib.import_module(package)
    assert getattr(module, name).__name__ == name
    assert getattr(module, name).__module__.startswith(f"{package}.")
    assert not (Path(str(module.__file__)).parent / name).with_suffix(".py").exists()


@pytest.mark.parametrize("package", EXPORTED)
def test_type_checkers_see_the_same_names(package: str) -> None:
    """The imports for type checkers are those that happen on first use."""
    module = importlib.import_module(package)
    tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    found = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("cali_reg")
        for alias in node.names
    }
    assert found == {name: getattr(module, name).__module__ for name in module.__all__}


@pytest.mark.parametrize("package", EXPORTED)
def test_packages_load_nothing(package: str) -> None:
    """Importing a package imports none of its modules."""
    code = (
        f"import sys; before = set(sys.modules); import {package};"
        "print(*sorted(name for name in set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {"__future__", "cali_reg", package}
