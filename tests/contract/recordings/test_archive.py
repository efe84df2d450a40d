import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.data import samples

from contract.errors import RecordingError
from contract.recordings import archive, driving_log
from contract.recordings.image_paths import match_images
from contract.recordings.log_text import MAX_LOG_BYTES


def names(source: Path, scratch: Path) -> list[str]:
    with archive.open_recordings(source, scratch) as recordings:
        return [recording.name for recording in recordings]


def digest(source: Path, listed: list[str], scratch: Path) -> str:
    with (
        archive.open_recordings(source, scratch) as (recording,),
        ThreadPoolExecutor(2) as executor,
    ):
        return recording.digest(listed, executor)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return samples.recording(tmp_path / "run", rows=4)


def test_a_folder_is_a_recording(run: Path, tmp_path: Path) -> None:
    with archive.open_recordings(run, tmp_path / "scratch") as (recording,):
        assert recording.name == "run"
        assert len(recording.images) == 12


def test_images_may_lie_next_to_the_log(run: Path, tmp_path: Path) -> None:
    for image in (run / "IMG").iterdir():
        shutil.move(image, run / image.name)
    (run / "IMG").rmdir()
    with archive.open_recordings(run, tmp_path / "scratch") as (recording,):
        assert f"center_{samples.stamp(0)}.jpg" in recording.images


def test_a_driving_log_stands_for_its_folder(run: Path, tmp_path: Path) -> None:
    assert names(run / "driving_log.csv", tmp_path / "scratch") == ["run"]
    assert archive.recording_path(run / "driving_log.csv") == run
    assert archive.recording_path(run / "other.csv") == run / "other.csv"


def test_images_in_sub_folders_have_their_path_as_key(run: Path, tmp_path: Path) -> None:
    for name in ("IMG/lap1/c.png", "day2/IMG/c.jpg", "day2/notes.txt", "c.jpg"):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).touch()
    with archive.open_recordings(run, tmp_path / "scratch") as (recording,):
        below = {key: path for key, path in recording.images.items() if "/" in key}
        assert len(recording.images) == 12 + len(below)
    assert below == {name: run / name for name in ("IMG/lap1/c.png", "day2/IMG/c.jpg")}


@pytest.mark.parametrize(
    ("name", "dataset"),
    [
        ("lake", "lake-e8612b61"),
        ("lake-2", "lake-2-ae3eaed3"),
        ("lake-3", "lake-3-b84bab61"),
        ("jungle", "jungle-64a2debf"),
        ("lake-decimal-comma", "lake-decimal-comma-4547bf86"),
    ],
)
def test_real_recordings_have_the_names_of_release_0_1_0(
    name: str, dataset: str, tmp_path: Path
) -> None:
    """Release 0.1.0 imported them under these names, which contain the digest."""
    source = samples.shared("data", name)
    with (
        archive.open_recordings(source, tmp_path) as (recording,),
        ThreadPoolExecutor(2) as executor,
    ):
        log = match_images(driving_log.read(recording.read_log()), recording.images)
        assert recording.dataset(recording.digest(log.images(), executor)) == dataset


def test_a_folder_of_folders_holds_several_recordings(tmp_path: Path) -> None:
    samples.recording(tmp_path / "runs" / "run1", rows=1)
    samples.recording(tmp_path / "runs" / "run2", rows=1)
    assert names(tmp_path / "runs", tmp_path / "scratch") == ["runs-run1", "runs-run2"]


@pytest.mark.parametrize("archive_format", ["zip", "tar", "gztar", "bztar", "xztar"])
def test_an_archive_is_unpacked_and_removed_again(
    run: Path, tmp_path: Path, archive_format: str
) -> None:
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), archive_format, run.parent, "run"))
    with archive.open_recordings(packed, tmp_path / "scratch") as (recording,):
        assert recording.name == "packed"
        assert len(recording.images) == 12
    assert list((tmp_path / "scratch").iterdir()) == []


def test_leftovers_of_a_killed_import_are_removed(run: Path, tmp_path: Path) -> None:
    leftover = tmp_path / "scratch" / "0123"
    leftover.mkdir(parents=True)
    (leftover / "big").touch()
    leftover.with_suffix(".lock").touch()
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", run))
    names(packed, tmp_path / "scratch")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_what_another_import_has_unpacked_is_no_leftover(run: Path, tmp_path: Path) -> None:
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", run))
    scratch = tmp_path / "scratch"
    with archive.open_recordings(packed, scratch) as (recording,):
        assert names(packed, scratch) == ["packed"]
        archive.remove_leftovers(scratch)
        assert len(recording.read().rows) == 4
        assert all(path.exists() for path in recording.images.values())
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("name", ["driving_log.csv", "manifest.json", "meta.json", "record_1.json"])
def test_a_pipe_among_the_files_of_a_recording_is_refused(tmp_path: Path, name: str) -> None:
    """Opened as a file, it would be waited for without end."""
    run = samples.recording(tmp_path / "run", rows=1)
    if name != "driving_log.csv":
        (run / "driving_log.csv").unlink()
        (run / "record_2.json").touch()
    (run / name).unlink(missing_ok=True)
    os.mkfifo(run / name)
    with (
        pytest.raises(RecordingError, match=r"it is not a regular file|no driving_log|Donkey tub"),
        archive.open_recordings(run, tmp_path / "scratch") as (recording,),
    ):
        recording.read()


def test_a_device_and_a_pipe_are_no_archives(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for source in (Path("/dev/zero"), tmp_path / "pipe"):
        with pytest.raises(RecordingError, match=r"got .*it is not a regular file"):
            names(source, tmp_path / "scratch")


def test_a_log_that_is_too_large_is_not_read(run: Path, tmp_path: Path) -> None:
    os.truncate(run / "driving_log.csv", MAX_LOG_BYTES + 1)
    with (
        archive.open_recordings(run, tmp_path / "scratch") as (recording,),
        pytest.raises(RecordingError, match=r"cannot be read: got 167,772,161 bytes, and at most"),
    ):
        recording.read()


def test_a_log_of_too_many_lines_is_refused() -> None:
    for end in (b"\n", b"\r", b"\r\n"):
        with pytest.raises(RecordingError, match="too many rows: got 600,001, and at most 600,000"):
            driving_log.read(end * (600_000 + 1))


def test_links_are_not_followed(run: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (run / "IMG" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    with archive.open_recordings(run, tmp_path / "scratch") as (recording,):
        assert "link.jpg" not in recording.images


def test_a_linked_log_is_no_recording(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "both" / "lake")
    linked = tmp_path / "both" / "linked"
    linked.mkdir()
    (linked / "driving_log.csv").symlink_to(run / "driving_log.csv")
    assert names(tmp_path / "both", tmp_path / "scratch") == ["both"]
    with pytest.raises(RecordingError, match=r"there is no driving_log\.csv in the recording"):
        names(linked, tmp_path / "scratch")


def test_folders_of_images_that_are_links_are_not_followed(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (run / "driving_log.csv").rename(other / "driving_log.csv")
    (other / "IMG").symlink_to(run / "IMG")
    (other / "day2").symlink_to(run / "IMG")
    with archive.open_recordings(other, tmp_path / "scratch") as (recording,):
        assert recording.images == {"driving_log.csv": other / "driving_log.csv"}
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "c.jpg").touch()
    for link in (run / "IMG" / "lap1", run / "day2"):
        link.symlink_to(tmp_path / "more")
    (run / "driving_log.csv").write_bytes((other / "driving_log.csv").read_bytes())
    with archive.open_recordings(run, tmp_path / "scratch") as (recording,):
        assert len(recording.images) == 12


def test_the_same_content_in_another_folder_has_the_same_digest(run: Path, tmp_path: Path) -> None:
    listed = [f"center_{samples.stamp(row)}.jpg" for row in range(4)]
    first = digest(run, listed, tmp_path / "scratch")
    other = shutil.copytree(run, tmp_path / "other")
    (other / "IMG" / "unlisted.jpg").write_bytes(b"x")
    assert digest(other, listed, tmp_path / "scratch") == first
    (other / "IMG" / listed[2]).write_bytes(b"x")
    assert digest(other, listed, tmp_path / "scratch") != first


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "there is no such recording"),
        (lambda path: path.mkdir(), r"no driving_log\.csv in the recording"),
        (lambda path: path.write_text("x"), "neither a folder nor a zip nor a tar"),
    ],
)
def test_a_source_without_a_recording_is_refused(
    tmp_path: Path, make: Callable[[Path], object], message: str
) -> None:
    make(tmp_path / "source")
    with pytest.raises(RecordingError, match=message):
        names(tmp_path / "source", tmp_path / "scratch")
