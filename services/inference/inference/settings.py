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
    lanes: int = setting("LAPWING_INFERENCE_LANES", 0, minimum=0, maximum=64)
    """Processes that decode and compute; 0 for one a core, up to app.MOST_LANES."""
    queue_ms: int = setting("LAPWING_INFERENCE_QUEUE_MS", 50, minimum=1, maximum=10_000)
    """How long a frame may have to wait for its turn; one that would wait longer is refused."""
    follow_every_s: float = setting("LAPWING_FOLLOW_EVERY_S", 0.5, minimum=0.05, maximum=60)
    """How often the registry is asked which version is current."""
    check_every_s: float = setting("LAPWING_CHECK_EVERY_S", 10.0, minimum=0.05, maximum=3600)
    """How often the model that drives is asked for its golden frames."""
    max_body_bytes: int = setting("LAPWING_MAX_BODY_BYTES", 1_000_000, minimum=1024)
    api_token: str = setting("LAPWING_API_TOKEN", "")
    """Whoever asks for more than the service's health must know it; empty: nobody need."""
    cors_origins: str = setting("LAPWING_CORS_ORIGINS", "")
    """Whose web pages may ask, separated by commas; empty: nobody's."""
