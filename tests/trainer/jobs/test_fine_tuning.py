"""A version is trained further, with the job's function and without its queue."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.data import models, samples
from support.data.rows import rows

from contract import atomic_files
from contract.dataset import split_file, store
from contract.dataset.split_file import DatasetSplit, SplitFile
from contract.errors import ModelError, TrainingError
from contract.models import lineage
from contract.models.registry import H5, ModelManifest, Registry
from contract.policy.litert import LiteRT
from contract.train_config import TrainConfig
from ingest.job import import_source
from ingest.settings import Settings as IngestSettings
from trainer.graph.layers import Activation, Conv, Crop, Dense, NetworkSpec, Rescale
from trainer.jobs import fine_tuning, import_model
from trainer.jobs.fine_tuning import TrainedRows, trained_by
from trainer.jobs.import_model import ImportOptions
from trainer.jobs.train import train
from trainer.settings import Settings

ROWS = 60
GAP_S = 0.2
CONFIG = TrainConfig(epochs=1, batch=32, validation_gap_s=GAP_S, learning_rate=1e-7)
STOPS_AT = 3


class Killed(Exception):
    """Ends a training in the middle of an epoch, as a kill does."""


def no_report(**_: object) -> None:
    pass


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return volumes with three recordings, and a version that was trained on the first one."""
    folder = tmp_path_factory.mktemp("fine-tuning")
    settings = Settings(data_dir=folder / "data", model_dir=folder / "models", checkpoint_s=0.0)
    for number, name in enumerate(("first", "second", "third")):
        source = samples.recording(folder / name, ROWS, seed=number, first_row=number * 1000)
        import_source(IngestSettings(data_dir=settings.data_dir), source, None, 0.0, no_report)
    config = replace(CONFIG, epochs=2, learning_rate=1e-3)
    train(settings, "job-1", no_report, ["first"], config)
    return settings


@pytest.fixture
def settings(tmp_path: Path, kept: Settings) -> Settings:
    """Return settings with those recordings and a copy of the registry."""
    shutil.copytree(kept.model_dir, tmp_path / "models", symlinks=True)
    return replace(kept, model_dir=tmp_path / "models")


def registry(settings: Settings) -> Registry:
    return Registry(settings.model_dir)


def split_of(settings: Settings, version: int) -> SplitFile:
    found = split_file.read(registry(settings).path(version) / split_file.FILE)
    assert found is not None
    return found


def numbers(runs: split_file.Runs) -> set[int]:
    return {row for first, end in runs for row in range(first, end)}


def named(manifest: ModelManifest) -> list[tuple[str, object]]:
    """Return the recording of each entry of the data, and the ancestor that it trained."""
    return [
        (str(entry["dataset"]).partition("-")[0], entry.get("version")) for entry in manifest.data
    ]


def test_a_child_goes_on_from_its_parents_weights_and_says_so(settings: Settings) -> None:
    """At a learning rate of nearly 0 the child answers like its parent, not like a new network."""
    result = train(settings, "job-2", no_report, ["second"], CONFIG, parent=1)
    parent, child = registry(settings).verify(1), registry(settings).verify(2)
    dataset = next(m for m in store.read_manifests(settings.data_dir) if "second" in m.dataset)
    with store.open_store(settings.data_dir, dataset) as reader:
        validation = sorted(numbers(split_of(settings, 2).datasets[dataset.dataset].validation))
        frames = np.empty((len(validation), 128, 128, 3), np.uint8)
        reader.gather(reader.rows["center"][validation].astype(np.int64), frames)
    answers = [LiteRT(registry(settings).path(version)).predict(frames) for version in (1, 2)]
    np.testing.assert_allclose(*answers, atol=1e-3)
    assert child.metrics["parent_validation_mse"] == pytest.approx(
        child.metrics["validation_mse"], abs=1e-4
    )
    assert child.metrics["parent_validation_mse"] < 1.0
    (ancestor,) = lineage.ancestors(child)
    h5 = registry(settings).path(1) / H5
    assert (ancestor.version, ancestor.sha256) == (1, atomic_files.sha256(h5))
    assert ancestor.datasets == [entry["dataset"] for entry in parent.data]
    assert (ancestor.imported_from, ancestor.data_known) == ("", True)
    assert result["lineage"] == child.lineage
    assert named(child) == [("second", None), ("first", 1)]
    assert [name.partition("-")[0] for name in result["datasets"]] == ["second"]
    # What trained or validated the parent stays known after the parent is gone.
    (first,) = ancestor.datasets
    assert split_of(settings, 2).datasets[first] == split_of(settings, 1).datasets[first]


def test_rows_that_trained_an_ancestor_never_validate(settings: Settings) -> None:
    """A grandchild sees the first recording again, with a seed that would split it otherwise."""
    train(settings, "job-2", no_report, [], CONFIG, parent=1)
    assert named(registry(settings).manifest(2)) == [
        ("second", None),
        ("third", None),
        ("first", 1),
    ]
    train(settings, "job-3", no_report, ["first", "third"], replace(CONFIG, seed=9), parent=2)
    grandchild = registry(settings).manifest(3)
    assert [ancestor.version for ancestor in lineage.ancestors(grandchild)] == [2, 1]
    assert named(grandchild) == [("first", None), ("third", None), ("second", 2)]
    own, before = split_of(settings, 3), [split_of(settings, 1), split_of(settings, 2)]
    validated = 0
    for name, part in own.datasets.items():
        ever_trained = numbers(part.train)
        for split in before:
            if name in split.datasets:
                assert numbers(split.datasets[name].train) <= ever_trained
        rows_validated = numbers(part.validation)
        distances = [abs(one - other) for one in rows_validated for other in ever_trained]
        assert min(distances) * samples.ROW_MS / 1000 > GAP_S
        validated += len(rows_validated) if "second" not in name else 0
    assert validated == grandchild.metrics["validation_rows"] > 0


def test_a_killed_fine_tuning_resumes_after_its_parent_was_removed(settings: Settings) -> None:
    """It ends with the digests and the weights of an undisturbed one with the same seed."""
    config = replace(CONFIG, epochs=2, learning_rate=1e-4)
    undisturbed = train(settings, "undisturbed", no_report, ["second"], config, parent=1)

    def kill(step: int = 0, epoch: int = 0, **_: Any) -> None:
        if (epoch, step) == (2, STOPS_AT):
            raise Killed

    with pytest.raises(Killed):
        train(settings, "killed", kill, ["second"], config, parent=1)
    state = json.loads((settings.model_dir / ".jobs" / "killed" / "state.json").read_text())
    assert state["unfinished"]["epoch"] == 2
    frames = samples_of(settings)
    shutil.rmtree(registry(settings).path(1))
    resumed = train(settings, "killed", no_report, ["second"], config, parent=1)
    assert [epoch["digest"] for epoch in resumed["history"]] == [
        epoch["digest"] for epoch in undisturbed["history"]
    ]
    assert resumed["lineage"] == undisturbed["lineage"]
    answers = [LiteRT(registry(settings).path(version)).predict(frames) for version in (2, 3)]
    np.testing.assert_allclose(*answers, atol=1e-4)
    assert list((settings.model_dir / ".jobs").iterdir()) == []


def samples_of(settings: Settings) -> np.ndarray:
    """Return some frames of the first recording."""
    dataset = next(m for m in store.read_manifests(settings.data_dir) if "first" in m.dataset)
    frames = np.empty((8, 128, 128, 3), np.uint8)
    with store.open_store(settings.data_dir, dataset) as reader:
        reader.gather(np.arange(8), frames)
    return frames


def test_an_imported_copy_of_a_version_has_the_rows_of_that_version(settings: Settings) -> None:
    path = registry(settings).path(1) / H5
    import_model.import_file(settings, "job-2", no_report, path, ImportOptions("copy.h5"))
    train(settings, "job-3", no_report, [], CONFIG, parent=2)
    child = registry(settings).manifest(3)
    ancestors = lineage.ancestors(child)
    assert [ancestor.version for ancestor in ancestors] == [2, 1]
    assert (ancestors[0].imported_from, lineage.unknown_data(child)) == ("copy.h5", [])
    assert named(child) == [("second", None), ("third", None), ("first", 1)]


def test_of_a_strangers_copy_it_is_not_known_what_trained_it(
    tmp_path: Path, settings: Settings
) -> None:
    """The file is Lapwing's own, but this registry has no version that it comes from."""
    source = registry(settings).path(1) / H5
    elsewhere = replace(settings, model_dir=tmp_path / "elsewhere")
    import_model.import_file(elsewhere, "job-1", no_report, source, ImportOptions("ours.h5"))
    workspace = fine_tuning.Workspace(elsewhere.model_dir, "job-2")
    workspace.path.mkdir(parents=True)
    parent = fine_tuning.take(registry(elsewhere), workspace, 1)
    child = parent.describe_child(models.manifest("job-2"))
    assert [ancestor.version for ancestor in lineage.unknown_data(child)] == [1]
    with_dropout = source.parent
    expected = fine_tuning.reader.read(with_dropout / H5).network.layers
    kernels = [layer.kernel for layer in expected if isinstance(layer, Conv | Dense)]
    for found, kernel in zip(parent.weights[::2], kernels, strict=True):
        np.testing.assert_array_equal(found, kernel)


def test_without_names_only_new_recordings_are_trained_on(settings: Settings) -> None:
    """If there is no new recording, the training is refused."""
    alone = replace(settings, data_dir=settings.model_dir.parent / "data")
    shutil.copytree(settings.data_dir, alone.data_dir)
    for path in (alone.data_dir / "stores").iterdir():
        if not path.name.startswith("first"):
            path.unlink()
    with pytest.raises(TrainingError, match="no recording that is new to version 1"):
        train(alone, "job-2", no_report, [], CONFIG, parent=1)


def test_a_version_of_other_frames_is_refused(settings: Settings) -> None:
    path = registry(settings).path(1) / "manifest.json"
    document = json.loads(path.read_text())
    document["frame_spec"]["resize"] = "area"
    path.write_text(json.dumps(document))
    with pytest.raises(TrainingError, match="version 1 takes other frames than the recordings"):
        train(settings, "job-2", no_report, ["second"], CONFIG, parent=1)


def test_a_version_that_does_not_exist_is_refused(settings: Settings) -> None:
    with pytest.raises(ModelError, match=r"no such model version: got 7\. There are \[1\]"):
        train(settings, "job-2", no_report, ["second"], CONFIG, parent=7)


TRAINED = TrainedRows(
    [{"dataset": "lake", "rows": 10, "manifest_sha256": "a"}],
    SplitFile(1.0, {"lake": DatasetSplit(10, ((0, 3), (8, 10)), ((5, 6),))}),
)
ALL, NONE = [True] * 10, [False] * 10


@pytest.mark.parametrize(
    ("ancestors", "dataset", "sha256", "expected"),
    [
        (TRAINED, "lake", "a", [True] * 3 + [False] * 5 + [True] * 2),
        (TRAINED, "jungle", "a", NONE),
        (TRAINED, "lake", "b", ALL),  # the store was made again: its rows may be others
        (replace(TRAINED, split=None), "lake", "a", ALL),  # an earlier release kept no split
        (replace(TRAINED, split=SplitFile(1.0, {})), "lake", "a", ALL),
        (replace(TRAINED, data=[]), "lake", "a", NONE),
    ],
)
def test_rows_of_which_it_is_not_known_count_as_trained(
    ancestors: TrainedRows, dataset: str, sha256: str, expected: Sequence[bool]
) -> None:
    entry = {"dataset": dataset, "rows": 10, "manifest_sha256": sha256}
    assert trained_by(ancestors, entry, rows(10)).tolist() == expected


def test_a_store_with_another_number_of_rows_counts_as_a_whole() -> None:
    entry = {"dataset": "lake", "rows": 11, "manifest_sha256": "a"}
    assert trained_by(TRAINED, entry, rows(11)).tolist() == [True] * 11


def conv(filters: int, size: int = 5, stride: int = 2) -> Conv:
    kernel = np.zeros((size, size, 3, filters), np.float32)
    return Conv(kernel, np.zeros(filters, np.float32), (stride, stride))


LAYERS = (Crop(43, 12), Rescale(1 / 127.5, -1.0), conv(24), Activation("elu"))
OWN = NetworkSpec((128, 128, 3), "uint8", LAYERS)


@pytest.mark.parametrize(
    ("network", "place", "got"),
    [
        (replace(OWN, input_shape=(66, 200, 3)), "input", "uint8 66 x 200 x 3"),
        (replace(OWN, layers=LAYERS[1:]), "layer 1", "rescale (scale 0.00784314, offset -1)"),
        (replace(OWN, layers=(*LAYERS[:2], conv(36), LAYERS[3])), "layer 3", "5 x 5 x 3 x 36"),
        (replace(OWN, layers=(*LAYERS[:2], conv(24, 5, 1), LAYERS[3])), "layer 3", "strides 1 x 1"),
        (replace(OWN, layers=(*LAYERS[:3], Activation("relu"))), "layer 4", "function relu"),
        (replace(OWN, layers=LAYERS[:3]), "layer 4", "no layer"),
        (replace(OWN, layers=(*LAYERS, LAYERS[3])), "layer 5", "function elu"),
    ],
)
def test_the_first_layer_that_differs_is_named(network: NetworkSpec, place: str, got: str) -> None:
    with pytest.raises(ModelError) as refusal:
        fine_tuning.match_layers("version 3", network, OWN)
    assert f"version 3 cannot be trained further: its {place} is not" in str(refusal.value)
    assert got in str(refusal.value)


def test_layers_that_only_convert_the_type_make_no_difference() -> None:
    network = replace(OWN, layers=(Rescale(1.0, 0.0), *LAYERS))
    weights = fine_tuning.match_layers("version 3", network, OWN)
    assert [array.shape for array in weights] == [(5, 5, 3, 24), (24,)]
