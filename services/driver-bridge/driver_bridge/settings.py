"""The settings of the bridge, which are read from environment variables."""

from __future__ import annotations

from dataclasses import dataclass

from contract.policy.answer import DEFAULT_MAX_MPH, DEFAULT_MIN_MPH
from contract.setting_forms import FOLDER, HOST, INFERENCE_URL, PASSWORD_FILE, REDIS_URL, TOKEN
from contract.settings import setting


@dataclass(frozen=True)
class Settings:
    """The settings of the bridge; docs/settings.md lists them."""

    host: str = setting(
        "LAPWING_BRIDGE_HOST",
        "127.0.0.1",
        "The bridge listens on this address; 0.0.0.0 lets other machines connect.",
        form=HOST,
    )
    port: int = setting(
        "LAPWING_BRIDGE_PORT",
        4567,
        "The bridge listens on this port. Udacity's simulator always connects to 4567; 0 takes any "
        "free one.",
        minimum=0,
        maximum=65535,
    )
    inference_url: str = setting(
        "LAPWING_INFERENCE_URL",
        "http://127.0.0.1:8000",
        "Frames are sent to the inference service at this address.",
        form=INFERENCE_URL,
    )
    # Every telemetry is answered within 250 ms. What is left of that is for the work before and
    # after the question.
    inference_timeout_ms: int = setting(
        "LAPWING_INFERENCE_TIMEOUT_MS",
        150,
        "The bridge waits at most this many milliseconds for a steering.",
        minimum=1,
        maximum=200,
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
    target_mph: float = setting(
        "LAPWING_TARGET_MPH",
        15.0,
        "The bridge holds this speed, in miles per hour, unless the model has learned its own.",
        minimum=1,
        maximum=30,
    )
    min_mph: float = setting(
        "LAPWING_MIN_MPH",
        DEFAULT_MIN_MPH,
        "The bridge holds no learned speed below this one, in miles per hour.",
        minimum=1,
        maximum=30,
    )
    max_mph: float = setting(
        "LAPWING_MAX_MPH",
        DEFAULT_MAX_MPH,
        "The bridge holds no learned speed above this one, in miles per hour.",
        minimum=1,
        maximum=30,
    )
    corner_g: float = setting(
        "LAPWING_CORNER_G",
        0.0,
        "The car slows for a bend that would cost more than this sideways acceleration, in "
        "multiples of gravity; 0 means that it never slows for a bend.",
        minimum=0,
        maximum=1,
    )
    record_dir: str = setting(
        "LAPWING_RECORD_DIR",
        "",
        "The bridge keeps its drives in this folder, in the format of Udacity's recorder; empty "
        "means that it keeps none.",
        form=FOLDER,
    )
    redis_url: str = setting(
        "LAPWING_REDIS_URL",
        "",
        "The bridge publishes what it does to the Redis at this address, for `lapwing watch`; "
        "empty means that it publishes nothing.",
        form=REDIS_URL,
    )
    redis_password_file: str = setting(
        "LAPWING_REDIS_PASSWORD_FILE",
        "",
        "The password of Redis is read from this file; empty means that Redis asks for none.",
        form=PASSWORD_FILE,
    )
