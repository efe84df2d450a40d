from pathlib import Path

import pytest

from contract.errors import SettingError
from contract.settings import load
from lapwing.settings import Settings


def settings(**environ: str) -> Settings:
    return load(Settings, environ)


def test_everything_follows_from_the_home() -> None:
    chosen = settings(LAPWING_HOME="/somewhere/run")
    assert chosen.data == Path("/somewhere/run/data")
    assert chosen.models == Path("/somewhere/run/models")
    assert chosen.logs == Path("/somewhere/run/logs")
    assert chosen.redis == f"unix://{chosen.socket}"
    assert chosen.inference == "http://127.0.0.1:8000"


def test_the_default_home_is_below_the_present_folder() -> None:
    assert settings().data == Path("lapwing-data/data").absolute()


def test_what_is_set_goes_before() -> None:
    chosen = settings(
        LAPWING_REDIS_URL="redis://redis:6379/0",
        LAPWING_DATA_DIR="/data",
        LAPWING_MODEL_DIR="/models",
        LAPWING_INFERENCE_URL="http://inference:8000/",
    )
    assert (chosen.redis, chosen.inference) == ("redis://redis:6379/0", "http://inference:8000")
    assert (chosen.data, chosen.models) == (Path("/data"), Path("/models"))


def test_a_socket_fits_however_long_the_home_is() -> None:
    assert len(str(settings(LAPWING_HOME="/x" * 200).socket)) < 100


def test_two_homes_have_two_sockets() -> None:
    assert settings(LAPWING_HOME="/a").socket != settings(LAPWING_HOME="/b").socket


def test_a_service_on_all_interfaces_is_asked_on_this_machine() -> None:
    assert settings(LAPWING_INFERENCE_HOST="0.0.0.0").inference == "http://127.0.0.1:8000"


def test_the_services_are_told_where_everything_is() -> None:
    told = settings(LAPWING_HOME="/h", LAPWING_BRIDGE_PORT="4000").environment()
    assert told["LAPWING_DATA_DIR"] == "/h/data"
    assert told["LAPWING_BRIDGE_PORT"] == "4000"
    assert settings(**told).environment() == told


def test_a_port_out_of_range_is_refused() -> None:
    with pytest.raises(SettingError, match="LAPWING_BRIDGE_PORT"):
        settings(LAPWING_BRIDGE_PORT="70000")
