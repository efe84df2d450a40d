import struct
from collections.abc import Iterator
from pathlib import Path

import psutil
from tensorboardX.proto.event_pb2 import Event, SessionLog

from contract.tensorboard import TensorBoardWriter


def events(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("events.out.tfevents.*")))


def records(content: bytes) -> Iterator[Event]:
    """Read an event file as TensorFlow describes it: length, checksum, event, checksum."""
    while content:
        (length,) = struct.unpack_from("<Q", content)
        yield Event.FromString(content[12 : 12 + length])
        content = content[16 + length :]


def test_values_are_on_the_disk_at_once(tmp_path: Path) -> None:
    with TensorBoardWriter(tmp_path, "job-1", 1) as writer:
        writer.scalars(1, {"loss": 0.5, "validation_mse": 0.25})
        written = events(tmp_path / "tensorboard" / "job-1")
    assert b"validation_mse" in written


def test_a_job_that_is_resumed_keeps_its_earlier_values(tmp_path: Path) -> None:
    for epoch in (0, 1):
        with TensorBoardWriter(tmp_path, "job-1", epoch + 1) as writer:
            writer.scalars(epoch + 1, {"loss": 0.5})
    assert events(tmp_path / "tensorboard" / "job-1").count(b"loss") == 2


def test_a_table_is_written_as_text(tmp_path: Path) -> None:
    with TensorBoardWriter(tmp_path, "job-1") as writer:
        writer.table(0, "configuration", {"epochs": 8})
        assert b"| epochs | `8` |" in events(tmp_path / "tensorboard" / "job-1")


def test_only_a_run_that_goes_on_says_from_which_step_earlier_values_are_void(
    tmp_path: Path,
) -> None:
    for run, void_from in (("new", None), ("goes-on", 5)):
        with TensorBoardWriter(tmp_path, run, void_from) as writer:
            writer.scalars(7, {"loss": 0.5})
        found = list(records(events(tmp_path / "tensorboard" / run)))
        starts = [each.step for each in found if each.session_log.status == SessionLog.START]
        assert starts == ([] if void_from is None else [void_from])
        assert [each.step for each in found if each.summary.value] == [7]


def test_no_file_stays_open(tmp_path: Path) -> None:
    with TensorBoardWriter(tmp_path, "job-1"):
        (path,) = (tmp_path / "tensorboard" / "job-1").iterdir()
        assert str(path) in {each.path for each in psutil.Process().open_files()}
    assert str(path) not in {each.path for each in psutil.Process().open_files()}
