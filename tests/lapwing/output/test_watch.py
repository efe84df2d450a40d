import dataclasses
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

from contract.printing import TextConsole
from contract.wire.live_view import LiveView
from lapwing.output import watch
from simulator.unity.client import UnityClient
from simulator.unity.number_format import find_locale


def view(simulator: str = "1", steering: float = 0.25, how: str = "model") -> LiveView:
    return LiveView("lab:4567", simulator, 1.0, how, steering, 0.5, 9.0, 15.0, 2.5, 7, "/9j/")


def drawn(*arrivals: list[LiveView]) -> str:
    screen = io.StringIO()
    watch.draw_views(arrivals, TextConsole(file=screen, width=120))
    return screen.getvalue()


def test_each_simulator_is_a_line_with_its_newest_view() -> None:
    text = drawn([view("2"), view("10")], [view("2", -0.5, "held")], [])
    lines = [line.split() for line in text.splitlines()[1:]]
    assert [(line[0], line[1]) for line in lines] == [("2", "held"), ("10", "model")]
    assert "+0.50" in lines[0]
    assert "2.5" in lines[0]


def test_simulators_of_several_bridges_are_lines_of_their_own_with_the_bridge() -> None:
    """Each bridge counts its simulators from 1."""
    other = dataclasses.replace(view("1", -0.5, "held"), bridge="shop:4567")
    lines = [line.split() for line in drawn([view("1")], [other]).splitlines()[1:]]
    assert [(line[0], line[1]) for line in lines] == [
        ("1@lab:4567", "model"),
        ("1@shop:4567", "held"),
    ]


def test_without_simulators_the_table_says_so() -> None:
    assert "No simulator drives." in drawn([])


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
