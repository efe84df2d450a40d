"""What inference is told by its environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from contract.settings import setting


@dataclass(frozen=True)
class Settings:
    """Inference's settings; see .env.example."""

    host: str = setting("LAPWING_INFERENCE_HOST", "127.0.0.1")
    port: int = setting("LAPWING_INFERENCE_PORT", 8000, minimum=0, maximum=65535)
    model_dir: Path = setting("LAPWING_MODEL_DIR", Path("lapwing-data/models"))
    backend: str = setting("LAPWING_BACKEND", "litert", choices=("litert", "tensorflow"))
    follow_every_s: float = setting("LAPWING_FOLLOW_EVERY_S", 0.5, minimum=0.05, maximum=60)
    """How often the registry is asked which version is current."""
    max_body_bytes: int = setting("LAPWING_MAX_BODY_BYTES", 1_000_000, minimum=1024)
