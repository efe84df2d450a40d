"""Reads frame stores: for each recording an immutable HDF5 file, and a manifest next to it.

    <data>/stores/<dataset>.h5      /frames  uint8 (frames, 128, 128, 3), chunks of 32 frames, raw
                                    /rows    a table of ROW, one row for each line of the log
    <data>/stores/<dataset>.ids     the identity of each row (row_identity.py)
    <data>/stores/<dataset>.json    the manifest; a store without a manifest does not exist

Each frame is stored once, as the network gets it. Chunks are uncompressed, so that the bytes of a
frame lie together in the file and can be read in any order: HDF5's chunk index says where they are
(see frame_blocks.py). HDF5 does not notice a flipped bit in raw data, but the checksums in the
manifest, one for each chunk, do. Ingest writes stores (ingest/store_writer.py); all other services
read them with this module.
"""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import tables

from contract.dataset import row_identity, timeline
from contract.dataset.frame_blocks import BlockLayout, BlockReader, Frames, Numbers, checksum
from contract.dataset.row_identity import RowIds
from contract.dataset.timeline import Timeline
from contract.errors import StoreError
from contract.frames import spec

__all__ = [
    "ABSENT",
    "ROW",
    "SCHEMA",
    "Rows",
    "StoreManifest",
    "StoreReader",
    "folder",
    "open_store",
    "paths",
    "read_manifest",
    "read_manifests",
    "read_row_ids",
    "select_manifests",
]

SCHEMA: Final = 2
"""Version of the file format; schema 1 had a SHA-256 of each block instead of a checksum."""
ABSENT: Final = -1
"""Frame number of a camera that has no image in a row."""

ROW: Final = np.dtype(
    [
        ("line", "<i4"),  # line of the driving log, counted from 1
        # Time stamp of the image's file name in seconds since 1970, read as UTC; NaN without one.
        ("time_s", "<f8"),
        ("steering", "<f4"),  # -1..1, right is positive
        ("throttle", "<f4"),  # 0..1
        ("brake", "<f4"),  # 0..1
        ("speed_mph", "<f4"),
        ("center", "<i4"),  # frame number of each camera, or ABSENT
        ("left", "<i4"),
        ("right", "<i4"),
    ]
)

Rows = npt.NDArray[np.void]


@dataclass(frozen=True)
class StoreManifest:
    """Describes the content of a store, with checksums that show whether it is still the same."""

    dataset: str
    schema: int
    frame_spec: dict[str, object]
    rows: int
    frames: int
    file_bytes: int
    block_frames: int
    block_checksums: list[str]
    """Checksum of each chunk's frames, without the padding of the last one.

    See `frame_blocks.checksum`."""
    rows_sha256: str
    source: dict[str, object]
    """The `name` of the recording, and the `sha256` of its log and the images that it lists."""
    report: dict[str, object]
    """How many rows were read, accepted and rejected, and why; see ingest/import_report.py."""
    created_at: str
    sessions: list[int] = field(default_factory=lambda: [0])
    """Number of the first row of each session; see recordings/row_order.py."""
    row_ids_sha256: str = ""
    """SHA-256 of the identities of the rows; "" in stores of release 0.1.0."""
    supersedes: list[str] = field(default_factory=list)
    """Datasets all of whose frames this one holds too; a training leaves them out by default."""


def folder(data_dir: Path) -> Path:
    """Return the folder of the stores on the data volume."""
    return data_dir / "stores"


def paths(data_dir: Path, dataset: str) -> tuple[Path, Path]:
    """Return the paths of a dataset's HDF5 file and manifest."""
    return folder(data_dir) / f"{dataset}.h5", folder(data_dir) / f"{dataset}.json"


def read_manifests(data_dir: Path) -> list[StoreManifest]:
    """Read the manifests of all stores on a data volume, oldest first."""
    manifests = [read_manifest(path) for path in sorted(folder(data_dir).glob("[!.]*.json"))]
    return sorted(manifests, key=lambda manifest: (manifest.created_at, manifest.dataset))


def read_manifest(path: Path) -> StoreManifest:
    """Read one manifest.

    Raises:
        StoreError: the file is missing, is not a manifest, or has another schema.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document.get("schema") != SCHEMA:
            raise StoreError(
                f"the store {path.stem} has another schema",
                got=document.get("schema"),
                remedy=f"This release reads schema {SCHEMA}: import the recording again",
            )
        return StoreManifest(**document)
    except FileNotFoundError:
        raise StoreError(
            f"there is no store {path.stem}", remedy="lapwing ingest PATH makes one"
        ) from None
    except (ValueError, TypeError, AttributeError) as error:
        raise StoreError(
            f"the manifest {path.name} cannot be read", got=error, remedy="Import again"
        ) from error


def select_manifests(data_dir: Path, names: list[str]) -> list[StoreManifest]:
    """Return the manifests of the named stores, or of all stores if there are no names.

    A dataset that another one supersedes is returned only if it is named itself.

    Args:
        data_dir: path of the data volume.
        names: names of datasets or of recordings; a recording's name selects all its datasets.

    Raises:
        StoreError: there are no stores, or no store has one of the names.
    """
    manifests = read_manifests(data_dir)
    if not manifests:
        raise StoreError("there is no recording to train on", remedy="lapwing ingest PATH first")
    superseded = {name for manifest in manifests for name in manifest.supersedes}
    latest = [manifest for manifest in manifests if manifest.dataset not in superseded]
    selected: dict[str, StoreManifest] = {}
    for name in names:
        matches = (
            [m for m in manifests if m.dataset == name]
            or [m for m in latest if m.source["name"] == name]
            or [m for m in manifests if m.source["name"] == name]
        )
        if not matches:
            raise StoreError(
                "no such dataset", got=name, remedy=f"There are {[m.dataset for m in manifests]}"
            )
        selected |= {manifest.dataset: manifest for manifest in matches}
    return list(selected.values()) if names else latest


class StoreReader:
    """Reads the rows of one store, and its frames in any order.

    It owns a file descriptor and belongs to the process that opened it. Close it, or use it in a
    `with` block.
    """

    def __init__(self, path: Path, manifest: StoreManifest) -> None:
        """Open the store.

        Raises:
            StoreError: the file is missing, is not a store, or has another size than the manifest
                says.
        """
        self._manifest = manifest
        self._name = path.name
        if not path.exists() or path.stat().st_size != manifest.file_bytes:
            raise StoreError(
                f"the store {path.name} is not what its manifest says",
                got=f"{path.stat().st_size} bytes" if path.exists() else "no file",
                remedy=f"It had {manifest.file_bytes} bytes: import the recording again",
            )
        try:
            with tables.open_file(str(path), "r") as file:
                self.rows: Rows = file.root.rows.read()
                frames = file.root.frames
                starts = range(0, manifest.frames, manifest.block_frames)
                offsets = [frames.chunk_info((start, 0, 0, 0)).offset for start in starts]
        except (tables.HDF5ExtError, tables.NoSuchNodeError, ValueError, TypeError) as error:
            raise _damage_error(path.name, f"{error}".splitlines()[0]) from error
        self.layout = BlockLayout(
            path, manifest.frames, manifest.block_frames, np.array(offsets, dtype=np.int64)
        )
        self.blocks = BlockReader(self.layout)

    @cached_property
    def timeline(self) -> Timeline:
        """The time and the segment of each row."""
        session = np.zeros(len(self.rows), dtype=np.int64)
        session[self._manifest.sessions[1:]] = 1
        return timeline.build(self.rows["time_s"], np.cumsum(session))

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
        expected = self._manifest.block_checksums
        with ThreadPoolExecutor(os.cpu_count()) as executor:
            actual = executor.map(self._checksum, range(len(expected)))
            for block, (got, wanted) in enumerate(zip(actual, expected, strict=True)):
                if got != wanted:
                    first = block * self._manifest.block_frames
                    last = min(first + self._manifest.block_frames, self._manifest.frames) - 1
                    raise _damage_error(
                        self._name, f"block {block} (frames {first}-{last}) differs"
                    )

    def _checksum(self, block: int) -> str:
        return checksum(self.blocks.block(block))

    def close(self) -> None:
        """Close the file."""
        self.blocks.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def open_store(data_dir: Path, manifest: StoreManifest) -> StoreReader:
    """Open the store that a manifest describes.

    Raises:
        StoreError: the file is missing or is not the store of the manifest; see `StoreReader`.
    """
    return StoreReader(paths(data_dir, manifest.dataset)[0], manifest)


def read_row_ids(data_dir: Path, manifest: StoreManifest) -> RowIds:
    """Return the identities of a store's rows, uint64, shape (rows,); see row_identity.py.

    Raises:
        StoreError: there is no file of identities, and the store cannot be opened.
    """
    path = row_identity.path(data_dir, manifest.dataset)
    ids = row_identity.read(path, manifest.row_ids_sha256)
    if ids is not None:
        return ids
    with open_store(data_dir, manifest) as reader:
        return reader.row_ids


def _damage_error(name: str, got: str) -> StoreError:
    return StoreError(
        f"the store {name} is damaged", got=got, remedy="Remove it and import the recording again"
    )
