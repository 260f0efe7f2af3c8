"""The architecture: imports point down only, and a prediction needs the standard library alone."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from package import MODULES, PACKAGE, PATHS, STANDARD_LIBRARY_ONLY

# From the bottom to the top. A room is a folder, with those inside of it, or a module at the top;
# it may import the rooms before it.
ROOMS = [
    "errors",
    "runtime",
    "export",
    "least_squares",
    "estimator",
    "data",
    "quantization",
    "jobs",
    "report",
    "api",
    "cli",
    "__main__",
]
MOST_MODULES = {"": 6, "cli/commands": 100}  # of a folder; of any other:
MOST = 12
FOLDERS = sorted({path.parent.relative_to(PACKAGE).as_posix() for path in PATHS.values()})


def room(module: str) -> str:
    """Return the room that a module is in."""
    return module.split(".")[0]


def imports(module: str, *, at_start: bool = False) -> set[str]:
    """Return the names of all modules that a module imports: anywhere, or when it is imported."""
    names = set()
    tree = ast.parse(PATHS[module].read_text("utf-8"))
    for node in tree.body if at_start else ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def own_imports(module: str) -> set[str]:
    """Return the modules of this package that a module imports, anywhere in it."""
    found = set()
    for name in imports(module):
        parts = name.split(".")[1:] if name.startswith("cali_reg.") else []
        prefixes = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
        found |= set([prefix for prefix in prefixes if prefix in PATHS][:1])
    return found


def test_every_module_has_its_room() -> None:
    """A new room takes its place in the architecture."""
    assert set(map(room, MODULES)) == set(ROOMS)


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module: str) -> None:
    """No module imports one of a room above it."""
    allowed = ROOMS[: ROOMS.index(room(module)) + 1]
    assert {room(name) for name in own_imports(module)} <= set(allowed)


def test_no_imports_in_a_circle() -> None:
    """Inside of a room, too, there is an order."""
    TopologicalSorter({module: own_imports(module) for module in MODULES}).prepare()


@pytest.mark.parametrize("folder", FOLDERS)
def test_folders_are_small(folder: str) -> None:
    """A folder has a dozen modules at most, its __init__ aside."""
    folder = "" if folder == "." else folder
    modules = [path for path in (PACKAGE / folder).glob("*.py") if path.stem != "__init__"]
    assert len(modules) <= MOST_MODULES.get(folder, MOST)


@pytest.mark.parametrize(
    "module", [module for module in MODULES if room(module) in STANDARD_LIBRARY_ONLY]
)
def test_what_predicts_needs_no_package(module: str) -> None:
    """What the container holds imports the standard library and its own kind only."""
    names = imports(module, at_start=room(module) == "cli")
    roots = {name.split(".")[0] for name in names}
    assert roots - {"cali_reg", "__future__"} <= sys.stdlib_module_names
    own = {name.split(".")[1] for name in names if name.startswith("cali_reg.")}
    assert own & set(ROOMS) <= set(STANDARD_LIBRARY_ONLY)


def test_predict_loads_no_numpy(made: Path) -> None:
    """A whole prediction, as the command runs it, leaves the heavy packages alone."""
    code = (
        "import sys; from cali_reg.cli.entrypoint import main;"
        f"main(['predict', '--artifacts', {str(made)!r}]);"
        "heavy = {'numpy', 'scipy', 'sklearn', 'joblib', 'flint'} & set(sys.modules);"
        "sys.exit(' '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("least_squares.predictions", {"flint", "scipy", "sklearn", "joblib"}),
        ("quantization.quantizer", {"scipy", "sklearn", "pyarrow", "joblib"}),
        ("export.formats", {"numpy", "joblib", "onnx"}),
    ],
)
def test_light_modules_stay_light(module: str, heavy: set[str]) -> None:
    """What a command does not need is not loaded with what it needs, not even indirectly."""
    code = f"import sys, cali_reg.{module}; print(*set(sys.modules) & {heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("module", MODULES)
def test_modules_are_small(module: str) -> None:
    """A module has about 200 lines of code at most, docstrings and blank lines aside."""
    text = PATHS[module].read_text("utf-8")
    nodes = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = sum(
        (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, nodes) and ast.get_docstring(node) is not None
    )
    lines = [line for line in text.splitlines() if line]
    assert len(lines) - docstrings <= 210
