"""A training with averaged weights, a schedule and the last epoch is published and resumed."""

import json
from typing import Any, Final

import h5py
import numpy as np
import pytest
from support.data import samples

from contract.models.registry import H5, ModelManifest, Registry
from contract.train_config import TrainConfig
from ingest.job import import_source
from ingest.settings import Settings as IngestSettings
from trainer.jobs.train import train
from trainer.settings import Settings

EPOCHS: Final = 3
RECIPE: Final[dict[str, Any]] = {
    "averaging_epochs": 1.0,
    "learning_rate_schedule": "cosine",
    "learning_rate": 0.01,
    "publish_epoch": "last",
}


class KillError(Exception):
    """Ends a training in the middle of an epoch, as a kill does."""


def no_report(**_: object) -> None:
    pass


def config(**options: Any) -> TrainConfig:
    return TrainConfig(
        epochs=EPOCHS,
        batch=16,
        cameras=False,
        validation_gap_s=0.2,
        patience=1,
        min_epochs=1,
        **options,
    )


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return volumes with one recording, and with a version of the recipe."""
    folder = tmp_path_factory.mktemp("recipe")
    settings = Settings(data_dir=folder / "data", model_dir=folder / "models", checkpoint_s=0.0)
    source = samples.recording(folder / "run", rows=60)
    import_source(IngestSettings(data_dir=settings.data_dir), source, None, 0.0, no_report)
    assert train(settings, "recipe", no_report, [], config(**RECIPE))["version"] == 1
    return settings


def version(settings: Settings, number: int) -> ModelManifest:
    return Registry(settings.model_dir).verify(number)


def digests(settings: Settings, number: int) -> list[str]:
    return [epoch["digest"] for epoch in version(settings, number).history]


def weights(settings: Settings, number: int) -> np.ndarray:
    """Return all weights of a version's model.h5 in one row, read with h5py."""
    arrays: list[np.ndarray] = []

    def visit(_: str, node: object) -> None:
        if isinstance(node, h5py.Dataset):
            arrays.append(node[...].ravel())

    with h5py.File(Registry(settings.model_dir).path(number) / H5) as file:
        file["model_weights"].visititems(visit)
    return np.concatenate(arrays)


def test_what_validated_is_what_was_published(settings: Settings) -> None:
    manifest = version(settings, 1)
    published = manifest.metrics["validation_mse"]
    assert published == pytest.approx(manifest.history[-1]["validation_mse"], rel=1e-4)


def test_a_killed_training_resumes_with_its_average_and_its_schedule(settings: Settings) -> None:
    def kill(step: int = 0, epoch: int = 0, **_: Any) -> None:
        if (epoch, step) == (2, 2):
            raise KillError

    with pytest.raises(KillError):
        train(settings, "killed", kill, [], config(**RECIPE))
    # No later epoch validates better than this: a patience of one epoch would end the training.
    state = settings.model_dir / ".jobs" / "killed" / "state.json"
    document = json.loads(state.read_text())
    document["history"][0]["validation_mse"] = 0.0
    state.write_text(json.dumps(document))
    resumed = train(settings, "killed", no_report, [], config(**RECIPE))["version"]
    metrics = version(settings, resumed).metrics
    assert metrics["epochs"] == metrics["best_epoch"] == EPOCHS
    assert digests(settings, resumed) == digests(settings, 1)
    np.testing.assert_allclose(weights(settings, resumed), weights(settings, 1), atol=1e-5)


def test_averaging_changes_what_is_published_and_not_what_is_trained_on(settings: Settings) -> None:
    plain = train(settings, "plain", no_report, [], config(**RECIPE | {"averaging_epochs": 0.0}))
    number = plain["version"]
    assert digests(settings, number) == digests(settings, 1)
    ours, theirs = (version(settings, each).history for each in (1, number))
    for one, other in zip(ours, theirs, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-3)
        assert one["validation_mse"] != pytest.approx(other["validation_mse"], rel=1e-3)
    assert np.abs(weights(settings, number) - weights(settings, 1)).max() > 1e-3
