"""The frame store: one immutable HDF5 file a recording, and a manifest beside it.

    <data>/stores/<dataset>.h5      /frames  uint8 (frames, 128, 128, 3), chunks of 32 frames, raw
                                    /rows    a table of ROW, one row a line of the driving log
    <data>/stores/<dataset>.json    the manifest; a store without one does not exist

Each frame is stored once, prepared. Chunks are uncompressed, so a frame is one stretch of the file
and is read as one, in any order (blocks.py; HDF5's chunk index tells where). HDF5 does not notice
a flipped bit in raw data; the manifest's checksums, one a chunk, do. Ingest writes stores
(ingest/store_writer.py), everybody else reads them here.
"""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import tables

from contract.dataset.frame_blocks import BlockLayout, BlockReader, Frames, Numbers, checksum
from contract.errors import StoreError

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
    "select_manifests",
]

SCHEMA: Final = 2
"""1 had sha256 of each block."""
ABSENT: Final = -1
"""The frame number of a camera that a row does not have."""

ROW: Final = np.dtype(
    [
        ("line", "<i4"),  # line of the driving log, from 1
        (
            "time_s",
            "<f8",
        ),  # of the file name, seconds since 1970 read as UTC; NaN where it has none
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
    """What a store holds, and how to tell that it still does."""

    dataset: str
    schema: int
    frame_spec: dict[str, object]
    rows: int
    frames: int
    file_bytes: int
    block_frames: int
    block_checksums: list[str]
    """Of each chunk's frames as stored; the last chunk's without padding. See blocks.checksum."""
    rows_sha256: str
    source: dict[str, object]
    """name and sha256 of the recording (its log and the images that it lists)."""
    report: dict[str, object]
    """Rows read, accepted, rejected, and why; see ingest/report.py."""
    created_at: str


def folder(data_dir: Path) -> Path:
    """Return where stores lie on the data volume."""
    return data_dir / "stores"


def paths(data_dir: Path, dataset: str) -> tuple[Path, Path]:
    """Return the HDF5 file and the manifest of a dataset."""
    return folder(data_dir) / f"{dataset}.h5", folder(data_dir) / f"{dataset}.json"


def read_manifests(data_dir: Path) -> list[StoreManifest]:
    """List the stores of a data volume, oldest first."""
    found = [read_manifest(path) for path in sorted(folder(data_dir).glob("[!.]*.json"))]
    return sorted(found, key=lambda manifest: (manifest.created_at, manifest.dataset))


def read_manifest(path: Path) -> StoreManifest:
    """Read one manifest.

    Raises:
        StoreError: it is missing, no manifest, or of another schema.
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
    """Return the stores that `names` name, in whole or by their recording's name; all for none.

    Raises:
        StoreError: there are none, or a name fits none.
    """
    known = read_manifests(data_dir)
    if not known:
        raise StoreError("there is no recording to train on", remedy="lapwing ingest PATH first")
    chosen: dict[str, StoreManifest] = {}
    for name in names:
        fits = [each for each in known if name in (each.dataset, each.source["name"])]
        if not fits:
            raise StoreError(
                "no such dataset", got=name, remedy=f"There are {[each.dataset for each in known]}"
            )
        chosen |= {each.dataset: each for each in fits}
    return list(chosen.values()) if names else known


class StoreReader:
    """An open store: its rows, and its frames in any order.

    Owns a file descriptor; belongs to the process that opened it. Close it, or use it in `with`.
    """

    def __init__(self, path: Path, manifest: StoreManifest) -> None:
        """Open the store.

        Raises:
            StoreError: the file is missing, of another size than the manifest says, or no store.
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
            raise _damaged(path.name, f"{error}".splitlines()[0]) from error
        self.place = BlockLayout(
            path, manifest.frames, manifest.block_frames, np.array(offsets, dtype=np.int64)
        )
        self.blocks = BlockReader(self.place)

    def gather(self, numbers: Numbers, out: Frames) -> None:
        """Copy the frames of the given numbers into `out`, uint8 of shape (n, 128, 128, 3)."""
        self.blocks.gather(numbers, out)

    def verify(self) -> None:
        """Read everything, on all cores, and compare it with the manifest's checksums.

        Raises:
            StoreError: a block or the rows differ; the message names the place.
        """
        if hashlib.sha256(self.rows.tobytes()).hexdigest() != self._manifest.rows_sha256:
            raise _damaged(self._name, "the rows differ from their checksum")
        expected = self._manifest.block_checksums
        with ThreadPoolExecutor(os.cpu_count()) as executor:
            found = executor.map(self._digest, range(len(expected)))
            for block, (one, other) in enumerate(zip(found, expected, strict=True)):
                if one != other:
                    first = block * self._manifest.block_frames
                    last = min(first + self._manifest.block_frames, self._manifest.frames) - 1
                    raise _damaged(self._name, f"block {block} (frames {first}-{last}) differs")

    def _digest(self, block: int) -> str:
        return checksum(self.blocks.block(block))

    def close(self) -> None:
        """Close the file."""
        self.blocks.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def open_store(data_dir: Path, manifest: StoreManifest) -> StoreReader:
    """Open the store that a manifest describes; see `StoreReader`."""
    return StoreReader(paths(data_dir, manifest.dataset)[0], manifest)


def _damaged(name: str, got: str) -> StoreError:
    return StoreError(
        f"the store {name} is damaged", got=got, remedy="Remove it and import the recording again"
    )
