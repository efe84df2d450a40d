"""The table of what is mutated, and of the tests that each module must fail.

A module's tests are those of the file that mirrors it. `EXTRA` names others that are about the
module: a table instead of the whole suite, because a mutant shall be found by a test of its
module, and because the whole suite takes minutes.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from pathlib import Path, PurePath

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
        f"{DATA}/augmentation/recovery.py",
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
        f"{EVALUATOR}/closed_loop/betting.py",
        f"{EVALUATOR}/closed_loop/noninferiority.py",
        f"{EVALUATOR}/closed_loop/paired_drives.py",
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

_LOGS = (
    "tests/contract/recordings/test_driving_log.py",
    "tests/contract/recordings/test_log_form.py",
    "tests/contract/recordings/test_donkey_tub.py",
    "tests/contract/recordings/test_log_corpus.py",
)
_VERSIONS = (
    "tests/contract/models/test_registry.py",
    "tests/contract/models/test_promotion.py",
    "tests/contract/test_documents.py",
)
_DOCUMENTS = ("tests/contract/test_documents.py",)
EXTRA: dict[str, tuple[str, ...]] = {
    f"{CONTRACT}/dataset/dataset_labels.py": _DOCUMENTS,
    f"{CONTRACT}/dataset/exclusions.py": _DOCUMENTS,
    f"{CONTRACT}/dataset/overviews.py": _DOCUMENTS,
    f"{CONTRACT}/dataset/split_file.py": _DOCUMENTS,
    f"{CONTRACT}/dataset/store_catalog.py": _DOCUMENTS,
    f"{CONTRACT}/wire/live_view.py": _DOCUMENTS,
    f"{CONTRACT}/files/atomic_files.py": ("tests/contract/files/test_power_cuts.py",),
    f"{CONTRACT}/jobs/work_horse.py": ("tests/contract/jobs/test_worker.py",),
    f"{CONTRACT}/recordings/line_reader.py": _LOGS,
    f"{CONTRACT}/recordings/log_reader.py": ("tests/contract/recordings/test_archive.py",),
    f"{CONTRACT}/recordings/log_rows.py": _LOGS,
    f"{CONTRACT}/recordings/log_text.py": _LOGS,
    f"{CONTRACT}/recordings/packed/tar_stream.py": (
        "tests/contract/recordings/packed/test_unpack.py",
        "tests/contract/recordings/test_archive.py",
    ),
    f"{CONTRACT}/models/current.py": (*_VERSIONS, "tests/contract/models/test_power_cuts.py"),
    f"{CONTRACT}/models/journal.py": _DOCUMENTS,
    f"{CONTRACT}/models/layer_table.py": _DOCUMENTS,
    f"{CONTRACT}/models/lineage.py": _DOCUMENTS,
    f"{CONTRACT}/models/notes.py": _DOCUMENTS,
    f"{CONTRACT}/models/registry.py": _VERSIONS,
    f"{CONTRACT}/models/promotion.py": _VERSIONS,
    f"{BRIDGE}/control/driver.py": (
        "tests/driver_bridge/control/test_driver_limits.py",
        "tests/driver_bridge/control/test_stopping.py",
    ),
    f"{BRIDGE}/control/roll_direction.py": ("tests/driver_bridge/control/test_stopping.py",),
    f"{BRIDGE}/control/speed_control.py": (
        "tests/driver_bridge/control/test_stopping.py",
        "tests/driver_bridge/control/test_driver.py",
    ),
    f"{EVALUATOR}/closed_loop/statistics.py": (
        "tests/evaluator/closed_loop/test_noninferiority.py",
    ),
    f"{INFERENCE}/api/body_reader.py": ("tests/inference/api/test_request_body.py",),
    f"{INFERENCE}/api/predict.py": ("tests/inference/test_app.py",),
}
"""Tests of a module beyond the file that mirrors it."""

FEWER: dict[str, int] = {
    f"{INFERENCE}/workers/scheduler.py": 15,
    f"{INFERENCE}/api/connection_table.py": 15,
    f"{INFERENCE}/api/predict.py": 12,
    f"{INFERENCE}/api/*.py": 30,
    f"{EVALUATOR}/jobs/gate.py": 15,
    f"{EVALUATOR}/closed_loop/statistics.py": 30,
    f"{CONTRACT}/files/*.py": 40,
    f"{DATA}/split.py": 40,
    "services/trainer/trainer/jobs/train.py": 8,
    f"{DATA}/loader.py": 20,
    f"{CONTRACT}/jobs/*.py": 8,
    f"{BRIDGE}/control/roll_direction.py": 40,
    f"{BRIDGE}/control/speed_control.py": 20,
    f"{CONTRACT}/dataset/store.py": 20,
    f"{CONTRACT}/models/current.py": 12,
    f"{CONTRACT}/models/registry.py": 30,
    f"{CONTRACT}/models/promotion.py": 30,
    f"{CONTRACT}/*/*/*.py": 20,
    f"{CONTRACT}/frames/*.py": 20,
    f"{CONTRACT}/policy/*.py": 20,
    f"{CONTRACT}/recordings/*.py": 20,
    f"{CONTRACT}/wire/*.py": 20,
    f"{CONTRACT}/*.py": 20,
}
"""Maximum number of mutants where tests start processes, or where there are very many modules.

The first pattern that fits counts."""

MOST_MUTANTS = 60


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
    return tuple(dict.fromkeys([*mirrored, *EXTRA.get(module, ())]))


def _most(module: str) -> int:
    """Return the maximum number of mutants of a module."""
    return next(
        (most for pattern, most in FEWER.items() if PurePath(module).match(pattern)), MOST_MUTANTS
    )
