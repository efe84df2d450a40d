"""A training whose frames are varied on the device; here, the device is the CPU."""

import dataclasses
import logging
from pathlib import Path
from typing import Any

import pytest
from support.data import samples

from contract.settings import load
from contract.train_config import TrainConfig
from ingest.job import import_source
from ingest.settings import Settings as IngestSettings
from trainer.jobs.train import train
from trainer.settings import Settings
from trainer.training import devices
from trainer.training.devices import Devices

CONFIG = TrainConfig(epochs=2, batch=16, patience=99, validation_gap_s=0.2, brightness=0.2)


class StopError(Exception):
    """What a report raises to stop a training."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data volume with one recording of 60 rows."""
    folder = tmp_path_factory.mktemp("data")
    source = samples.recording(folder / "run", rows=60)
    settings = load(IngestSettings, {"LAPWING_DATA_DIR": str(folder)})
    import_source(settings, source, None, 0.0, lambda **_: None)
    return folder


def settings(data: Path, models: Path) -> Settings:
    return load(
        Settings,
        {
            "LAPWING_DATA_DIR": str(data),
            "LAPWING_MODEL_DIR": str(models),
            "LAPWING_CHECKPOINT_S": "0",
        },
    )


def accelerator() -> Devices:
    """Return this machine, taken for one whose GPU computes in float32."""
    return dataclasses.replace(devices.configure(), gpu=True)


def digests(result: dict[str, Any]) -> list[str]:
    return [each["digest"] for each in result["history"]]


def test_a_training_on_the_device_has_the_epochs_of_one_on_the_cpu(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is stopped in its second epoch and resumed, and its digests are the same."""

    def stop(**progress: Any) -> None:
        if progress.get("epoch") == 2 and progress.get("step") == 5:
            raise StopError

    on_cpu = train(settings(data, tmp_path / "cpu"), "job", lambda **_: None, [], CONFIG)
    with caplog.at_level(logging.INFO):
        here = settings(data, tmp_path / "device")
        with pytest.raises(StopError):
            train(here, "job", stop, [], CONFIG, machine=accelerator())
        on_device = train(here, "job", lambda **_: None, [], CONFIG, machine=accelerator())
    assert digests(on_device) == digests(on_cpu)
    assert len(digests(on_device)) == 2
    for one, other in zip(on_device["history"], on_cpu["history"], strict=True):
        assert one["validation_mse"] == pytest.approx(other["validation_mse"], rel=0.05)
    said = [each.getMessage() for each in caplog.records]
    assert sum("kept and varied in the memory of the device" in line for line in said) == 2
    assert any("resumed after epoch 1, " in line for line in said)
