"""The settings of the trainer, which are read from environment variables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from contract.setting_forms import CLUSTER, CLUSTER_TOKEN_FILE, FOLDER, PASSWORD_FILE, REDIS_URL
from contract.settings import setting


@dataclass(frozen=True)
class Settings:
    """The settings of the trainer; docs/settings.md lists them."""

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
    model_dir: Path = setting(
        "LAPWING_MODEL_DIR",
        Path("lapwing-data/models"),
        "This folder is the model volume, which holds the published models.",
        form=FOLDER,
    )
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
    cluster: str = setting(
        "LAPWING_CLUSTER",
        "",
        "Jobs spread their work over the Ray cluster whose head is at this address; local starts "
        "one on this machine for each job, and empty means that jobs use no cluster.",
        form=CLUSTER,
    )
    cluster_token_file: str = setting(
        "LAPWING_CLUSTER_TOKEN_FILE",
        "",
        "The token of the Ray cluster is read from this file; empty means that its head asks for "
        "none.",
        form=CLUSTER_TOKEN_FILE,
    )
