"""Tests the choice of the web pages that may use a service."""

import socket

import pytest

from contract.errors import SettingError
from contract.wire.web_access import ForeignHostError, ForeignOriginError, WebAccess

ACCESS = WebAccess.from_settings("inference, Car.example.org", "https://good.example")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8000",
        "192.168.1.7",
        "[::1]:8000",
        "localhost:8000",
        "LOCALHOST",
        "lapwing.localhost",
        "inference:8000",
        "car.example.org",
        "car.example.org.:443",
        socket.gethostname(),
        None,
    ],
)
def test_our_hosts_are_known(host: str | None) -> None:
    ACCESS.check(host, None)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example@127.0.0.1",
        "127.0.0.1/x",
        "127.0.0.1?x",
        "127.0.0.1#x",
        "127.0.0.1:x",
        "[::1",
        "2130706433",
        "",
    ],
)
def test_other_hosts_are_refused_even_by_their_own_page(host: str) -> None:
    with pytest.raises(ForeignHostError, match="LAPWING_ALLOWED_HOSTS"):
        ACCESS.check(host, f"http://{host}")


@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:8000", "https://127.0.0.1:8000", "https://good.example", None]
)
def test_pages_of_the_service_and_listed_pages_may_use_it(origin: str | None) -> None:
    ACCESS.check("127.0.0.1:8000", origin)


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://127.0.0.1:3000",
        "http://good.example",
        "https://good.example.evil.example",
        "null",
        "",
    ],
)
def test_other_pages_may_not(origin: str) -> None:
    with pytest.raises(ForeignOriginError, match="LAPWING_CORS_ORIGINS"):
        ACCESS.check("127.0.0.1:8000", origin)


def test_a_star_lets_every_page_use_the_service_under_our_host_alone() -> None:
    access = WebAccess.from_settings("", "*")
    access.check("127.0.0.1:8000", "http://evil.example")
    with pytest.raises(ForeignHostError):
        access.check("evil.example", "http://evil.example")


@pytest.mark.parametrize("hosts", ["https://a.example", "a.example:80", "*", "a.example/x"])
def test_a_host_is_a_name_alone(hosts: str) -> None:
    with pytest.raises(SettingError, match="LAPWING_ALLOWED_HOSTS"):
        WebAccess.from_settings(hosts, "")


@pytest.mark.parametrize(
    "origins",
    ["a.example", "https://a.example/x", "ftp://a.example", "null", "https://a.example:x"],
)
def test_an_origin_has_a_scheme_and_no_path(origins: str) -> None:
    with pytest.raises(SettingError, match="LAPWING_CORS_ORIGINS"):
        WebAccess.from_settings("", origins)
