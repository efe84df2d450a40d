"""The disk of the model volume becomes full while a version is evaluated."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.data import candidates, samples
from support.data.candidates import Driven
from support.services import small_disks

from contract.models.registry import Registry

EVALUATE = """
if __name__ == "__main__":  # the drives are made in processes that import this module too
    import shutil, sys
    from pathlib import Path
    from contract.errors import DiskFullError
    from contract.files import disk_space
    from contract.models.registry import Registry
    from evaluator.jobs import evaluate
    from support.data import candidates
    from support.services import small_disks
    disk, root, track = map(Path, sys.argv[1:])
    shutil.copytree(root / "models", disk / "models", symlinks=True)
    settings = candidates.settings(disk, track)
    registry = Registry(settings.model_dir)
    words = (1, str(track), 1, 0.02, ["clear"], 1, False)
    evaluate.evaluate(settings, lambda **_: None, *words)
    whole = set((disk / "models").rglob("*"))
    for phase, leave_bytes in (("drive", 0), ("draw", 0), ("draw", 16384), ("draw", 65536)):
        def fill(phase_now=None, leave_bytes=leave_bytes, **fields):
            if fields.get("phase") == phase and not (disk / ".ballast").exists():
                small_disks.fill(disk, leave_bytes)
        seed = 2 if phase == "drive" else 1
        try:
            with disk_space.writing(settings.model_dir, "the evaluation", 1 << 20):
                evaluate.evaluate(settings, fill, *words[:5], seed, False)
        except DiskFullError as error:
            print(error)
        else:
            raise SystemExit(f"{phase}, {leave_bytes}: it did not fail")
        (disk / ".ballast").unlink()
        registry.verify(1)
        there = {
            path
            for path in (disk / "models").rglob("*")
            if not any(part.endswith("-2") for part in path.relative_to(disk).parts)
        }
        assert there == whole, there ^ whole
    evaluate.evaluate(settings, lambda **_: None, *words)
"""


@pytest.mark.soak
def test_a_full_disk_fails_the_evaluation_and_leaves_the_one_before(
    tmp_path: Path, driven: Driven
) -> None:
    made = candidates.settings(tmp_path, driven.track)
    driven.publish(Registry(made.model_dir), "straight", "one", data=[])
    (tmp_path / "evaluate.py").write_text(EVALUATE)
    (tmp_path / "disk").mkdir()
    arguments = [tmp_path / "evaluate.py", tmp_path / "disk", tmp_path, driven.track]
    done = subprocess.run(
        small_disks.on_small_disk(tmp_path / "disk", "16m", [sys.executable, *map(str, arguments)]),
        env={**os.environ, "PYTHONPATH": str(samples.TESTS)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("the disk is full: ")]
    assert len(lines) == 4
    assert all("needs 1,048,576 bytes" in line and "bytes free" in line for line in lines)
