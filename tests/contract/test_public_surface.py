"""`__all__` of each module of the contract is what the other modules may use of it, and no more."""

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
    """Return the names that are used of each module of the contract, from outside of it."""
    modules = {dotted(path) for path in CONTRACT}
    used: dict[str, set[str]] = defaultdict(set)
    for path in [*MODULES, *TESTS, *ROOT.glob("bench/**/*.py"), *ROOT.glob("tools/*.py")]:
        tree = ast.parse(path.read_text())
        aliases = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for name in node.names:
                    whole = f"{node.module}.{name.name}"
                    if whole in modules:
                        aliases[name.asname or name.name] = whole
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
    """Return the public classes and functions of a module, and what others use of the rest."""
    tree = ast.parse(module.read_text())
    defined = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    others = {name for name in USES[dotted(module)] if not name.startswith("__")}
    return {name for name in defined if not name.startswith("_")} | others


def declared(module: Path) -> list[str]:
    for node in ast.parse(module.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    pytest.fail(f"{label(module)} has no __all__")


@pytest.mark.parametrize("module", CONTRACT, ids=label)
def test_all_names_what_others_may_use_and_no_more(module: Path) -> None:
    assert set(declared(module)) == surface(module)
    assert not [name for name in declared(module) if name.startswith("_")]
