from pathlib import Path

import pytest

from contract.errors import SettingError
from contract.settings import load
from lapwing.settings import Settings


def settings(**environ: str) -> Settings:
    return load(Settings, environ)


def test_all_folders_and_addresses_follow_from_the_home() -> None:
    chosen = settings(LAPWING_HOME="/somewhere/run")
    assert chosen.data == Path("/somewhere/run/data")
    assert chosen.models == Path("/somewhere/run/models")
    assert chosen.logs == Path("/somewhere/run/logs")
    assert chosen.redis == f"unix://{chosen.socket}"
    assert chosen.inference == "http://127.0.0.1:8000"


def test_the_default_home_is_in_the_current_folder() -> None:
    assert settings().data == Path("lapwing-data/data").absolute()


def test_a_variable_that_is_set_takes_precedence() -> None:
    chosen = settings(
        LAPWING_REDIS_URL="redis://redis:6379/0",
        LAPWING_DATA_DIR="/data",
        LAPWING_MODEL_DIR="/models",
        LAPWING_INFERENCE_URL="http://inference:8000/",
    )
    assert (chosen.redis, chosen.inference) == ("redis://redis:6379/0", "http://inference:8000")
    assert (chosen.data, chosen.models) == (Path("/data"), Path("/models"))


def test_the_path_of_the_socket_is_short_even_for_a_long_home() -> None:
    assert len(str(settings(LAPWING_HOME="/x" * 200).socket)) < 100


def test_two_homes_have_two_sockets() -> None:
    assert settings(LAPWING_HOME="/a").socket != settings(LAPWING_HOME="/b").socket


def test_a_service_on_all_interfaces_is_reached_on_this_machine() -> None:
    assert settings(LAPWING_INFERENCE_HOST="0.0.0.0").inference == "http://127.0.0.1:8000"


def test_the_services_get_all_folders_and_addresses() -> None:
    variables = settings(LAPWING_HOME="/h", LAPWING_BRIDGE_PORT="4000").environment()
    assert variables["LAPWING_DATA_DIR"] == "/h/data"
    assert variables["LAPWING_BRIDGE_PORT"] == "4000"
    assert settings(**variables).environment() == variables


def test_a_port_out_of_range_is_refused() -> None:
    with pytest.raises(SettingError, match="LAPWING_BRIDGE_PORT"):
        settings(LAPWING_BRIDGE_PORT="70000")


def test_addresses_of_ipv6_stand_in_brackets() -> None:
    chosen = settings(LAPWING_INFERENCE_HOST="::", LAPWING_BRIDGE_HOST="fe80::1")
    assert chosen.inference == "http://[::1]:8000"
    assert chosen.bridge == "ws://[fe80::1]:4567"


def test_a_tilde_is_the_users_folder_for_every_program() -> None:
    assert settings(LAPWING_DATA_DIR="~/data").data == Path.home() / "data"
