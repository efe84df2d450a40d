"""Tests of what the supervisor measures, on real processes of a session of their own."""

import mmap
import os
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from lapwing.stack import memory

MIB = 1 << 20
# The parent holds 80 MiB of shared memory, which its child reads too; the child has 40 of its own.
FAMILY = f"""
import mmap, os, sys
shared = mmap.mmap(-1, 80 << 20)
shared.write(bytes(80 << 20))
if os.fork() == 0:
    shared.seek(0); assert not any(shared.read({mmap.PAGESIZE})); sum(shared[:: {mmap.PAGESIZE}])
    own = bytearray(40 << 20)
    print(os.getpid(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def family() -> Iterator[tuple[int, int]]:
    """Run a parent and a child; yield their process ids."""
    process = subprocess.Popen(
        [sys.executable, "-c", FAMILY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    child = int(process.stdout.readline())
    yield process.pid, child
    process.communicate()


def test_a_session_has_all_processes_that_a_service_started(family: tuple[int, int]) -> None:
    sessions = memory.list_sessions()
    assert {process.pid for process in sessions[family[0]]} == set(family)
    assert os.getpid() not in {process.pid for process in sessions[family[0]]}


def test_memory_that_is_shared_counts_once(family: tuple[int, int]) -> None:
    processes = [psutil.Process(pid) for pid in family]
    resident = sum(process.memory_info().rss for process in processes)
    assert resident > 200 * MIB
    usage = memory.find_excess(processes, 100 * MIB)
    assert usage is not None
    assert 120 * MIB < usage.used_bytes < 160 * MIB
    assert usage.largest.pid == family[1]
    assert memory.find_excess(processes, 160 * MIB) is None


def test_a_process_that_has_ended_uses_nothing_and_is_not_killed_again() -> None:
    process = subprocess.Popen(["sleep", "60"])
    watched = psutil.Process(process.pid)
    memory.kill(watched)
    assert process.wait(10) == -9
    memory.kill(watched)
    assert memory.find_excess([watched], 1) is None
