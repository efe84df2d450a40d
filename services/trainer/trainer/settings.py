"""The settings of the trainer, which are read from environment variables."""

from __future__ import annotations

from dataclasses import dataclass

from contract.settings import ClusterSettings, DataSettings, ModelSettings, QueueSettings, setting


@dataclass(frozen=True)
class Settings(ClusterSettings, ModelSettings, DataSettings, QueueSettings):
    """The settings of the trainer; docs/settings.md lists them."""

    readers: int = setting(
        "LAPWING_READERS",
        0,
        "This number of processes reads the imported recordings for a training; 0 lets the trainer "
        "choose it from its cores and its device.",
        minimum=0,
        maximum=64,
    )
    queue_mib: int = setting(
        "LAPWING_QUEUE_MIB",
        256,
        "The batches that wait for the network fill at most this many MiB of shared memory, "
        "for all reading processes together.",
        minimum=8,
        maximum=65536,
    )
    checkpoint_s: int = setting(
        "LAPWING_CHECKPOINT_S",
        60,
        "A training saves its state after this many seconds, and resumes from there after it was "
        "killed; 0 means after every batch.",
        minimum=0,
        maximum=3600,
    )
