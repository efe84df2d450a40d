import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.data import samples as made

from contract.dataset import store, store_catalog
from contract.dataset.frame_blocks import BlockLayout
from contract.dataset.store_catalog import StoreManifest
from contract.errors import ReaderDiedError, TrainingError
from contract.frames import preprocess
from contract.frames.row_range import RowRange
from contract.settings import load
from contract.vehicle import CAMERA_NAMES
from ingest.job import import_source
from ingest.settings import Settings
from trainer.data import samples, shared_memory, side_cameras
from trainer.data.augmentation import variation
from trainer.data.augmentation.variation import Augmentation
from trainer.data.loader import DataLoader
from trainer.data.samples import LabelledRecording

MIB = 1 << 20


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two stores of 20 rows."""
    folder = tmp_path_factory.mktemp("stream")
    settings = load(Settings, {"LAPWING_DATA_DIR": str(folder / "data")})
    for seed in (1, 2):
        source = made.recording(folder / f"run{seed}", rows=20, seed=seed)
        import_source(settings, source, None, 0.0, lambda **_: None)
    return folder


@pytest.fixture(scope="module")
def manifests(data: Path) -> list[StoreManifest]:
    return store_catalog.read_manifests(data / "data")


@pytest.fixture(scope="module")
def places(data: Path, manifests: list[StoreManifest]) -> list[BlockLayout]:
    found = []
    for manifest in manifests:
        with store.open_store(data / "data", manifest) as reader:
            found.append(reader.layout)
    return found


@pytest.fixture(scope="module")
def table(data: Path, manifests: list[StoreManifest]) -> np.ndarray:
    material = []
    for manifest in manifests:
        with store.open_store(data / "data", manifest) as reader:
            rows = reader.rows
        all_of_them = np.ones(len(rows), bool)
        still = np.zeros(len(rows), np.int64)
        material.append(LabelledRecording(rows, all_of_them, all_of_them, still, rows["steering"]))
    return samples.expand(
        material,
        cameras=CAMERA_NAMES,
        labeller=side_cameras.make_labeller(0.2, 2.0),
        flip=True,
        history=0,
    )


def asked(table: np.ndarray, size: int, seed: int = 3) -> Iterator[np.ndarray]:
    order = np.random.default_rng(seed).permutation(len(table))
    for start in range(0, len(table), size):
        numbers = order[start : start + size]
        yield shared_memory.make_records(table, numbers, variation.sample_keys(seed, 1, numbers))


def test_every_sample_is_loaded_once_with_its_own_frame_and_label(
    data: Path, manifests: list[StoreManifest], places: list[BlockLayout], table: np.ndarray
) -> None:
    seen = []
    with DataLoader(places, batch=7, readers=2, queue_bytes=4 * MIB) as stream:
        for numbers, frames, labels in stream.batches(asked(table, 7)):
            seen.extend(numbers.tolist())
            np.testing.assert_array_equal(labels, table["label"][numbers])
            for number, pixels in zip(numbers, frames, strict=True):
                np.testing.assert_array_equal(pixels, expected(data, manifests, table[number]))
    assert sorted(seen) == list(range(len(table)))


def expected(data: Path, manifests: list[StoreManifest], sample: np.void) -> np.ndarray:
    """Return a sample's frame, made from the recording's own image."""
    name = str(manifests[sample["store"]].source["name"])
    camera = CAMERA_NAMES[sample["frame"] % 3]
    picture = data / name / "IMG" / f"{camera}_{made.stamp(int(sample['row']))}.jpg"
    pixels = preprocess.prepare(picture.read_bytes())
    return pixels[:, ::-1] if sample["flip"] else pixels


def test_frames_have_the_rows_that_the_loader_reads(
    places: list[BlockLayout], table: np.ndarray
) -> None:
    rows = RowRange(43, 116)
    with (
        DataLoader(places, batch=7, readers=1, queue_bytes=4 * MIB) as whole,
        DataLoader(places, batch=7, readers=2, queue_bytes=4 * MIB, rows=rows) as part,
    ):
        pairs = zip(whole.batches(asked(table, 7)), part.batches(asked(table, 7)), strict=True)
        for one, other in pairs:
            np.testing.assert_array_equal(other.frames, one.frames[:, 43:116])
            np.testing.assert_array_equal(other.labels, one.labels)


def delivered(
    places: list[BlockLayout], table: np.ndarray, readers: int
) -> list[tuple[bytes, ...]]:
    varied = Augmentation(shift_m=0.5, turn_deg=2.0)  # of one kernel, which each reader compiles
    with DataLoader(
        places, batch=5, readers=readers, queue_bytes=2 * MIB, augmentation=varied
    ) as stream:
        return [
            tuple(each.tobytes() for each in batch) for batch in stream.batches(asked(table, 5))
        ]


def test_order_and_bytes_do_not_depend_on_the_number_of_readers(
    places: list[BlockLayout], table: np.ndarray
) -> None:
    one = delivered(places, table, 1)
    assert b"".join(batch[0] for batch in one) == b"".join(
        records["number"].tobytes() for records in asked(table, 5)
    )
    assert delivered(places, table, 3) == one


def test_a_loader_serves_one_epoch_after_another(
    places: list[BlockLayout], table: np.ndarray
) -> None:
    with DataLoader(places, batch=8, readers=2, queue_bytes=4 * MIB) as stream:
        for epoch in range(3):
            batches = stream.batches(asked(table, 8, epoch))
            assert sum(len(batch.numbers) for batch in batches) == len(table)


def test_an_epoch_that_stops_early_does_not_disturb_the_next(
    places: list[BlockLayout], table: np.ndarray
) -> None:
    with DataLoader(places, batch=8, readers=2, queue_bytes=4 * MIB) as stream:
        early = stream.batches(asked(table, 8, 1))
        next(early)
        early.close()
        came = [batch.numbers.tolist() for batch in stream.batches(asked(table, 8, 2))]
    assert came == [records["number"].tolist() for records in asked(table, 8, 2)]


def test_frames_stay_valid_while_they_may_be_in_use(
    places: list[BlockLayout], table: np.ndarray
) -> None:
    with DataLoader(places, batch=4, readers=1, queue_bytes=MIB, max_in_use=2) as stream:
        batches = stream.batches(asked(table, 4))
        first = next(batches)
        kept = first.frames.copy()
        next(batches)
        time.sleep(0.1)  # the reader has nothing to write into but other slots
        np.testing.assert_array_equal(first.frames, kept)


def test_a_killed_reader_fails_the_epoch_at_once(
    places: list[BlockLayout], table: np.ndarray
) -> None:
    with DataLoader(places, batch=4, readers=1, queue_bytes=MIB) as stream:
        batches = stream.batches(asked(table, 4))
        next(batches)
        began = time.monotonic()
        os.kill(stream.processes[0], signal.SIGKILL)
        with pytest.raises(ReaderDiedError, match="reader 0 died: got exit code -9"):
            list(batches)
        assert time.monotonic() - began < 5


def test_the_message_gives_a_readers_own_error(
    places: list[BlockLayout], table: np.ndarray, tmp_path: Path
) -> None:
    gone = [BlockLayout(tmp_path / "gone.h5", each.frames, 32, each.offsets) for each in places]
    with (
        DataLoader(gone, batch=4, readers=1, queue_bytes=MIB) as stream,
        pytest.raises(TrainingError, match=r"reader 0 failed: got the store gone\.h5 cannot"),
    ):
        list(stream.batches(asked(table, 4)))


def test_no_reader_outlives_the_loader(places: list[BlockLayout], table: np.ndarray) -> None:
    with DataLoader(places, batch=4, readers=2, queue_bytes=MIB) as stream:
        readers = stream.processes
        next(stream.batches(asked(table, 4)))
    for reader in readers:
        with pytest.raises(ProcessLookupError):
            os.kill(reader, 0)
