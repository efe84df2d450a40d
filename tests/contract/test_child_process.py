import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contract.child_process import die_with_parent

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux sends a signal to a child when its parent dies"
)
PARENT = """
import os, subprocess, sys, time
from contract.child_process import die_with_parent
parent = os.getpid()
child = subprocess.Popen(["sleep", "60"], preexec_fn=lambda: die_with_parent(parent))
print(child.pid, flush=True)
time.sleep(60)
"""
LATE_CHILD = """
import os, sys, time
from contract.child_process import die_with_parent
parent = int(sys.argv[1])
while os.getppid() == parent:
    time.sleep(0.01)
die_with_parent(parent)
time.sleep(60)
"""
SHORT_PARENT = f"""
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {LATE_CHILD!r}, str(os.getpid())])
print(child.pid, flush=True)
"""


def test_a_child_dies_with_its_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_running(child)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    await_end(child)


def test_a_child_whose_parent_died_before_it_asked_dies_at_once() -> None:
    """The parent lives when the child is started, and is dead when the child asks the kernel."""
    with subprocess.Popen([sys.executable, "-c", SHORT_PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert parent.wait(60) == 0
    await_end(child)


def test_a_request_that_the_kernel_refuses_is_an_error() -> None:
    with pytest.raises(OSError, match="Invalid argument") as caught:
        die_with_parent(os.getppid(), 1000)
    assert caught.value.errno == errno.EINVAL


def await_end(process: int) -> None:
    """Wait until a process has ended, which it would not do by itself for a minute."""
    deadline = time.monotonic() + 50
    while is_running(process):
        assert time.monotonic() < deadline, "the child lives longer than its parent"
        time.sleep(0.02)


def is_running(process: int) -> bool:
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z"
