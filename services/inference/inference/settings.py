"""The settings of inference, which are read from environment variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from contract.setting_forms import HOST, TOKEN
from contract.settings import ModelSettings, setting

AUTO: Final = "auto"
LITERT: Final = "litert"
BACKENDS: Final = (AUTO, LITERT)
"""How networks are computed; workers/networks.py says what each means."""


@dataclass(frozen=True)
class Settings(ModelSettings):
    """The settings of inference; docs/settings.md lists them."""

    host: str = setting(
        "LAPWING_INFERENCE_HOST",
        "127.0.0.1",
        "Inference listens on this address; 0.0.0.0 lets other machines connect.",
        form=HOST,
    )
    port: int = setting(
        "LAPWING_INFERENCE_PORT",
        8000,
        "Inference listens on this port; 0 takes any free one.",
        minimum=0,
        maximum=65535,
    )
    workers: int = setting(
        "LAPWING_INFERENCE_WORKERS",
        0,
        "This number of processes decodes frames and computes steering; 0 means one for each core, "
        "up to 6.",
        minimum=0,
        maximum=64,
        formerly="LAPWING_INFERENCE_LANES",
    )
    backend: str = setting(
        "LAPWING_INFERENCE_BACKEND",
        AUTO,
        "Networks are computed by OpenVINO where it is installed and answers as LiteRT does "
        "(auto), or always by LiteRT (litert), whose workers need less memory, and start faster.",
        choices=BACKENDS,
    )
    queue_ms: int = setting(
        "LAPWING_INFERENCE_QUEUE_MS",
        50,
        "A frame that would wait longer than this many milliseconds is refused at once.",
        minimum=1,
        maximum=10_000,
    )
    follow_every_s: float = setting(
        "LAPWING_FOLLOW_EVERY_S",
        0.5,
        "Inference looks for a new current version every this many seconds.",
        minimum=0.05,
        maximum=60,
    )
    check_every_s: float = setting(
        "LAPWING_CHECK_EVERY_S",
        10.0,
        "Inference checks the current model with its golden frames every this many seconds.",
        minimum=0.05,
        maximum=3600,
    )
    max_body_bytes: int = setting(
        "LAPWING_MAX_BODY_BYTES",
        1_000_000,
        "A request whose body has more bytes than this is refused.",
        minimum=1024,
    )
    api_token: str = setting(
        "LAPWING_API_TOKEN",
        "",
        "Clients of inference must send this token (Authorization: Bearer); empty means that no "
        "token is needed. The bridge and the command line send it. The bridge itself asks nobody "
        "for it, since the simulator cannot send one.",
        form=TOKEN,
    )
    allowed_hosts: str = setting(
        "LAPWING_ALLOWED_HOSTS",
        "",
        "Services that browsers can reach answer to these names of hosts too, separated by commas; "
        "they always answer to IP addresses, to localhost and to the name of the machine.",
    )
    cors_origins: str = setting(
        "LAPWING_CORS_ORIGINS",
        "",
        "Web pages of these origins may use the services that browsers can reach, as "
        "https://example.org, separated by commas; empty means that none may.",
    )
