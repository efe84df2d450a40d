"""Tests of requests that a hostile web page can send, against a real server."""

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.data import models, samples
from support.services.serving import refused, serving, settings
from support.waiting import await_true

from contract.errors import SettingError
from contract.models.registry import Registry
from inference.app import create_app

PAGE = "https://example.org"
EVIL = "http://evil.example"
JPEG = {"Content-Type": "image/jpeg"}


@pytest.fixture(scope="module")
def client(networks: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Return a client of a service that has one more host and allows one web page."""
    registry = Registry(tmp_path_factory.mktemp("models"))
    models.publish(registry, networks / "right", "job")
    names = {"allowed_hosts": "inference", "cors_origins": PAGE}
    with serving(settings(registry.root, **names)) as client:
        await_true(lambda: client.get("/readyz").status_code == 200)
        yield client


def test_a_form_of_a_foreign_page_is_refused(client: httpx.Client) -> None:
    """A browser sends a form without asking first, since HTML has always had forms."""
    files = [("files", ("frame.jpg", samples.jpeg())) for _ in range(64)]
    answer = client.post("/predict", files=files, headers={"Origin": EVIL})
    assert "LAPWING_CORS_ORIGINS" in refused(answer, 403)["remedy"]
    assert client.post("/predict", files=files).status_code == 200


@pytest.mark.parametrize("path", ["/predict", "/healthz", "/readyz", "/model", "/docs", "/nothing"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example", "Origin": EVIL}, 421),  # the name leads to us by DNS rebinding
        ({"Origin": EVIL}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_every_path_is_guarded(
    client: httpx.Client, path: str, headers: dict[str, str], status: int
) -> None:
    refused(client.get(path, headers=headers), status)


def test_a_second_host_is_no_way_around(client: httpx.Client) -> None:
    address = (client.base_url.host, client.base_url.port or 0)
    hosts = [b"Host: localhost\r\n", b"Host: evil.example\r\n"]
    for pair in (hosts, hosts[::-1]):
        with socket.create_connection(address, timeout=60) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\n" + b"".join(pair) + b"\r\n")
            assert connection.recv(1000).startswith(b"HTTP/1.1 421 ")


def test_a_host_is_judged_anew_after_another(client: httpx.Client) -> None:
    for _ in range(2):
        for host, status in (("inference:8000", 200), ("evil.example", 421), ("localhost", 200)):
            assert client.get("/healthz", headers={"Host": host}).status_code == status


def test_the_pages_of_the_service_itself_may_ask(client: httpx.Client) -> None:
    own = str(client.base_url).rstrip("/")
    assert "swagger" in client.get("/docs").text
    answer = client.post(
        "/predict",
        content=samples.jpeg(),
        headers={**JPEG, "Origin": own, "Referer": f"{own}/docs"},
    )
    assert answer.status_code == 200


def test_an_allowed_page_may_ask_and_read_the_answer(client: httpx.Client) -> None:
    answer = client.post("/predict", content=samples.jpeg(), headers={**JPEG, "Origin": PAGE})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE


def test_it_comes_before_the_token(registry: Registry) -> None:
    with serving(settings(registry.root, api_token="a token")) as client:
        refused(client.get("/model", headers={"Origin": EVIL}), 403)
        refused(client.get("/model"), 401)


def test_a_bad_list_of_hosts_is_reported_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="LAPWING_ALLOWED_HOSTS"):
        create_app(settings(tmp_path, allowed_hosts="http://inference"))
