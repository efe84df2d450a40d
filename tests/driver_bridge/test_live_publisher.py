"""The live state against a real Redis, and against none."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from contract.wire.live_view import CHANNEL, LiveView, decode
from driver_bridge.live_publisher import MOST, Live, connect


class Stopped(Exception):  # noqa: N818 - no error
    """Ends a run that is for ever."""


def view(simulator: str = "1", speed_mph: float = 9.0) -> LiveView:
    return LiveView(simulator, 1.0, "model", 0.25, 0.5, speed_mph, 15.0, 2.5, 7, "/9j/")


class Running:
    """A live state that runs in a thread, at a clock that goes ten times as fast."""

    def __init__(self, make: Callable[[], Redis]) -> None:
        self.stopping = False
        began = time.monotonic()
        self.live = Live(make, self.sleep, lambda: (time.monotonic() - began) * 10)
        self.thread = threading.Thread(target=self.run)

    def sleep(self, seconds: float) -> None:
        if self.stopping:
            raise Stopped
        time.sleep(seconds / 10)

    def run(self) -> None:
        with pytest.raises(Stopped):
            self.live.run()


@contextmanager
def running(make: Callable[[], Redis]) -> Iterator[Running]:
    one = Running(make)
    one.thread.start()
    try:
        yield one
    finally:
        one.stopping = True
        one.thread.join(5)
        assert not one.thread.is_alive()


def await_true(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.005)


@pytest.fixture
def url(redis: Redis, redis_socket: Path) -> str:
    return f"unix://{redis_socket}"


def test_nothing_is_told_while_nobody_listens(url: str, redis: Redis) -> None:
    before = redis.info("commandstats").get("cmdstat_publish", {"calls": 0})["calls"]
    with running(lambda: connect(url, "")) as one:
        time.sleep(0.3)
        assert not one.live.wants("1")
    after = redis.info("commandstats").get("cmdstat_publish", {"calls": 0})["calls"]
    assert (after, one.live.published) == (before, 0)


def test_who_listens_is_told_and_no_more_once_gone(url: str, redis: Redis) -> None:
    with running(lambda: connect(url, "")) as one:
        pubsub = redis.pubsub(ignore_subscribe_messages=True)
        pubsub.subscribe(CHANNEL)
        await_true(lambda: one.live.wants("1"))
        one.live.show(view())
        heard = None
        while heard is None:
            heard = pubsub.get_message(timeout=5)
        assert decode(heard["data"]) == view()
        pubsub.close()
        await_true(lambda: not one.live._listening)
        assert not one.live.wants("1")


def test_no_simulator_is_told_of_more_than_ten_times_a_second() -> None:
    now = itertools.count()
    live = Live(lambda: Redis(), time.sleep, lambda: next(now) / 100)
    live._listening = True
    shown = 0
    for _ in range(300):
        if live.wants("1"):
            live.show(view())
            shown += 1
    assert next(now) / 100 * 10 >= shown > 10
    assert len(live._waiting) == 1  # and the newest alone waits


def test_no_more_simulators_are_kept_than_fit(url: str) -> None:
    live = Live(lambda: Redis(), time.sleep, time.monotonic)
    live._listening = True
    for number in range(MOST + 10):
        if live.wants(str(number)):
            live.show(view(str(number)))
    assert len(live._waiting) == MOST
    live.forget("0")
    assert live.wants("one more")
    assert len(live._waiting) == MOST - 1


def test_a_redis_that_is_gone_is_said_once_and_found_again(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    urls = iter(["unix:///nowhere/redis.sock"] * 3 + ["no address at all"])
    with running(lambda: connect(next(urls, url), "")) as one:
        await_true(lambda: "Redis answers again" in caplog.text)
        assert not one.live.wants("1")  # nobody listens
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "nobody can watch: Redis does not answer" in caplog.text


def test_the_password_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    with connect("redis://127.0.0.1:1/0", str(tmp_path / "password")) as made:
        assert made.connection_pool.connection_kwargs["password"] == "secret"
    with pytest.raises(OSError, match="No such file"):
        connect("redis://127.0.0.1:1/0", str(tmp_path / "nothing"))
