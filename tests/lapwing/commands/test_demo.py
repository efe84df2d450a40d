from pathlib import Path

import pytest

from lapwing.commands.demo import demo_folder


@pytest.mark.parametrize(
    ("recording", "expected"),
    [
        (None, "demo"),
        (Path("/recordings/Track 1 (Lake).zip"), "demo-track-1-lake-zip"),
        (Path("/recordings/lake/"), "demo-lake"),
        (Path("/recordings/???"), "demo-recording"),
    ],
)
def test_each_recording_has_a_folder_of_its_own(recording: Path | None, expected: str) -> None:
    assert demo_folder(recording) == expected
