"""The settings of ingest, which are read from environment variables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from contract.setting_forms import FOLDER, PASSWORD_FILE, REDIS_URL
from contract.settings import setting


@dataclass(frozen=True)
class Settings:
    """The settings of ingest; docs/settings.md lists them."""

    redis_url: str = setting(
        "LAPWING_REDIS_URL",
        "redis://127.0.0.1:6379/0",
        "The job queues are kept in the Redis at this address.",
        form=REDIS_URL,
    )
    redis_password_file: str = setting(
        "LAPWING_REDIS_PASSWORD_FILE",
        "",
        "The password of Redis is read from this file; empty means that Redis asks for none.",
        form=PASSWORD_FILE,
    )
    data_dir: Path = setting(
        "LAPWING_DATA_DIR",
        Path("lapwing-data/data"),
        "This folder is the data volume, which holds the imported recordings.",
        form=FOLDER,
    )
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
