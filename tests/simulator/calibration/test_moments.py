from itertools import pairwise
from pathlib import Path

import pytest
from support.data.roads import straight

from contract.errors import FrameError, RecordingError
from simulator.calibration.moments import read_moments
from simulator.recording.demonstrations import DemonstrationConfig, record_demonstration
from simulator.rendering.appearance import Appearance
from simulator.unity.number_format import find_locale


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("calibrate") / "run"
    config = DemonstrationConfig(mph=(20.0, 20.0))
    record_demonstration(straight(60.0), Appearance(), config, folder, find_locale("en-US"))
    return folder


def rewrite(run: Path, target: Path, column: int, value: str) -> Path:
    """Copy a recording with a column of its log replaced; the images stay where they are."""
    target.mkdir()
    lines = [line.split(",") for line in (run / "driving_log.csv").read_text().splitlines()]
    for fields in lines:
        fields[column] = value
    (target / "driving_log.csv").write_text("\n".join(map(",".join, lines)) + "\n")
    (target / "IMG").symlink_to(run / "IMG")
    return target


def test_moments_are_of_three_cameras_and_spread_over_the_recording(run: Path) -> None:
    moments = read_moments(run, 6)
    assert [len(moment) for moment in moments] == [3] * 6
    assert {image.shape for moment in moments for image in moment} == {(160, 320, 3)}
    assert all((one[0] != other[0]).any() for one, other in pairwise(moments))
    rows = len((run / "driving_log.csv").read_text().splitlines())
    # The car needs two seconds to 8 mph.
    assert rows - 40 < len(read_moments(run, 1000)) < rows


@pytest.mark.parametrize(
    ("column", "value"), [(3, "0.4"), (6, "2.0")], ids=["in a bend", "hardly moving"]
)
def test_a_recording_without_such_moments_is_refused(
    run: Path, tmp_path: Path, column: int, value: str
) -> None:
    with pytest.raises(RecordingError, match="no moment that tells how its cameras stand"):
        read_moments(rewrite(run, tmp_path / "other", column, value), 6)


def test_a_missing_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="there is no such recording"):
        read_moments(tmp_path / "gone", 6)


def test_a_broken_image_is_named(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    (copy / "IMG").mkdir(parents=True)
    for path in (run / "IMG").iterdir():
        (copy / "IMG" / path.name).write_bytes(path.read_bytes()[:2000])
    (copy / "driving_log.csv").write_text((run / "driving_log.csv").read_text())
    with pytest.raises(FrameError, match="an image of the recording cannot be used"):
        read_moments(copy, 6)
    assert read_moments(run, 1)[0][0].any()
