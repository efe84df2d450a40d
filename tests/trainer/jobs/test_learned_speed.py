"""A version that learns the speed is trained by the job's function, served, and trained further."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
import pytest
from support.data import samples

from contract.errors import ModelError, TrainingError
from contract.models import golden, layer_table
from contract.models.registry import H5, Registry
from contract.policy import load_version
from contract.train_config import TrainConfig
from ingest.job import import_source
from ingest.settings import Settings as IngestSettings
from trainer.explain.inspector import ModelInspector
from trainer.export import onnx_model
from trainer.graph import numpy_backend
from trainer.graph.layers import Dense
from trainer.jobs import explain
from trainer.jobs.import_model import ImportOptions, load_network
from trainer.jobs.train import train
from trainer.keras_import import reader
from trainer.settings import Settings
from trainer.training import network_builder

FRAME: Final = samples.picture(0.3, 5, 128, 128)
LAST: Final = 10 * 2 + 2
"""Parameters of the last layer, which is given ten numbers and has two units."""


class KillError(Exception):
    """Ends a training in the middle of an epoch, as a kill does."""


def no_report(**_: object) -> None:
    pass


def config(**options: Any) -> TrainConfig:
    plain = {"epochs": 1, "batch": 32, "cameras": False, "validation_gap_s": 0.2}
    return TrainConfig(**(plain | {"learn_speed": True} | options))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return volumes with one recording of 15 to 17 mph, and with one version."""
    folder = tmp_path_factory.mktemp("speed")
    settings = Settings(data_dir=folder / "data", model_dir=folder / "models", checkpoint_s=0.0)
    source = samples.recording(folder / "run", rows=90)
    import_source(IngestSettings(data_dir=settings.data_dir), source, None, 0.0, no_report)
    assert train(settings, "first", no_report, [], config())["version"] == 1
    return settings


@pytest.fixture
def registry(settings: Settings) -> Registry:
    return Registry(settings.model_dir)


def read(registry: Registry, version: int = 1) -> np.ndarray:
    """Return the numbers that NumPy computes with a version's model.h5 for FRAME."""
    network = reader.read(registry.path(version) / H5, whole=True).network
    return numpy_backend.predict(network, FRAME[None])[0]


def test_the_version_tells_the_speed_of_its_driver(registry: Registry) -> None:
    """NumPy computes model.h5, which was read as data; LiteRT is what drives."""
    loaded = load_version.load_policy(registry, 1)
    assert loaded.manifest.config["learn_speed"] is True
    answer, expected = loaded.answer_picture(FRAME), read(registry)
    assert expected.shape == (2,)
    assert answer.steering == pytest.approx(np.clip(expected[0], -1, 1), abs=1e-4)
    assert answer.speed_mph == pytest.approx(30 * expected[1], abs=3e-3)


def test_the_network_begins_at_the_mean_speed(registry: Registry) -> None:
    """That is 16.25 mph; the few steps since then have moved a weight by 0.001 each at most."""
    last = reader.read(registry.path(1) / H5, whole=True).network.layers[-1]
    assert isinstance(last, Dense)
    assert last.bias[0] == pytest.approx(0.0, abs=0.05)
    assert last.bias[1] == pytest.approx(16.25 / 30, abs=0.05)


def test_its_scores_say_how_well_it_knows_the_speed(registry: Registry) -> None:
    manifest = registry.manifest(1)
    assert manifest.metrics["validation_speed_rmse_mph"] > 0
    # Speeds of 15.25, 16.25 and 17.25 in turn are smoothed away.
    assert manifest.metrics["validation_speed_rmse_mean_mph"] < 0.2
    assert 0 < manifest.metrics["validation_speed_rows"] <= manifest.metrics["validation_rows"]
    (epoch,) = manifest.history
    assert epoch["validation_speed_rmse_mph"] == pytest.approx(
        manifest.metrics["validation_speed_rmse_mph"], rel=1e-3
    )


def test_only_the_last_layer_differs_from_the_network_without_it(registry: Registry) -> None:
    layers = layer_table.read(registry.path(1) / layer_table.FILE)
    assert layers is not None
    assert (layers[-1].parameters, layers[-1].output_shape) == (LAST, (2,))
    plain = [layer.count_params() for layer in network_builder.build().layers]
    assert [layer.parameters for layer in layers[:-1]] == plain[:-1]


def test_its_golden_frames_have_both_numbers(registry: Registry) -> None:
    known = golden.read(registry.path(1) / golden.FILE)
    network = reader.read(registry.path(1) / H5, whole=True).network
    np.testing.assert_allclose(
        known.answers, numpy_backend.predict(network, known.frames), atol=1e-4
    )


def test_a_killed_training_resumes(settings: Settings, registry: Registry) -> None:
    """It ends with the digests and the answers of the one that was not disturbed."""

    def kill(step: int = 0, epoch: int = 0, **_: Any) -> None:
        if (epoch, step) == (1, 2):
            raise KillError

    with pytest.raises(KillError):
        train(settings, "killed", kill, [], config())
    resumed = train(settings, "killed", no_report, [], config())
    (own,), (first,) = resumed["history"], registry.manifest(1).history
    assert own["digest"] == first["digest"]
    assert own["loss"] == pytest.approx(first["loss"], rel=1e-5)
    np.testing.assert_allclose(read(registry, resumed["version"]), read(registry), atol=1e-4)


def test_a_version_that_learns_it_is_trained_further(
    settings: Settings, registry: Registry
) -> None:
    names = [str(entry["dataset"]) for entry in registry.manifest(1).data]
    with pytest.raises(TrainingError, match="Train with --learn-speed"):
        train(settings, "other", no_report, names, config(learn_speed=False), 1)
    child = train(settings, "child", no_report, names, config(learning_rate=1e-7), 1)
    # So small that the weights stand still: they are the parent's, those of both outputs.
    np.testing.assert_allclose(read(registry, child["version"]), read(registry), atol=1e-3)


def test_a_version_without_it_has_one_output_and_no_score(
    settings: Settings, registry: Registry
) -> None:
    plain = train(settings, "plain", no_report, [], config(learn_speed=False))
    manifest = registry.manifest(plain["version"])
    assert [name for name in manifest.metrics if "speed" in name] == []
    assert set(manifest.files) == set(registry.manifest(1).files)
    assert load_version.load_policy(registry, manifest.version).answer_picture(FRAME).speed_mph is (
        None
    )
    with pytest.raises(TrainingError, match="Train without --learn-speed"):
        train(settings, "faster", no_report, [], config(), manifest.version)


def test_it_is_exported_to_onnx_with_both_numbers(registry: Registry, tmp_path: Path) -> None:
    onnx_model.export(registry, 1, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(
        str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    [[answer]] = session.run(["steering"], {"frame": FRAME[None]})
    np.testing.assert_allclose(answer, read(registry), atol=1e-5)


def test_its_steering_is_explained(settings: Settings, registry: Registry) -> None:
    inspector = ModelInspector(reader.read(registry.path(1) / H5, whole=True).network)
    view = inspector.inspect("a", FRAME, 0.3)
    assert view.network_deg == pytest.approx(25 * read(registry)[0], abs=1e-3)
    document = explain.explain(settings, "explained", no_report, 1, [])
    found = {figure["name"]: figure["value"] for figure in document["figures"]}
    mse = registry.manifest(1).metrics["validation_mse"]
    assert found["validation MSE"] == pytest.approx(mse, rel=1e-3)


def test_its_file_is_imported_for_one_of_its_numbers(registry: Registry) -> None:
    """As any file with two outputs: which of them is the steering, its user says."""
    path = registry.path(1) / H5
    with pytest.raises(ModelError, match=r"several outputs: got 2 numbers\. .*--output"):
        load_network(path, ImportOptions("ours"))
    _, network = load_network(path, ImportOptions("ours", output=0))
    np.testing.assert_allclose(
        numpy_backend.predict(network, FRAME[None])[0], read(registry)[:1], atol=1e-6
    )


def test_a_recording_without_speeds_teaches_none(settings: Settings, tmp_path: Path) -> None:
    """Its driver's speed is 0 in every row: the car stood."""
    source = samples.recording(tmp_path / "run", rows=60, seed=7)
    log = source / "driving_log.csv"
    rows = [line.rsplit(",", 1)[0] + ",0" for line in log.read_text().splitlines()]
    log.write_text("\n".join(rows) + "\n")
    import_source(IngestSettings(data_dir=tmp_path / "data"), source, "standing", 0.0, no_report)
    alone = Settings(data_dir=tmp_path / "data", model_dir=tmp_path / "models")
    with pytest.raises(TrainingError, match=r"which speed its driver would hold.*--learn-speed"):
        train(alone, "alone", no_report, [], config(leave_out_unfit=False))
