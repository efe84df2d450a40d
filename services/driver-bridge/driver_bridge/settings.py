"""What the bridge is told by its environment."""

from __future__ import annotations

from dataclasses import dataclass

from contract.settings import setting


@dataclass(frozen=True)
class Settings:
    """The bridge's settings; see .env.example."""

    host: str = setting("LAPWING_BRIDGE_HOST", "127.0.0.1")
    port: int = setting("LAPWING_BRIDGE_PORT", 4567, minimum=0, maximum=65535)
    """4567 is built into the simulator."""
    inference_url: str = setting("LAPWING_INFERENCE_URL", "http://127.0.0.1:8000")
    inference_timeout_ms: int = setting("LAPWING_INFERENCE_TIMEOUT_MS", 150, minimum=1, maximum=200)
    """For all of a question. Every telemetry is answered within 250 ms, and the rest of that is for
    what comes before and after."""
    api_token: str = setting("LAPWING_API_TOKEN", "")
    """What inference asks for, if it does."""
    target_mph: float = setting("LAPWING_TARGET_MPH", 15.0, minimum=1, maximum=30)
    corner_g: float = setting("LAPWING_CORNER_G", 0.0, minimum=0, maximum=1)
    """Sideways acceleration, in gravities, that a bend may cost before the car slows; 0: any."""
    record_dir: str = setting("LAPWING_RECORD_DIR", "")
    """Where drives are kept, a folder a connection; empty for nowhere."""
    redis_url: str = setting("LAPWING_REDIS_URL", "")
    """Where viewers are told what goes on; empty for nowhere."""
    redis_password_file: str = setting("LAPWING_REDIS_PASSWORD_FILE", "")
