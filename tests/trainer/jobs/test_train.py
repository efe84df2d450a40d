"""The whole training job runs in separate processes, so that it can be killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from archspec.cpu.detect import detected_info
from support.data import samples
from support.services import orphans

from contract.dataset import split_file, store, store_catalog
from contract.models.registry import Registry
from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings

TRAIN = """
if __name__ == "__main__":  # the readers import this module too: nothing heavy for them
    import json, logging, os, sys
    from contract.settings import load
    from contract.train_config import TrainConfig
    from trainer.jobs.train import train
    from trainer.settings import Settings
    logging.basicConfig(level=logging.INFO)
    settings = load(Settings, os.environ)
    epochs, batch = map(int, sys.argv[1:])
    config = TrainConfig(epochs=epochs, batch=batch, patience=99, validation_gap_s=0.2)
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


def start(
    tmp_path: Path, environ: dict[str, str], epochs: int, batch: int = 16
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(tmp_path / "train.py"), str(epochs), str(batch)],
        env=environ,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def result(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, _ = process.communicate(timeout=600)
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


def test_a_killed_training_resumes_and_publishes_once(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    """It is killed in its second epoch, and ends with the digests of an undisturbed training."""
    undisturbed = result(start(tmp_path, environ, 3))
    shutil.rmtree(tmp_path / "models")
    unused = orphans.shared_memory()
    environ["LAPWING_CHECKPOINT_S"] = "0"
    process = start(tmp_path, environ, 3)
    await_state(
        tmp_path, process, lambda state: state["unfinished"] and state["unfinished"]["epoch"] == 2
    )
    readers = children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    published = result(start(tmp_path, environ, 3))
    assert digests(published) == digests(undisturbed)
    assert Registry(tmp_path / "models").versions() == [1]
    assert result(start(tmp_path, environ, 3))["version"] == 1  # run again: published already
    assert Registry(tmp_path / "models").versions() == [1]
    assert list((tmp_path / "models" / ".jobs").iterdir()) == []
    assert orphans.shared_memory() <= unused
    assert readers
    for reader in readers:
        with pytest.raises(ProcessLookupError):
            os.kill(reader, 0)


def in_the_second_epoch(state: dict[str, Any]) -> bool:
    return bool(state["unfinished"]) and state["unfinished"]["epoch"] == 2


def digests(published: dict[str, Any]) -> list[tuple[int, str]]:
    return [(each["epoch"], each["digest"]) for each in published["history"]]


def await_state(
    tmp_path: Path, process: subprocess.Popen[str], reached: Callable[[dict[str, Any]], object]
) -> None:
    """Wait until a training has saved the state that `reached` accepts."""
    path = tmp_path / "models" / ".jobs" / "job-1" / "state.json"
    deadline = time.monotonic() + 600
    while not (path.exists() and reached(json.loads(path.read_text()))):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "it did not come so far in time"
        time.sleep(0.01)


def test_the_first_epoch_is_the_same_to_the_bit_with_any_number_of_readers(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    """TensorFlow runs on one thread: on several, sums depend on which one ends first."""
    environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    seen = []
    for readers in ("1", "2", "4"):
        epoch = result(start(tmp_path, {**environ, "LAPWING_READERS": readers}, 1))["history"][0]
        seen.append((epoch["digest"], epoch["loss"]))
        shutil.rmtree(tmp_path / "models")
    assert seen == [seen[0]] * 3


def test_a_damaged_recording_is_left_out_and_named(tmp_path: Path, environ: dict[str, str]) -> None:
    """One store has a flipped bit, and of another one the manifest is torn."""
    data = tmp_path / "data"
    torn = store_catalog.paths(data, "torn-12345678")[1]
    torn.write_text('{"dataset": "torn-123')
    source = samples.recording(tmp_path / "other", rows=60, seed=2)
    import_source(load(Settings, environ), source, None, 0.0, lambda **_: None)
    (damaged,) = (
        each for each in store_catalog.read_manifests(data) if each.source["name"] == "other"
    )
    path = store_catalog.paths(data, damaged.dataset)[0]
    with store.open_store(data, damaged) as reader:
        place = int(reader.layout.offsets[1]) + 12_345
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    published = result(start(tmp_path, environ, 1))
    assert [each.split("-")[0] for each in published["datasets"]] == ["run"]
    quarantined = published["quarantined"]
    assert set(quarantined) == {damaged.dataset, torn.stem}
    assert "the manifest torn-12345678.json cannot be read" in quarantined[torn.stem]
    why = quarantined[damaged.dataset]
    assert f"{path.name} is damaged: got block 1 (frames 32-63) differs" in why


def test_a_training_with_only_damaged_recordings_fails(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    (path,) = (tmp_path / "data" / "stores").glob("*.h5")
    path.write_bytes(path.read_bytes()[:-1])
    process = start(tmp_path, environ, 1)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 1
    assert "is not what its manifest says" in output


def test_the_version_carries_its_conditions(tmp_path: Path, environ: dict[str, str]) -> None:
    """The batches have one sample each: more of them validate than there are slots."""
    published = result(start(tmp_path, environ, 1, batch=1))
    manifest = Registry(tmp_path / "models").verify(1)
    assert Registry(tmp_path / "models").current() == 1
    assert manifest.job_id == "job-1"
    assert manifest.frame_spec["resize"] == "linear"
    assert manifest.config["epochs"] == 1
    assert manifest.config["precision"] == "auto"
    instructions = {"amx_bf16", "avx512_bf16"} & detected_info().features
    assert manifest.precision["computed"] == ("bfloat16" if instructions else "float32")
    assert "bf16" in manifest.precision["reason"]
    assert [each["rows"] for each in manifest.data] == [60]
    assert manifest.packages["keras"]
    assert {"tensorflow", "tensorflow-cpu"} & set(manifest.packages)
    metrics = published["metrics"]
    assert metrics["train_samples"] == metrics["train_rows"] * 6  # three cameras, mirrored
    assert metrics["validation_rows"] == 12
    assert 0 <= metrics["twin_difference"] <= 1e-4
    assert split_file.FILE in manifest.files
    parts = split_file.read(Registry(tmp_path / "models").path(1) / split_file.FILE)
    assert parts is not None
    assert parts.gap_s == manifest.config["validation_gap_s"]
    ((name, sides),) = parts.datasets.items()
    assert (name, sides.rows) == (manifest.data[0]["dataset"], 60)
    for side, counted in (("train", "train_rows"), ("validation", "validation_rows")):
        assert sum(end - first for first, end in getattr(sides, side)) == metrics[counted]


def test_rows_that_are_unfit_to_learn_from_are_left_out_and_told(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    """The longer a recording of these waves lasts, the more of it swings."""
    shutil.rmtree(tmp_path / "data")
    source = samples.recording(tmp_path / "waves", rows=120)
    (imported,) = import_source(load(Settings, environ), source, None, 0.0, lambda **_: None)
    process = start(tmp_path, environ, 1)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    (dataset,) = Registry(tmp_path / "models").verify(1).data
    unfit: Any = dataset["unfit"]
    assert set(unfit) == {"swinging"}
    swinging = unfit["swinging"]
    assert f"{imported['dataset']}: {swinging} rows ({swinging} swinging) are unfit" in output
    parts = split_file.read(Registry(tmp_path / "models").path(1) / split_file.FILE)
    assert parts is not None
    sides = parts.datasets[imported["dataset"]]
    used = sum(end - first for first, end in [*sides.train, *sides.validation])
    assert 0 < used <= 120 - swinging
