"""Lists our packages and their modules, for the tests that check the rules of the code."""

from __future__ import annotations

import ast
from pathlib import Path

from support.data import samples

ROOT = samples.ROOT
PACKAGES = {
    path.name: path
    for path in [*ROOT.glob("packages/*/*/"), *ROOT.glob("services/*/*/")]
    if (path / "__init__.py").exists()
}

MODULES = sorted(module for path in PACKAGES.values() for module in path.rglob("*.py"))
TESTS = sorted(ROOT.glob("tests/**/*.py"))


def imported(module: Path) -> set[str]:
    """Return the dotted names that a module imports, also inside its functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def home(module: Path) -> tuple[str, Path]:
    """Return the dotted name of a module's package, and the folder of the top package."""
    for path in PACKAGES.values():
        if module.is_relative_to(path):
            return ".".join(module.relative_to(path.parent).parts[:-1]), path
    raise AssertionError(module)


def label(value: object) -> str:
    """Return the name of a test's parameter: the path in the repository if it is a path."""
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)
