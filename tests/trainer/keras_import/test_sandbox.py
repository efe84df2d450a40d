import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from support.data import hostile_files, model_files

from contract.errors import ModelError
from trainer.jobs import import_model
from trainer.jobs.import_model import ImportOptions
from trainer.keras_import import sandbox

PROGRAM = """
import sys
from pathlib import Path
from trainer.keras_import import sandbox

sandbox.read_in_subprocess(Path(sys.argv[1]), timeout_s=float(sys.argv[2]))
"""


def read(path: Path, timeout_s: float) -> tuple[subprocess.Popen[bytes], psutil.Process]:
    """Read a file in a program of its own; return it and the process that reads for it."""
    program = subprocess.Popen([sys.executable, "-c", PROGRAM, str(path), str(timeout_s)])
    deadline = time.monotonic() + 60
    while not (children := psutil.Process(program.pid).children()):
        assert time.monotonic() < deadline, "no process was started"
        time.sleep(0.005)
    return program, children[0]


def test_reading_that_never_ends_is_stopped(tmp_path: Path) -> None:
    hostile_files.endless(tmp_path / "endless.h5")
    started_s = time.monotonic()
    with pytest.raises(ModelError, match=r"endless\.h5 is refused: .*did not end within 5 s"):
        import_model.load_network(tmp_path / "endless.h5", ImportOptions("x"), timeout_s=5)
    assert time.monotonic() - started_s < 15


def test_an_error_that_ends_the_process_is_reported(tmp_path: Path) -> None:
    good = model_files.write(tmp_path / "m.h5", model_files.driver(2), 2)
    with pytest.raises(ModelError, match=r"reading it ended with status 1 .*TypeError"):
        sandbox.read_in_subprocess(good, unknown=1)


def test_good_files_and_refused_files_raise_nothing(tmp_path: Path) -> None:
    sandbox.read_in_subprocess(model_files.write(tmp_path / "m.h5", model_files.driver(2), 2))
    hostile_files.fill_value(tmp_path / "bomb.h5")
    sandbox.read_in_subprocess(tmp_path / "bomb.h5", size=(20, 40), normalize="x/255", output=None)


def test_a_file_that_is_never_read_to_its_end_does_not_outlive_its_job(tmp_path: Path) -> None:
    hostile_files.endless(tmp_path / "endless.h5")
    program, reader = read(tmp_path / "endless.h5", 600)
    while reader.cpu_times().user < 0.1:  # until it has asked to end with its parent
        time.sleep(0.05)
    program.kill()
    program.wait()
    assert psutil.wait_procs([reader], 60)[1] == []


@pytest.mark.soak
def test_a_good_file_is_read_where_the_machine_stood_still_for_longer_than_the_limit(
    tmp_path: Path,
) -> None:
    path = model_files.write(tmp_path / "m.h5", model_files.driver(2), 2)
    program, reader = read(path, 20)
    for number in (signal.SIGSTOP, signal.SIGCONT):
        for pid in (program.pid, reader.pid):
            os.kill(pid, number)
        if number == signal.SIGSTOP:
            time.sleep(25)
    assert program.wait(60) == 0
