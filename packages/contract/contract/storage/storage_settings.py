"""The settings of the object store, which every process of a node reads for itself.

They are read where a store or a version is opened, and not handed down from `main`: readers, nodes
of a cluster and commands all open stores, and inherit their environment. Without LAPWING_STORAGE
nothing of this package is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contract.setting_forms import MEMORY, STORAGE_URL, read_size
from contract.settings import QueueSettings, load, setting

__all__ = ["StorageSettings", "read_settings"]


@dataclass(frozen=True)
class StorageSettings(QueueSettings):
    """The settings of the object store; docs/settings.md lists them."""

    url: str = setting(
        "LAPWING_STORAGE",
        "",
        "Imported stores, published versions and the drives of evaluations are published at this "
        "address, and each machine's volumes hold copies; empty means that the volumes are all "
        "there is. The standard variables AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, "
        "AWS_SECRET_ACCESS_KEY and the others of that kind say how to reach a bucket, and an "
        "endpoint of http needs AWS_ALLOW_HTTP=true.",
        form=STORAGE_URL,
    )
    cache_size: str = setting(
        "LAPWING_CACHE_BYTES",
        "0",
        "Copies of stores take at most this space on the data volume of a machine; those that were "
        "not used for the longest time are removed, but none that is in use.",
        form=MEMORY,
    )
    timeout_s: int = setting(
        "LAPWING_STORAGE_TIMEOUT_S",
        60,
        "A request to the object store is repeated for this many seconds; then it fails.",
        minimum=1,
        maximum=3600,
    )

    @property
    def cache_bytes(self) -> int:
        """The bound of the copies of stores in bytes; 0 for none."""
        return read_size(self.cache_size)

    @property
    def folder(self) -> Path | None:
        """The folder of a shared file system, or None if the address is that of a bucket."""
        return Path(self.url.removeprefix("file://")) if self.url.startswith("file:") else None


def read_settings(environ: Mapping[str, str]) -> StorageSettings | None:
    """Return the settings, or None if LAPWING_STORAGE is not set.

    Raises:
        SettingError: a setting has a value that it cannot take.
    """
    if not environ.get("LAPWING_STORAGE", "").strip():
        return None
    return load(StorageSettings, environ)
