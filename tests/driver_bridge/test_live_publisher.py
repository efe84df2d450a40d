"""Tests of the live publisher with a real Redis and without one."""

import itertools
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis
from support.services import answering
from support.services.answering import Answers
from support.services.driving import JPEG, bridge, unity
from support.services.logged_bridge import logged_bridge
from support.waiting import await_true

from contract.errors import SettingError
from contract.wire.live_view import CHANNEL, LiveView, decode
from driver_bridge.live_publisher import MAX_SIMULATORS, LivePublisher, connect


class Stopped(Exception):  # noqa: N818 - no error
    """Ends a loop that would run for ever."""


def view(simulator: str = "1", speed_mph: float = 9.0) -> LiveView:
    return LiveView("lab:4567", simulator, 1.0, "model", 0.25, 0.5, speed_mph, 15.0, 2.5, 7, "/9j/")


class Running:
    """A live publisher in a thread, with a clock that runs ten times as fast."""

    def __init__(self, make: Callable[[], Redis]) -> None:
        self.stopping = False
        began = time.monotonic()
        self.live = LivePublisher(make, self.sleep, lambda: (time.monotonic() - began) * 10)
        self.thread = threading.Thread(target=self.run)

    def sleep(self, seconds: float) -> None:
        if self.stopping:
            raise Stopped
        time.sleep(seconds / 10)

    def run(self) -> None:
        with pytest.raises(Stopped):
            self.live.run()


@contextmanager
def publishing(make: Callable[[], Redis]) -> Iterator[Running]:
    running = Running(make)
    running.thread.start()
    try:
        yield running
    finally:
        running.stopping = True
        running.thread.join(60)
        assert not running.thread.is_alive()


@pytest.fixture
def url(redis: Redis, redis_socket: Path) -> str:
    return f"unix://{redis_socket}"


def test_nothing_is_published_while_nobody_listens(url: str, redis: Redis) -> None:
    before = redis.info("commandstats").get("cmdstat_publish", {"calls": 0})["calls"]
    with publishing(lambda: connect(url, "")) as running:
        running.live.meet("1")
        time.sleep(0.3)
        assert not running.live.wants("1")
    after = redis.info("commandstats").get("cmdstat_publish", {"calls": 0})["calls"]
    assert (after, running.live.published) == (before, 0)


def test_views_are_published_only_while_somebody_listens(url: str, redis: Redis) -> None:
    with publishing(lambda: connect(url, "")) as running:
        pubsub = redis.pubsub(ignore_subscribe_messages=True)
        pubsub.subscribe(CHANNEL)
        running.live.meet("1")
        await_true(lambda: running.live.wants("1"))
        running.live.put(view())
        message = None
        while message is None:
            message = pubsub.get_message(timeout=60)
        assert decode(message["data"]) == view()
        pubsub.close()
        await_true(lambda: not running.live._has_listeners)
        assert not running.live.wants("1")


def test_a_simulator_is_shown_at_most_ten_times_a_second() -> None:
    now = itertools.count()
    live = LivePublisher(lambda: Redis(), time.sleep, lambda: next(now) / 100)
    live._has_listeners = True
    live.meet("1")
    shown = 0
    for _ in range(300):
        if live.wants("1"):
            live.put(view())
            shown += 1
    assert next(now) / 100 * 10 >= shown > 10
    assert len(live._pending) == 1  # only the newest view is queued


def test_the_number_of_simulators_that_are_shown_is_limited(url: str) -> None:
    live = LivePublisher(lambda: Redis(), time.sleep, time.monotonic)
    live._has_listeners = True
    for number in range(MAX_SIMULATORS + 10):
        live.meet(str(number))
        if live.wants(str(number)):
            live.put(view(str(number)))
    assert len(live._pending) == MAX_SIMULATORS
    live.meet("another")
    assert not live.wants("another")
    live.forget("0")
    assert live.wants("another")
    assert len(live._pending) == MAX_SIMULATORS - 1


def test_a_view_that_is_told_after_its_simulator_has_left_is_left_out() -> None:
    """An answer is told after it was sent, and the simulator may disconnect in between."""
    live = LivePublisher(lambda: Redis(), time.sleep, time.monotonic)
    live._has_listeners = True
    for number in range(3 * MAX_SIMULATORS):
        live.meet(str(number))
        assert live.wants(str(number))
        live.forget(str(number))
        live.put(view(str(number)))
        assert not live.wants(str(number))
    assert live._pending == {}


@pytest.mark.usefixtures("healthy")
def test_the_views_of_a_simulator_that_drives_are_published(
    inference: Answers, url: str, redis: Redis
) -> None:
    with (
        redis.pubsub(ignore_subscribe_messages=True) as pubsub,
        bridge(inference.url, LAPWING_REDIS_URL=url) as port,
        unity(port) as simulator,
    ):
        pubsub.subscribe(CHANNEL)
        message = None
        deadline = time.monotonic() + 60
        while message is None:
            assert time.monotonic() < deadline, "no view was published"
            simulator.send_telemetry(0.0, 0.0, 9.0, JPEG)
            simulator.command()
            message = pubsub.get_message(timeout=0.05)
    shown = decode(message["data"])
    assert (shown.bridge, shown.simulator) == (f"{socket.gethostname()}:{port}", "1")


def test_a_view_that_nobody_saw_is_not_shown_to_a_later_viewer(url: str, redis: Redis) -> None:
    with publishing(lambda: connect(url, "")) as running:
        running.live.meet("1")
        running.live._pending["1"] = view(speed_mph=1.0)  # queued as the last viewer left
        await_true(lambda: not running.live._pending)
        assert running.live.published == 0


def test_a_redis_that_fails_is_logged_once_and_found_again(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    urls = iter(["unix:///nowhere/redis.sock"] * 3 + ["no address at all"])
    with publishing(lambda: connect(next(urls, url), "")) as running:
        running.live.meet("1")
        await_true(lambda: "Redis answers again" in caplog.text)
        assert not running.live.wants("1")  # nobody listens
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "nobody can watch: Redis does not answer" in caplog.text


def test_the_password_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    with connect("redis://127.0.0.1:1/0", str(tmp_path / "password")) as client:
        assert client.connection_pool.connection_kwargs["password"] == "secret"
    with pytest.raises(SettingError, match="No such file"):
        connect("redis://127.0.0.1:1/0", str(tmp_path / "nothing"))


class StrangeRedis(socketserver.ThreadingTCPServer):
    """Answers every command with an empty list, and remembers its connections."""

    daemon_threads = True

    class Handler(socketserver.StreamRequestHandler):
        """Answers one client."""

        def handle(self) -> None:
            assert isinstance(self.server, StrangeRedis)
            self.server.connections += 1
            for line in self.rfile:
                if line.startswith(b"*"):
                    self.wfile.write(b"*0\r\n")

    def __init__(self) -> None:
        self.connections = 0
        super().__init__(("127.0.0.1", 0), self.Handler)


def test_an_error_that_nobody_expects_does_not_end_the_publishing() -> None:
    """No Redis answers so. What the bridge does with other errors is the same."""
    with StrangeRedis() as strange:
        thread = threading.Thread(target=strange.serve_forever)
        thread.start()
        url = f"redis://127.0.0.1:{strange.server_address[1]}/0"
        with (
            answering.inference() as answers,
            logged_bridge(answers.url, LAPWING_REDIS_URL=url) as bridge,
        ):
            bridge.wait_for("the live view failed: ")
            began = strange.connections
            await_true(lambda: strange.connections > began)
        strange.shutdown()
        thread.join()
