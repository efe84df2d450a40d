import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.data import samples
from support.services import small_disks

from contract.errors import FrameError, ModelError, RecordingError
from contract.files import locks
from lapwing.jobs import uploads


@pytest.fixture
def held() -> Iterator[ExitStack]:
    """Yield the stack that holds copies until a job is queued."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return samples.recording(tmp_path / "run", rows=2)


def test_without_an_inbox_the_worker_reads_the_recording_itself(run: Path, held: ExitStack) -> None:
    assert uploads.stage_recording(run, "", held) == (run, False)


def test_with_an_inbox_the_worker_gets_a_copy_of_the_same_name(
    run: Path, tmp_path: Path, held: ExitStack
) -> None:
    copy, staged = uploads.stage_recording(run, str(tmp_path / "inbox"), held)
    assert staged
    assert copy.name == "run"
    assert copy.parent.parent == tmp_path / "inbox"
    assert (copy / "driving_log.csv").read_bytes() == (run / "driving_log.csv").read_bytes()
    assert len(list((copy / "IMG").iterdir())) == 6


def test_an_archive_is_copied_too(tmp_path: Path, held: ExitStack) -> None:
    (tmp_path / "run.zip").write_bytes(b"zip")
    copy, _ = uploads.stage_recording(tmp_path / "run.zip", str(tmp_path / "inbox"), held)
    assert copy.read_bytes() == b"zip"


def test_a_missing_recording_is_reported(tmp_path: Path, held: ExitStack) -> None:
    with pytest.raises(RecordingError, match="there is no such recording"):
        uploads.stage_recording(tmp_path / "nothing", "", held)


def test_links_pipes_and_devices_are_not_copied(run: Path, tmp_path: Path, held: ExitStack) -> None:
    """Ingest reads none of them, and a device or a circle of links has no end."""
    (run / "IMG" / "dangling.jpg").symlink_to(tmp_path / "nowhere")
    (run / "IMG" / "zero.jpg").symlink_to("/dev/zero")
    (run / "IMG" / "circle").symlink_to(run)
    os.mkfifo(run / "IMG" / "pipe.jpg")
    copy, _ = uploads.stage_recording(run, str(tmp_path / "inbox"), held)
    assert len(list(copy.rglob("*"))) == 8


@pytest.mark.parametrize("inbox", ["", "inbox"])
def test_a_device_or_a_pipe_is_no_recording(tmp_path: Path, inbox: str, held: ExitStack) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (Path("/dev/zero"), tmp_path / "pipe"):
        with pytest.raises(RecordingError, match="neither a folder nor a regular file: got /"):
            uploads.stage_recording(path, inbox and str(tmp_path / inbox), held)
    assert not (tmp_path / "inbox").exists()


COPYING = """
import sys
from contextlib import ExitStack
from pathlib import Path
from contract.errors import DiskFullError
from contract.files import disk_space
from contract.files import locks
from lapwing.jobs import uploads
from support.services import small_disks
disk, run, leave = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
class Filling(ExitStack):
    # The disk becomes full after the copy has begun.
    def enter_context(self, context):
        entered = super().enter_context(context)
        small_disks.fill(disk, leave)
        return entered
try:
    with Filling() as held:
        uploads.stage_recording(run, str(disk / "inbox"), held)
except DiskFullError as error:
    print(error.what, error.got, sep="|")
print(*(disk / "inbox").iterdir())
"""


def test_a_copy_that_finds_no_space_is_told_with_the_bytes_and_leaves_nothing(
    run: Path, tmp_path: Path
) -> None:
    (tmp_path / "disk").mkdir()
    done = small_disks.run_python(COPYING, tmp_path / "disk", "1m", str(run), "8192")
    message, left = done.stdout.splitlines()
    size = sum(path.stat().st_size for path in run.rglob("*") if path.is_file())
    assert re.fullmatch(
        rf"the disk is full: the copy of {run} needs {size:,} bytes in .*/inbox"
        r"\|\d,\d+ bytes free",
        message,
    )
    assert left == ""


def test_a_copy_whose_job_cannot_be_queued_is_removed(run: Path, tmp_path: Path) -> None:
    def fail_to_queue() -> None:
        with ExitStack() as held:
            copy, _ = uploads.stage_recording(run, str(tmp_path / "inbox"), held)
            assert copy.exists()
            assert not locks.remove_abandoned(copy.parent)  # as a worker would
            raise KeyError

    with pytest.raises(KeyError):
        fail_to_queue()
    assert list((tmp_path / "inbox").iterdir()) == []


def test_a_model_file_goes_through_the_model_volume(tmp_path: Path, held: ExitStack) -> None:
    (tmp_path / "model.h5").write_bytes(b"h5")
    paths = [tmp_path / "model.h5"]
    assert uploads.stage_model(paths, tmp_path / "models", False, held) == paths
    (copy,) = uploads.stage_model(paths, tmp_path / "models", True, held)
    assert (copy.name, copy.parent.parent) == ("model.h5", tmp_path / "models" / ".inbox")
    assert copy.read_bytes() == b"h5"


def test_a_missing_model_file_is_reported(tmp_path: Path, held: ExitStack) -> None:
    with pytest.raises(ModelError, match="there is no such model file"):
        uploads.stage_model([tmp_path / "model.h5"], tmp_path / "models", True, held)


def test_the_folder_of_an_unpacked_model_is_copied(tmp_path: Path, held: ExitStack) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_bytes(b"{}")
    (copy,) = uploads.stage_model([tmp_path / "model"], tmp_path / "models", True, held)
    assert (copy.name, (copy / "config.json").read_bytes()) == ("model", b"{}")


def test_if_one_of_two_files_cannot_be_copied_no_copy_is_left(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_bytes(b"{}")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "dangling").symlink_to(tmp_path / "nowhere")
    paths = [tmp_path / "model.json", tmp_path / "weights"]
    with (
        pytest.raises(ModelError, match="cannot be copied to the trainer worker"),
        ExitStack() as held,
    ):
        uploads.stage_model(paths, tmp_path / "models", True, held)
    assert list((tmp_path / "models" / ".inbox").iterdir()) == []


@pytest.mark.parametrize("name", ["model.h5", "model.weights.h5", "model_weights.h5"])
def test_the_weights_beside_an_architecture_are_found(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"h5")
    (tmp_path / "other.h5").write_bytes(b"h5")
    assert uploads.find_weights(tmp_path / "model.json") == tmp_path / name


@pytest.mark.parametrize(
    ("names", "why"),
    [([], "got no --weights"), (["model.h5", "model_weights.h5"], "model.h5, model_weights.h5")],
)
def test_weights_that_are_in_doubt_are_asked_for(
    tmp_path: Path, names: list[str], why: str
) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"h5")
    with pytest.raises(ModelError, match=f"{why}.* --weights model.h5"):
        uploads.find_weights(tmp_path / "model.json")


def test_images_go_through_the_model_volume(tmp_path: Path, held: ExitStack) -> None:
    paths = [tmp_path / "a" / "1.jpg", tmp_path / "b" / "1.jpg"]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(bytes(path.parent.name, "ascii"))
    assert uploads.stage_images(paths, tmp_path / "models", False, held) == paths
    copies = uploads.stage_images(paths, tmp_path / "models", True, held)
    assert [copy.read_bytes() for copy in copies] == [b"a", b"b"]
    assert {copy.parent.parent for copy in copies} == {tmp_path / "models" / ".inbox"}


def test_a_missing_image_is_reported_before_any_is_copied(tmp_path: Path, held: ExitStack) -> None:
    (tmp_path / "1.jpg").write_bytes(b"jpg")
    with pytest.raises(FrameError, match="there is no such image"):
        uploads.stage_images([tmp_path / "1.jpg", tmp_path], tmp_path / "models", True, held)
    assert not (tmp_path / "models").exists()
