import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from contract.errors import ServiceError
from lapwing.stack.home_lock import hold_home

HOLD = (
    "import sys, pathlib; from lapwing.stack.home_lock import hold_home\n"
    "with hold_home(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
)


def test_a_second_one_is_told_which_process_has_the_home_and_since_when(tmp_path: Path) -> None:
    first = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with pytest.raises(ServiceError) as caught, hold_home(tmp_path):
            pass
        expected = (
            rf"is running in {tmp_path}: got process {first.pid}, since \d{{4}}-\d\d-\d\d \d\d:"
        )
        assert re.search(expected, str(caught.value))
        assert "\n" not in str(caught.value)
    finally:
        first.kill()
        first.communicate()
    with hold_home(tmp_path):  # The kernel has taken the lock from the killed process.
        assert str(os.getpid()) in (tmp_path / "up.lock").read_text()


def test_a_holder_that_has_not_said_who_it_is_yet(tmp_path: Path) -> None:
    with hold_home(tmp_path):
        (tmp_path / "up.lock").write_text("")
        with pytest.raises(ServiceError, match="a process that has just started"):
            hold_home(tmp_path).__enter__()
