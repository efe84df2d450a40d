"""Tests of the checks that `lapwing train` and its job both make, on manifests without stores."""

from pathlib import Path

import pytest
from support.data.manifests import write_manifest
from support.data.models import manifest
from support.data.versions import publish_one, staged

from contract.errors import ModelError, StoreError, TrainingError
from contract.frames import spec
from contract.models.registry import Registry
from contract.train_config import TrainConfig
from contract.training_plan import ParentVersion, check_network, find_parent, select_datasets


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Return the registry of a version that the dataset `lake` trained."""
    models = tmp_path / "models"
    models.mkdir()
    publish_one(Registry(models), "one")
    return Registry(models)


def selected(data: Path, parent: ParentVersion | None, *names: str) -> list[str]:
    stores = select_datasets(data, names, TrainConfig(), parent)
    return [store.dataset for store in stores.manifests]


def test_a_fine_tuning_takes_what_is_new_unless_datasets_are_named(
    tmp_path: Path, registry: Registry
) -> None:
    for dataset in ("lake", "jungle"):
        write_manifest(tmp_path, dataset, dataset, frame_spec=spec.SPEC)
    parent = find_parent(registry, 1)
    assert selected(tmp_path, None) == ["jungle", "lake"]
    assert selected(tmp_path, parent) == ["jungle"]
    assert selected(tmp_path, parent, "lake") == ["lake"]


def test_a_fine_tuning_without_anything_new_is_refused(tmp_path: Path, registry: Registry) -> None:
    write_manifest(tmp_path, "lake", frame_spec=spec.SPEC)
    with pytest.raises(TrainingError, match="no recording that is new to version 1"):
        selected(tmp_path, find_parent(registry, 1))


def test_an_import_of_a_trained_version_knows_its_datasets(
    tmp_path: Path, registry: Registry
) -> None:
    imported = registry.publish(
        staged(registry.root, "two"),
        manifest(
            "two",
            data=[],
            config={"imported_from": "x.h5", "source_sha256": registry.manifest(1).sha256},
        ),
    )
    write_manifest(tmp_path, "lake", frame_spec=spec.SPEC)
    assert find_parent(registry, imported.version).datasets == {"lake"}


def test_a_damaged_version_does_not_hide_the_one_that_was_imported(registry: Registry) -> None:
    trained = publish_one(registry, "two")
    source = registry.manifest(trained.version).sha256
    (registry.path(1) / "manifest.json").write_text("{")
    config = {"imported_from": "x.h5", "source_sha256": source}
    imported = registry.publish(
        staged(registry.root, "three"), manifest("three", data=[], config=config)
    )
    assert find_parent(registry, imported.version).datasets == {"lake"}


def test_frames_of_another_kind_than_the_versions_are_refused(
    tmp_path: Path, registry: Registry
) -> None:
    write_manifest(tmp_path, "jungle", frame_spec={"height": 64})
    with pytest.raises(TrainingError, match="version 1 takes other frames than the recordings"):
        selected(tmp_path, find_parent(registry, 1))


def test_frames_of_two_kinds_are_refused(tmp_path: Path) -> None:
    write_manifest(tmp_path, "lake", frame_spec=spec.SPEC)
    write_manifest(tmp_path, "jungle", frame_spec={"height": 64})
    with pytest.raises(TrainingError, match="hold frames of different kinds"):
        selected(tmp_path, None)


def test_one_recording_cannot_be_split_by_recordings(tmp_path: Path) -> None:
    write_manifest(tmp_path, "lake")
    with pytest.raises(TrainingError, match="needs at least two recordings: got 1"):
        select_datasets(tmp_path, [], TrainConfig(split="recordings"))


def test_an_unknown_dataset_is_refused(tmp_path: Path) -> None:
    write_manifest(tmp_path, "lake")
    with pytest.raises(StoreError, match="no such dataset: got ocean"):
        selected(tmp_path, None, "ocean")


@pytest.mark.parametrize("version", [0, -1, True, "1", 1.0])
def test_what_is_no_number_of_a_version_is_refused(registry: Registry, version: object) -> None:
    with pytest.raises(TrainingError, match="parent has a value it cannot take"):
        find_parent(registry, version)  # type: ignore[arg-type]  # as a queue may hold it


def test_a_damaged_version_is_refused(registry: Registry) -> None:
    (registry.path(1) / "model.h5").write_bytes(b"other")
    with pytest.raises(ModelError, match="not what its manifest says"):
        find_parent(registry, 1)


@pytest.mark.parametrize(
    ("trained", "option", "refusal"),
    [
        pytest.param({"network": "wide"}, "wide", None, id="the-same"),
        pytest.param({}, "nvidia-like", None, id="an-older-version-has-the-default"),
        pytest.param({}, "wide", "nvidia-like, not wide", id="an-older-version-has-no-other"),
        pytest.param({"network": "wide"}, "pilotnet", "--network wide", id="another"),
        pytest.param(
            {"imported_from": "x.h5"}, "wide", None, id="the-layers-of-a-file-tell-its-network"
        ),
    ],
)
def test_a_parent_must_have_the_network_of_the_training(
    trained: dict[str, str], option: str, refusal: str | None
) -> None:
    parent = ParentVersion(manifest("one", config=trained), None)
    if refusal is None:
        check_network(TrainConfig(network=option), parent)
        return
    with pytest.raises(TrainingError, match=refusal):
        check_network(TrainConfig(network=option), parent)


@pytest.mark.parametrize(
    ("trained", "learn_speed", "refusal"),
    [
        pytest.param({"learn_speed": True}, True, None, id="both"),
        pytest.param({"learn_speed": False}, False, None, id="neither"),
        pytest.param({}, False, None, id="a-version-of-an-earlier-release"),
        pytest.param({}, True, "steering alone.*without --learn-speed", id="the-training-alone"),
        pytest.param(
            {"learn_speed": True}, False, "steering and speed.*with --learn-speed", id="the-parent"
        ),
    ],
)
def test_a_parent_must_have_learned_the_speed_if_the_training_does(
    trained: dict[str, object], learn_speed: bool, refusal: str | None
) -> None:
    config = TrainConfig(learn_speed=learn_speed)
    parent = ParentVersion(manifest("one", config=trained), None)
    if refusal is None:
        check_network(config, parent)
        return
    with pytest.raises(TrainingError, match=refusal):
        check_network(config, parent)


def test_an_import_of_a_trained_version_has_the_network_of_that_version() -> None:
    imported = manifest("two", config={"imported_from": "x.h5", "source_sha256": "a"})
    parent = ParentVersion(imported, manifest("one", config={"network": "pilotnet"}))
    check_network(TrainConfig(network="pilotnet"), parent)
    with pytest.raises(TrainingError, match="pilotnet, not nvidia-like"):
        check_network(TrainConfig(), parent)


def test_laps_of_the_simulator_are_taken_only_by_name(tmp_path: Path, registry: Registry) -> None:
    lap = "simulated-lap-1-0a1b2c3d"
    write_manifest(tmp_path, lap, "simulated-lap-1", frame_spec=spec.SPEC)
    with pytest.raises(TrainingError, match="no recording to train on but the simulator's"):
        selected(tmp_path, None)
    write_manifest(tmp_path, "jungle", "jungle", frame_spec=spec.SPEC)
    assert selected(tmp_path, None) == ["jungle"]
    assert selected(tmp_path, find_parent(registry, 1)) == ["jungle"]
    assert selected(tmp_path, None, "jungle", lap) == ["jungle", lap]
    assert selected(tmp_path, None, "simulated-lap-1") == [lap]


def test_laps_of_the_simulator_are_no_recordings_to_split_by(tmp_path: Path) -> None:
    lap = "simulated-lap-1-0a1b2c3d"
    write_manifest(tmp_path, lap, "simulated-lap-1", frame_spec=spec.SPEC)
    write_manifest(tmp_path, "jungle", "jungle", frame_spec=spec.SPEC)
    with pytest.raises(TrainingError, match="needs at least two recordings: got 1"):
        select_datasets(tmp_path, ["jungle", lap], TrainConfig(split="recordings"))
