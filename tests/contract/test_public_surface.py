"""Checks that `__all__` of each module of the contract lists its public names, and only those."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest
from support.house import MODULES, PACKAGES, ROOT, TESTS, label

CONTRACT = [
    path for path in MODULES if path.is_relative_to(PACKAGES["contract"]) and path.stem[0] != "_"
]


def dotted(module: Path) -> str:
    return ".".join(module.relative_to(PACKAGES["contract"].parent).with_suffix("").parts)


def uses() -> dict[str, set[str]]:
    """Return for each module of the contract the names that other modules use."""
    modules = {dotted(path) for path in CONTRACT}
    used: dict[str, set[str]] = defaultdict(set)
    for path in [*MODULES, *TESTS, *ROOT.glob("bench/**/*.py"), *ROOT.glob("tools/*.py")]:
        tree = ast.parse(path.read_text())
        aliases = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for name in node.names:
                    full_name = f"{node.module}.{name.name}"
                    if full_name in modules:
                        aliases[name.asname or name.name] = full_name
                    elif node.module in modules:
                        used[node.module].add(name.name)
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id in aliases
            ):
                used[aliases[node.value.id]].add(node.attr)
    return used


USES = uses()


def surface(module: Path) -> set[str]:
    """Return the public classes and functions of a module, and its other names that are used."""
    tree = ast.parse(module.read_text())
    defined = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    used_names = {name for name in USES[dotted(module)] if not name.startswith("__")}
    return {name for name in defined if not name.startswith("_")} | used_names


def declared(module: Path) -> list[str]:
    for node in ast.parse(module.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    pytest.fail(f"{label(module)} has no __all__")


@pytest.mark.parametrize("module", CONTRACT, ids=label)
def test_all_lists_the_public_names_of_a_module(module: Path) -> None:
    assert set(declared(module)) == surface(module)
    assert not [name for name in declared(module) if name.startswith("_")]
