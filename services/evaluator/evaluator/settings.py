"""What the evaluator is told by its environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from contract.settings import setting


@dataclass(frozen=True)
class Settings:
    """The evaluator's settings; see .env.example."""

    redis_url: str = setting("LAPWING_REDIS_URL", "redis://127.0.0.1:6379/0")
    redis_password_file: str = setting("LAPWING_REDIS_PASSWORD_FILE", "")
    data_dir: Path = setting("LAPWING_DATA_DIR", Path("lapwing-data/data"))
    model_dir: Path = setting("LAPWING_MODEL_DIR", Path("lapwing-data/models"))
    drivers: int = setting("LAPWING_EVALUATION_DRIVERS", 0, minimum=0, maximum=64)
    """Processes that drive side by side; 0: one a core."""
    gate_track: str = setting("LAPWING_GATE_TRACK", "lake")
    """On which the gate has candidates drive."""
    gate_starts: int = setting("LAPWING_GATE_STARTS", 12, minimum=4, maximum=200)
    """How many drives of each version the gate compares."""
