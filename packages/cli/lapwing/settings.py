"""What the command line is told by its environment, and where that puts things."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from contract.jobs import queue
from contract.settings import load, setting


@dataclass(frozen=True)
class Settings:
    """The command line's settings; a folder or address that is not set follows from the home."""

    home: Path = setting("LAPWING_HOME", Path("lapwing-data"))
    redis_url: str = setting("LAPWING_REDIS_URL", "")
    redis_password_file: str = setting("LAPWING_REDIS_PASSWORD_FILE", "")
    data_dir: str = setting("LAPWING_DATA_DIR", "")
    model_dir: str = setting("LAPWING_MODEL_DIR", "")
    inbox_dir: str = setting("LAPWING_INBOX_DIR", "")
    """Where recordings are copied to first, when the ingest worker does not see our files."""
    inference_host: str = setting("LAPWING_INFERENCE_HOST", "127.0.0.1")
    inference_port: int = setting("LAPWING_INFERENCE_PORT", 8000, minimum=1, maximum=65535)
    inference_url: str = setting("LAPWING_INFERENCE_URL", "")
    api_token: str = setting("LAPWING_API_TOKEN", "")
    """What inference wants to be shown, if it does."""
    bridge_host: str = setting("LAPWING_BRIDGE_HOST", "127.0.0.1")
    bridge_port: int = setting("LAPWING_BRIDGE_PORT", 4567, minimum=1, maximum=65535)

    @property
    def data(self) -> Path:
        """The data volume."""
        return Path(self.data_dir) if self.data_dir else self.home.absolute() / "data"

    @property
    def models(self) -> Path:
        """The model volume."""
        return Path(self.model_dir) if self.model_dir else self.home.absolute() / "models"

    @property
    def logs(self) -> Path:
        """Where `lapwing up` keeps what the services print."""
        return self.home.absolute() / "logs"

    @property
    def socket(self) -> Path:
        """The unix socket of the home's own Redis.

        Not in the home: a socket's path is limited to about 100 bytes. The folder is the user's
        alone.
        """
        digest = hashlib.sha256(str(self.home.absolute()).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"lapwing-{os.getuid()}-{digest}" / "redis.sock"

    @property
    def redis(self) -> str:
        """The address of Redis: the one that is set, or the home's own."""
        return self.redis_url or f"unix://{self.socket}"

    def connect(self) -> Redis:
        """Return a connection to Redis that answers; raises JobError."""
        password = Path(self.redis_password_file) if self.redis_password_file else None
        return queue.connect(self.redis, password)

    @property
    def inference(self) -> str:
        """The address of inference."""
        if self.inference_url:
            return self.inference_url.rstrip("/")
        host = "127.0.0.1" if self.inference_host == "0.0.0.0" else self.inference_host
        return f"http://{host}:{self.inference_port}"

    def environment(self) -> dict[str, str]:
        """Return what the services are told, so that they find each other and the volumes."""
        return {
            "LAPWING_HOME": str(self.home.absolute()),
            "LAPWING_REDIS_URL": self.redis,
            "LAPWING_REDIS_PASSWORD_FILE": self.redis_password_file,
            "LAPWING_DATA_DIR": str(self.data),
            "LAPWING_MODEL_DIR": str(self.models),
            "LAPWING_INFERENCE_HOST": self.inference_host,
            "LAPWING_INFERENCE_PORT": str(self.inference_port),
            "LAPWING_INFERENCE_URL": self.inference,
            "LAPWING_BRIDGE_HOST": self.bridge_host,
            "LAPWING_BRIDGE_PORT": str(self.bridge_port),
        }


def read_settings() -> Settings:
    """Read the settings of this process."""
    return load(Settings, os.environ)
