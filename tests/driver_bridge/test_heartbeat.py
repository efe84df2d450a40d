"""Tests of the heartbeat: PINGs, their time limits, and clients that never say who they are.

The bridge has shorter times than its own, and everybody who must be found missing waits at once.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest
import websocket
from support.services.answering import Answers
from support.services.logged_bridge import (
    LoggedBridge,
    Polling,
    dial,
    logged_bridge,
)

ENGINE_IO_3 = "/socket.io/?EIO=3&transport=%s"
INTERVAL_S, TIMEOUT_S, SILENCE_S = 0.2, 1.0, 2.0
PATIENT_S = 120.0
ASLEEP_S = 5.0
ROUNDS = 3


@pytest.fixture(scope="module")
def pinging(inference: Answers) -> Iterator[LoggedBridge]:
    """Return a bridge that sends many PINGs, and waits for their answers on a busy machine too."""
    with logged_bridge(inference.url, INTERVAL_S, PATIENT_S, PATIENT_S) as running:
        yield running


def end_s(connection: websocket.WebSocket, pong: bool = False) -> float:
    """Return the time until the bridge closes a websocket, answering PINGs if `pong` is set."""
    began = time.monotonic()
    try:
        while True:
            opcode, data = connection.recv_data(control_frame=True)
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                break
            if pong and data == b"2":
                connection.send("3")
    except (websocket.WebSocketConnectionClosedException, BrokenPipeError, ConnectionResetError):
        pass  # it is closed while it is read from, or while a PING is answered
    return time.monotonic() - began


def await_message(connection: websocket.WebSocket, message: str) -> None:
    """Read messages up to this one; the bridge must not close the websocket before."""
    while connection.recv() != message:
        assert connection.connected, f"it was closed before {message!r} came"


def test_a_websocket_gets_pings(pinging: LoggedBridge) -> None:
    with dial(pinging.port) as connection:
        assert connection.recv().startswith("0{")
        for _ in range(ROUNDS):
            assert connection.recv() == "2"
            connection.send("3")


def test_polling_gets_pings(pinging: LoggedBridge) -> None:
    with Polling(pinging.port) as session:
        for _ in range(ROUNDS):
            assert session.get().text == "2"
            assert session.post("3").text == "ok"


def test_a_client_of_engine_io_3_gets_answers_to_its_pings_and_none_of_ours(
    pinging: LoggedBridge,
) -> None:
    with (
        dial(pinging.port, ENGINE_IO_3 % "websocket") as connection,
        Polling(pinging.port, ENGINE_IO_3 % "polling") as session,
    ):
        assert connection.recv().startswith("0{")
        assert connection.recv() == "40"
        for _ in range(ROUNDS):
            time.sleep(2 * INTERVAL_S)
            connection.send("2")
            assert connection.recv() == "3"
            assert session.post("1:2").text == "ok"
            assert session.get().text == "1:3"


@pytest.fixture
def hasty(inference: Answers) -> Iterator[LoggedBridge]:
    """Return a bridge that soon takes a client for gone."""
    with logged_bridge(inference.url, INTERVAL_S, TIMEOUT_S, PATIENT_S) as running:
        yield running


def test_clients_that_miss_their_time_are_disconnected(hasty: LoggedBridge, slack: float) -> None:
    with (
        dial(hasty.port) as silent,
        dial(hasty.port, ENGINE_IO_3 % "websocket") as silent_3,
        Polling(hasty.port) as session,
        Polling(hasty.port, ENGINE_IO_3 % "polling") as session_3,
    ):
        # In the protocol's words a session is over after both times, not only at a later check.
        time.sleep(INTERVAL_S + TIMEOUT_S + 0.1)
        assert session.get().status_code == 400
        assert session_3.post("1:2").status_code == 400
        assert end_s(silent) < slack * 5
        assert end_s(silent_3) < slack * 5


@pytest.fixture
def curt(inference: Answers) -> Iterator[LoggedBridge]:
    """Return a bridge that soon disconnects clients without a telemetry."""
    with logged_bridge(inference.url, INTERVAL_S, PATIENT_S, SILENCE_S) as running:
        yield running


def test_a_client_must_send_a_telemetry_and_then_may_stay(curt: LoggedBridge, slack: float) -> None:
    """Both clients answer PINGs; one connects, but never sends a telemetry."""
    start = len(curt.lines)
    began = time.monotonic()
    with dial(curt.port) as driven, dial(curt.port) as waiting:
        driven.send('42["telemetry",null]')
        waiting.send("40")
        stayed = threading.Event()
        thread = threading.Thread(target=lambda: (end_s(driven, pong=True), stayed.set()))
        thread.start()
        end_s(waiting, pong=True)
        waited_s = time.monotonic() - began
        time.sleep(INTERVAL_S)
        assert not stayed.is_set()
        driven.send("1")
        thread.join()
    assert SILENCE_S <= waited_s < slack * (SILENCE_S + 1)
    curt.wait_for("disconnected 1 clients that never sent a telemetry", start)


@pytest.fixture
def sleepy(inference: Answers) -> Iterator[LoggedBridge]:
    """Return a bridge that a test stops for longer than it waits for anybody."""
    with logged_bridge(inference.url, INTERVAL_S, ASLEEP_S, ASLEEP_S) as running:
        yield running


def test_nobody_is_disconnected_for_the_time_in_which_the_bridge_stood_still(
    sleepy: LoggedBridge,
) -> None:
    """What the clients sent meanwhile waits to be read, and all their times have passed."""
    start = len(sleepy.lines)
    with (
        dial(sleepy.port) as driven,
        dial(sleepy.port) as newcomer,
        dial(sleepy.port, ENGINE_IO_3 % "websocket") as driven_3,
    ):
        for connection in (driven, driven_3):
            connection.send('42["telemetry",null]')
        await_message(driven_3, "40")
        for connection in (driven, newcomer):
            await_message(connection, "2")
        os.kill(sleepy.pid, signal.SIGSTOP)
        for connection in (driven, newcomer):
            connection.send("3")
        driven_3.send("2")
        newcomer.send('42["telemetry",null]')
        time.sleep(INTERVAL_S + ASLEEP_S + 0.5)
        os.kill(sleepy.pid, signal.SIGCONT)
        for connection in (driven, newcomer):
            await_message(connection, "2")
        await_message(driven_3, "3")
        assert not any("never sent a telemetry" in line for line in sleepy.lines[start:])
