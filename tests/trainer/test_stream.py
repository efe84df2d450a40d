import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import samples as made

from contract import frame, store
from contract.errors import TrainingError
from contract.settings import load
from contract.store import StoreManifest
from ingest.job import import_source
from ingest.settings import Settings
from trainer import index
from trainer.stream import Stream


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two stores of 20 rows."""
    folder = tmp_path_factory.mktemp("stream")
    settings = load(Settings, {"LAPWING_DATA_DIR": str(folder / "data")})
    for seed in (1, 2):
        source = made.recording(folder / f"run{seed}", rows=20, seed=seed)
        import_source(settings, source, None, 0.0, lambda **_: None)
    return folder


@pytest.fixture
def manifests(data: Path) -> list[StoreManifest]:
    return store.manifests(data / "data")


@pytest.fixture
def table(data: Path, manifests: list[StoreManifest]) -> np.ndarray:
    recordings = []
    for manifest in manifests:
        with store.open_store(data / "data", manifest) as reader:
            recordings.append(reader.rows)
    masks = [np.ones(len(rows), bool) for rows in recordings]
    still = [np.zeros(len(rows), np.int64) for rows in recordings]
    return index.training(recordings, masks, still, cameras=store.CAMERAS, correction=0.2,
                          flip=True, history=0)  # fmt: skip


def asked(count: int, size: int, seed: int = 3) -> Iterator[np.ndarray]:
    order = np.random.default_rng(seed).permutation(count)
    return (order[start : start + size] for start in range(0, count, size))


def test_every_sample_comes_once_with_its_own_frame_and_label(
    data: Path, manifests: list[StoreManifest], table: np.ndarray
) -> None:
    seen = []
    with Stream(data / "data", manifests, table, readers=2, queue_bytes=1 << 22) as stream:
        for numbers, frames, labels in stream.batches(asked(len(table), 7)):
            seen.extend(numbers.tolist())
            np.testing.assert_array_equal(labels, table["label"][numbers])
            for number, pixels in zip(numbers, frames, strict=True):
                np.testing.assert_array_equal(pixels, expected(data, manifests, table[number]))
    assert sorted(seen) == list(range(len(table)))


def expected(data: Path, manifests: list[StoreManifest], sample: np.void) -> np.ndarray:
    """Return a sample's frame from the recording's own picture."""
    name = str(manifests[sample["store"]].source["name"])
    camera = store.CAMERAS[sample["frame"] % 3]
    picture = data / name / "IMG" / f"{camera}_{made.stamp(int(sample['row']))}.jpg"
    pixels = frame.prepare(picture.read_bytes())
    return pixels[:, ::-1] if sample["flip"] else pixels


@pytest.mark.parametrize("readers", [1, 2, 3])
def test_the_order_is_that_of_the_asking_whatever_the_readers(
    data: Path, manifests: list[StoreManifest], table: np.ndarray, readers: int
) -> None:
    order = [batch.tolist() for batch in asked(len(table), 5)]
    with Stream(data / "data", manifests, table, readers=readers, queue_bytes=1 << 20) as stream:
        came = [numbers.tolist() for numbers, _, _ in stream.batches(asked(len(table), 5))]
    assert came == order


def test_a_stream_serves_one_epoch_after_another(
    data: Path, manifests: list[StoreManifest], table: np.ndarray
) -> None:
    with Stream(data / "data", manifests, table, readers=2, queue_bytes=1 << 22) as stream:
        for epoch in range(3):
            assert sum(len(numbers) for numbers, _, _ in stream.batches(asked(50, 8, epoch))) == 50


def test_a_killed_reader_fails_the_epoch_at_once(
    data: Path, manifests: list[StoreManifest], table: np.ndarray
) -> None:
    with Stream(data / "data", manifests, table, readers=1, queue_bytes=1) as stream:
        batches = stream.batches(asked(len(table), 4))
        next(batches)
        began = time.monotonic()
        os.kill(stream.processes[0], signal.SIGKILL)
        with pytest.raises(TrainingError, match="reader 0 died: got exit code -9"):
            list(batches)
        assert time.monotonic() - began < 5


def test_a_readers_own_error_is_told(
    data: Path, manifests: list[StoreManifest], table: np.ndarray, tmp_path: Path
) -> None:
    with (
        Stream(tmp_path, manifests, table, readers=1, queue_bytes=1 << 20) as stream,
        pytest.raises(TrainingError, match=r"reader 0 failed: got the store .* no file"),
    ):
        list(stream.batches(asked(8, 4)))


def test_no_reader_outlives_the_stream(
    data: Path, manifests: list[StoreManifest], table: np.ndarray
) -> None:
    with Stream(data / "data", manifests, table, readers=2, queue_bytes=1 << 20) as stream:
        readers = stream.processes
        next(stream.batches(asked(len(table), 4)))
    for reader in readers:
        with pytest.raises(ProcessLookupError):
            os.kill(reader, 0)
