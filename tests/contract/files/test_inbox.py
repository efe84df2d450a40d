import logging
from pathlib import Path

import pytest

from contract.errors import RecordingError
from contract.files import inbox


def test_copies_are_removed_from_the_inbox_and_from_nowhere_else(tmp_path: Path) -> None:
    folders = ("models/.inbox/a1", "elsewhere", "models/deep")
    copies = [tmp_path / folder / "mine.jpg" for folder in folders]
    for path in copies:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"jpg")
    outside = tmp_path / "models" / ".inbox" / ".." / "deep" / "mine.jpg"
    inbox.discard([*copies, outside], tmp_path / "models" / inbox.MODEL_FILES)
    assert [path.exists() for path in copies] == [False, True, True]
    assert (tmp_path / "models" / ".inbox").is_dir()


def test_an_inbox_may_be_named_through_a_link(tmp_path: Path) -> None:
    copy = tmp_path / "volume" / "inbox" / "a1" / "lake.zip"
    copy.parent.mkdir(parents=True)
    copy.touch()
    (tmp_path / "data").symlink_to(tmp_path / "volume")
    inbox.discard([tmp_path / "data" / "inbox" / "a1" / "lake.zip"], tmp_path / "data" / "inbox")
    assert not copy.parent.exists()


def test_a_copy_that_cannot_be_removed_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The job does not fail when the folder of a copy does not exist any more."""
    with caplog.at_level(logging.WARNING):
        inbox.discard([tmp_path / "inbox" / "gone" / "lake.zip"], tmp_path / "inbox")
    assert "cannot be removed" in caplog.text


@pytest.mark.parametrize("final", [True, False])
def test_a_copy_is_kept_while_its_job_will_be_run_again(tmp_path: Path, final: bool) -> None:
    copy = tmp_path / "inbox" / "a1" / "lake.zip"
    copy.parent.mkdir(parents=True)
    copy.touch()
    kept = inbox.kept_for_retries([copy], tmp_path / "inbox", lambda error: final)
    with pytest.raises(KeyError), kept:
        raise KeyError
    assert copy.exists() is not final


def test_a_copy_is_removed_when_its_job_is_done(tmp_path: Path) -> None:
    copy = tmp_path / "inbox" / "a1" / "lake.zip"
    copy.parent.mkdir(parents=True)
    with inbox.kept_for_retries([copy], tmp_path / "inbox", lambda error: False):
        pass
    assert not copy.parent.exists()


@pytest.mark.parametrize(
    "name", ["/etc", "../../x", "..", ".", "", ".x", "a/b", "a\0", "x" * 300, 7]
)
def test_a_name_from_the_queue_that_is_a_path_is_refused(tmp_path: Path, name: object) -> None:
    with pytest.raises(RecordingError, match="needs a plain name"):
        inbox.new_folder(tmp_path, "collect-1", name)  # type: ignore[arg-type]


def test_a_link_that_leads_out_of_the_inbox_is_refused(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "inbox" / "collect-1").mkdir(parents=True)
    (tmp_path / "inbox" / "collect-1" / "lake").symlink_to(tmp_path / "precious")
    with pytest.raises(RecordingError, match="a link leads out of the inbox"):
        inbox.new_folder(tmp_path / "inbox", "collect-1", "lake")


def test_a_plain_name_has_its_folder_in_the_inbox(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "data")
    inbox_path = tmp_path / "linked" / "inbox"
    folder = inbox.new_folder(inbox_path, "collect-1", "lake-dagger v1.2")
    assert folder == inbox_path / "collect-1" / "lake-dagger v1.2"
