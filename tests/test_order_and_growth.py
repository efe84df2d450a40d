"""Imports recordings whose logs were shuffled, joined or grown, and trains and scores with them.

What is expected is computed from the parts of the recordings in their order, and from the file
names and files of their images.
"""

import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from support.data import models, samples

from contract.dataset import exclusions, split_file, store, store_catalog, trained_rows
from contract.dataset.store_catalog import StoreManifest
from contract.dataset.trained_rows import TrainedRows
from contract.recordings import driving_log
from contract.settings import load
from contract.train_config import TrainConfig
from evaluator.offline import leakage, logged_drive
from ingest.job import import_source
from ingest.settings import Settings
from trainer.data import dataset_rows, labels, pipeline
from trainer.data.pipeline import TrainingData

WINDOW_S = 0.6
# The recordings of these tests are waves, which swing: they are about rows, not about driving.
CONFIG = TrainConfig(validation_gap_s=0.5, split="blocks", leave_out_unfit=False)

Import = Callable[[Path], StoreManifest]


@pytest.fixture
def ingest(tmp_path: Path) -> Import:
    """Return a function that imports a recording and returns the manifest of its store."""
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / "data")})

    def run(folder: Path) -> StoreManifest:
        (imported,) = import_source(settings, folder, None, 0.05, lambda **_: None)
        return store_catalog.read_manifest(
            store_catalog.paths(tmp_path / "data", imported["dataset"])[1]
        )

    return run


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def smoothed_labels(data: Path, manifest: StoreManifest) -> list[float]:
    with store.open_store(data, manifest) as reader:
        (rows,) = dataset_rows.read([reader])
    steering = rows.table["steering"]
    return labels.smooth(steering, *rows.timeline[:2], WINDOW_S).tolist()


def means(stamps_s: Sequence[float], steering: Sequence[float]) -> list[float]:
    """Return the means over the window, row by row, from the definition."""
    times = np.array(stamps_s)
    return [
        float(np.mean(np.array(steering)[np.abs(times - time) <= WINDOW_S / 2 + 1e-4]))
        for time in times
    ]


def log_lines(folder: Path) -> list[str]:
    return (folder / "driving_log.csv").read_text().splitlines()


def write_log(folder: Path, lines: Sequence[str]) -> None:
    (folder / "driving_log.csv").write_text("\n".join(lines) + "\n")


def expected_labels(lines: Sequence[str]) -> list[float]:
    rows = driving_log.read("\n".join(lines).encode()).rows
    return means([row.time_s for row in rows], [row.steering for row in rows])


def test_the_labels_of_a_shuffled_log_are_those_of_the_log_in_order(
    tmp_path: Path, data: Path, ingest: Import
) -> None:
    lake = samples.recording(tmp_path / "lake", rows=90, cameras=("center",))
    lines = log_lines(lake)
    write_log(lake, random.Random(3).sample(lines, 90))
    manifest = ingest(lake)
    assert smoothed_labels(data, manifest) == pytest.approx(expected_labels(lines), abs=1e-6)
    assert any("out of order" in note for note in manifest.report["notes"])


def test_the_labels_of_joined_logs_are_those_of_the_parts(
    tmp_path: Path, data: Path, ingest: Import
) -> None:
    """Both parts carry the same time stamps, as the clock of a simulator starts anew."""
    one = samples.recording(tmp_path / "one", rows=50, cameras=("center",))
    two = samples.recording(tmp_path / "two", rows=40, cameras=("center",), seed=1)
    joined = tmp_path / "joined"
    shutil.copytree(one, joined)
    parts = [log_lines(one), []]
    for line in log_lines(two):
        name = line.split(",", 1)[0].rsplit("/", 1)[-1]
        shutil.copy(two / "IMG" / name, joined / "IMG" / name.replace("center", "center_b"))
        parts[1].append(line.replace("/run/IMG/center", "/other/IMG/center_b"))
    write_log(joined, [*parts[0], *parts[1]])
    manifest = ingest(joined)
    expected = [label for part in parts for label in expected_labels(part)]
    assert smoothed_labels(data, manifest) == pytest.approx(expected, abs=1e-6)
    assert manifest.sessions == [0, 50]


def train_split(
    data: Path, manifests: Sequence[StoreManifest]
) -> tuple[TrainingData, list[dataset_rows.DatasetRows]]:
    readers = [store.open_store(data, manifest) for manifest in manifests]
    try:
        datasets = dataset_rows.read(readers)
        return pipeline.prepare(datasets, CONFIG), datasets
    finally:
        for reader in readers:
            reader.close()


def test_a_recording_that_has_grown_replaces_what_was_imported(
    tmp_path: Path, data: Path, ingest: Import
) -> None:
    lake = samples.recording(tmp_path / "lake", rows=90, cameras=("center",))
    lines = log_lines(lake)
    write_log(lake, lines[:60])
    first = ingest(lake)
    write_log(lake, lines)
    grown = ingest(lake)
    assert grown.supersedes == [first.dataset]
    assert any(
        note.startswith(f"it holds all 60 rows of {first.dataset}")
        for note in grown.report["notes"]
    )
    for names in ([], ["lake"]):
        selected = store_catalog.select_manifests(data, names)
        assert [manifest.dataset for manifest in selected] == [grown.dataset]
    assert len(store_catalog.select_manifests(data, [first.dataset, grown.dataset])) == 2


@pytest.mark.parametrize("stamped", [True, False])
def test_of_datasets_that_overlap_each_frame_is_used_once_and_on_one_side(
    tmp_path: Path, data: Path, ingest: Import, stamped: bool
) -> None:
    """The parts share rows 60 to 120. Frames are compared by the files of their images."""
    drive = samples.recording(tmp_path / "drive", rows=180, cameras=("center",))
    lines = log_lines(drive)
    contents: list[list[bytes]] = []
    manifests = []
    for name, chosen in (("one", slice(0, 120)), ("two", slice(60, 180))):
        folder = tmp_path / name
        (folder / "IMG").mkdir(parents=True)
        part = []
        contents.append([])
        for number, line in enumerate(lines[chosen]):
            path, values = line.split(",", 1)
            image = drive / "IMG" / path.rsplit("/", 1)[-1]
            renamed = image.name if stamped else f"{name}_{number:04d}.jpg"
            shutil.copy(image, folder / "IMG" / renamed)
            contents[-1].append(image.read_bytes())
            part.append(f"IMG/{renamed},{values}")
        write_log(folder, part)
        manifests.append(ingest(folder))
    assert any("holds 60 of the 120 rows" in note for note in manifests[1].report["notes"])
    prepared, _ = train_split(data, manifests)
    moment = {
        image.read_bytes(): row for row, image in enumerate(sorted((drive / "IMG").iterdir()))
    }

    def used(masks: Sequence[np.ndarray]) -> list[int]:
        return [
            moment[content]
            for files, mask in zip(contents, masks, strict=True)
            for content, chosen in zip(files, mask, strict=True)
            if chosen
        ]

    trained, validated = used(prepared.split.train), used(prepared.split.validation)
    assert validated
    assert len(set(trained)) == len(trained) > 90
    distance = np.abs(np.array(trained)[:, None] - np.array(validated)[None])
    assert distance.min() * samples.ROW_MS / 1000 > CONFIG.validation_gap_s


def test_each_row_of_a_part_with_renamed_images_is_known_as_trained_or_not(
    tmp_path: Path, data: Path, ingest: Import
) -> None:
    lake = samples.recording(tmp_path / "lake", rows=120, cameras=("center",))
    manifest = ingest(lake)
    prepared, (rows,) = train_split(data, [manifest])
    (train,), (validation,) = prepared.split.train, prepared.split.validation
    identities = TrainedRows.of(
        rows.ids[train], rows.ids[~train & ~validation], rows.ids[validation]
    )
    trained_rows.write(tmp_path / trained_rows.FILE, identities)
    split = split_file.SplitFile(
        CONFIG.validation_gap_s,
        {
            manifest.dataset: split_file.DatasetSplit(
                120, split_file.runs(train), split_file.runs(validation)
            )
        },
    )
    part = tmp_path / "part"
    (part / "IMG").mkdir(parents=True)
    lines = []
    for number, line in enumerate(log_lines(lake)[30:100]):
        path, values = line.split(",", 1)
        shutil.copy(
            lake / "IMG" / path.rsplit("/", 1)[-1], part / "IMG" / f"frame_{number:05d}.jpg"
        )
        lines.append(f"frame_{number:05d}.jpg,{values}")
    write_log(part, lines)
    with logged_drive.open_recordings(part) as (source,):
        overlap = leakage.find_overlap(
            source,
            logged_drive.read_recording(source),
            models.manifest("job", data=[{"dataset": manifest.dataset}]),
            split,
            trained_rows.read(tmp_path / trained_rows.FILE),
        )
    assert overlap.rows is not None
    np.testing.assert_array_equal(overlap.rows.trained, train[30:100])
    np.testing.assert_array_equal(overlap.rows.validated, validation[30:100])
    held_out = overlap.held_out()
    assert held_out is not None
    np.testing.assert_array_equal(held_out, validation[30:100])
    says = overlap.document(np.ones(70, np.bool_))["says"]
    assert says.startswith(f"of its 70 rows {train[30:100].sum()} were trained on")


def test_excluded_rows_neither_train_nor_validate(
    tmp_path: Path, data: Path, ingest: Import
) -> None:
    manifest = ingest(samples.recording(tmp_path / "lake", rows=120, cameras=("center",)))
    exclusions.exclude(data, manifest.dataset, [(31, 60)], "into the kerb")
    with store.open_store(data, manifest) as reader:
        excluded = exclusions.read(data, manifest.dataset)
        (rows,) = dataset_rows.read([reader], [excluded])
        whole = dataset_rows.read([reader])
    for table, count in ((rows, 90), (whole[0], 120)):
        prepared = pipeline.prepare([table], CONFIG)
        used = prepared.split.train[0] | prepared.split.validation[0]
        lines = table.table["line"][used]
        assert np.isin(lines, range(31, 61)).any() == (count == 120)
        assert prepared.split.validation[0].sum() == pytest.approx(0.2 * count, abs=3)
