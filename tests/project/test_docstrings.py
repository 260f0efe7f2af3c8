"""Docstrings: each public class, function and method says in NumPy's style what a caller needs."""

import ast
import re
from collections.abc import Iterator, Sequence

import pytest
from package import MODULES, PACKAGE, PATHS

FILES = {**PATHS, "__init__": PACKAGE / "__init__.py"}
PROPERTIES = {"property", "cached_property"}


def public(body: Sequence[ast.stmt], prefix: str = "") -> Iterator[tuple[str, ast.stmt]]:
    """Yield the name and the node of each public class, function and method."""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body, f"{node.name}.")


def sections(docstring: str) -> dict[str, str]:
    """Return the texts of a docstring's sections, by their headings."""
    _, *parts = re.split(r"^(\w[\w ]*)\n-+\n", docstring, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def entries(section: str) -> list[str]:
    """Return the names in the lines ``a, b : type`` of a section."""
    lines = [line for line in section.splitlines() if line and not line.startswith(" ")]
    return [name.strip() for line in lines for name in line.split(" : ")[0].split(",")]


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes of a function but those of the functions inside of it."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            yield node
            yield from own_nodes(node)


def arguments(function: ast.FunctionDef) -> list[str]:
    """Return the names of a function's parameters."""
    spec = function.args
    every = [*spec.posonlyargs, *spec.args, spec.vararg, *spec.kwonlyargs, spec.kwarg]
    return [arg.arg for arg in every if arg is not None and arg.arg not in ("self", "cls")]


def decorators(function: ast.FunctionDef) -> set[str]:
    """Return the names of a function's decorators."""
    return set(map(ast.unparse, function.decorator_list))


def is_yielding(function: ast.FunctionDef) -> bool:
    """Tell whether a function is a generator or a context manager, or is annotated as one."""
    annotated = function.returns is not None and ast.unparse(function.returns).startswith("Iter")
    return annotated or any(isinstance(node, ast.Yield) for node in own_nodes(function))


def raised(function: ast.FunctionDef) -> set[str]:
    """Return the classes that a function raises by name, and "an error" for any other."""
    names = set()
    for node in own_nodes(function):
        if isinstance(node, ast.Raise) and node.exc is not None:
            error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = ast.unparse(error).split(".")[-1]
            names.add(name if re.fullmatch("[A-Z][A-Za-z]*", name) else "an error")
    return names


def summary_problems(docstring: str) -> Iterator[str]:
    """Yield what is wrong with the first line: it is one sentence, and a blank line follows it."""
    first, *rest = docstring.splitlines() or [""]
    if not first.endswith(".") or re.search(r"\. [A-Z]", first) or any(rest[:1]):
        yield "the first line is not one sentence"


def raises_problems(docstring: str, function: ast.FunctionDef) -> Iterator[str]:
    """Yield the errors that are not documented; a first line ``Raise ...`` does it, too."""
    names = raised(function)
    documented = entries(sections(docstring).get("Raises", ""))
    if docstring.startswith("Raise "):
        documented += re.findall(r"\w+", docstring.splitlines()[0])
    if names and not documented:
        yield "no Raises"
    elif missing := names.difference(documented, {"an error"}):
        yield f"Raises lacks {sorted(missing)}"


def function_problems(docstring: str, function: ast.FunctionDef) -> Iterator[str]:
    """Yield what a function's docstring lacks.

    It names the parameters, all and in order. A first line ``Return ...``, ``Tell whether ...`` or
    ``Yield ...`` may stand in place of the section Returns or Yields; a property needs none.
    """
    found, expected = entries(sections(docstring).get("Parameters", "")), arguments(function)
    if found != expected:
        yield f"Parameters are {found}, expected {expected}"
    section = "Returns"
    verbs: tuple[str, ...] = ("Return ", "Tell whether ")
    if is_yielding(function):
        section, verbs = "Yields", ("Yield ",)
    is_none = function.returns is None or ast.unparse(function.returns) == "None"
    is_said = docstring.startswith(verbs) or PROPERTIES & decorators(function)
    if not is_none and not is_said and section not in sections(docstring):
        yield f"no {section}"
    yield from raises_problems(docstring, function)


def class_problems(docstring: str, node: ast.ClassDef) -> Iterator[str]:
    """Yield what a class's docstring lacks: it names what the constructor takes, or the fields.

    These are its Parameters, all and in order, or are among its Attributes.
    """
    constructors = [
        inner
        for inner in node.body
        if isinstance(inner, ast.FunctionDef) and inner.name == "__init__"
    ]
    fields = [
        inner.target.id
        for inner in node.body
        if isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name)
    ]
    expected = arguments(constructors[0]) if constructors else fields
    found = entries(sections(docstring).get("Parameters", ""))
    attributes = entries(sections(docstring).get("Attributes", ""))
    if found != expected and (found or not set(expected) <= set(attributes)):
        yield f"Parameters are {found}, Attributes {attributes}, expected {expected}"
    for constructor in constructors:
        yield from raises_problems(docstring, constructor)


def problems(source: str) -> list[str]:
    """Return what the docstrings of a module lack, each with the name of its class or function."""
    found = []
    for name, node in public(ast.parse(source).body):
        assert isinstance(node, ast.ClassDef | ast.FunctionDef)
        if any(ast.unparse(decorator) == "overload" for decorator in node.decorator_list):
            continue  # only a type: the function itself follows
        docstring = ast.get_docstring(node) or ""
        found += [f"{name}: {problem}" for problem in summary_problems(docstring)]
        if isinstance(node, ast.ClassDef):
            found += [f"{name}: {problem}" for problem in class_problems(docstring, node)]
        else:
            found += [f"{name}: {problem}" for problem in function_problems(docstring, node)]
    return found


@pytest.mark.parametrize("module", ["__init__", *MODULES])
def test_docstrings_are_complete(module: str) -> None:
    """Every parameter, result and error of what is public is documented."""
    found = problems(FILES[module].read_text("utf-8"))
    assert not found, "\n".join(found)
