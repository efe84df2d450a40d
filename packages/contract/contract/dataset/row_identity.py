"""Identifies rows by what their centre camera shows, whatever their recording or file is called.

The identity of a row is the 64-bit XXH3 digest of its centre frame as it is stored. A copy of a
recording, a part of it, one with renamed images and one that has grown have the same identities
where they hold the same frames, whatever their labels are. Two different frames of a million have
the same identity with a probability of 3e-8.

    <data>/stores/<dataset>.ids    one identity for each row, uint64, little-endian

The manifest has the digest of that file. Without the file, as in stores of release 0.1.0, the
identities are computed from the frames.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import xxhash

from contract.files import atomic_files

__all__ = ["ABSENT_ID", "RowIds", "frame_id", "near", "path", "read", "sha256", "write"]

ABSENT_ID: Final = 0
"""Identity of a row without a centre frame; it equals no other row's."""

RowIds = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def frame_id(pixels: npt.NDArray[np.uint8]) -> int:
    """Return the identity of a frame, uint8 (128, 128, 3)."""
    return xxhash.xxh3_64_intdigest(np.ascontiguousarray(pixels).data)


def path(data_dir: Path, dataset: str) -> Path:
    """Return the path of a dataset's file of identities."""
    return data_dir / "stores" / f"{dataset}.ids"


def sha256(ids: RowIds) -> str:
    """Return the SHA-256 of the identities as the file holds them."""
    return hashlib.sha256(ids.astype("<u8").tobytes()).hexdigest()


def write(path: Path, ids: RowIds) -> None:
    """Write the identities of all rows, shape (rows,), atomically."""
    atomic_files.write_bytes(path, ids.astype("<u8").tobytes())


def read(path: Path, expected_sha256: str) -> RowIds | None:
    """Return the identities of all rows, shape (rows,); None if the file is missing or damaged."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    if hashlib.sha256(content).hexdigest() != expected_sha256:
        return None
    return np.frombuffer(content, dtype="<u8").astype(np.uint64)


def near(time_s: Floats, events_s: Floats, gap_s: float) -> Mask:
    """Return which times lie within the gap of an event, shape (times,).

    Args:
        time_s: times in seconds, shape (times,).
        events_s: times of the events in seconds, shape (events,), in any order.
        gap_s: the gap in seconds.
    """
    bounded = np.concatenate([[-np.inf], np.sort(events_s), [np.inf]])
    after = np.searchsorted(bounded, time_s)
    distance_s = np.minimum(bounded[after] - time_s, time_s - bounded[after - 1])
    return np.asarray(distance_s <= gap_s)
