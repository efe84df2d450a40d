"""A training whose stores are ten times larger than the cache reads them block by block.

What it reads is compared with the same read from a volume that holds all of its stores.
"""

import multiprocessing
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from support.storage import object_stores
from support.storage.block_reading import read_all
from support.storage.object_stores import TestStore
from support.storage.recordings import variants

from contract.dataset import frame_blocks, store, store_catalog
from contract.dataset.store import StoreReader
from contract.dataset.store_catalog import StoreManifest
from contract.errors import StorageError
from contract.frames import spec
from contract.frames.row_range import RowRange
from contract.settings import load
from contract.storage import stores
from contract.storage.node_cache import NodeCache
from ingest.job import import_source
from ingest.settings import Settings
from trainer.data import sampler
from trainer.data.loader import DataLoader
from trainer.data.shared_memory import RECORD

BLOCK = frame_blocks.BLOCK_FRAMES * spec.BYTES


class Data:
    """Two machines with the same stores: `here` has all of them, and `there` a small cache."""

    def __init__(self, here: Path, there: Path, object_store: TestStore) -> None:
        self.here, self.there = here, there
        self.manifests = store_catalog.read_manifests(here)
        total = sum(manifest.file_bytes for manifest in self.manifests)
        self.limit = max(manifest.file_bytes for manifest in self.manifests)
        assert total >= 10 * self.limit
        self.environ = object_store.environ | {"LAPWING_CACHE_BYTES": str(self.limit)}
        stores.pull(there, self.environ)

    def open(self, data: Path, environ: dict[str, str]) -> list[StoreReader]:
        return store.open_stores(data, self.manifests, environ)

    def copies_bytes(self) -> int:
        """Return the bytes of all copies, among them those that are being written."""
        total = 0
        for path in self.there.glob("stores/**/*"):
            if path.suffix == ".h5" or path.parent.parent.name == "blocks":
                with suppress(FileNotFoundError):  # It was removed meanwhile.
                    total += path.stat().st_size
        return total


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Import recordings on a machine; return its volume and the folder of the object store."""
    folder = tmp_path_factory.mktemp("machines")
    object_store = object_stores.in_folder(folder / "shared")
    settings = load(Settings, {"LAPWING_DATA_DIR": str(folder / "here")})
    for source in variants(folder, count=11, rows=14):
        environ = object_store.environ
        import_source(settings, source, None, 0.05, lambda **_: None, environ=environ)
    return folder / "here", folder / "shared"


@pytest.fixture
def data(tmp_path: Path, made: tuple[Path, Path]) -> Data:
    here, shared = made
    return Data(here, tmp_path / "there", object_stores.in_folder(shared))


def epoch(manifests: list[StoreManifest]) -> npt.NDArray[np.void]:
    """Return the samples of an epoch in the order of the shuffle `blocks`."""
    table = np.zeros(sum(manifest.frames for manifest in manifests), RECORD)
    table["number"] = np.arange(len(table))
    table["store"] = np.repeat(range(len(manifests)), [each.frames for each in manifests])
    table["frame"] = np.concatenate([np.arange(manifest.frames) for manifest in manifests])
    order = sampler.windowed_shuffle(table["number"].astype(np.int64), table, seed=1, epoch=1)
    return table[order.numbers]


def test_readers_of_a_training_get_the_same_frames_within_the_bound(data: Data) -> None:
    order = epoch(data.manifests)
    batches = [order[start : start + 64] for start in range(0, len(order), 64)]
    digests = []
    for folder, environ in ((data.here, {}), (data.there, data.environ)):
        opened = data.open(folder, environ)
        layouts = [reader.layout for reader in opened]
        assert {layout.remote is not None for layout in layouts} == {folder == data.there}
        frames = []
        with DataLoader(layouts, batch=64, readers=2, queue_bytes=64 << 20) as loader:
            for batch in loader.batches(iter(batches)):
                frames.append(batch.frames.copy())
                if folder == data.there:
                    assert data.copies_bytes() <= data.limit
        digests.append(np.concatenate(frames))
        for reader in opened:
            reader.close()
    np.testing.assert_array_equal(digests[0], digests[1])


def test_frames_rows_and_blocks_are_those_of_the_file(data: Data) -> None:
    here, there = data.open(data.here, {}), data.open(data.there, data.environ)
    rows = RowRange(40, 72)
    numbers = np.array([41, 3, 3, 33, 0])
    for one, other in zip(here, there, strict=True):
        np.testing.assert_array_equal(one.rows, other.rows)
        np.testing.assert_array_equal(one.row_ids, other.row_ids)
        for number in range(len(one.layout.offsets)):
            np.testing.assert_array_equal(one.blocks.block(number), other.blocks.block(number))
        frames = [np.empty((len(numbers), rows.shape[0], 128, 3), np.uint8) for _ in range(2)]
        for reader, out in zip((one, other), frames, strict=True):
            reader.blocks.gather(numbers, out, np.array([4, 0, 2, 1, 3]), rows)
            reader.verify()
            reader.close()
        np.testing.assert_array_equal(*frames)


def test_a_block_that_is_damaged_in_the_object_store_is_refused(
    tmp_path: Path, made: tuple[Path, Path]
) -> None:
    shutil.copytree(made[1], tmp_path / "shared")
    object_store = object_stores.in_folder(tmp_path / "shared")
    data = Data(made[0], tmp_path / "there", object_store)
    first, *others = data.open(data.there, data.environ)
    mirror = stores.open_mirror(data.there, data.environ)
    assert mirror is not None
    entry = mirror.describe_frames(first.dataset)
    assert entry is not None
    object_store.flip_a_bit(f"data/{entry['sha256']}")
    middle = entry["bytes"] // 2
    (number,) = np.flatnonzero(
        (first.layout.offsets <= middle) & (middle < first.layout.offsets + BLOCK)
    )
    with pytest.raises(StorageError, match=rf"block {number} of the dataset .* is damaged"):
        first.blocks.block(int(number))
    for reader in (first, *others):
        reader.close()


def test_a_copy_of_a_block_that_is_removed_amid_reading_is_fetched_again(data: Data) -> None:
    opened = data.open(data.there, data.environ)
    before = opened[0].blocks.block(0).copy()
    path = NodeCache(data.there / "stores", data.limit).block(opened[0].dataset, 0)
    assert path.stat().st_size == len(before)
    path.unlink()
    np.testing.assert_array_equal(opened[0].blocks.block(0), before)
    for reader in opened:
        reader.close()


def test_several_processes_keep_the_bound_together(data: Data) -> None:
    opened = data.open(data.there, data.environ)
    layouts = [reader.layout for reader in opened]
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=read_all, args=(layouts,)) for _ in range(2)]
    for process in processes:
        process.start()
    while any(process.is_alive() for process in processes):
        assert data.copies_bytes() <= data.limit
    assert [process.exitcode for process in processes] == [0, 0]
    for reader in opened:
        reader.close()
