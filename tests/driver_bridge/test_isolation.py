"""One client that misbehaves, and a good one beside it that is answered always, within 250 ms.

Promise P18, but for the mutated frames: those are in test_fuzz.py.
"""

import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from support.services.answering import Answers
from support.services.driving import JPEG, bridge, unity
from support.services.misbehaving import MISBEHAVIOURS, misbehaving

HOWS = [each.__name__ for each in MISBEHAVIOURS]
ALWAYS_S = 0.25
SECONDS = 1.0


@pytest.fixture(scope="module")
def port(inference: Answers) -> Iterator[int]:
    with bridge(inference.url) as port:
        yield port


def drive(port: int, seconds: float) -> list[float]:
    """Drive a good client at 20 Hz; return how long each answer took."""
    taken = []
    until = time.monotonic() + seconds
    with unity(port) as good:
        while time.monotonic() < until:
            began = time.monotonic()
            good.send_telemetry(0.0, 0.0, 9.0, JPEG)
            command = good.command()
            taken.append(time.monotonic() - began)
            assert command is not None, "a telemetry was not answered"
            assert command.steering == 0.25
            time.sleep(max(0.0, 0.05 - taken[-1]))
    return taken


def beside(port: int, how: str, seconds: float, slack: float) -> None:
    """Drive a good client beside one that misbehaves, and hold it against the promise."""
    with misbehaving(how, port):
        taken = drive(port, seconds)
    assert len(taken) > seconds * 10
    assert max(taken) <= slack * ALWAYS_S


@pytest.mark.parametrize("how", HOWS)
def test_a_good_client_beside_it_is_answered_in_time(port: int, how: str, slack: float) -> None:
    beside(port, how, SECONDS, slack)


@pytest.mark.soak
@pytest.mark.parametrize("how", HOWS)
def test_a_good_client_beside_it_is_answered_in_time_for_long(
    port: int, how: str, slack: float
) -> None:
    beside(port, how, 60.0, slack)


def resident_kib() -> int:
    """Return the memory of the bridge, which is a child of this process."""
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            with suppress(OSError):
                if b"driver_bridge" in Path("/proc", child, "cmdline").read_bytes():
                    status = Path("/proc", child, "status").read_text()
                    return int(status.split("VmRSS:")[1].split()[0])
    raise AssertionError("there is no bridge")


@pytest.mark.parametrize("how", ["endless_message", "never_reading", "flooding"])
def test_what_it_sends_is_not_kept(port: int, how: str, slack: float) -> None:
    drive(port, 0.3)
    before = resident_kib()
    beside(port, how, SECONDS, slack)
    assert resident_kib() - before < 20_000


def test_a_redis_that_never_answers_slows_nobody(inference: Answers, slack: float) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with bridge(inference.url, LAPWING_REDIS_URL=url) as port:
            taken = drive(port, 2.5)
    assert len(taken) > 40
    assert max(taken[2:]) < slack * 0.1


def test_a_disk_that_goes_away_slows_nobody(
    inference: Answers, tmp_path: Path, slack: float
) -> None:
    folder = tmp_path / "drives"
    with bridge(inference.url, "--record", str(folder)) as port:
        shutil.rmtree(folder)
        folder.touch()  # a file stands where the folder was
        taken = drive(port, 1.5)
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert max(taken[2:]) < slack * 0.1
    assert float(re.findall(r"^lapwing_bridge_record_dropped_total (\S+)$", text, re.M)[0]) > 10


def test_simulators_of_many_locales_have_what_the_model_said_each(
    port: int, inference: Answers
) -> None:
    """Eight at once, each its own state; every command within 1e-3 of the model's answer."""
    inference.body = b'{"steering": -0.123456}'
    names = ["en-US", "de-DE", "fr-FR", "de-CH"] * 2
    wrong: list[str] = []

    def go(name: str, speed_mph: float) -> None:
        with unity(port, name) as client:
            throttles = []
            for _ in range(25):
                client.send_telemetry(0.0, 0.0, speed_mph, JPEG)
                command = client.command()
                if command is None or abs(command.steering - -0.123456) > 1e-3:
                    wrong.append(f"{name}: {command}")
                    return
                throttles.append(command.throttle)
            # Below the target it gives gas, above it brakes: nobody has another's state.
            if (throttles[-1] > 0) != (speed_mph < 15):
                wrong.append(f"{name} at {speed_mph}: {throttles[-1]}")

    threads = [
        threading.Thread(target=go, args=(name, 5.0 if number % 2 else 1025.5))
        for number, name in enumerate(names)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    inference.body = b'{"steering": 0.25}'
    assert wrong == []
