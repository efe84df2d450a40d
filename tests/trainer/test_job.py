"""The whole job in processes of its own, so that it can be killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import samples

from contract.registry import Registry
from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings

TRAIN = """
import json, logging, sys
from contract.settings import load
from trainer.config import Config
from trainer.job import train
from trainer.settings import Settings

if __name__ == "__main__":
    import os
    logging.basicConfig(level=logging.INFO)
    settings = load(Settings, os.environ)
    config = Config(epochs=int(sys.argv[1]), batch=16, patience=99, gap_s=0.2)
    result = train(settings, "job-1", lambda **_: None, [], config)
    print("result:" + json.dumps(result))
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A data volume with one short recording, and an empty model volume."""
    source = samples.recording(tmp_path / "run", rows=60)
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / "data")})
    import_source(settings, source, None, 0.0, lambda **_: None)
    script = tmp_path / "train.py"
    script.write_text(TRAIN)
    return {
        **os.environ,
        "LAPWING_DATA_DIR": str(tmp_path / "data"),
        "LAPWING_MODEL_DIR": str(tmp_path / "models"),
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }


def start(tmp_path: Path, environ: dict[str, str], epochs: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(tmp_path / "train.py"), str(epochs)], env=environ, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def result(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    line = next(line for line in output.splitlines() if line.startswith("result:"))
    found: dict[str, Any] = json.loads(line.removeprefix("result:"))
    return found


def children(parent: int) -> list[int]:
    """List the child processes of `parent`."""
    found = subprocess.run(
        ["pgrep", "-P", str(parent)], capture_output=True, text=True, check=False
    )
    return [int(each) for each in found.stdout.split()]


def test_a_killed_training_goes_on_and_publishes_once(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    state = tmp_path / "models" / ".jobs" / "job-1" / "state.json"
    process = start(tmp_path, environ, 6)
    deadline = time.monotonic() + 90
    while not state.exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "no epoch was finished in time"
        time.sleep(0.01)
    readers = children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    finished = len(json.loads(state.read_text())["history"])
    assert 1 <= finished < 6
    published = result(start(tmp_path, environ, 6))
    assert [each["epoch"] for each in published["history"]] == [1, 2, 3, 4, 5, 6]
    assert Registry(tmp_path / "models").versions() == [1]
    assert result(start(tmp_path, environ, 6))["version"] == 1  # run again: published already
    assert Registry(tmp_path / "models").versions() == [1]
    assert list((tmp_path / "models" / ".jobs").iterdir()) == []
    assert readers
    for reader in readers:
        with pytest.raises(ProcessLookupError):
            os.kill(reader, 0)


def test_the_version_carries_its_conditions(tmp_path: Path, environ: dict[str, str]) -> None:
    published = result(start(tmp_path, environ, 1))
    manifest = Registry(tmp_path / "models").verify(1)
    assert Registry(tmp_path / "models").current() == 1
    assert manifest.job_id == "job-1"
    assert manifest.frame_spec["resize"] == "linear"
    assert manifest.config["epochs"] == 1
    assert [each["rows"] for each in manifest.data] == [60]
    assert manifest.packages["keras"]
    metrics = published["metrics"]
    assert metrics["train_samples"] == metrics["train_rows"] * 6  # three cameras, mirrored
    assert metrics["validation_rows"] == 12
    assert 0 <= metrics["twin_difference"] <= 1e-4
