"""How the package is made: which module imports which, and what tools read of it."""

from __future__ import annotations

import ast
import inspect
import typing
from pathlib import Path

import pytest

import tokentoss

HERE = Path(tokentoss.__file__).parent


def imported(tree: ast.AST) -> set[str]:
    """Returns the modules of this package that a module imports, anywhere: within functions and for types, too."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").split(".")[0] == "tokentoss"):
            module = (node.module or "").removeprefix("tokentoss").removeprefix(".")
            found |= {module} if module else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.partition(".")[2] for a in node.names if a.name.startswith("tokentoss")}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("tokentoss."):
            found.add(node.value.partition(".")[2])  # by name
    return found


def test_no_import_leads_back() -> None:
    """Every module imports only such as stand below it, so one can be read, and changed, after the other."""
    graph = {p.stem: imported(ast.parse(p.read_text("utf-8"))) for p in HERE.glob("*.py")}
    graph = {name: {n for n in found if n in graph} for name, found in graph.items() if name != "__init__"}
    assert len(graph) > 25 and "_rpc" in graph["_session"] and "_credentials" in graph["auth_manager"]
    while graph:
        bottom = {name for name, found in graph.items() if not found & graph.keys()}
        assert bottom, f"these import each other in a circle: {sorted(graph)}"
        graph = {name: found for name, found in graph.items() if name not in bottom}


PUBLIC = sorted({*tokentoss.__all__, *tokentoss._EXTRAS} - {"CREDENTIALS", "DEFAULT_SCOPES", "__version__"})


@pytest.mark.parametrize("name", PUBLIC)
def test_types_can_be_read_when_it_runs(name: str) -> None:
    thing = getattr(tokentoss, name)
    functions = [thing]
    if inspect.isclass(thing):
        own = [c for c in thing.__mro__ if c.__module__.startswith("tokentoss")]
        functions = [f for c in own for n, f in vars(c).items() if inspect.isfunction(f) and not n.startswith("_")]
        functions += [thing.__init__]
    for function in functions:
        if inspect.isfunction(function):
            typing.get_type_hints(function)


def test_names_are_listed_once() -> None:
    assert len(tokentoss.__all__) == len(set(tokentoss.__all__)) and "Any" not in tokentoss.__all__
    lazy = {
        alias.name: node.module
        for node in ast.walk(ast.parse((HERE / "__init__.py").read_text("utf-8")))
        if isinstance(node, ast.If)
        for node in node.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name != "SessionCredentials"
    }
    assert lazy == tokentoss._LAZY, "what is said to type checkers"
