import json
from pathlib import Path

import av
import cv2
import pytest
from support.data.roads import straight

from simulator.drivers.expert import Expert, Manner
from simulator.drivers.in_process import Local
from simulator.episode.episode import Terms, run
from simulator.episode.initial_state import Start
from simulator.episode.result import Outcome

TRACK = straight(40.0)


def tried(folder: Path | None, **terms: bool) -> tuple[Outcome, int]:
    """Return the outcome, and how many pictures there were."""
    seen = []
    driver = Local(Expert(TRACK, Manner(mph=25), 1))
    result = run(TRACK, Start(offset_m=0.5), Terms(**terms), driver, folder, seen.append)
    return result, len(seen)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome, int]:
    folder = tmp_path_factory.mktemp("trial") / "report"
    return (folder, *tried(folder))


def test_the_expert_succeeds(kept: tuple[Path, Outcome, int]) -> None:
    _, result, _ = kept
    assert result.success
    assert result.conditions.lateral_m == 0.5
    assert result.distance_m == pytest.approx(40.0, abs=0.5)


def test_the_report_says_what_came_of_it(kept: tuple[Path, Outcome, int]) -> None:
    folder, result, _ = kept
    assert json.loads((folder / "drive.json").read_text()) == json.loads(
        json.dumps(result.document())
    )


def test_the_film_has_every_picture(kept: tuple[Path, Outcome, int]) -> None:
    folder, _, count = kept
    with av.open(str(folder / "drive.mp4")) as film:
        assert sum(1 for _ in film.decode(video=0)) == count


def test_the_chart_is_a_picture(kept: tuple[Path, Outcome, int]) -> None:
    folder, _, _ = kept
    assert cv2.imread(str(folder / "drive.png")).shape[1] == 1200


def test_a_film_is_not_made_where_none_is_wanted(tmp_path: Path) -> None:
    tried(tmp_path, film=False)
    assert {path.name for path in tmp_path.iterdir()} == {"drive.json", "drive.png"}


def test_nothing_is_kept_where_nothing_is_wanted(tmp_path: Path) -> None:
    result, _ = tried(None)
    assert result.success
    assert list(tmp_path.iterdir()) == []


def test_the_same_start_is_the_same_drive(kept: tuple[Path, Outcome, int]) -> None:
    _, result, _ = kept
    again, _ = tried(None)
    assert again == result
