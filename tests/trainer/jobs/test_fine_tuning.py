"""A version is trained further, with the job's function and without its queue."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from support.data import models, samples
from support.data.rows import dataset as dataset_of
from support.data.rows import rows

from contract.dataset import split_file, store, store_catalog
from contract.dataset.split_file import DatasetSplit, SplitFile
from contract.dataset.store_catalog import StoreManifest
from contract.dataset.trained_rows import TrainedRows
from contract.errors import ModelError, TrainingError
from contract.files import atomic_files
from contract.models import lineage
from contract.models.registry import H5, ModelManifest, Registry
from contract.policy.litert import LiteRT
from contract.train_config import TrainConfig
from ingest.job import import_source
from ingest.settings import Settings as IngestSettings
from trainer.data.split import split
from trainer.export.manifest import data_entry
from trainer.graph import keras_backend
from trainer.graph.layers import Activation, Conv, Crop, Dense, NetworkSpec, Rescale
from trainer.jobs import fine_tuning, import_model
from trainer.jobs.fine_tuning import AncestorRows, trained_by
from trainer.jobs.import_model import ImportOptions
from trainer.jobs.train import train
from trainer.keras_import import reader
from trainer.settings import Settings
from trainer.training.run_state import Workspace

ROWS = 60
GAP_S = 0.2
CONFIG = TrainConfig(
    epochs=2,
    batch=32,
    learning_rate=1e-4,
    split="blocks",
    validation_gap_s=GAP_S,
    label_smoothing_s=0.0,
    seed=3,
)
TRAINED_ROWS, VALIDATION_ROWS = ((0, 20), (40, 60)), ((24, 36),)
"""How the first recording was split for the parent."""


class KillError(Exception):
    """Ends a training in the middle of an epoch, as a kill does."""


def no_report(**_: object) -> None:
    pass


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, networks: Path) -> Settings:
    """Return volumes with two recordings and two versions.

    Version 1 counts as trained on the first recording. Version 2 was trained further from it on
    both recordings.
    """
    folder = tmp_path_factory.mktemp("fine-tuning")
    settings = Settings(data_dir=folder / "data", model_dir=folder / "models", checkpoint_s=0.0)
    for number, name in enumerate(("first", "second")):
        source = samples.recording(folder / name, ROWS, seed=number, first_row=number * 1000)
        import_source(IngestSettings(data_dir=settings.data_dir), source, None, 0.0, no_report)
    first = dataset(settings, "first")
    shutil.copytree(networks / "real", folder / "parent")
    split = SplitFile(GAP_S, {first.dataset: DatasetSplit(ROWS, TRAINED_ROWS, VALIDATION_ROWS)})
    split_file.write(folder / "parent" / split_file.FILE, split)
    data = [data_entry(settings.data_dir, first)]
    models.publish(Registry(settings.model_dir), folder / "parent", "parent", data=data)
    result = train(settings, "undisturbed", no_report, ["first", "second"], CONFIG, parent=1)
    (folder / "result.json").write_text(json.dumps(result))
    return settings


@pytest.fixture
def settings(tmp_path: Path, kept: Settings) -> Settings:
    """Return settings with those recordings and a copy of the registry."""
    shutil.copytree(kept.model_dir, tmp_path / "models", symlinks=True)
    return replace(kept, model_dir=tmp_path / "models")


@pytest.fixture
def result(kept: Settings) -> dict[str, Any]:
    """Return the result of the job that made version 2."""
    found: dict[str, Any] = json.loads((kept.model_dir.parent / "result.json").read_text())
    return found


def registry(settings: Settings) -> Registry:
    return Registry(settings.model_dir)


def dataset(settings: Settings, name: str) -> StoreManifest:
    (found,) = store_catalog.select_manifests(settings.data_dir, [name])
    return found


def workspace(settings: Settings) -> Workspace:
    made = Workspace(settings.model_dir, "job-1")
    made.path.mkdir(parents=True)
    return made


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


def frames_and_steering(
    settings: Settings, name: str, rows_wanted: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the centre frames of rows, and the recorded steering."""
    with store.open_store(settings.data_dir, dataset(settings, name)) as reader:
        frames = np.empty((len(rows_wanted), 128, 128, 3), np.uint8)
        reader.gather(reader.rows["center"][rows_wanted].astype(np.int64), frames)
        return frames, reader.rows["steering"][rows_wanted]


def weights(settings: Settings, version: int) -> list[np.ndarray]:
    """Return the weights of a version, read with h5py."""
    arrays: list[np.ndarray] = []

    def visit(_: str, node: object) -> None:
        if isinstance(node, h5py.Dataset):
            arrays.append(node[...])

    with h5py.File(registry(settings).path(version) / H5) as file:
        file["model_weights"].visititems(visit)
    return arrays


def test_a_child_starts_from_its_parents_weights(settings: Settings) -> None:
    """A step of Adam moves a weight by little more than the learning rate."""
    parent, child = weights(settings, 1), weights(settings, 2)
    steps = 2 * -(-2 * ROWS * 6 // CONFIG.batch)
    moved = max(float(np.abs(one - other).max()) for one, other in zip(parent, child, strict=True))
    assert 0 < moved < 3 * steps * CONFIG.learning_rate < 0.02


def test_the_manifest_tells_how_the_parent_scores_on_the_same_rows(settings: Settings) -> None:
    errors: list[float] = []
    for name in ("first", "second"):
        part = split_of(settings, 2).datasets[dataset(settings, name).dataset]
        frames, steering = frames_and_steering(settings, name, sorted(numbers(part.validation)))
        errors += list(LiteRT(registry(settings).path(1)).predict(frames)[:, 0] - steering)
    metrics = registry(settings).manifest(2).metrics
    assert len(errors) == metrics["validation_rows"] > 0
    assert metrics["parent_validation_mse"] == pytest.approx(np.mean(np.square(errors)), rel=1e-3)
    assert metrics["parent_validation_mse"] != metrics["validation_mse"]


def test_a_child_names_its_parent(settings: Settings, result: dict[str, Any]) -> None:
    parent, child = registry(settings).manifest(1), registry(settings).verify(2)
    (ancestor,) = lineage.ancestors(child)
    h5 = registry(settings).path(1) / H5
    assert (ancestor.version, ancestor.sha256) == (1, atomic_files.sha256(h5))
    assert ancestor.datasets == [entry["dataset"] for entry in parent.data]
    assert (ancestor.imported_from, ancestor.data_known) == ("", True)
    assert result["lineage"] == child.lineage
    assert named(child) == [("first", None), ("second", None)]


def test_rows_that_trained_the_parent_never_validate_the_child(settings: Settings) -> None:
    """The child has another seed, with which other rows of the first recording would validate."""
    part = split_of(settings, 2).datasets[dataset(settings, "first").dataset]
    before, validated = numbers(TRAINED_ROWS), sorted(numbers(part.validation))
    near = [min(abs(row - other) for other in before) for row in validated]
    assert validated
    assert min(near) * samples.ROW_MS / 1000 > GAP_S
    # What trained the weights at any time is one list, as every reader of the file expects.
    assert before <= numbers(part.train)
    table = dataset_of(rows(ROWS, step_s=samples.ROW_MS / 1000))
    alone = split([table], "blocks", 0.2, GAP_S, CONFIG.seed)
    assert set(np.flatnonzero(alone.validation[0]).tolist()) & before


def test_a_killed_fine_tuning_resumes_after_its_parent_was_removed(
    settings: Settings, result: dict[str, Any]
) -> None:
    """It ends with the digests and the weights of the undisturbed one with the same seed."""

    def kill(step: int = 0, epoch: int = 0, **_: Any) -> None:
        if (epoch, step) == (2, 3):
            raise KillError

    with pytest.raises(KillError):
        train(settings, "killed", kill, ["first", "second"], CONFIG, parent=1)
    state = json.loads((settings.model_dir / ".jobs" / "killed" / "state.json").read_text())
    assert state["unfinished"]["epoch"] == 2
    shutil.rmtree(registry(settings).path(1))
    resumed = train(settings, "killed", no_report, ["first", "second"], CONFIG, parent=1)
    assert [epoch["digest"] for epoch in resumed["history"]] == [
        epoch["digest"] for epoch in result["history"]
    ]
    assert resumed["lineage"] == result["lineage"]
    assert split_of(settings, 3) == split_of(settings, 2)
    for one, other in zip(weights(settings, 2), weights(settings, 3), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    assert list((settings.model_dir / ".jobs").iterdir()) == []


def test_a_grandchild_knows_the_rows_of_its_removed_grandparent(settings: Settings) -> None:
    shutil.rmtree(registry(settings).path(1))
    parent = fine_tuning.take(registry(settings), workspace(settings), 2)
    first = data_entry(settings.data_dir, dataset(settings, "first"))
    assert numbers(TRAINED_ROWS) <= set(
        np.flatnonzero(trained_by(parent.trained, first, np.arange(ROWS, dtype=np.uint64))).tolist()
    )
    own = SplitFile(GAP_S, {"third": DatasetSplit(10, ((0, 5),), ((8, 10),))})
    before = np.array([True] * 2 + [False] * 5 + [True] + [False] * 2)
    whole = parent.extend_split(own, [before])
    assert whole.datasets["third"] == DatasetSplit(10, ((0, 5), (7, 8)), ((8, 10),))
    assert {**whole.datasets, **split_of(settings, 2).datasets} == whole.datasets
    data = [{"dataset": "third", "rows": 10, "manifest_sha256": "a"}]
    child = parent.describe_child(models.manifest("job-1", data=data))
    assert [ancestor.version for ancestor in lineage.ancestors(child)] == [2, 1]
    assert named(child) == [("third", None), ("first", 2), ("second", 2)]


@pytest.fixture(scope="module")
def copy(kept: Settings) -> Path:
    """Return the folder of version 1's network as an import writes it: with other layers."""
    folder = kept.model_dir.parent / "copy"
    shutil.copytree(Registry(kept.model_dir).path(1), folder)
    (folder / "manifest.json").unlink()
    (folder / split_file.FILE).unlink()
    _, network = import_model.load_network(folder / H5, ImportOptions("copy.h5"))
    keras_backend.build_model(network).save(folder / H5)
    return folder


def test_an_imported_copy_of_a_version_has_the_rows_of_that_version(
    settings: Settings, copy: Path
) -> None:
    config = {
        "imported_from": "copy.h5",
        "source_sha256": registry(settings).manifest(1).sha256,
    }
    models.publish(registry(settings), copy, "import", data=[], config=config)
    parent = fine_tuning.take(registry(settings), workspace(settings), 3)
    child = parent.describe_child(models.manifest("job-1", data=[]))
    ancestors = lineage.ancestors(child)
    assert [ancestor.version for ancestor in ancestors] == [3, 1]
    assert (ancestors[0].imported_from, lineage.unknown_data(child)) == ("copy.h5", [])
    assert named(child) == [("first", 1)]
    first = data_entry(settings.data_dir, dataset(settings, "first"))
    trained = trained_by(parent.trained, first, np.arange(ROWS, dtype=np.uint64))
    assert set(np.flatnonzero(trained).tolist()) == numbers(TRAINED_ROWS)


def test_of_a_strangers_file_it_is_not_known_what_trained_it(
    settings: Settings, copy: Path
) -> None:
    """It has Lapwing's own architecture, but this registry has no version that it comes from."""
    config = {"imported_from": "theirs.h5", "source_sha256": "0" * 64}
    models.publish(registry(settings), copy, "import", data=[], config=config)
    parent = fine_tuning.take(registry(settings), workspace(settings), 3)
    child = parent.describe_child(models.manifest("job-1"))
    assert [ancestor.version for ancestor in lineage.unknown_data(child)] == [3]
    expected = reader.read(registry(settings).path(1) / H5).network.layers
    kernels = [layer.kernel for layer in expected if isinstance(layer, Conv | Dense)]
    for found, kernel in zip(parent.weights[::2], kernels, strict=True):
        np.testing.assert_array_equal(found, kernel)


def test_a_network_that_is_not_lapwings_is_refused(settings: Settings, networks: Path) -> None:
    models.publish(registry(settings), networks / "left", "other")
    with pytest.raises(ModelError, match=r"its layer 3 is not .* 5 x 5 x 3 x 4.* not conv"):
        fine_tuning.take(registry(settings), workspace(settings), 3)


def test_without_names_only_new_recordings_are_trained_on(settings: Settings) -> None:
    """If there is no new recording, the training is refused."""
    alone = replace(settings, data_dir=settings.model_dir.parent / "data")
    shutil.copytree(settings.data_dir, alone.data_dir)
    for path in (alone.data_dir / "stores").iterdir():
        if path.name.startswith("second"):
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
    with pytest.raises(ModelError, match=r"no such model version: got 7\. There are \[1, 2\]"):
        train(settings, "job-2", no_report, ["second"], CONFIG, parent=7)


TRAINED = AncestorRows(
    [{"dataset": "lake", "rows": 10, "manifest_sha256": "a"}],
    SplitFile(1.0, {"lake": DatasetSplit(10, ((0, 3), (8, 10)), ((5, 6),))}),
    None,
)
IDS = np.arange(20, 30, dtype=np.uint64)
IDENTIFIED = replace(TRAINED, identities=TrainedRows.of(IDS[:4], IDS[4:6], IDS[6:]))
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
        (IDENTIFIED, "a copy", "b", [True] * 4 + [False] * 6),
    ],
)
def test_rows_of_which_it_is_not_known_count_as_trained(
    ancestors: AncestorRows, dataset: str, sha256: str, expected: Sequence[bool]
) -> None:
    entry = {"dataset": dataset, "rows": 10, "manifest_sha256": sha256}
    assert trained_by(ancestors, entry, IDS).tolist() == expected


def test_identities_are_kept_if_all_ancestors_keep_them(settings: Settings) -> None:
    parent = fine_tuning.take(registry(settings), workspace(settings), 2)
    own = TrainedRows.of(IDS[5:7], IDS[7:8], IDS[8:])
    assert parent.extend_identities(own) is None  # version 1 keeps none, so version 2 does not
    known = replace(parent, trained=IDENTIFIED).extend_identities(own)
    assert known is not None
    assert known.trained.tolist() == [*IDS[:4], *IDS[5:7]]
    assert known.unused.tolist() == [IDS[4], IDS[7]]
    assert known.validated.tolist() == IDS[8:].tolist()


def test_a_store_with_another_number_of_rows_counts_as_a_whole() -> None:
    entry = {"dataset": "lake", "rows": 11, "manifest_sha256": "a"}
    assert trained_by(TRAINED, entry, np.arange(11, dtype=np.uint64)).tolist() == [True] * 11


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
