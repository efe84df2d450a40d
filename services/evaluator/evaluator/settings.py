"""The settings of the evaluator, which are read from environment variables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from contract.setting_forms import CLUSTER, CLUSTER_TOKEN_FILE, FOLDER, PASSWORD_FILE, REDIS_URL
from contract.settings import setting


@dataclass(frozen=True)
class Settings:
    """The settings of the evaluator; docs/settings.md lists them."""

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
    drivers: int = setting(
        "LAPWING_EVALUATION_DRIVERS",
        0,
        "The evaluator drives in this number of processes at the same time; 0 means one for each "
        "core, as far as its memory goes.",
        minimum=0,
        maximum=64,
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
    gate_track: str = setting(
        "LAPWING_GATE_TRACK",
        "lake",
        "The gate has versions drive on this track of the simulator: lake, jungle, or random: and "
        "a seed, such as random:7.",
    )
    gate_pairs: int = setting(
        "LAPWING_GATE_PAIRS",
        128,
        "The gate compares at most this number of pairs of drives, and stops as soon as they "
        "decide. Of two equal versions it needs about 70; with fewer than 64 it accepts only a "
        "version that is clearly better.",
        minimum=8,
        maximum=800,
    )
