"""Receives views through a real Redis."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from redis import Redis

from contract.errors import JobError, TelemetryError
from contract.wire import live_channel
from contract.wire.live_view import CHANNEL, LiveView


def view(number: int) -> LiveView:
    return LiveView(
        "lab:4567", "1", float(number), "model", 0.25, 0.5, 9.0, 15.0, 2.5, number, "/9j/"
    )


@contextmanager
def published(redis: Redis, *messages: str) -> Iterator[None]:
    """Publish messages in one transaction as soon as somebody listens."""

    def publish() -> None:
        while not redis.pubsub_numsub(CHANNEL)[0][1]:
            time.sleep(0.01)
        with redis.pipeline(transaction=True) as pipeline:
            for message in messages:
                pipeline.publish(CHANNEL, message)
            pipeline.execute()

    thread = threading.Thread(target=publish)
    thread.start()
    yield
    thread.join()


def test_views_come_in_their_order_and_several_at_once(redis: Redis) -> None:
    sent = [view(number) for number in range(5)]
    with published(redis, *(one.encode() for one in sent)):
        arrivals = list(live_channel.receive(redis, 0.8))
    assert list(itertools.chain.from_iterable(arrivals)) == sent
    assert max(map(len, arrivals)) > 1


def test_no_more_than_a_bound_come_at_once(redis: Redis) -> None:
    count = live_channel.MAX_VIEWS + 10
    with published(redis, *[view(1).encode()] * count):
        arrivals = list(live_channel.receive(redis, 1.5))
    assert sum(map(len, arrivals)) == count
    assert max(map(len, arrivals)) <= live_channel.MAX_VIEWS


def test_a_receiver_that_hears_nothing_is_asked_again_and_again(redis: Redis) -> None:
    began = time.monotonic()
    arrivals = list(live_channel.receive(redis, 0.5))
    assert time.monotonic() - began >= 0.5
    assert len(arrivals) >= 2
    assert not any(arrivals)


def test_a_message_that_is_not_a_view_is_an_error(redis: Redis) -> None:
    with published(redis, "rubbish"), pytest.raises(TelemetryError, match="no view"):
        list(live_channel.receive(redis, 2.0))


def test_a_lost_redis_is_an_error() -> None:
    with (
        Redis(unix_socket_path="/nowhere/redis.sock") as gone,
        pytest.raises(JobError, match="the connection to Redis was lost"),
    ):
        list(live_channel.receive(gone, 2.0))
