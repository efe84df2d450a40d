"""Tests that a good client is answered within 250 ms while another client misbehaves.

This is promise P18 without the mutated frames, which are in test_fuzz.py.
"""

import re
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from support.services.answering import Answers
from support.services.driving import JPEG, bridge, unity
from support.services.misbehaving import MISBEHAVIOURS, misbehaving

NAMES = [misbehaviour.__name__ for misbehaviour in MISBEHAVIOURS]
MAX_ANSWER_S = 0.25
SECONDS = 1.0
RATE_HZ = 20


@pytest.fixture(scope="module")
def port(inference: Answers) -> Iterator[int]:
    with bridge(inference.url) as port:
        yield port


def drive(port: int, seconds: float) -> list[float]:
    """Drive a good client at 20 Hz, and return the time in seconds of each answer.

    On a busy machine the same number of answers takes longer.
    """
    times_s: list[float] = []
    with unity(port) as client:
        while len(times_s) < seconds * RATE_HZ:
            began = time.monotonic()
            client.send_telemetry(0.0, 0.0, 9.0, JPEG)
            command = client.command()
            times_s.append(time.monotonic() - began)
            assert command is not None, "a telemetry was not answered"
            assert command.steering == 0.25
            time.sleep(max(0.0, 1 / RATE_HZ - times_s[-1]))
    return times_s


def drive_beside(port: int, name: str, seconds: float, slack: float) -> None:
    """Drive a good client next to one that misbehaves, and check the promise."""
    with misbehaving(name, port):
        times_s = drive(port, seconds)
    assert max(times_s) <= slack * MAX_ANSWER_S


@pytest.mark.parametrize("name", NAMES)
def test_a_good_client_is_answered_in_time(port: int, name: str, slack: float) -> None:
    drive_beside(port, name, SECONDS, slack)


@pytest.mark.soak
@pytest.mark.parametrize("name", NAMES)
def test_a_good_client_is_answered_in_time_for_a_minute(port: int, name: str, slack: float) -> None:
    drive_beside(port, name, 60.0, slack)


def resident_kib() -> int:
    """Return the memory of the bridge in KiB; the bridge is a child of this process."""
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            with suppress(OSError):
                if b"driver_bridge" in Path("/proc", child, "cmdline").read_bytes():
                    status = Path("/proc", child, "status").read_text()
                    return int(status.split("VmRSS:")[1].split()[0])
    raise AssertionError("no bridge runs")


@pytest.mark.parametrize("name", ["endless_message", "never_reading", "flooding"])
def test_the_memory_does_not_grow(port: int, name: str, slack: float) -> None:
    """The first attack is not counted: Python keeps memory that it needed once."""
    drive_beside(port, name, SECONDS / 2, slack)
    before = resident_kib()
    drive_beside(port, name, SECONDS, slack)
    assert resident_kib() - before < 5_000


def test_a_redis_that_never_answers_does_not_slow_a_client(
    inference: Answers, slack: float
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with bridge(inference.url, LAPWING_REDIS_URL=url) as port:
            times_s = drive(port, 2.5)
    assert max(times_s[2:]) < slack * 0.1


def test_a_disk_that_fails_does_not_slow_a_client(
    inference: Answers, tmp_path: Path, slack: float
) -> None:
    folder = tmp_path / "drives"
    with bridge(inference.url, "--record", str(folder)) as port:
        shutil.rmtree(folder)
        folder.touch()  # a file takes the place of the folder
        times_s = drive(port, 1.5)
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert max(times_s[2:]) < slack * 0.1
    assert float(re.findall(r"^lapwing_bridge_record_dropped_total (\S+)$", text, re.M)[0]) > 10
