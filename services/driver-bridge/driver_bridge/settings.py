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
    inference_timeout_ms: int = setting("LAPWING_INFERENCE_TIMEOUT_MS", 200, minimum=1, maximum=500)
    """At most what a steering may be held for: control.HOLD_S."""
    target_mph: float = setting("LAPWING_TARGET_MPH", 15.0, minimum=1, maximum=30)
    record_dir: str = setting("LAPWING_RECORD_DIR", "")
    """Where each frame is kept, as drive.py did; empty for nowhere."""
