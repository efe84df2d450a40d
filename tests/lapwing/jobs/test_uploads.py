import errno
import os
from pathlib import Path

import pytest
from support.data import samples

from contract.errors import FrameError, ModelError, RecordingError
from lapwing.jobs import uploads


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return samples.recording(tmp_path / "run", rows=2)


def test_without_an_inbox_the_worker_reads_the_recording_itself(run: Path) -> None:
    assert uploads.stage_recording(run, "") == (run, False)


def test_with_an_inbox_the_worker_gets_a_copy_of_the_same_name(run: Path, tmp_path: Path) -> None:
    copy, staged = uploads.stage_recording(run, str(tmp_path / "inbox"))
    assert staged
    assert copy.name == "run"
    assert copy.parent.parent == tmp_path / "inbox"
    assert (copy / "driving_log.csv").read_bytes() == (run / "driving_log.csv").read_bytes()
    assert len(list((copy / "IMG").iterdir())) == 6


def test_an_archive_is_copied_too(tmp_path: Path) -> None:
    (tmp_path / "run.zip").write_bytes(b"zip")
    copy, _ = uploads.stage_recording(tmp_path / "run.zip", str(tmp_path / "inbox"))
    assert copy.read_bytes() == b"zip"


def test_a_missing_recording_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="there is no such recording"):
        uploads.stage_recording(tmp_path / "nothing", "")


def test_links_pipes_and_devices_are_not_copied(run: Path, tmp_path: Path) -> None:
    """Ingest reads none of them, and a device or a circle of links has no end."""
    (run / "IMG" / "dangling.jpg").symlink_to(tmp_path / "nowhere")
    (run / "IMG" / "zero.jpg").symlink_to("/dev/zero")
    (run / "IMG" / "circle").symlink_to(run)
    os.mkfifo(run / "IMG" / "pipe.jpg")
    copy, _ = uploads.stage_recording(run, str(tmp_path / "inbox"))
    assert len(list(copy.rglob("*"))) == 8


@pytest.mark.parametrize("inbox", ["", "inbox"])
def test_a_device_or_a_pipe_is_no_recording(tmp_path: Path, inbox: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (Path("/dev/zero"), tmp_path / "pipe"):
        with pytest.raises(RecordingError, match="neither a folder nor a regular file: got /"):
            uploads.stage_recording(path, inbox and str(tmp_path / inbox))
    assert not (tmp_path / "inbox").exists()


def test_a_failed_copy_leaves_nothing(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copytree", full)
    with pytest.raises(RecordingError, match="cannot be copied to the ingest worker"):
        uploads.stage_recording(run, str(tmp_path / "inbox"))
    assert list((tmp_path / "inbox").iterdir()) == []


def test_a_model_file_goes_through_the_model_volume(tmp_path: Path) -> None:
    (tmp_path / "model.h5").write_bytes(b"h5")
    paths = [tmp_path / "model.h5"]
    assert uploads.stage_model(paths, tmp_path / "models", False) == paths
    (copy,) = uploads.stage_model(paths, tmp_path / "models", True)
    assert (copy.name, copy.parent.parent) == ("model.h5", tmp_path / "models" / ".inbox")
    assert copy.read_bytes() == b"h5"


def test_a_missing_model_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no such model file"):
        uploads.stage_model([tmp_path / "model.h5"], tmp_path / "models", True)


def test_the_folder_of_an_unpacked_model_is_copied(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_bytes(b"{}")
    (copy,) = uploads.stage_model([tmp_path / "model"], tmp_path / "models", True)
    assert (copy.name, (copy / "config.json").read_bytes()) == ("model", b"{}")


def test_if_one_of_two_files_cannot_be_copied_no_copy_is_left(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_bytes(b"{}")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "dangling").symlink_to(tmp_path / "nowhere")
    paths = [tmp_path / "model.json", tmp_path / "weights"]
    with pytest.raises(ModelError, match="cannot be copied to the trainer worker"):
        uploads.stage_model(paths, tmp_path / "models", True)
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


def test_images_go_through_the_model_volume(tmp_path: Path) -> None:
    paths = [tmp_path / "a" / "1.jpg", tmp_path / "b" / "1.jpg"]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(bytes(path.parent.name, "ascii"))
    assert uploads.stage_images(paths, tmp_path / "models", False) == paths
    copies = uploads.stage_images(paths, tmp_path / "models", True)
    assert [copy.read_bytes() for copy in copies] == [b"a", b"b"]
    assert {copy.parent.parent for copy in copies} == {tmp_path / "models" / ".inbox"}


def test_a_missing_image_is_reported_before_any_is_copied(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(b"jpg")
    with pytest.raises(FrameError, match="there is no such image"):
        uploads.stage_images([tmp_path / "1.jpg", tmp_path], tmp_path / "models", True)
    assert not (tmp_path / "models").exists()
