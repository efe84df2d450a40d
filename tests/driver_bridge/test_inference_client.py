import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest
from support.services import answering

from contract.errors import ServiceError, SettingError
from contract.policy.answer import PolicyAnswer
from driver_bridge.inference_client import MAX_NEW_CONNECTIONS, SteeringClient

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n" + b'{"steering": 0.25}'


@contextmanager
def steering_client(url: str, timeout_s: float = 60.0, token: str = "") -> Iterator[SteeringClient]:
    client = SteeringClient(url, timeout_s, token)
    try:
        yield client
    finally:
        client.close()


@contextmanager
def scripted_server(*scripts: Callable[[socket.socket], None]) -> Iterator[str]:
    """Run a script for each connection in turn, once its request has begun; yield the address."""

    def serve() -> None:
        for script in scripts:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(60)
                connection.recv(65_536)
                script(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as executor:
        listener.settimeout(60)
        served = executor.submit(serve)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        served.result()


def test_a_frame_is_sent_unchanged_and_answered() -> None:
    with answering.inference() as answers, steering_client(answers.url) as client:
        assert client.predict(b"jpeg") == PolicyAnswer(0.25)
        assert answers.frames == [b"jpeg"]


def test_one_connection_is_kept_open() -> None:
    with answering.inference() as answers, steering_client(answers.url + "/") as client:
        for _ in range(5):
            client.predict(b"jpeg")
        assert len(answers.connections) == 1


def test_a_steering_beyond_full_lock_is_clamped() -> None:
    with answering.inference() as answers, steering_client(answers.url) as client:
        answers.body = b'{"steering": -3}'
        assert client.predict(b"jpeg") == PolicyAnswer(-1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"steering": "0.1"}',
        b'{"steering": NaN}',
        b'{"steering": null}',
        b'{"steering": true}',
        b'{"steering": Infinity}',
        b"[" * 50_000,
    ],
)
def test_an_answer_without_a_steering_is_refused(body: bytes) -> None:
    with answering.inference() as answers, steering_client(answers.url) as client:
        answers.body = body
        with pytest.raises(ServiceError, match="holds no steering"):
            client.predict(b"jpeg")


@pytest.mark.parametrize(
    ("told", "speed_mph"), [("21.5", 21.5), ("12", 12.0), ("31", 30.0), ("-1", 0.0), ("null", None)]
)
def test_a_speed_of_the_answer_is_read(told: str, speed_mph: float | None) -> None:
    """The car drives no faster than 30 mph (docs/protocol.md)."""
    with answering.inference() as answers, steering_client(answers.url) as client:
        answers.body = f'{{"steering": 0.5, "speed_mph": {told}}}'.encode()
        assert client.predict(b"jpeg") == PolicyAnswer(0.5, speed_mph)


@pytest.mark.parametrize("told", ['"fast"', "NaN", "Infinity", "true", "[20]"])
def test_an_answer_with_a_speed_that_is_none_is_refused(told: str) -> None:
    with answering.inference() as answers, steering_client(answers.url) as client:
        answers.body = f'{{"steering": 0.5, "speed_mph": {told}}}'.encode()
        with pytest.raises(ServiceError, match="holds no speed"):
            client.predict(b"jpeg")


def test_a_refusal_is_reported() -> None:
    with answering.inference() as answers, steering_client(answers.url) as client:
        answers.status, answers.body = 503, json.dumps({"error": "no model"}).encode()
        with pytest.raises(ServiceError, match=r"refuses the frame: got 503 .*no model"):
            client.predict(b"jpeg")
        answers.status, answers.body = 200, b'{"steering": 0.5}'
        assert client.predict(b"jpeg") == PolicyAnswer(0.5)
        assert len(answers.connections) == 1  # the connection is kept after a refusal


def test_a_slow_answer_is_not_waited_for() -> None:
    with answering.inference() as answers, steering_client(answers.url, 0.05) as client:
        answers.delay_s = 0.5
        with pytest.raises(ServiceError, match="does not answer"):
            client.predict(b"jpeg")


def test_an_answer_that_comes_byte_by_byte_is_not_waited_for_beyond_the_deadline(
    slack: float,
) -> None:
    def drip(connection: socket.socket) -> None:
        try:
            for byte in OK:
                connection.sendall(bytes([byte]))
                time.sleep(0.02)  # well within the timeout of the socket
        except OSError:
            pass  # the client has closed the connection, as it should

    with scripted_server(drip) as url, steering_client(url, 0.15) as client:
        began = time.monotonic()
        with pytest.raises(ServiceError, match=r"no whole answer in time|timed out"):
            client.predict(b"jpeg")
        assert time.monotonic() - began < slack * 0.25


def test_an_answer_in_pieces_is_joined() -> None:
    def pieces(connection: socket.socket) -> None:
        for start in range(0, len(OK), 7):
            connection.sendall(OK[start : start + 7])
            time.sleep(0.002)

    with scripted_server(pieces) as url, steering_client(url) as client:
        assert client.predict(b"jpeg") == PolicyAnswer(0.25)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 abc\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"\xff" * 200_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{",
    ],
)
def test_an_answer_that_is_no_http_is_an_error(answer: bytes) -> None:
    with (
        scripted_server(lambda connection: connection.sendall(answer)) as url,
        steering_client(url) as client,
        pytest.raises(ServiceError, match="does not answer"),
    ):
        client.predict(b"jpeg")


def await_end(connection: socket.socket) -> None:
    """Wait until the client closes a connection, whose last bytes it may not have read."""
    with suppress(ConnectionResetError):
        assert connection.recv(1) == b"", "the client went on with this connection"


EXTRA = OK.replace(b"0.25", b"0.99")


@pytest.mark.parametrize("extra", [EXTRA, EXTRA[:1], b"\r\n"])
def test_a_connection_with_bytes_beyond_the_answer_is_not_used_again(extra: bytes) -> None:
    """The next frame would be steered by what comes next, or by the rest of this."""

    def answer_with_more(connection: socket.socket) -> None:
        connection.sendall(OK + extra)
        await_end(connection)

    with (
        scripted_server(answer_with_more, lambda connection: connection.sendall(OK)) as url,
        steering_client(url) as client,
    ):
        assert [client.predict(b"jpeg") for _ in range(2)] == [PolicyAnswer(0.25)] * 2


def test_a_connection_is_not_used_again_if_bytes_came_after_the_answer() -> None:
    """They would be read as the answer to the next frame."""
    answered, more_came = threading.Event(), threading.Event()

    def answer_twice(connection: socket.socket) -> None:
        connection.sendall(OK)
        assert answered.wait(60)
        connection.sendall(EXTRA)
        more_came.set()
        await_end(connection)

    with (
        scripted_server(answer_twice, lambda connection: connection.sendall(OK)) as url,
        steering_client(url) as client,
    ):
        assert client.predict(b"jpeg") == PolicyAnswer(0.25)
        answered.set()
        assert more_came.wait(60)
        assert client.predict(b"jpeg") == PolicyAnswer(0.25)


def test_a_kept_connection_that_was_closed_is_replaced_at_once() -> None:
    with (
        scripted_server(
            lambda connection: connection.sendall(OK), lambda connection: connection.sendall(OK)
        ) as url,
        steering_client(url) as client,
    ):
        for _ in range(2):  # the first script has closed its connection
            assert client.predict(b"jpeg") == PolicyAnswer(0.25)


def test_a_new_connection_that_ends_at_once_is_replaced_too() -> None:
    """Behind a name of several replicas, a new connection may lead to one that has just died."""

    def hang_up(connection: socket.socket) -> None:
        """Close the connection, as the system does for a process that was killed."""

    with (
        scripted_server(hang_up, hang_up, lambda connection: connection.sendall(OK)) as url,
        steering_client(url) as client,
    ):
        assert client.predict(b"jpeg") == PolicyAnswer(0.25)
    with (
        scripted_server(hang_up, hang_up, hang_up) as url,
        steering_client(url) as client,
        pytest.raises(ServiceError, match="does not answer"),
    ):
        client.predict(b"jpeg")


def test_a_connection_is_used_for_a_limited_time() -> None:
    with answering.inference() as answers:
        client = SteeringClient(answers.url, 60.0, connection_s=0.2)
        for _ in range(10):
            client.predict(b"jpeg")
            time.sleep(0.05)
        client.close()
        assert 2 <= len(answers.connections) < 10


def test_connections_are_given_up_when_one_of_them_hangs() -> None:
    """They may lead to the same replica, and each would cost a frame its time limit."""
    met = threading.Barrier(2)

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(4) as executor:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        client = SteeringClient(url, 2.0)
        accepted: list[socket.socket] = []

        def serve_two() -> None:
            for _ in range(2):
                accepted.append(listener.accept()[0])
            for connection in accepted:
                connection.recv(65_536)
                connection.sendall(OK)

        def ask() -> None:
            met.wait(60)
            client.predict(b"jpeg")

        serving = executor.submit(serve_two)
        for asked in [executor.submit(ask) for _ in range(2)]:
            asked.result(60)
        serving.result(60)
        assert len(client._idle) == 2
        with pytest.raises(ServiceError, match="does not answer"):
            client.predict(b"jpeg")
        assert client._idle == []
        for connection in accepted:
            connection.close()


def test_a_missing_service_is_reported() -> None:
    with answering.inference() as answers:
        url = answers.url
    with (
        steering_client(url) as client,
        pytest.raises(ServiceError, match=r"does not answer at http://127"),
    ):
        client.predict(b"jpeg")


def test_an_unknown_host_name_is_reported() -> None:
    with (
        steering_client("http://no-such-host.invalid") as client,
        pytest.raises(ServiceError, match="LAPWING_INFERENCE_URL"),
    ):
        client.predict(b"jpeg")


def test_a_client_reconnects_to_a_restarted_service() -> None:
    with answering.inference() as answers, steering_client(answers.url) as client:
        client.predict(b"jpeg")
        port = int(answers.url.rsplit(":", 1)[1])
    with answering.inference(port):
        assert client.predict(b"jpeg") == PolicyAnswer(0.25)
        client.close()


def test_the_token_is_sent_and_its_refusal_is_reported() -> None:
    def refuse(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")

    with (
        scripted_server(refuse) as url,
        steering_client(url, token="wrong") as client,
        pytest.raises(ServiceError, match=r"refuses the bridge's token.*LAPWING_API_TOKEN"),
    ):
        client.predict(b"jpeg")
    with answering.inference() as answers, steering_client(answers.url, token="secret") as client:
        client.predict(b"jpeg")
        assert answers.tokens == ["Bearer secret"]
    with answering.inference() as answers, steering_client(answers.url) as client:
        client.predict(b"jpeg")
        assert answers.tokens == [None]


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "ftp://host", "http://", "ws://host:1"])
def test_an_invalid_address_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(SettingError, match="LAPWING_INFERENCE_URL takes an address such as"):
        SteeringClient(url, 1.0)


def test_a_path_before_predict_is_kept() -> None:
    with answering.inference() as answers, steering_client(answers.url + "/model/") as client:
        client.predict(b"jpeg")
        assert answers.paths == ["/model/predict"]


def test_the_name_is_looked_up_again_after_no_connection_could_be_made() -> None:
    """A container that comes back may have another address, and its old one is kept in a cache."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    forgotten: list[int] = []
    client = SteeringClient(
        f"http://127.0.0.1:{port}", 60.0, forget_names=lambda: forgotten.append(port)
    )
    for attempts in (MAX_NEW_CONNECTIONS, 2 * MAX_NEW_CONNECTIONS):
        with pytest.raises(ServiceError, match="does not answer"):
            client.predict(b"jpeg")
        assert forgotten == [port] * attempts


def test_no_name_is_looked_up_again_while_inference_answers() -> None:
    forgotten: list[str] = []
    with answering.inference() as answers:
        client = SteeringClient(
            answers.url, 60.0, forget_names=lambda: forgotten.append(answers.url)
        )
        client.predict(b"jpeg")
        client.close()
        client.predict(b"jpeg")  # over a new connection
        client.close()
    assert forgotten == []
