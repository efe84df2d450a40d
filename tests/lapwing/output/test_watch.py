import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from redis import Redis
from support.data import samples
from support.services import answering
from support.services.driving import bridge

from contract.errors import JobError, TelemetryError
from contract.printing import TextConsole
from contract.wire.live_view import CHANNEL, LiveView
from lapwing.output import watch
from simulator.unity.client import UnityClient
from simulator.unity.number_format import find_locale


def view(simulator: str = "1", steering: float = 0.25, how: str = "model") -> LiveView:
    return LiveView(simulator, 1.0, how, steering, 0.5, 9.0, 15.0, 2.5, 7, "/9j/")


def drawn(*views: LiveView | None) -> str:
    screen = io.StringIO()
    watch.draw_views(views, TextConsole(file=screen, width=120))
    return screen.getvalue()


def test_each_simulator_is_a_line_with_its_newest_view() -> None:
    text = drawn(view("2"), view("10"), view("2", -0.5, "held"), None)
    lines = [line.split() for line in text.splitlines()[1:]]
    assert [(line[0], line[1]) for line in lines] == [("2", "held"), ("10", "model")]
    assert "+0.50" in lines[0]
    assert "2.5" in lines[0]


def test_without_simulators_the_table_says_so() -> None:
    assert "No simulator drives." in drawn(None)


@pytest.mark.parametrize(
    ("steering", "drawing"),
    [
        (-1, "●·········|··········"),
        (0, "··········●··········"),
        (1, "··········|·········●"),
        (9, "··········|·········●"),
    ],
)
def test_the_steering_is_drawn_as_a_bar(steering: float, drawing: str) -> None:
    assert watch.steering_bar(steering) == drawing


def test_published_views_are_received(redis: Redis) -> None:
    def publish() -> None:
        while not redis.publish(CHANNEL, view().encode()):
            time.sleep(0.01)

    thread = threading.Thread(target=publish)
    thread.start()
    received = [live_view for live_view in watch.receive_views(redis, 0.6) if live_view is not None]
    thread.join()
    assert received == [view()]


def test_a_message_that_is_not_a_view_is_an_error(redis: Redis) -> None:
    def publish() -> None:
        while not redis.publish(CHANNEL, "rubbish"):
            time.sleep(0.01)

    thread = threading.Thread(target=publish)
    thread.start()
    with pytest.raises(TelemetryError, match="no view"):
        list(watch.receive_views(redis, 2.0))
    thread.join()


def test_a_lost_redis_is_an_error() -> None:
    with (
        Redis(unix_socket_path="/nowhere/redis.sock") as gone,
        pytest.raises(JobError, match="the connection to Redis was lost"),
    ):
        list(watch.receive_views(gone, 2.0))


def test_a_drive_is_watched_from_the_bridge_to_the_command(
    redis: Redis, redis_socket: Path
) -> None:
    url = f"unix://{redis_socket}"
    with (
        answering.inference() as answers,
        bridge(answers.url, LAPWING_REDIS_URL=url) as port,
        UnityClient(f"ws://127.0.0.1:{port}", find_locale("de-DE")) as client,
    ):
        process = subprocess.Popen(
            [sys.executable, "-m", "lapwing", "watch", "--json"],
            text=True,
            stdout=subprocess.PIPE,
            env={**os.environ, "LAPWING_REDIS_URL": url},
        )
        assert process.stdout is not None
        ended = threading.Event()

        def drive() -> None:
            while not ended.is_set():
                client.send_telemetry(0.0, 0.0, 9.0, samples.jpeg())
                assert client.command() is not None
                time.sleep(0.01)

        thread = threading.Thread(target=drive)
        thread.start()
        with process.stdout:
            began, documents = time.monotonic(), []
            for line in process.stdout:
                documents.append(json.loads(line))
                if len(documents) == 1:
                    began = time.monotonic()
                if len(documents) == 10:
                    break
            taken = time.monotonic() - began
            ended.set()
            thread.join()
            process.send_signal(signal.SIGINT)
        assert process.wait(120) == 130
    assert {(view["simulator"], view["how"], view["steering"]) for view in documents} == {
        ("1", "model", 0.25)
    }
    assert {view["speed_mph"] for view in documents} == {9.0}
    assert taken >= 0.8  # The bridge publishes at most ten views per second.
