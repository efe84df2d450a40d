"""The disk of the model volume becomes full while a training runs, on a real file system."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.data import samples
from support.services import small_disks

from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings

TRAIN = """
if __name__ == "__main__":  # the readers import this module too: nothing heavy for them
    import json, os, re
    from contract.errors import DiskFullError
    from contract.models.registry import Registry
    from contract.settings import load
    from contract.train_config import TrainConfig
    from support.services import small_disks
    from trainer.jobs.train import train
    from trainer.settings import Settings
    settings = load(Settings, os.environ)
    config = TrainConfig(epochs=3, batch=16, patience=99, validation_gap_s=0.2)
    registry = Registry(settings.model_dir)

    class Filling:
        def __init__(self, phase, leave_bytes):
            self.phase, self.leave_bytes, self.full = phase, leave_bytes, False
        def __call__(self, phase="", epoch=0, **_):
            if not self.full and (phase == self.phase or epoch == self.phase):
                self.full = True
                small_disks.fill(settings.model_dir, self.leave_bytes)

    train(settings, "train-0", lambda **_: None, [], config)
    errors = []
    for number, point in enumerate([(2, 0), (2, 1 << 20), ("publish", 0), ("publish", 1 << 20)], 1):
        job = f"train-{number}"
        before = registry.verify(1)
        try:
            train(settings, job, Filling(*point), [], config)
        except DiskFullError as error:
            errors.append(str(error))
        else:
            raise SystemExit(f"{point}: the training did not fail")
        assert registry.versions() == list(range(1, number + 1)), point
        assert (registry.current(), registry.verify(1)) == (1, before)
        (settings.model_dir / ".ballast").unlink()
        published = train(settings, job, lambda **_: None, [], config)
        assert [entry["epoch"] for entry in published["history"]] == [1, 2, 3]
        assert registry.verify(number + 1).job_id == job
    assert list((settings.model_dir / ".jobs").iterdir()) == []
    print(json.dumps(errors))
"""


@pytest.mark.soak
def test_a_full_disk_fails_the_training_and_harms_no_version(tmp_path: Path) -> None:
    source = samples.recording(tmp_path / "run", rows=60)
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / "data")})
    import_source(settings, source, None, 0.0, lambda **_: None)
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "disk").mkdir()
    environ = {
        **os.environ,
        "LAPWING_DATA_DIR": str(tmp_path / "data"),
        "LAPWING_MODEL_DIR": str(tmp_path / "disk"),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONPATH": str(samples.TESTS),
    }
    done = subprocess.run(
        small_disks.on_small_disk(
            tmp_path / "disk", "64m", [sys.executable, str(tmp_path / "train.py")]
        ),
        env=environ,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    errors = json.loads(done.stdout.splitlines()[-1])
    assert len(errors) == 4
    for error in errors:
        assert error.startswith("the disk is full: the training needs 33,554,432 bytes in "), error
        assert "bytes free" in error
