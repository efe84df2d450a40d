import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tables

from contract.dataset import dataset_labels, store, store_catalog
from contract.dataset.frame_blocks import BLOCK_FRAMES
from contract.dataset.store_catalog import StoreManifest
from contract.errors import StoreError
from contract.files import atomic_files, locks
from ingest import store_writer
from ingest.store_writer import StoreWriter, build_table

COUNT = BLOCK_FRAMES * 2 + 5


def pixels(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (128, 128, 3), dtype=np.uint8)


def write(data_dir: Path, count: int = COUNT) -> StoreManifest:
    with StoreWriter(data_dir, "run-1", count) as writer:
        records = [(n, n / 15, 0.1, 0, 0, 9.0, writer.add(pixels(n)), -1, -1) for n in range(count)]
        return writer.publish("run-1", build_table(records), {"name": "run", "sha256": "0"}, {})


def test_written_frames_and_rows_are_read_back(tmp_path: Path) -> None:
    manifest = write(tmp_path)
    assert (manifest.rows, manifest.frames, len(manifest.block_checksums)) == (COUNT, COUNT, 3)
    with store.open_store(
        tmp_path, store_catalog.read_manifest(store_catalog.paths(tmp_path, "run-1")[1])
    ) as reader:
        assert reader.rows["center"].tolist() == list(range(COUNT))
        out = np.empty((COUNT, 128, 128, 3), np.uint8)
        reader.gather(np.arange(COUNT), out)
    for number in range(COUNT):
        np.testing.assert_array_equal(out[number], pixels(number))


def test_any_hdf5_reader_reads_it_in_chunks_of_a_megabyte_or_so(tmp_path: Path) -> None:
    write(tmp_path)
    with tables.open_file(str(store_catalog.paths(tmp_path, "run-1")[0])) as file:
        assert 0.5e6 <= np.prod(file.root.frames.chunkshape) <= 3e6
        np.testing.assert_array_equal(file.root.frames[40], pixels(40))


def test_the_rest_of_the_last_chunk_is_zero(tmp_path: Path) -> None:
    """As HDF5 itself fills it: a store of the same frames is the same, however it was written."""
    write(tmp_path)
    last = COUNT // BLOCK_FRAMES * BLOCK_FRAMES
    with tables.open_file(str(store_catalog.paths(tmp_path, "run-1")[0])) as file:
        chunk = file.root.frames.read_chunk((last, 0, 0, 0))
    frames = np.frombuffer(chunk, np.uint8).reshape(BLOCK_FRAMES, 128, 128, 3)
    np.testing.assert_array_equal(frames[COUNT - last - 1], pixels(COUNT - 1))
    assert not frames[COUNT - last :].any()


def test_only_the_store_its_identities_and_its_manifest_are_left(tmp_path: Path) -> None:
    write(tmp_path)
    assert sorted(path.name for path in store_catalog.folder(tmp_path).iterdir()) == [
        ".annotations.lock",
        "run-1.h5",
        "run-1.ids",
        "run-1.json",
    ]


def fail_while_writing(data_dir: Path, error: BaseException) -> None:
    with StoreWriter(data_dir, "run-1", 5) as writer:
        writer.add(pixels(1))
        raise error


def test_an_exception_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        fail_while_writing(tmp_path, ZeroDivisionError())
    assert list(store_catalog.folder(tmp_path).iterdir()) == []


def test_a_full_disk_is_reported(tmp_path: Path) -> None:
    full = OSError(28, "No space left on device")
    with pytest.raises(StoreError, match=r"the store run-1 could not be written: got .* No space"):
        fail_while_writing(tmp_path, full)


def test_a_disk_that_fails_between_two_blocks_is_reported_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(store_writer, "SYNC_BLOCKS", 1)
    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(StoreError, match=r"could not be written: got .* Input/output error"):
        write(tmp_path, BLOCK_FRAMES + 1)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_disk_that_keeps_other_bytes_than_were_written_publishes_nothing(tmp_path: Path) -> None:
    folder = store_catalog.folder(tmp_path)
    first = pixels(1)
    count = 16 * BLOCK_FRAMES  # more than HDF5 keeps in its cache: the first block is on the disk
    with StoreWriter(tmp_path, "run-1", count) as writer:
        records = [
            (n, n / 15, 0.1, 0, 0, 9.0, writer.add(first + np.uint8(n % 256)), -1, -1)
            for n in range(count)
        ]
        (path,) = folder.rglob("*.h5")
        with path.open("r+b") as file:
            at = file.read().index(first.tobytes())
            file.seek(at + 1000)
            file.write(bytes([int(first.reshape(-1)[1000]) ^ 1]))
        with pytest.raises(
            StoreError, match=r"could not be written: got block 0 \(frames 0-31\) differs"
        ):
            writer.publish("run-1", build_table(records), {"name": "run", "sha256": "0"}, {})
    assert list(folder.iterdir()) == []


PUBLISHING = """
import sys
from pathlib import Path
import numpy as np
from ingest.store_writer import StoreWriter, build_table
def stop(event, arguments):
    if event == "os.rename":
        print(arguments[1], flush=True)
        sys.stdin.readline()
with StoreWriter(Path(sys.argv[1]), "run-1", 1) as writer:
    number = writer.add(np.zeros((128, 128, 3), np.uint8))
    sys.addaudithook(stop)
    table = build_table([(1, 0, 0, 0, 0, 9.0, number, -1, -1)])
    writer.publish("run-1", table, {"name": "run", "sha256": "0"}, {})
"""


def test_nobody_takes_a_store_that_is_just_published_for_an_orphan(tmp_path: Path) -> None:
    """However long that takes: the lock under which orphans are removed is held."""
    command = [sys.executable, "-c", PUBLISHING, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as writer:  # type: ignore[call-overload]
        assert writer.stdout is not None
        assert writer.stdin is not None
        for suffix in (b".h5", b".ids", b".json"):
            assert writer.stdout.readline().rstrip().endswith(suffix)
            with locks.try_lock(dataset_labels.lock(tmp_path)) as held:
                assert not held
            writer.stdin.write(b"\n")
            writer.stdin.flush()
    assert writer.returncode == 0
    assert len(store_catalog.read_manifests(tmp_path)) == 1


KILLED = """
import sys, time
from pathlib import Path
import numpy as np
from ingest.store_writer import StoreWriter
with StoreWriter(Path(sys.argv[1]), "run-1", 100) as writer:
    for number in range(int(sys.argv[2])):
        writer.add(np.zeros((128, 128, 3), np.uint8))
    print("written", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("frames", [0, 1, BLOCK_FRAMES, 100])
def test_a_killed_writer_leaves_no_visible_store(tmp_path: Path, frames: int) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path), str(frames)], stdout=subprocess.PIPE
    )
    assert writer.stdout is not None
    with writer.stdout:
        writer.stdout.readline()
        writer.kill()
        writer.wait()
    assert store_catalog.read_manifests(tmp_path) == []
    assert not store_catalog.paths(tmp_path, "run-1")[0].exists()
    assert len(atomic_files.temporary_paths(store_catalog.folder(tmp_path), "run-1")) == 1
