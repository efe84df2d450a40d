"""Copies single blocks of stores that together are larger than the cache.

    <data>/stores/.mirror/blocks/<dataset>/<number>    the bytes of a block, without padding

A training reads frames of all its stores at once. If the cache cannot hold all of them, their
blocks of 1.5 MB are copied instead, each when a frame of it is read, and compared with the checksum
in the manifest. A copy is removed when others need its room; whoever has opened it reads on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xxhash

from contract.errors import StorageError
from contract.storage import stores
from contract.storage.node_cache import NodeCache
from contract.storage.objects import Objects

__all__ = ["BlockCopies", "RemoteBlocks"]


@dataclass(frozen=True, eq=False)
class RemoteBlocks:
    """Says where the blocks of a store are; it can be passed to other processes of this machine.

    Args:
        data_dir: the data volume.
        dataset: name of the dataset.
        checksums: the checksum of each block, as the manifest has them.
        environ: the environment, with the settings of the object store.
    """

    data_dir: Path
    dataset: str
    checksums: tuple[str, ...]
    environ: Mapping[str, str]

    def open(self) -> BlockCopies:
        """Return the copies of the blocks.

        Raises:
            StorageError: the object store is not known to hold the store.
        """
        mirror = stores.open_mirror(self.data_dir, self.environ)
        described = None if mirror is None else mirror.describe_frames(self.dataset)
        if mirror is None or described is None:
            raise StorageError(
                f"LAPWING_STORAGE does not hold the dataset {self.dataset} any more",
                remedy="Import the recording again",
            )
        return BlockCopies(mirror.objects, mirror.cache, self.dataset, described, self.checksums)


class BlockCopies:
    """The copies of one store's blocks on this machine.

    Args:
        objects: the object store.
        cache: the room for copies.
        dataset: name of the dataset.
        described: the `sha256` and the `bytes` of the store's file.
        checksums: the checksum of each block.
    """

    def __init__(
        self,
        objects: Objects,
        cache: NodeCache,
        dataset: str,
        described: Mapping[str, Any],
        checksums: tuple[str, ...],
    ) -> None:
        self._objects = objects
        self._cache = cache
        self._dataset = dataset
        self._described = described
        self._checksums = checksums

    def open(self, number: int, offset: int, size: int) -> int:
        """Open the copy of a block, which is made if there is none; the caller closes it.

        Args:
            number: number of the block.
            offset: where it begins in the store's file, in bytes.
            size: its bytes.

        Raises:
            StorageError: the object store does not answer, has a damaged block, or there is no
                room for it.
        """
        path = self._cache.block(self._dataset, number)
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return self._cache.add(path, self._fetch(number, offset, size))
        os.utime(descriptor)
        return descriptor

    def _fetch(self, number: int, offset: int, size: int) -> bytes:
        """Return the bytes of a block; one that differs from its checksum is fetched once more."""
        found = ""
        for _ in range(2):
            content = self._objects.read_range(self._described, offset, size)
            found = xxhash.xxh3_128_hexdigest(content)
            if found == self._checksums[number]:
                return content
        raise StorageError(
            f"block {number} of the dataset {self._dataset} is damaged in LAPWING_STORAGE",
            got=f"the checksum {found}",
            remedy=f"`lapwing datasets remove {self._dataset}`, and import the recording again",
        )
