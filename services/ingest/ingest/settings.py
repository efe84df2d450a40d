"""What ingest is told by its environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from contract.settings import setting


@dataclass(frozen=True)
class Settings:
    """Ingest's settings; see .env.example."""

    redis_url: str = setting("LAPWING_REDIS_URL", "redis://127.0.0.1:6379/0")
    redis_password_file: str = setting("LAPWING_REDIS_PASSWORD_FILE", "")
    data_dir: Path = setting("LAPWING_DATA_DIR", Path("lapwing-data/data"))
    max_reject_share: float = setting("LAPWING_MAX_REJECT_SHARE", 0.05, minimum=0, maximum=1)
    """Share of a recording's rows that may be bad before the import fails."""
    decode_threads: int = setting("LAPWING_DECODE_THREADS", 0, minimum=0, maximum=256)
    """0: one a core."""
