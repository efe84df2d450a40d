"""The frames of a training from each place where they may be, over two stores.

These tests run on the Keras backend of the process; device/test_backends.py runs them on the
others.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import psutil
import pytest
from support.data import samples

from contract.dataset import store, store_catalog
from contract.dataset.store import StoreReader
from contract.errors import StoreError
from contract.frames.row_range import RowRange
from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings
from trainer.data import shared_memory
from trainer.data.augmentation import cpu_augmentation, variation
from trainer.data.augmentation.variation import Augmentation
from trainer.data.frame_source import open_frames

VARIED = Augmentation(brightness=0.3, shadow=0.5, blur=0.2, shift_m=0.5, turn_deg=2.0)
MIB = 1 << 20
ROWS = RowRange(43, 116)
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


class Taken(NamedTuple):
    """What comes from one place: two epochs, of which the first is varied."""

    numbers: list[list[int]]
    labels: list[np.ndarray]
    frames: list[np.ndarray]
    sizes: list[list[int]]
    said: list[str]
    """Lines of the log."""
    readers: int


class Lines(logging.Handler):
    """Keeps the messages of a log."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@pytest.fixture(scope="module", params=PLACES)
def place(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def stores(data: Path) -> Iterator[list[StoreReader]]:
    with ExitStack() as stack:
        manifests = store_catalog.read_manifests(data)
        yield [stack.enter_context(store.open_store(data, each)) for each in manifests]


@pytest.fixture(scope="module")
def taken(place: str, stores: list[StoreReader]) -> Taken:
    found, lines = Taken([], [], [], [], [], len(children())), Lines()
    log = logging.getLogger("trainer.data.frame_source")
    log.addHandler(lines)
    log.setLevel(logging.INFO)
    with open_frames(
        stores,
        VARIED,
        batch=16,
        readers=2,
        queue_bytes=8 * MIB,
        rows=ROWS,
        device_free_bytes=PLACES[place],
    ) as source:
        readers = len(children()) - found.readers
        for keyed in (True, False):
            # A batch of the ring is valid until the next is taken.
            batches = [
                (batch.numbers, batch.labels, keras.ops.convert_to_numpy(batch.frames).copy())
                for batch in source.batches(requests(stores, keyed))
            ]
            numbers, labels, frames = zip(*batches, strict=True)
            found.numbers.append(np.concatenate(numbers).tolist())
            found.labels.append(np.concatenate(labels))
            found.frames.append(np.concatenate(frames))
            found.sizes.append([len(each) for each in numbers])
    log.removeHandler(lines)
    log.setLevel(logging.NOTSET)
    return found._replace(said=lines.messages, readers=readers)


def children() -> list[psutil.Process]:
    return [
        each for each in psutil.Process().children() if "spawn_main" in " ".join(each.cmdline())
    ]


def recorded(stores: list[StoreReader], asked: np.ndarray) -> np.ndarray:
    """Return the visible rows of the frames of records."""
    frames = np.empty((len(asked), 128, 128, 3), np.uint8)
    for number, frame in enumerate(frames):
        stores[asked["store"][number]].gather(asked["frame"][number : number + 1], frame[None])
    return np.ascontiguousarray(frames[:, 43:-12])


def test_frames_labels_and_their_order_are_the_same_in_each_place(
    stores: list[StoreReader], taken: Taken
) -> None:
    """They are those that the CPU's augmentation makes of the frames, in the order asked for."""
    asked = np.concatenate(list(requests(stores, keyed=True)))
    expected = recorded(stores, asked)
    cpu_augmentation.apply(VARIED, asked, expected, ROWS)
    assert taken.numbers[0] == list(range(1000, 1105))
    assert taken.sizes[0] == [16] * 6 + [9]
    assert taken.labels[0].tobytes() == asked["label"].tobytes()  # as the proof of an epoch
    difference = np.abs(taken.frames[0].astype(int) - expected)
    assert difference.max() <= 2
    assert difference.mean() < 0.1


def test_samples_without_a_key_come_as_they_were_recorded(
    stores: list[StoreReader], taken: Taken
) -> None:
    asked = np.concatenate(list(requests(stores, keyed=False)))
    assert taken.numbers[1] == asked["number"].tolist()
    np.testing.assert_array_equal(taken.labels[1], asked["label"])
    np.testing.assert_array_equal(taken.frames[1], recorded(stores, asked))


def test_the_log_says_where_the_frames_are_and_why(place: str, taken: Taken) -> None:
    (line,) = taken.said
    assert line.startswith(
        {
            "ring": "frames: read and varied by 2 processes (the CPU trains)",
            "device-memory": "frames: kept and varied in the memory of the device, without reader",
            "device-ring": "frames: read by 2 processes and varied on the device (0.00 GB of visi",
        }[place]
    )


def test_frames_in_the_memory_of_the_device_need_no_readers(place: str, taken: Taken) -> None:
    assert taken.readers == {"ring": 2, "device-memory": 0, "device-ring": 2}[place]


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
                [damaged],
                VARIED,
                batch=4,
                readers=1,
                queue_bytes=MIB,
                rows=ROWS,
                device_free_bytes=1 << 30,
            ),
        ):
            pass
    assert str(loaded.value) == str(verified.value)
    assert "block 1 (frames 32-59) differs" in str(loaded.value)
