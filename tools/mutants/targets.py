"""The table of what is mutated, and of the tests that each module must fail.

A module's tests are those of the file that mirrors it. `EXTRA` names others that are about the
module: a table instead of the whole suite, because a mutant shall be found by a test of its
module, and because the whole suite takes minutes.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from pathlib import Path

CONTRACT = "packages/contract/contract"
DATA = "services/trainer/trainer/data"
BRIDGE = "services/driver-bridge/driver_bridge"
INFERENCE = "services/inference/inference"
EVALUATOR = "services/evaluator/evaluator"

PARTS: dict[str, tuple[str, ...]] = {
    "contract": (
        f"{CONTRACT}/*.py",
        f"{CONTRACT}/dataset/*.py",
        f"{CONTRACT}/files/*.py",
        f"{CONTRACT}/frames/*.py",
        f"{CONTRACT}/jobs/*.py",
        f"{CONTRACT}/policy/*.py",
        f"{CONTRACT}/recordings/*.py",
        f"{CONTRACT}/recordings/packed/*.py",
        f"{CONTRACT}/wire/*.py",
    ),
    "stream": (
        f"{DATA}/sampler.py",
        f"{DATA}/loader.py",
        f"{DATA}/loader_worker.py",
        f"{DATA}/shared_memory.py",
        f"{DATA}/pipeline.py",
        f"{DATA}/recovery.py",
        f"{DATA}/samples.py",
        f"{DATA}/batches.py",
        f"{DATA}/split.py",
    ),
    "registry": (
        f"{CONTRACT}/models/*.py",
        "services/trainer/trainer/export/manifest.py",
        "services/trainer/trainer/jobs/train.py",
    ),
    "gate": (
        f"{EVALUATOR}/closed_loop/noninferiority.py",
        f"{EVALUATOR}/closed_loop/statistics.py",
        f"{EVALUATOR}/jobs/gate.py",
    ),
    "bridge": (f"{BRIDGE}/control/*.py",),
    "admission": (
        f"{INFERENCE}/workers/scheduler.py",
        f"{INFERENCE}/api/body_reader.py",
        f"{INFERENCE}/api/connection_table.py",
        f"{INFERENCE}/api/predict.py",
        f"{INFERENCE}/api/request_body.py",
    ),
}

EXTRA: dict[str, tuple[str, ...]] = {
    f"{BRIDGE}/control/driver.py": ("tests/driver_bridge/control/test_stopping.py",),
}
"""Tests of a module beyond the file that mirrors it."""

SLOW: dict[str, int] = {
    f"{INFERENCE}/workers/scheduler.py": 60,
    f"{INFERENCE}/api/*.py": 40,
    f"{EVALUATOR}/jobs/gate.py": 30,
    "services/trainer/trainer/jobs/train.py": 25,
    f"{DATA}/loader*.py": 60,
    f"{CONTRACT}/jobs/*.py": 30,
}
"""Maximum number of mutants of modules whose tests start processes."""

MOST_MUTANTS = 100


@dataclass(frozen=True)
class Target:
    """One module that is mutated."""

    part: str
    module: str
    """Path of the module in the repository."""
    tests: tuple[str, ...]
    """Paths of the tests that shall fail."""
    most: int
    """Maximum number of mutants."""


def targets(root: Path, patterns: list[str]) -> list[Target]:
    """Return the modules that are mutated, in the order of the table.

    Args:
        root: The working tree.
        patterns: Names of parts, or patterns of module paths (`*/wire/*`); nothing means all.
    """
    found = []
    for part, globs in PARTS.items():
        for glob in globs:
            for path in sorted(root.glob(glob)):
                module = str(path.relative_to(root))
                wanted = not patterns or any(
                    part == pattern or fnmatch.fnmatch(module, pattern) for pattern in patterns
                )
                tests = _tests(root, module)
                if wanted and tests and path.name != "__init__.py":
                    found.append(Target(part, module, tests, _most(module)))
    return found


def untested(root: Path) -> list[str]:
    """Return the modules of the table that no test mirrors and that the table gives none."""
    return [
        str(path.relative_to(root))
        for globs in PARTS.values()
        for glob in globs
        for path in sorted(root.glob(glob))
        if path.name != "__init__.py" and not _tests(root, str(path.relative_to(root)))
    ]


def _tests(root: Path, module: str) -> tuple[str, ...]:
    """Return the tests of a module: the file that mirrors it, and those of the table."""
    inside = Path(*Path(module).parts[2:])
    mirror = str(Path("tests") / inside.parent / f"test_{inside.name}")
    mirrored = (mirror,) if (root / mirror).exists() else ()
    return (*mirrored, *EXTRA.get(module, ()))


def _most(module: str) -> int:
    """Return the maximum number of mutants of a module."""
    return next(
        (most for pattern, most in SLOW.items() if fnmatch.fnmatch(module, pattern)), MOST_MUTANTS
    )
