import json
from pathlib import Path

import av
import cv2
import pytest
from support.data.roads import straight

from simulator.drivers.expert import DrivingStyle, Expert
from simulator.drivers.in_process import ExpertDriver
from simulator.episode.episode import EpisodeConfig, run_episode
from simulator.episode.initial_state import InitialState
from simulator.episode.result import EpisodeResult

TRACK = straight(40.0)


def drive(folder: Path | None, **settings: bool) -> tuple[EpisodeResult, int]:
    """Return the result and the number of pictures."""
    observations = []
    driver = ExpertDriver(Expert(TRACK, DrivingStyle(mph=25), 1))
    result = run_episode(
        TRACK,
        InitialState(offset_m=0.5),
        EpisodeConfig(**settings),
        driver,
        folder,
        observations.append,
    )
    return result, len(observations)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, EpisodeResult, int]:
    folder = tmp_path_factory.mktemp("episode") / "report"
    return (folder, *drive(folder))


def test_the_expert_succeeds(report: tuple[Path, EpisodeResult, int]) -> None:
    _, result, _ = report
    assert result.success
    assert result.conditions.lateral_m == 0.5
    assert result.distance_m == pytest.approx(40.0, abs=0.5)


def test_the_report_holds_the_result(report: tuple[Path, EpisodeResult, int]) -> None:
    folder, result, _ = report
    assert json.loads((folder / "drive.json").read_text()) == json.loads(
        json.dumps(result.document())
    )


def test_the_video_has_every_picture(report: tuple[Path, EpisodeResult, int]) -> None:
    folder, _, count = report
    with av.open(str(folder / "drive.mp4")) as video:
        assert sum(1 for _ in video.decode(video=0)) == count


def test_the_plot_is_a_picture(report: tuple[Path, EpisodeResult, int]) -> None:
    folder, _, _ = report
    assert cv2.imread(str(folder / "drive.png")).shape[1] == 1600


def test_a_video_is_made_only_on_request(tmp_path: Path) -> None:
    drive(tmp_path, video=False)
    assert {path.name for path in tmp_path.iterdir()} == {"drive.json", "drive.png"}


def test_without_a_folder_no_report_is_written(tmp_path: Path) -> None:
    result, _ = drive(None)
    assert result.success
    assert list(tmp_path.iterdir()) == []


def test_equal_starts_give_equal_drives(report: tuple[Path, EpisodeResult, int]) -> None:
    _, result, _ = report
    again, _ = drive(None)
    assert again == result
