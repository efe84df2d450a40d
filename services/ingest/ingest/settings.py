"""The settings of ingest, which are read from environment variables."""

from __future__ import annotations

from dataclasses import dataclass

from contract.settings import DataSettings, QueueSettings, setting


@dataclass(frozen=True)
class Settings(DataSettings, QueueSettings):
    """The settings of ingest; docs/settings.md lists them."""

    max_reject_share: float = setting(
        "LAPWING_MAX_REJECT_SHARE",
        0.05,
        "An import fails when more than this share of the recording's rows is bad.",
        minimum=0,
        maximum=1,
    )
    decode_threads: int = setting(
        "LAPWING_DECODE_THREADS",
        0,
        "Ingest decodes images in this number of threads; 0 means one for each core.",
        minimum=0,
        maximum=256,
    )
