"""Without LAPWING_CLUSTER and LAPWING_STORAGE no process imports what only they need."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.data import candidates, models
from support.house import ROOT

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
WATCH = """
import sys
WATCHED = {"ray", "pyarrow", "jax", "obstore", "pandas", "fsspec"}
OF_OTHERS = {"jax", "pandas", "pyarrow"}
found = set()
class Watcher:
    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        if name == root and root in WATCHED:
            frame = sys._getframe(1)
            while "importlib" in frame.f_code.co_filename:
                frame = frame.f_back
            importer = frame.f_globals.get("__name__", "")
            if root not in OF_OTHERS or importer.partition(".")[0] in OURS:
                found.add(f"{importer} imports {root}")
OURS = {"__main__", "contract", "evaluator", "ingest", "lapwing", "simulator", "trainer"}
sys.meta_path.insert(0, Watcher())
"""
"""Watches who imports what. Keras imports pandas and JAX wherever they are installed, as in the
image `cluster`; the images of the services do not have them."""
SHOW = """
print("found", sorted(found))
"""
IMPORT = f"""
{WATCH}
import importlib
for name in sys.argv[1:]:
    importlib.import_module(name)
{SHOW}
"""
DRIVE = f"""
{WATCH}
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
    program = IMPORT + "import pyarrow\n" + SHOW
    assert found(program) == "found ['__main__ imports pyarrow']"
    program = IMPORT + "from contract.cluster import head_watch\nimport ray\n" + SHOW
    assert "'__main__ imports ray'" in found(program)


@pytest.mark.parametrize("lock", ["cli", "evaluator", "ingest", "trainer"])
def test_the_images_of_the_services_do_not_have_it(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.lock").read_text()
    names = set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))
    assert len(names) > 5
    assert not names & {"ray", "jax", "obstore", "pandas", "fsspec"}


def test_a_local_drive_imports_nothing_of_it(tmp_path: Path, networks: Path) -> None:
    registry = Registry(tmp_path / "models")
    registry.root.mkdir()
    models.publish(registry, networks / "straight", "one")
    script = tmp_path / "job.py"
    script.write_text(DRIVE)
    assert found(script, str(registry.root), str(candidates.road(tmp_path))) == "found []"
