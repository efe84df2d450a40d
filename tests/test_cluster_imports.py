"""Without LAPWING_CLUSTER and LAPWING_STORAGE no process imports what only they need."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.data import candidates, models

from contract.models.registry import Registry

ENTRIES = {
    "ingest": ("ingest.__main__", "ingest.job", "ingest.overview.job"),
    "trainer": ("trainer.__main__", "trainer.jobs.train", "trainer.jobs.import_model"),
    "evaluator": (
        "evaluator.__main__",
        "evaluator.jobs.evaluate",
        "evaluator.jobs.gate",
        "evaluator.jobs.collect",
        "evaluator.jobs.record",
    ),
    "cli": ("lapwing.__main__", "lapwing.app"),
}
"""Modules that the process of each program imports: its own, and those of its jobs."""
SHOW = """
print("found", sorted({name.split(".")[0] for name in sys.modules} & set(
    ("ray", "pyarrow", "jax", "obstore", "pandas", "fsspec"))))
"""
IMPORT = f"""
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
{SHOW}
"""
DRIVE = f"""
if __name__ == "__main__":
    import sys
    from pathlib import Path
    from contract.models.registry import Registry
    from evaluator.closed_loop.executors.choice import choose_executor
    from evaluator.closed_loop.perturbations import Condition
    from evaluator.closed_loop.rollouts import Scenario, run_rollouts
    from evaluator.settings import Settings
    executor = choose_executor(Settings(drivers=1), lambda **fields: None)
    scenario = Scenario(sys.argv[2], Condition(), 0.02, 1)
    [[made]] = run_rollouts(Registry(Path(sys.argv[1])), 1, [scenario], 1, executor)
    assert made["metrics"]
    {SHOW.strip().replace(chr(10), chr(10) + "    ")}
"""


def found(program: Path | str, *words: str) -> str:
    """Return what a program prints of the modules that it has imported."""
    command = [str(program)] if isinstance(program, Path) else ["-c", program]
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in ("LAPWING_CLUSTER", "LAPWING_STORAGE")
    }
    done = subprocess.run(
        [sys.executable, *command, *words], capture_output=True, text=True, env=environ
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("program", ENTRIES)
def test_no_process_imports_what_a_cluster_needs(program: str) -> None:
    assert found(IMPORT, *ENTRIES[program]) == "found []"


def test_the_check_can_fail() -> None:
    assert found(IMPORT, "pyarrow") == "found ['pyarrow']"


def test_a_local_drive_imports_nothing_of_it(tmp_path: Path, networks: Path) -> None:
    registry = Registry(tmp_path / "models")
    registry.root.mkdir()
    models.publish(registry, networks / "straight", "one")
    script = tmp_path / "job.py"
    script.write_text(DRIVE)
    assert found(script, str(registry.root), str(candidates.road(tmp_path))) == "found []"
