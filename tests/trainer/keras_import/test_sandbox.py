import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.data import hostile_files, model_files
from support.services import running

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


@contextmanager
def reading(path: Path, timeout_s: float) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Read a file in a program of its own; yield it and the process that reads for it."""
    command = [sys.executable, "-c", PROGRAM, str(path), str(timeout_s)]
    with subprocess.Popen(command) as program:
        try:
            deadline = time.monotonic() + 60
            while not (readers := running.with_parent(program.pid, "keras_import.sandbox")):
                assert time.monotonic() < deadline, "nobody reads the file"
                time.sleep(0.005)
            yield program, readers[0]
        finally:
            program.kill()


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
    with reading(tmp_path / "endless.h5", 600) as (program, reader):
        program.kill()  # before or after the reader has asked to end with it
        program.wait()
        deadline = time.monotonic() + 60
        while Path(f"/proc/{reader}").exists():
            assert time.monotonic() < deadline, "the reader lives longer than its job"
            time.sleep(0.02)


@pytest.mark.soak
def test_a_good_file_is_read_where_the_machine_stood_still_for_longer_than_the_limit(
    tmp_path: Path,
) -> None:
    path = model_files.write(tmp_path / "m.h5", model_files.driver(2), 2)
    with reading(path, 20) as (program, reader):
        for pid in (program.pid, reader):
            os.kill(pid, signal.SIGSTOP)
        time.sleep(25)
        for pid in (program.pid, reader):
            os.kill(pid, signal.SIGCONT)
        assert program.wait(60) == 0
