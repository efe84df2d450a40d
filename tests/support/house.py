"""Our packages and their modules, for the tests that read the rules of the house from them."""

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
    """Return the dotted names that a module imports, those of its functions included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{name.name}" for name in node.names}
    return found


def home(module: Path) -> tuple[str, Path]:
    """Return the dotted name of the package that a module is in, and its service's folder."""
    for path in PACKAGES.values():
        if module.is_relative_to(path):
            return ".".join(module.relative_to(path.parent).parts[:-1]), path
    raise AssertionError(module)


def label(value: object) -> str:
    """Return what a test's parameter is called: of a path, where it lies in the repository."""
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)
