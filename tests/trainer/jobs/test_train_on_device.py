"""A training whose frames are varied on the device; here, the device is the CPU."""

import dataclasses
import logging
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.data import samples

from contract.dataset import store, store_catalog
from contract.settings import load
from contract.train_config import TrainConfig
from ingest.job import import_source
from ingest.settings import Settings as IngestSettings
from trainer.data import dataset_rows, pipeline
from trainer.data.batches import BatchSource
from trainer.data.loader import DataLoader
from trainer.jobs.train import train
from trainer.settings import Settings
from trainer.training import devices
from trainer.training.devices import Devices
from trainer.training.epoch_state import EpochState

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


def digests_of_the_ring(data: Path) -> list[str]:
    """Return the digest of each epoch as the readers give its batches, without a network."""
    with ExitStack() as stack:
        (manifest,) = store_catalog.read_manifests(data)
        reader = stack.enter_context(store.open_store(data, manifest))
        table = pipeline.prepare(dataset_rows.read([reader]), CONFIG).table
        loader = DataLoader(
            [reader.layout],
            batch=CONFIG.batch,
            readers=1,
            queue_bytes=64 << 20,
            augmentation=pipeline.augmentation(CONFIG),
        )
        source = BatchSource(
            table, stack.enter_context(loader), [reader.blocks], CONFIG.batch, "exact", CONFIG.seed
        )
        epochs = [EpochState(number) for number in range(1, CONFIG.epochs + 1)]
        for epoch in epochs:
            for batch in source.epoch(epoch.epoch, 0):
                epoch.add(batch.numbers, batch.labels, 0.0)
    return [epoch.digest for epoch in epochs]


def test_a_training_on_the_device_has_the_epochs_of_one_on_the_cpu(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is stopped in its second epoch and resumed, and publishes a version."""

    def stop(**progress: Any) -> None:
        if progress.get("epoch") == 2 and progress.get("step") == 5:
            raise StopError

    here = settings(data, tmp_path)
    with caplog.at_level(logging.INFO):
        with pytest.raises(StopError):
            train(here, "job", stop, [], CONFIG, machine=accelerator())
        result = train(here, "job", lambda **_: None, [], CONFIG, machine=accelerator())
    assert [each["digest"] for each in result["history"]] == digests_of_the_ring(data)
    said = [each.getMessage() for each in caplog.records]
    assert sum("kept and varied in the memory of the device" in line for line in said) == 2
    assert any("resumed after epoch 1, " in line for line in said)
    assert result["version"] == 1
