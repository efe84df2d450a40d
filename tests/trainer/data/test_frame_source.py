"""The frames of a training from each place where they may be, over two stores.

These tests run on the Keras backend of the process; device/test_backends.py runs them on the
others.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import keras
import numpy as np
import pytest
from support.data import samples

from contract.dataset import store, store_catalog
from contract.dataset.store import StoreReader
from contract.errors import StoreError
from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings
from trainer.data import shared_memory
from trainer.data.augmentation import variation
from trainer.data.augmentation.variation import Augmentation
from trainer.data.frame_source import open_frames
from trainer.data.loader import DataLoader

VARIED = Augmentation(brightness=0.3, shadow=0.5, blur=0.2, shift_m=0.5, turn_deg=2.0)
MIB = 1 << 20
PLACES = {"ring": None, "device-memory": 1 << 30, "device-ring": 1 << 20}
"""Free bytes of the device for which frames are read from each place."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data volume with stores of 20 and of 15 rows."""
    folder = tmp_path_factory.mktemp("source")
    settings = load(Settings, {"LAPWING_DATA_DIR": str(folder)})
    for name, rows in (("a", 20), ("b", 15)):
        run = samples.recording(folder / name, rows=rows)
        import_source(settings, run, None, 0.0, lambda **_: None)
    return folder


@pytest.fixture
def stores(data: Path) -> Iterator[list[StoreReader]]:
    with ExitStack() as stack:
        manifests = store_catalog.read_manifests(data)
        yield [stack.enter_context(store.open_store(data, each)) for each in manifests]


def requests(stores: list[StoreReader], keyed: bool) -> Iterator[np.ndarray]:
    """Yield requests of up to 16 samples of both stores in random order, half of them mirrored."""
    parts = []
    for number, reader in enumerate(stores):
        part = np.zeros(reader.layout.frames, shared_memory.RECORD)
        part["store"], part["frame"] = number, np.arange(len(part))
        parts.append(part)
    records = np.random.default_rng(1).permutation(np.concatenate(parts))
    records["number"] = 1000 + np.arange(len(records))
    records["label"], records["speed_mps"] = np.linspace(-1, 1, len(records)), 6.7
    if keyed:
        records["key"] = variation.sample_keys(5, 1, records["number"])
        records["flip"][::2] = True
    for start in range(0, len(records), 16):
        yield records[start : start + 16]


def taken(
    stores: list[StoreReader], place: str, *, keyed: bool = True
) -> tuple[list[int], np.ndarray, np.ndarray, list[int]]:
    """Return the numbers, labels and frames that come from a place, and the sizes of batches."""
    numbers, labels, frames = [], [], []
    with open_frames(
        stores,
        VARIED,
        batch=16,
        readers=2,
        queue_bytes=8 * MIB,
        device_free_bytes=PLACES[place],
    ) as source:
        for batch in source.batches(requests(stores, keyed)):
            numbers.append(batch.numbers)
            labels.append(batch.labels)
            frames.append(keras.ops.convert_to_numpy(batch.frames).copy())
    sizes = [len(each) for each in frames]
    joined = np.concatenate(numbers).tolist()
    return joined, np.concatenate(labels), np.concatenate(frames), sizes


@pytest.mark.parametrize("place", ["device-memory", "device-ring"])
def test_a_device_gets_what_the_cpu_gets(stores: list[StoreReader], place: str) -> None:
    numbers, labels, frames, sizes = taken(stores, place)
    expected_numbers, expected_labels, expected, expected_sizes = taken(stores, "ring")
    assert numbers == expected_numbers == list(range(1000, 1105))
    assert sizes == expected_sizes
    assert labels.tobytes() == expected_labels.tobytes()  # as the proof of an epoch has them
    difference = np.abs(frames.astype(int) - expected)
    assert difference.max() <= 2
    assert difference.mean() < 0.1


@pytest.mark.parametrize("place", PLACES)
def test_samples_without_a_key_come_as_they_were_recorded(
    stores: list[StoreReader], place: str
) -> None:
    numbers, labels, frames, _ = taken(stores, place, keyed=False)
    asked = np.concatenate(list(requests(stores, keyed=False)))
    assert numbers == asked["number"].tolist()
    np.testing.assert_array_equal(labels, asked["label"])
    whole = np.empty((len(asked), 128, 128, 3), np.uint8)
    for number, reader in enumerate(stores):
        of_store = np.flatnonzero(asked["store"] == number)
        part = np.empty((len(of_store), 128, 128, 3), np.uint8)
        reader.gather(asked["frame"][of_store], part)
        whole[of_store] = part
    np.testing.assert_array_equal(frames, whole[:, 43:-12])


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("ring", "frames: read and varied by 2 processes (the CPU trains)"),
        ("device-memory", "frames: kept and varied in the memory of the device (0.00 GB of visible"),
        ("device-ring", "frames: read by 2 processes and varied on the device (0.00 GB of visible"),
    ],
    ids=PLACES,
)
def test_the_log_says_where_the_frames_are_and_why(
    stores: list[StoreReader], place: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        taken(stores, place)
    lines = [each.getMessage() for each in caplog.records if each.name.endswith("frame_source")]
    assert len(lines) == 1
    assert lines[0].startswith(said)


def test_frames_in_the_memory_of_the_device_need_no_readers(stores: list[StoreReader]) -> None:
    sources = {}
    for place, free in PLACES.items():
        with open_frames(
            stores, VARIED, batch=4, readers=1, queue_bytes=4 * MIB, device_free_bytes=free
        ) as source:
            sources[place] = isinstance(source, DataLoader)
    assert sources == {"ring": True, "device-memory": False, "device-ring": False}


def test_a_damaged_block_is_found_while_it_is_loaded(data: Path, tmp_path: Path) -> None:
    manifest = store_catalog.read_manifests(data)[0]
    path = tmp_path / "copy.h5"
    content = bytearray(store_catalog.paths(data, manifest.dataset)[0].read_bytes())
    with store.open_store(data, manifest) as reader:
        offset = int(reader.layout.offsets[1])
    content[offset] ^= 1  # a pixel of the sky, which the network does not see
    path.write_bytes(content)
    with StoreReader(path, manifest) as damaged:
        with pytest.raises(StoreError) as verified:
            damaged.verify()
        with (
            pytest.raises(StoreError) as loaded,
            open_frames(
                [damaged], VARIED, batch=4, readers=1, queue_bytes=MIB, device_free_bytes=1 << 30
            ),
        ):
            pass
    assert str(loaded.value) == str(verified.value)
    assert "block 1 (frames 32-59) differs" in str(loaded.value)
