"""The settings of the trainer, from its environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from contract.settings import setting


@dataclass(frozen=True)
class Settings:
    """The trainer's settings; see .env.example."""

    redis_url: str = setting("LAPWING_REDIS_URL", "redis://127.0.0.1:6379/0")
    redis_password_file: str = setting("LAPWING_REDIS_PASSWORD_FILE", "")
    data_dir: Path = setting("LAPWING_DATA_DIR", Path("lapwing-data/data"))
    model_dir: Path = setting("LAPWING_MODEL_DIR", Path("lapwing-data/models"))
    readers: int = setting("LAPWING_READERS", 1, minimum=1, maximum=64)
    """Number of processes that read the stores."""
    queue_mib: int = setting("LAPWING_QUEUE_MIB", 256, minimum=8, maximum=65536)
    """Limit in MiB on the shared memory for the batches of all readers together."""
    checkpoint_s: int = setting("LAPWING_CHECKPOINT_S", 60, minimum=0, maximum=3600)
    """Seconds between two checkpoints from which a killed training resumes; 0: every batch."""
