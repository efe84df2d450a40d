"""Tests of Engine.IO 4 as its public protocol describes it, by a bare websocket and HTTP client.

They ask what the protocol's own test suite asks. docs/protocol.md lists what is not asked, and why.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import websocket
from support.services.driving import drive, unity
from support.services.logged_bridge import (
    POLLING,
    WEBSOCKET,
    Polling,
    dial,
    messages_to_the_end,
)

pytestmark = pytest.mark.usefixtures("healthy")

HANDSHAKE = {"sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"}
INVALID_QUERIES = {
    "transport=%s": "EIO=''",
    "EIO=abc&transport=%s": "EIO='abc'",
    "EIO=2&transport=%s": "Versions 3 and 4",
    "EIO=4": "polling or websocket: got=''",
    "EIO=4&transport=abc": "got='abc'",
    "EIO=4&transport=%s&j=0": "JSONP",
    "EIO=4&transport=%s&sid=unknown": "no such session",
}


def test_polling_opens_a_session(port: int) -> None:
    answer = httpx.get(f"http://127.0.0.1:{port}{POLLING}")
    assert (answer.status_code, answer.text[0]) == (200, "0")
    opened = json.loads(answer.text[1:])
    assert opened.keys() == HANDSHAKE
    assert opened["upgrades"] == ["websocket"]
    assert (opened["pingInterval"], opened["pingTimeout"]) == (5000, 20_000)


def test_a_websocket_opens_a_session_that_has_nothing_to_upgrade_to(port: int) -> None:
    with dial(port) as connection:
        text = connection.recv()
    opened = json.loads(text[1:])
    assert text[0] == "0"
    assert opened.keys() == HANDSHAKE
    assert opened["upgrades"] == []


@pytest.mark.parametrize("query", INVALID_QUERIES)
def test_an_invalid_handshake_is_refused_in_words(port: int, query: str) -> None:
    words = INVALID_QUERIES[query]
    path = f"/socket.io/?{query}"
    answer = httpx.get(f"http://127.0.0.1:{port}{path.replace('%s', 'polling')}")
    assert answer.status_code == 400
    assert words in answer.json()
    with (
        pytest.raises(websocket.WebSocketBadStatusException) as error,
        dial(port, path.replace("%s", "websocket")),
    ):
        pass
    assert error.value.status_code == 400
    assert words in json.loads(error.value.resp_body or b'""')


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_handshake_with_another_method_is_refused(port: int, method: str) -> None:
    assert httpx.request(method, f"http://127.0.0.1:{port}{POLLING}").status_code == 400


def test_one_body_carries_several_packets_in_both_directions(port: int) -> None:
    with Polling(port) as session:
        answer = session.post('40\x1e421["telemetry",null]\x1e422["telemetry",{}]')
        assert (answer.status_code, answer.text) == (200, "ok")
        packets = session.get().text.split("\x1e")
        while '42["manual",{}]' not in packets:
            packets += session.get().text.split("\x1e")
        assert packets[0].startswith('40{"sid":')
        assert packets[1:3] == ["431[]", "432[]"]


@pytest.mark.parametrize("body", ["abc", "", "9", "4abc", "42{}"])
def test_a_session_ends_with_a_body_that_holds_no_packets(port: int, body: str) -> None:
    with Polling(port) as session:
        assert session.post(f"40\x1e{body}").status_code == 400
        assert session.get().status_code == 400


def test_a_session_ends_with_two_polls_at_a_time(port: int) -> None:
    with Polling(port) as session, httpx.Client() as other:
        first: list[httpx.Response] = []
        thread = threading.Thread(target=lambda: first.append(session.get()))
        thread.start()
        # Whichever is second is refused; the other learns that the session was closed.
        second = other.get(f"http://127.0.0.1:{port}{session.path}", timeout=60)
        thread.join()
        assert {(one.status_code, one.text) for one in (*first, second)} == {
            (200, "1"),
            (400, '"Bad Request"'),
        }
        assert session.get().status_code == 400


def test_a_session_ends_with_a_poll_after_one_that_was_broken_off(port: int) -> None:
    with Polling(port) as session:
        with pytest.raises(httpx.ReadTimeout):
            session.client.get(session.path, timeout=0.05)
        assert session.get().status_code == 400


def test_a_session_that_is_ended_does_not_wait_until_its_answers_are_read(port: int) -> None:
    with Polling(port) as session:
        session.post("40")  # its answer waits, unread
        assert session.post("4" + "x" * 300_000).status_code == 413
        assert session.post("abc").status_code == 400


def test_a_client_closes_its_session_of_polling(port: int) -> None:
    with Polling(port) as session:
        polls: list[httpx.Response] = []
        thread = threading.Thread(target=lambda: polls.append(session.get()))
        thread.start()
        with httpx.Client() as other:
            assert other.post(f"http://127.0.0.1:{port}{session.path}", content="1").text == "ok"
        thread.join()
        # Where the packet came before the poll, there is nothing to poll any more.
        assert (polls[0].status_code, polls[0].text) in [(200, "6"), (400, polls[0].text)]
        assert session.get().status_code == 400


def test_a_client_closes_its_websocket(port: int) -> None:
    with dial(port) as connection:
        connection.recv()
        connection.send("1")
        assert messages_to_the_end(connection) == []


@pytest.mark.parametrize("packet", ["0{}", "6", "3", "3probe"])
def test_a_packet_that_means_nothing_here_is_ignored(port: int, packet: str) -> None:
    with dial(port) as connection:
        connection.recv()
        connection.send(packet)
        connection.send("2still there")
        assert connection.recv() == "3still there"


@contextmanager
def upgraded(port: int, session: Polling) -> Iterator[websocket.WebSocket]:
    with dial(port, f"{WEBSOCKET}&sid={session.sid}") as connection:
        connection.send("2probe")
        assert connection.recv() == "3probe"
        assert session.get().text == "6"  # it ends the poll
        connection.send("5")
        yield connection


def test_polling_is_upgraded_to_a_websocket(port: int) -> None:
    with Polling(port) as session, upgraded(port, session) as connection:
        connection.send("40")
        assert connection.recv().startswith('40{"sid":')
        connection.send('42["telemetry",null]')
        assert connection.recv() == '42["manual",{}]'


def test_an_upgraded_session_takes_no_other_request(port: int) -> None:
    with Polling(port) as session, upgraded(port, session) as connection:
        connection.send("2")
        assert connection.recv() == "3"  # so the upgrade is complete
        assert session.get().status_code == 400
        assert session.post("3").status_code == 400
        with (
            pytest.raises(websocket.WebSocketBadStatusException),
            dial(port, f"{WEBSOCKET}&sid={session.sid}"),
        ):
            pass
        connection.send("2")
        assert connection.recv() == "3"


def test_a_websocket_that_is_lost_on_trial_leaves_the_session_polling(port: int) -> None:
    with Polling(port) as session:
        for message in (None, "2probe"):
            with dial(port, f"{WEBSOCKET}&sid={session.sid}") as connection:
                if message:
                    connection.send(message)
                    assert connection.recv() == "3probe"
                    assert session.get().text == "6"
        assert session.post("40").text == "ok"
        while "40{" not in (text := session.get().text):
            assert text == "6"


def test_a_websocket_on_trial_that_sends_no_packet_ends_the_session(port: int) -> None:
    with Polling(port) as session, unity(port) as good:
        with dial(port, f"{WEBSOCKET}&sid={session.sid}") as connection:
            connection.send("abc")
            assert messages_to_the_end(connection) == []
        assert session.get().status_code == 400
        assert drive(good) == 0.25
