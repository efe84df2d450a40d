"""What a process that drives loads a version from: the model volume, or the files themselves."""

from __future__ import annotations

import functools
import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from contract.models.registry import MANIFEST, Registry
from contract.policy import load_version
from contract.policy.policy import LoadedPolicy


class PolicySource(Protocol):
    """Where a version is loaded from."""

    def load(self) -> LoadedPolicy:
        """Return the version, which a process loads once.

        Raises:
            ModelError: it is damaged, or answers otherwise than where it was made.
        """


@dataclass(frozen=True)
class ModelFolder:
    """A version on a model volume that the process can read."""

    root: Path
    """The model volume."""
    version: int

    def load(self) -> LoadedPolicy:
        """Return the version, which a process loads once."""
        return _load(self.root, self.version)


@dataclass(frozen=True)
class ModelFiles:
    """The files of a version, for machines without the model volume."""

    version: int
    files: dict[str, bytes]
    """Content of the manifest and of each file that it lists, by name."""
    digest: str
    """SHA-256 of the manifest, which lists the digests of the others."""

    @classmethod
    def read(cls, registry: Registry, version: int) -> Self:
        """Read the files of a version that `registry.verify` has accepted."""
        folder = registry.path(version)
        names = (MANIFEST, *registry.manifest(version).files)
        files = {name: (folder / name).read_bytes() for name in names}
        return cls(version, files, hashlib.sha256(files[MANIFEST]).hexdigest())

    def load(self) -> LoadedPolicy:
        """Return the version, which a process loads once; its files are verified as on a volume."""
        policy = _received.get(self.digest)
        if policy is None:
            with tempfile.TemporaryDirectory(prefix="lapwing-model-") as root:
                registry = Registry(Path(root))
                folder = registry.path(self.version)
                folder.mkdir(parents=True)
                for name, content in self.files.items():
                    (folder / name).write_bytes(content)
                policy = load_version.load_policy(registry, self.version)
            while len(_received) >= KEPT:
                _received.pop(next(iter(_received)))
            _received[self.digest] = policy
        return policy


KEPT = 2
"""Number of versions that a process keeps loaded: those that the gate compares."""
_received: dict[str, LoadedPolicy] = {}


@functools.lru_cache(maxsize=KEPT)
def _load(root: Path, version: int) -> LoadedPolicy:
    return load_version.load_policy(Registry(root), version)
