"""Reads frame stores: for each recording an immutable HDF5 file, and a manifest next to it.

    <data>/stores/<dataset>.h5      /frames  uint8 (frames, 128, 128, 3), chunks of 32 frames, raw
                                    /rows    a table of ROW, one row for each line of the log
    <data>/stores/<dataset>.ids     the identity of each row (row_identity.py)
    <data>/stores/<dataset>.json    the manifest; a store without a manifest does not exist

Each frame is stored once, as the network gets it. Chunks are uncompressed, so that the bytes of a
frame lie together in the file and can be read in any order: HDF5's chunk index says where they are
(see frame_blocks.py). HDF5 does not notice a flipped bit in raw data, but the checksums in the
manifest, one for each chunk, do. Ingest writes stores (ingest/store_writer.py); all other services
read them with this module. store_catalog.py reads the manifests, and needs neither NumPy nor
PyTables.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import tables

from contract.dataset import row_identity, timeline
from contract.dataset.frame_blocks import BlockLayout, BlockReader, Frames, Numbers, checksum
from contract.dataset.row_identity import RowIds
from contract.dataset.store_catalog import StoreManifest, paths
from contract.dataset.timeline import Timeline
from contract.errors import StoreError
from contract.frames import spec
from contract.storage import stores
from contract.storage.block_copies import RemoteBlocks

__all__ = [
    "ABSENT",
    "ROW",
    "Rows",
    "StoreReader",
    "open_store",
    "open_stores",
    "read_row_ids",
    "verify_store",
]

log = logging.getLogger(__name__)

ABSENT: Final = -1
"""Frame number of a camera that has no image in a row."""
BLOCKS_AHEAD: Final = 2
"""Blocks of 1.5 MB for each core that are in memory while a whole store is read."""

ROW: Final = np.dtype(
    [
        ("line", "<i4"),  # line of the driving log, counted from 1
        # Time stamp of the image's file name in seconds since 1970, read as UTC; NaN without one.
        ("time_s", "<f8"),
        ("steering", "<f4"),  # -1..1, right is positive
        ("throttle", "<f4"),  # 0..1
        ("brake", "<f4"),  # 0..1
        ("speed_mph", "<f4"),  # NaN where the recording does not say it
        ("center", "<i4"),  # frame number of each camera, or ABSENT
        ("left", "<i4"),
        ("right", "<i4"),
    ]
)

_NO_STORE: Final = (
    *(tables.HDF5ExtError, tables.NoSuchNodeError, tables.exceptions.ChunkError),
    *(OSError, IndexError, TypeError, ValueError),
)
"""What PyTables raises of a file that is no HDF5, or holds something else than a store."""

Rows = npt.NDArray[np.void]


class StoreReader:
    """Reads the rows of one store, and its frames in any order.

    It owns a file descriptor and belongs to the process that opened it. Close it, or use it in a
    `with` block.
    """

    def __init__(
        self,
        path: Path,
        manifest: StoreManifest,
        lease: int | None = None,
        remote: RemoteBlocks | None = None,
    ) -> None:
        """Open the store.

        Args:
            path: path of its file.
            manifest: its manifest.
            lease: a descriptor that keeps the file on this volume; it is closed with the store.
            remote: where the frames are read from if the file does not stay on this volume.

        Raises:
            StoreError: the file is missing, is not a store, or has another size than the manifest
                says.
        """
        self._manifest = manifest
        self._name = path.name
        self._lease: int | None = None
        if not path.exists() or path.stat().st_size != manifest.file_bytes:
            raise StoreError(
                f"the store {path.name} is not what its manifest says",
                got=f"{path.stat().st_size} bytes" if path.exists() else "no file",
                remedy=f"It had {manifest.file_bytes} bytes: import the recording again",
            )
        try:
            with tables.open_file(str(path), "r") as file:
                self.rows: Rows = file.root.rows.read()
                if self.rows.dtype != ROW:
                    raise TypeError(f"rows of another type: {self.rows.dtype}")
                frames = file.root.frames
                starts = range(0, manifest.frames, manifest.block_frames)
                offsets = [frames.chunk_info((start, 0, 0, 0)).offset for start in starts]
        except _NO_STORE as error:
            raise _damage_error(path.name, str(error).partition("\n")[0]) from error
        self.layout = BlockLayout(
            path,
            manifest.frames,
            manifest.block_frames,
            np.array(offsets, dtype=np.int64),
            remote,
        )
        self.blocks = BlockReader(self.layout)
        self._lease = lease

    @property
    def dataset(self) -> str:
        """The name of the dataset."""
        return self._manifest.dataset

    @cached_property
    def timeline(self) -> Timeline:
        """The time and the segment of each row."""
        begins = np.zeros(len(self.rows), dtype=np.bool_)
        begins[self._manifest.sessions[1:]] = True
        return timeline.build(self.rows["time_s"], np.cumsum(begins, dtype=np.int64))

    @cached_property
    def row_ids(self) -> RowIds:
        """The identity of each row, uint64, shape (rows,); see row_identity.py.

        They are computed from the frames if the store has no file of them.
        """
        path = self.layout.path.with_suffix(".ids")
        ids = row_identity.read(path, self._manifest.row_ids_sha256)
        return self._compute_row_ids() if ids is None else ids

    def _compute_row_ids(self) -> RowIds:
        centre = self.rows["center"]
        ids = np.full(len(centre), row_identity.ABSENT_ID, dtype=np.uint64)
        frame = np.empty((1, *spec.SHAPE), dtype=np.uint8)
        for row in np.flatnonzero(centre != ABSENT).tolist():
            self.gather(centre[row : row + 1], frame)
            ids[row] = row_identity.frame_id(frame[0])
        return ids

    def gather(self, numbers: Numbers, out: Frames) -> None:
        """Copy the frames of the given numbers, shape (n,), into `out`, uint8 (n, 128, 128, 3)."""
        self.blocks.gather(numbers, out)

    def verify(self) -> None:
        """Read the whole store on all cores, and compare it with the checksums of the manifest.

        Raises:
            StoreError: a block or the rows differ; the message says which.
        """
        if hashlib.sha256(self.rows.tobytes()).hexdigest() != self._manifest.rows_sha256:
            raise _damage_error(self._name, "the rows differ from their checksum")
        for _ in self.verified_blocks():
            pass

    def verified_blocks(self) -> Iterator[Frames]:
        """Read all frames on all cores, and yield each block once its checksum is right.

        Yields:
            The frames of a block in the order of their numbers, uint8 (n, 128, 128, 3).

        Raises:
            StoreError: a block differs; the message says which.
        """
        cores = os.cpu_count() or 1
        with ThreadPoolExecutor(cores) as executor:
            upcoming: deque[Future[Frames]] = deque()
            for number in range(len(self._manifest.block_checksums)):
                upcoming.append(executor.submit(self._verified_block, number))
                if len(upcoming) == BLOCKS_AHEAD * cores:
                    yield upcoming.popleft().result()
            while upcoming:
                yield upcoming.popleft().result()

    def _verified_block(self, number: int) -> Frames:
        block = self.blocks.block(number)
        if checksum(block) != self._manifest.block_checksums[number]:
            first = number * self._manifest.block_frames
            last = min(first + self._manifest.block_frames, self._manifest.frames) - 1
            raise _damage_error(self._name, f"block {number} (frames {first}-{last}) differs")
        return block.reshape(-1, *spec.SHAPE)

    def close(self) -> None:
        """Close the file; closing it twice does no harm."""
        self.blocks.close()
        lease, self._lease = self._lease, None
        if lease is not None:
            os.close(lease)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def open_store(
    data_dir: Path, manifest: StoreManifest, environ: Mapping[str, str] = os.environ
) -> StoreReader:
    """Open the store that a manifest describes.

    With LAPWING_STORAGE its file is copied to the data volume if it is not there, and stays there
    until the store is closed.

    Args:
        data_dir: the data volume.
        manifest: the manifest.
        environ: the environment, with the settings of the object store.

    Raises:
        StoreError: the file is missing or is not the store of the manifest; see `StoreReader`.
        StorageError: the file cannot be copied.
    """
    path = paths(data_dir, manifest.dataset)[0]
    mirror = stores.open_mirror(data_dir, environ)
    lease = None if mirror is None else mirror.lease(manifest.dataset, manifest.file_bytes)
    try:
        return StoreReader(path, manifest, lease)
    except BaseException:
        if lease is not None:
            os.close(lease)
        raise


def open_stores(
    data_dir: Path, manifests: Sequence[StoreManifest], environ: Mapping[str, str] = os.environ
) -> list[StoreReader]:
    """Open stores that are read at the same time; the caller closes them.

    If LAPWING_CACHE_BYTES cannot hold all of them, their blocks are copied one by one as frames of
    them are read.

    Args:
        data_dir: the data volume.
        manifests: the manifests of the stores.
        environ: the environment, with the settings of the object store.

    Raises:
        StoreError: a file is missing or is not the store of its manifest.
        StorageError: a file cannot be copied.
    """
    mirror = stores.open_mirror(data_dir, environ)
    if mirror is None or mirror.can_hold(manifest.file_bytes for manifest in manifests):
        opening: Callable[..., StoreReader] = open_store
    else:
        log.info("LAPWING_CACHE_BYTES does not hold all of the stores: their blocks are copied")
        opening = _open_blocks
    with ExitStack() as stack:
        readers = []
        for manifest in manifests:
            readers.append(opening(data_dir, manifest, environ))
            stack.callback(readers[-1].close)
        stack.pop_all()
        return readers


def _open_blocks(
    data_dir: Path, manifest: StoreManifest, environ: Mapping[str, str]
) -> StoreReader:
    """Open a store whose file is on this volume only while its rows are read."""
    mirror = stores.open_mirror(data_dir, environ)
    assert mirror is not None
    lease = mirror.lease(manifest.dataset, manifest.file_bytes)
    path = paths(data_dir, manifest.dataset)[0]
    if lease is None:  # The object store does not hold it, so it is not removed here.
        return StoreReader(path, manifest)
    try:
        checksums = tuple(manifest.block_checksums)
        remote = RemoteBlocks(data_dir, manifest.dataset, checksums, dict(environ))
        return StoreReader(path, manifest, None, remote)
    finally:
        os.close(lease)


def verify_store(
    data_dir: Path, manifest: StoreManifest, environ: Mapping[str, str] = os.environ
) -> None:
    """Read a whole store and compare it with its manifest; a damaged copy is fetched once more.

    The arguments are those of `open_store`.

    Raises:
        StoreError: it is damaged; the message says where.
        StorageError: the file cannot be copied.
    """
    try:
        _verify(data_dir, manifest, environ)
    except StoreError as error:
        mirror = stores.open_mirror(data_dir, environ)
        if mirror is None or not mirror.discard(manifest.dataset):
            raise
        log.warning("the copy is fetched again: %s", error)
        _verify(data_dir, manifest, environ)


def _verify(data_dir: Path, manifest: StoreManifest, environ: Mapping[str, str]) -> None:
    with open_store(data_dir, manifest, environ) as reader:
        reader.verify()


def read_row_ids(
    data_dir: Path, manifest: StoreManifest, environ: Mapping[str, str] = os.environ
) -> RowIds:
    """Return the identities of a store's rows, uint64, shape (rows,); see row_identity.py.

    Raises:
        StoreError: there is no file of identities, and the store cannot be opened.
    """
    path = row_identity.path(data_dir, manifest.dataset)
    ids = row_identity.read(path, manifest.row_ids_sha256)
    if ids is not None:
        return ids
    with open_store(data_dir, manifest, environ) as reader:
        return reader.row_ids


def _damage_error(name: str, got: str) -> StoreError:
    return StoreError(
        f"the store {name} is damaged", got=got, remedy="Remove it and import the recording again"
    )
