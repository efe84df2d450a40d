"""Tests of what `lapwing up` looks at before it starts anything."""

import dataclasses
import socket
from pathlib import Path

import pytest
from support.services import running

from contract.errors import ServiceError, SettingError
from contract.settings import load
from lapwing.settings import Settings
from lapwing.stack import stack
from lapwing.stack.home_lock import hold_home
from lapwing.stack.supervisor import Supervisor


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    environ = {
        "LAPWING_HOME": str(tmp_path / "home"),
        "LAPWING_INFERENCE_PORT": str(running.free_port()),
        "LAPWING_BRIDGE_PORT": str(running.free_port()),
    }
    return load(Settings, environ)


def refuse(settings: Settings) -> str:
    """Run the services, which must be refused, and return the message."""
    with (
        pytest.raises((ServiceError, SettingError)) as caught,
        stack.run_services(settings, lambda name, text: None),
    ):
        pass
    assert running.processes(str(settings.home)) == []
    return str(caught.value)


@pytest.mark.parametrize("redis_url", ["", "redis://127.0.0.1:1/0"])
def test_a_second_one_in_a_home_is_told_of_the_first_whatever_their_ports(
    settings: Settings, redis_url: str
) -> None:
    settings.home.mkdir()
    with (
        hold_home(settings.home),
        socket.create_server(("127.0.0.1", settings.inference_port)),
    ):
        message = refuse(dataclasses.replace(settings, redis_url=redis_url))
    assert f"another `lapwing up` or `lapwing demo` is running in {settings.home}" in message
    assert "got process " in message
    assert ", since 20" in message


def test_a_home_that_cannot_be_made_names_its_setting(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    message = refuse(dataclasses.replace(settings, data_dir=str(tmp_path / "file" / "data")))
    assert message.startswith(f"the folder {tmp_path / 'file' / 'data'} cannot be made: got Not a")
    assert "Set LAPWING_DATA_DIR to a folder" in message


def test_a_port_that_is_taken_on_an_address_of_ipv6(settings: Settings) -> None:
    address = ("::1", settings.bridge_port)
    try:
        taken = socket.create_server(address, family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with taken:
        message = refuse(dataclasses.replace(settings, bridge_host="::1"))
    assert message.startswith(f"port {settings.bridge_port} on ::1 is taken")


def test_the_document_of_the_services_shows_no_password(settings: Settings, tmp_path: Path) -> None:
    settings = dataclasses.replace(settings, redis_url="redis://:s3cret@127.0.0.1:1/0")
    with Supervisor([], {}, tmp_path, lambda name, text: None) as supervisor:
        document = stack.describe_services(settings, supervisor)
    assert document["redis"] == "redis://:***@127.0.0.1:1/0"
    assert "s3cret" not in str(document)
