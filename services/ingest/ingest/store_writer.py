"""Writes one frame store: complete, verified and on the disk, or not at all.

contract/dataset/store.py describes the format.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import numpy as np
import tables

from contract.dataset import dataset_labels, row_identity, store_catalog
from contract.dataset.frame_blocks import BLOCK_FRAMES, checksum
from contract.dataset.row_identity import RowIds
from contract.dataset.store import ROW, Rows, StoreReader
from contract.dataset.store_catalog import SCHEMA, StoreManifest
from contract.errors import StoreError
from contract.files import atomic_files, disk_space, locks
from contract.frames import spec
from contract.frames.preprocess import Frame

SYNC_BLOCKS: Final = 16
"""Number of blocks, 25 MB in all, after which they are written to the disk in the background.

Otherwise all of them would be written at the end."""
BLOCK_BYTES: Final = 100
"""Bytes that a block takes besides its frames: in the index of HDF5, and its checksum."""
ROW_BYTES: Final = 8
"""Bytes that a row takes outside the table: its identity."""
FIXED_BYTES: Final = 256 << 10
"""Bytes of an empty store, its manifest and its report, which lists at most 100 rejections."""
WRITE_ERRORS: Final = (tables.HDF5ExtError, OSError)
"""Errors of writing. HDF5 reports a full disk, among others, as an error of its own."""


class StoreWriter:
    """A store that is being written, as a context manager. Without `publish` it leaves no trace.

    Args:
        data_dir: the data volume.
        name: name of the file while it is written. No other writer may use this name.
        expected_frames: approximate number of frames.
    """

    def __init__(self, data_dir: Path, name: str, expected_frames: int) -> None:
        self._data_dir = data_dir
        self._name = name
        final, _ = store_catalog.paths(data_dir, name)
        self._scratch = ExitStack()  # holds the folder of the file that is written, and removes it
        self._block = np.empty((BLOCK_FRAMES, *spec.SHAPE), dtype=np.uint8)
        self._filled = 0
        self._checksums: list[str] = []
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="disk")
        self._syncs: list[Future[None]] = []
        self._ids: list[int] = []
        self.frames = 0
        """Number of frames that were added so far."""
        try:
            scratch = self._scratch.enter_context(atomic_files.staging_folder(final))
            self._path = scratch / final.name
            self._file = tables.open_file(str(self._path), "w", title=f"Lapwing frames: {name}")
            self._frames = self._file.create_earray(
                "/",
                "frames",
                tables.UInt8Atom(),
                (0, *spec.SHAPE),
                chunkshape=(BLOCK_FRAMES, *spec.SHAPE),
                expectedrows=max(expected_frames, 1),
            )
        except WRITE_ERRORS as error:
            self._scratch.close()
            raise self._write_error(error) from error

    def add(self, pixels: Frame) -> int:
        """Append one frame, uint8 (128, 128, 3), and return its number."""
        self._block[self._filled] = pixels
        self._ids.append(row_identity.frame_id(pixels))
        self._filled += 1
        self.frames += 1
        if self._filled == BLOCK_FRAMES:
            self._write_block()
        return self.frames - 1

    def _write_block(self) -> None:
        self._checksums.append(checksum(self._block[: self._filled]))
        self._block[self._filled :] = 0  # A chunk is always whole.
        # The chunk goes straight to the file. `append` would copy it into HDF5's cache before.
        first = self.frames - self._filled
        self._frames.truncate(self.frames)
        self._frames.write_chunk((first, 0, 0, 0), self._block.reshape(-1))
        self._filled = 0
        if len(self._checksums) % SYNC_BLOCKS == 0:
            self._syncs.append(self._disk.submit(os.fdatasync, self._file.fileno()))

    def row_ids(self, rows: Rows) -> RowIds:
        """Return the identities of rows of the table, shape (rows,)."""
        return np.asarray(np.array(self._ids, dtype=np.uint64)[rows["center"]])

    def publish(
        self,
        dataset: str,
        rows: Rows,
        source: dict[str, object],
        report: dict[str, object],
        sessions: Sequence[int] = (0,),
        supersedes: Sequence[str] = (),
    ) -> StoreManifest:
        """Make the store visible under its name. The manifest is written last.

        Args:
            dataset: name of the store; the caller holds its lock.
            rows: the table of rows.
            source: the recording that the frames come from, for the manifest.
            report: the report of the import, for the manifest.
            sessions: number of the first row of each session.
            supersedes: datasets all of whose frames this one holds too.

        Raises:
            StoreError: the store does not read back as it was written, for instance because the
                disk is full.
        """
        if self._filled:
            self._write_block()
        self._file.create_table("/", "rows", obj=rows)
        self._file.flush()
        for sync in self._syncs:
            sync.result()  # It raises the error of that sync, which later ones would not repeat.
        self._file.close()
        atomic_files.fsync(self._path)
        ids = self.row_ids(rows)
        manifest = StoreManifest(
            dataset=dataset,
            schema=SCHEMA,
            frame_spec=spec.SPEC,
            rows=len(rows),
            frames=self.frames,
            file_bytes=self._path.stat().st_size,
            block_frames=BLOCK_FRAMES,
            block_checksums=self._checksums,
            rows_sha256=hashlib.sha256(rows.tobytes()).hexdigest(),
            source=source,
            report=report,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            sessions=list(sessions),
            row_ids_sha256=row_identity.sha256(ids),
            supersedes=list(supersedes),
        )
        try:  # HDF5 does not always report a full disk when it closes a file.
            with StoreReader(self._path, manifest) as reader:
                reader.verify()
        except StoreError as error:
            disk_space.raise_if_full(self._path.parent, self._block.nbytes + BLOCK_BYTES)
            raise self._write_error(error.got) from error
        final, manifest_path = store_catalog.paths(self._data_dir, dataset)
        ids_path = row_identity.path(self._data_dir, dataset)
        # Under this lock nobody takes a store without a manifest for one that a kill has left.
        with locks.lock(dataset_labels.lock(self._data_dir)):
            atomic_files.rename(self._path, final)
            try:
                row_identity.write(ids_path, ids)
                store_catalog.write_manifest(manifest_path, manifest)
            except BaseException:
                for path in (final, ids_path):  # Without a manifest they would only take space.
                    path.unlink(missing_ok=True)
                raise
        return manifest

    def _write_error(self, got: object) -> StoreError:
        lines = str(got).strip().splitlines()
        return StoreError(
            f"the store {self._name} could not be written",
            got=lines[-1] if lines else None,
            remedy=f"Check the disk of {store_catalog.folder(self._data_dir)}, then import again",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._disk.shutdown()  # The background syncs must end before the file is closed.
        try:
            if self._file.isopen:
                self._file.close()
        except WRITE_ERRORS as closing:
            error = error or closing
        finally:
            self._scratch.close()
        if isinstance(error, WRITE_ERRORS):
            raise self._write_error(error) from error


def estimate_bytes(rows: int, images: int) -> int:
    """Return how many bytes a dataset takes at most, with its manifest and its report."""
    frame_bytes = math.prod(spec.SHAPE)
    blocks = -(-images // BLOCK_FRAMES)
    in_store = blocks * (BLOCK_FRAMES * frame_bytes + BLOCK_BYTES) + rows * ROW.itemsize
    return in_store + rows * ROW_BYTES + FIXED_BYTES


def build_table(records: Sequence[tuple[float, ...]]) -> Rows:
    """Return the table of rows, shape (rows,), with the fields of contract.dataset.store.ROW."""
    return np.array(records, dtype=ROW)
