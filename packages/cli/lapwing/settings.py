"""The settings of the command line, and the folders and addresses that follow from them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from contract.errors import SettingError
from contract.jobs import queue
from contract.setting_forms import (
    FOLDER,
    HOST,
    INFERENCE_URL,
    MEMORY,
    PASSWORD_FILE,
    REDIS_URL,
    TOKEN,
)
from contract.settings import load, setting


@dataclass(frozen=True)
class Settings:
    """The settings of the command line; docs/settings.md lists them.

    A folder or address that is not set follows from `home`.
    """

    home: Path = setting(
        "LAPWING_HOME",
        Path("lapwing-data"),
        "Lapwing without Docker keeps its recordings, models, logs and queues in this folder.",
        form=FOLDER,
    )
    redis_url: str = setting(
        "LAPWING_REDIS_URL",
        "",
        "The job queues are kept in the Redis at this address; empty means that `lapwing up` "
        "starts one of its own.",
        form=REDIS_URL,
    )
    redis_password_file: str = setting(
        "LAPWING_REDIS_PASSWORD_FILE",
        "",
        "The password of Redis is read from this file; empty means that Redis asks for none.",
        form=PASSWORD_FILE,
    )
    data_dir: str = setting(
        "LAPWING_DATA_DIR",
        "",
        "This folder is the data volume, which holds the imported recordings; empty means `data` "
        "in LAPWING_HOME.",
        form=FOLDER,
    )
    model_dir: str = setting(
        "LAPWING_MODEL_DIR",
        "",
        "This folder is the model volume, which holds the published models; empty means `models` "
        "in LAPWING_HOME.",
        form=FOLDER,
    )
    inbox_dir: str = setting(
        "LAPWING_INBOX_DIR",
        "",
        "Recordings and model files are first copied to this folder, which the services see; empty "
        "means that the services read them where they are.",
        form=FOLDER,
    )
    inference_host: str = setting(
        "LAPWING_INFERENCE_HOST",
        "127.0.0.1",
        "Inference listens on this address; 0.0.0.0 lets other machines connect.",
        form=HOST,
    )
    inference_port: int = setting(
        "LAPWING_INFERENCE_PORT",
        8000,
        "`lapwing up` has inference listen on this port.",
        minimum=1,
        maximum=65535,
    )
    inference_url: str = setting(
        "LAPWING_INFERENCE_URL",
        "",
        "Frames are sent to the inference service at this address; empty means the one that "
        "follows from LAPWING_INFERENCE_HOST and LAPWING_INFERENCE_PORT.",
        form=INFERENCE_URL,
    )
    api_token: str = setting(
        "LAPWING_API_TOKEN",
        "",
        "Clients of inference must send this token (Authorization: Bearer); empty means that no "
        "token is needed. The bridge and the command line send it. The bridge itself asks nobody "
        "for it, since the simulator cannot send one.",
        form=TOKEN,
    )
    bridge_host: str = setting(
        "LAPWING_BRIDGE_HOST",
        "127.0.0.1",
        "The bridge listens on this address; 0.0.0.0 lets other machines connect.",
        form=HOST,
    )
    bridge_port: int = setting(
        "LAPWING_BRIDGE_PORT",
        4567,
        "`lapwing up` has the bridge listen on this port. Udacity's simulator always connects to "
        "4567.",
        minimum=1,
        maximum=65535,
    )

    ingest_memory: str = setting(
        "LAPWING_INGEST_MEMORY",
        "1g",
        "Ingest may use this much memory, in its container or under `lapwing up`.",
        form=MEMORY,
    )
    trainer_memory: str = setting(
        "LAPWING_TRAINER_MEMORY",
        "4g",
        "The trainer may use this much memory, in its container or under `lapwing up`.",
        form=MEMORY,
    )
    evaluator_memory: str = setting(
        "LAPWING_EVALUATOR_MEMORY",
        "2g",
        "The evaluator may use this much memory, in its container or under `lapwing up`.",
        form=MEMORY,
    )
    inference_memory: str = setting(
        "LAPWING_INFERENCE_MEMORY",
        "1g",
        "Inference may use this much memory, in its container or under `lapwing up`.",
        form=MEMORY,
    )
    bridge_memory: str = setting(
        "LAPWING_BRIDGE_MEMORY",
        "256m",
        "The bridge may use this much memory, in its container or under `lapwing up`.",
        form=MEMORY,
    )

    @property
    def data(self) -> Path:
        """The folder that is the data volume."""
        return Path(self.data_dir).absolute() if self.data_dir else self.home.absolute() / "data"

    @property
    def models(self) -> Path:
        """The folder that is the model volume."""
        return (
            Path(self.model_dir).absolute() if self.model_dir else self.home.absolute() / "models"
        )

    @property
    def logs(self) -> Path:
        """The folder of the files in which `lapwing up` keeps the output of the services."""
        return self.home.absolute() / "logs"

    @property
    def socket(self) -> Path:
        """The unix socket of the Redis that `lapwing up` starts.

        It is not below `home`, because the path of a socket is limited to about 100 bytes. Only the
        user can enter its folder.
        """
        digest = hashlib.sha256(str(self.home.absolute()).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"lapwing-{os.getuid()}-{digest}" / "redis.sock"

    @property
    def redis(self) -> str:
        """The address of Redis: the one that is set, or the socket."""
        return self.redis_url or f"unix://{self.socket}"

    def connect(self, *, reading: bool = False) -> Redis:
        """Return a connection to Redis that answers.

        Args:
            reading: whether it is enough that Redis tells what it holds, while its disk is full.

        Raises:
            JobError: it does not answer; the error says which home was looked at.
            DiskFullError: Redis takes no jobs, because it cannot write to its disk.
        """
        if self.redis_url:
            return queue.connect(self.redis, self.redis_password_file, reading=reading)
        home = self.home.absolute()
        return queue.connect(
            self.redis,
            self.redis_password_file,
            f"No `lapwing up` runs in the home {home}: start it there, or say which home it has, "
            "with LAPWING_HOME and an absolute path. For containers, use "
            "`docker compose run --rm cli`",
            reading=reading,
        )

    @property
    def inference(self) -> str:
        """The address of the inference service, without a slash at its end."""
        if self.inference_url:
            return self.inference_url.rstrip("/")
        return f"http://{url_host(self.inference_host)}:{self.inference_port}"

    @property
    def bridge(self) -> str:
        """The address of the bridge that `lapwing up` starts."""
        return f"ws://{url_host(self.bridge_host)}:{self.bridge_port}"

    def environment(self) -> dict[str, str]:
        """Return the variables with which the services find each other and the volumes."""
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
            "LAPWING_INGEST_MEMORY": self.ingest_memory,
            "LAPWING_TRAINER_MEMORY": self.trainer_memory,
            "LAPWING_EVALUATOR_MEMORY": self.evaluator_memory,
            "LAPWING_INFERENCE_MEMORY": self.inference_memory,
            "LAPWING_BRIDGE_MEMORY": self.bridge_memory,
        }


def reachable(host: str) -> str:
    """Return the address at which this machine reaches a service that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def url_host(host: str) -> str:
    """Return the host of an address at which this machine reaches a service."""
    name = reachable(host)
    return f"[{name}]" if ":" in name else name


def read_settings() -> Settings:
    """Return the settings from the environment of this process; raises SettingError."""
    return load(Settings, os.environ)


def read_home() -> Settings:
    """Return the settings for a command that reads what is kept in a home.

    Raises:
        SettingError: a setting has a bad value, or there is no home.
    """
    settings = read_settings()
    in_home = not (settings.data_dir and settings.model_dir)
    if in_home and not settings.home.exists():
        raise SettingError(
            "there is no home of Lapwing here",
            got=str(settings.home.absolute()),
            remedy="Run the command in the folder in which `lapwing up` was started, or say which "
            "home it has, with LAPWING_HOME and an absolute path. `lapwing up` makes a new one",
        )
    return settings
