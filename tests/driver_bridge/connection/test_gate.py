"""Tests of the gate, with an application behind it that keeps what it is given."""

import io
import json
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from contract.wire.web_access import WebAccess
from driver_bridge.connection.gate import MAX_ARRIVING_BYTES, PLACE, Gate
from driver_bridge.connection.places import Places

LIMIT = 1000


class Asked:
    """A gate, and the bodies of the requests that it let through."""

    def __init__(self, hosts: str = "", origins: str = "") -> None:
        self.bodies: list[bytes] = []
        self.gate = Gate(self._app, WebAccess.from_settings(hosts, origins), LIMIT)
        self.headers: dict[str, str] = {}

    def _app(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        self.bodies.append(environ["wsgi.input"].read())
        start("200 OK", [("Content-Type", "text/plain")])
        return [b"page"]

    def ask(self, path: str = "/healthz", **environ: Any) -> tuple[int, bytes]:
        """Return the status and the body of the answer."""
        request: dict[str, Any] = {"PATH_INFO": path, "HTTP_HOST": "127.0.0.1:4567", **environ}
        setup_testing_defaults(request)
        statuses: list[str] = []

        def start(status: str, headers: list[tuple[str, str]]) -> None:
            statuses.append(status)
            self.headers = dict(headers)

        body = b"".join(self.gate(request, start))
        return int(statuses[0].split()[0]), body


class Slow(io.BytesIO):
    """A body that does not arrive in time."""

    def read(self, *_: object) -> bytes:
        raise TimeoutError


@pytest.fixture
def asked() -> Asked:
    return Asked("car.example.org", "https://friend.example")


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("127.0.0.1:4567", None, 200),
        ("car.example.org", None, 200),
        ("evil.example", None, 421),
        ("evil.example:4567", "http://evil.example:4567", 421),  # DNS rebinding
        ("127.0.0.1:4567,evil.example", None, 421),  # two headers, as eventlet joins them
        ("127.0.0.1:4567", "http://evil.example", 403),
        ("127.0.0.1:4567", "null", 403),
        ("127.0.0.1:4567", "http://127.0.0.1:4567", 200),
        ("127.0.0.1:4567", "https://friend.example", 200),
    ],
)
def test_host_is_judged_always_and_origin_where_there_is_one(
    asked: Asked, host: str, origin: str | None, status: int
) -> None:
    headers = {"HTTP_HOST": host} | ({"HTTP_ORIGIN": origin} if origin else {})
    for path in ("/healthz", "/socket.io/"):
        assert asked.ask(path, **headers)[0] == status
    assert len(asked.bodies) == (2 if status == 200 else 0)


def test_a_refusal_says_what_to_do(asked: Asked) -> None:
    _, body = asked.ask(HTTP_HOST="evil.example")
    assert "LAPWING_ALLOWED_HOSTS" in json.loads(body)["error"]


def test_an_allowed_page_may_read_the_answer_and_it_is_kept_for_that_page_alone(
    asked: Asked,
) -> None:
    asked.ask(HTTP_ORIGIN="https://friend.example")
    assert asked.headers["Access-Control-Allow-Origin"] == "https://friend.example"
    assert asked.headers["Vary"] == "Origin"
    asked.ask()
    assert "Access-Control-Allow-Origin" not in asked.headers


def test_a_body_is_read_before_the_application_sees_it(asked: Asked) -> None:
    body = io.BytesIO(b"x" * LIMIT + b"the next request")
    status, _ = asked.ask(**{"CONTENT_LENGTH": str(LIMIT), "wsgi.input": body})
    assert (status, asked.bodies) == (200, [b"x" * LIMIT])


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"CONTENT_LENGTH": str(LIMIT + 1)}, 413),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, 411),
        ({"CONTENT_LENGTH": "10", "wsgi.input": Slow()}, 408),
        ({"CONTENT_LENGTH": "10", "wsgi.input": io.BytesIO(b"short")}, 400),
    ],
)
def test_a_body_that_is_too_large_endless_slow_or_cut_off_is_refused(
    asked: Asked, environ: dict[str, Any], status: int
) -> None:
    assert asked.ask("/socket.io/", **environ)[0] == status
    assert asked.bodies == []


def test_the_bodies_that_arrive_at_once_are_bounded_together() -> None:
    asked = Asked()
    answers: list[tuple[int, bytes]] = []

    class Arriving(io.BytesIO):
        """A body; while it arrives, so do others."""

        def read(self, *_: object) -> bytes:
            if asked.gate._arriving_bytes <= MAX_ARRIVING_BYTES:
                answers.append(ask_slowly())
            raise TimeoutError

    def ask_slowly() -> tuple[int, bytes]:
        return asked.ask(**{"CONTENT_LENGTH": "1000", "wsgi.input": Arriving()})

    asked.gate._arriving_bytes = MAX_ARRIVING_BYTES - 2500
    answers.append(ask_slowly())
    assert [status for status, _ in answers] == [503, 408, 408]
    assert asked.gate._arriving_bytes == MAX_ARRIVING_BYTES - 2500


def test_a_spare_place_is_for_pages_alone(asked: Asked) -> None:
    places = Places(2, lambda: 0.0)
    driving = places.enter("one address", lambda: None)
    assert driving is not None
    driving.mark_driving()
    environ = {PLACE: places.enter("one address", lambda: None)}
    assert asked.ask("/healthz", **environ)[0] == 200
    assert asked.ask("/socket.io/", **environ)[0] == 503
    assert asked.headers["Retry-After"] == "1"
