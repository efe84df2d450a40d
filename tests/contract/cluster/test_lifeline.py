"""Processes end with the job that they work for, whatever ends it."""

import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
from support.services import running
from support.waiting import await_true

from contract.cluster import lifeline
from contract.cluster.lifeline import Lifeline

JOB = """
import sys, time
from contract.cluster.lifeline import Lifeline
with Lifeline("127.0.0.1") as line:
    print(line.address[1], flush=True)
    sys.stdin.readline()
time.sleep(600)  # the block ended, the process did not
"""
HELPER = """
import sys, time
from contract.cluster import lifeline
for _ in range(3):
    lifeline.hold(("127.0.0.1", int(sys.argv[1])))
print("holds", flush=True)
time.sleep(600)
"""


def start(program: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def leave_block(job: subprocess.Popen[str]) -> None:
    assert job.stdin is not None
    job.stdin.write("\n")
    job.stdin.flush()


@pytest.mark.parametrize(
    "end",
    [lambda job: job.send_signal(signal.SIGKILL), leave_block],
    ids=["killed", "left"],
)
def test_helpers_end_with_the_job(end: Callable[[subprocess.Popen[str]], None]) -> None:
    job = start(JOB)
    port = read_line(job)
    helpers = [start(HELPER, port) for _ in range(2)]
    try:
        assert [read_line(helper) for helper in helpers] == ["holds", "holds"]
        assert [helper.poll() for helper in helpers] == [None, None]
        end(job)
        for helper in helpers:
            assert helper.wait(5) == lifeline.ENDED
    finally:
        for process in (job, *helpers):
            process.kill()
            process.communicate()


def test_a_job_that_has_ended_cannot_be_held() -> None:
    with pytest.raises(ConnectionRefusedError):
        lifeline.hold(("127.0.0.1", running.free_port()))


def test_a_lifeline_is_held_once_in_a_process() -> None:
    job = start(JOB)
    helper = start(HELPER, read_line(job))
    try:
        assert read_line(helper) == "holds"
        inspected = subprocess.run(
            ["ls", "-l", f"/proc/{helper.pid}/fd"], capture_output=True, text=True, check=True
        )
        assert inspected.stdout.count("socket:") == 1
    finally:
        for process in (job, helper):
            process.kill()
            process.communicate()


def test_strangers_do_no_harm() -> None:
    """Whoever connects may send what he likes, and go."""
    import socket

    with Lifeline("127.0.0.1") as line:
        with socket.create_connection(line.address) as stranger:
            stranger.sendall(b"x" * 1000)
        with socket.create_connection(line.address) as other:
            other.settimeout(0.3)
            await_true(lambda: len(line._connections) == 2)
            with pytest.raises(TimeoutError):
                other.recv(1)  # it is still open
