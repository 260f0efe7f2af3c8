"""The architecture: imports point down only, and a prediction needs the standard library alone."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import cali_reg

# From the bottom to the top. A module may import those before it.
LAYERS = [
    "errors",
    "documents",
    "columns",
    "interval",
    "model",
    "artifacts",
    "rows",
    "screen",
    "predict",
    "export",
    "exact",
    "slices",
    "moments",
    "rounding",
    "normal_equations",
    "solve",
    "estimator",
    "dataset",
    "split_moments",
    "axis",
    "quadratic_form",
    "lattice",
    "quantize",
    "train",
    "threads",
    "files",
    "csv_files",
    "batches",
    "source",
    "encoding",
    "content_split",
    "summaries",
    "gather",
    "train_files",
    "chunks",
    "predict_files",
    "update",
    "difference",
    "evidence",
    "verify",
    "display",
    "commands",
    "option_types",
    "option_groups",
    "options",
    "cli",
    "__main__",
]
STANDARD_LIBRARY_ONLY = LAYERS[: LAYERS.index("predict") + 1]
PACKAGE = Path(cali_reg.__file__).parent
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")


def imports(module: str) -> set[str]:
    """Return the names of all modules that a module imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse((PACKAGE / f"{module}.py").read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def own_imports(module: str) -> set[str]:
    """Return the modules of this package that a module imports."""
    parts = {name.split(".")[1] for name in imports(module) if name.startswith("cali_reg.")}
    return parts & set(MODULES)


def test_every_module_has_its_layer() -> None:
    """A new module takes its place in the architecture."""
    assert sorted(LAYERS) == MODULES


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module: str) -> None:
    """No module imports one that is above it."""
    below = LAYERS[: LAYERS.index(module)]
    assert own_imports(module) <= set(below)


@pytest.mark.parametrize("module", STANDARD_LIBRARY_ONLY)
def test_what_predicts_needs_no_package(module: str) -> None:
    """What the container holds imports the standard library and its own kind only."""
    roots = {name.split(".")[0] for name in imports(module)}
    assert roots - {"cali_reg", "__future__"} <= sys.stdlib_module_names
    assert own_imports(module) <= set(STANDARD_LIBRARY_ONLY)


def test_predict_loads_no_numpy(made: Path) -> None:
    """A whole prediction, as the command runs it, leaves the heavy packages alone."""
    code = (
        "import sys; from cali_reg.cli import main;"
        f"main(['predict', '--artifacts', {str(made)!r}]);"
        "heavy = {'numpy', 'scipy', 'sklearn', 'joblib', 'flint'} & set(sys.modules);"
        "sys.exit(' '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("module", MODULES)
def test_modules_are_small(module: str) -> None:
    """A module has about 200 lines of code at most, docstrings and blank lines aside."""
    tree = ast.parse((PACKAGE / f"{module}.py").read_text("utf-8"))
    nodes = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = sum(
        (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
        for node in ast.walk(tree)
        if isinstance(node, nodes) and ast.get_docstring(node) is not None
    )
    lines = [line for line in (PACKAGE / f"{module}.py").read_text("utf-8").splitlines() if line]
    assert len(lines) - docstrings <= 210
