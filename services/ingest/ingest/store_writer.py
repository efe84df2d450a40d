"""Writes one frame store: whole, verified and on the disk, or not at all. See contract/store.py."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import numpy as np
import tables

from contract import atomic_files as publish
from contract.dataset import store
from contract.dataset.frame_blocks import BLOCK_FRAMES, checksum
from contract.dataset.store import ROW, SCHEMA, Rows, StoreManifest, StoreReader
from contract.errors import StoreError
from contract.frames import spec
from contract.frames.preprocess import Frame

SYNC_BLOCKS: Final = 16
"""After so many blocks, 50 MB, the disk is told to begin: else all of it would wait for the end."""
WRITING: Final = (tables.HDF5ExtError, OSError)
"""What writing raises; HDF5 reports a full disk, among all else, as an error of its own."""


class StoreWriter:
    """A store in the making; use it in `with`: what was not published leaves no trace.

    Args:
        data_dir: the data volume.
        name: what the file in the making is called; nobody else makes one of that name.
        expected_frames: roughly how many will come.
    """

    def __init__(self, data_dir: Path, name: str, expected_frames: int) -> None:
        self._data_dir = data_dir
        self._name = name
        final, _ = store.paths(data_dir, name)
        final.parent.mkdir(parents=True, exist_ok=True)
        self._path = publish.temporary_path(final)
        self._block = np.empty((BLOCK_FRAMES, *spec.SHAPE), dtype=np.uint8)
        self._filled = 0
        self._checksums: list[str] = []
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="disk")
        self._syncs: list[Future[None]] = []
        self.frames = 0
        """Written so far."""
        try:
            self._file = tables.open_file(str(self._path), "w", title=f"Lapwing frames: {name}")
            self._frames = self._file.create_earray(
                "/",
                "frames",
                tables.UInt8Atom(),
                (0, *spec.SHAPE),
                chunkshape=(BLOCK_FRAMES, *spec.SHAPE),
                expectedrows=max(expected_frames, 1),
            )
        except WRITING as error:
            self._path.unlink(missing_ok=True)
            raise self._unwritten(error) from error

    def add(self, pixels: Frame) -> int:
        """Append one frame, uint8 (128, 128, 3); return its number."""
        self._block[self._filled] = pixels
        self._filled += 1
        self.frames += 1
        if self._filled == BLOCK_FRAMES:
            self._write_block()
        return self.frames - 1

    def _write_block(self) -> None:
        block = self._block[: self._filled]
        self._checksums.append(checksum(block))
        self._frames.append(block)
        self._filled = 0
        if len(self._checksums) % SYNC_BLOCKS == 0:
            self._syncs.append(self._disk.submit(os.fdatasync, self._file.fileno()))

    def publish(
        self, dataset: str, rows: Rows, source: dict[str, object], report: dict[str, object]
    ) -> StoreManifest:
        """Make the store visible as `dataset`, whose lock the caller holds; the manifest last.

        Raises:
            StoreError: it does not read back as it was written, as on a full disk.
        """
        if self._filled:
            self._write_block()
        self._file.create_table("/", "rows", obj=rows)
        self._file.flush()
        for each in self._syncs:
            each.result()  # what went wrong there is told once, and no more by the last one
        self._file.close()
        publish.fsync(self._path)
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
        )
        try:  # HDF5 does not always say that the disk was full when it closed a file
            with StoreReader(self._path, manifest) as reader:
                reader.verify()
        except StoreError as error:
            raise self._unwritten(error.got) from error
        final, manifest_path = store.paths(self._data_dir, dataset)
        publish.rename(self._path, final)
        try:
            publish.write_json(manifest_path, dataclasses.asdict(manifest))
        except BaseException:
            final.unlink(missing_ok=True)  # without a manifest it only takes space
            raise
        return manifest

    def _unwritten(self, got: object) -> StoreError:
        lines = str(got).strip().splitlines()
        return StoreError(
            f"the store {self._name} could not be written",
            got=lines[-1] if lines else None,
            remedy=f"Is there space left on {self._path.parent}? Then import again",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._disk.shutdown()  # before the file is closed under it
        try:
            if self._file.isopen:
                self._file.close()
        except WRITING as closing:
            error = error or closing
        finally:
            self._path.unlink(missing_ok=True)
        if isinstance(error, WRITING):
            raise self._unwritten(error) from error


def table_of(records: Sequence[tuple[float, ...]]) -> Rows:
    """Return rows of the store's table: shape (rows,), fields as in contract.dataset.store.ROW."""
    return np.array(records, dtype=ROW)
