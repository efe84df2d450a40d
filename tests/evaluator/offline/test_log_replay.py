"""Drivers whose rank is known beforehand, on made and on real recordings."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from support.data import roads, samples

from contract.errors import FrameError
from evaluator.offline import logged_drive
from evaluator.offline.log_replay import ReplayStep, replay_log
from evaluator.offline.replay_policies import make_policy
from evaluator.offline.view_warp import ViewWarp
from simulator.recording.demonstrations import Lesson, record
from simulator.rendering.appearance import Look
from simulator.unity.number_format import LOCALES


@pytest.fixture(scope="module")
def lens() -> ViewWarp:
    return ViewWarp()


@pytest.fixture(scope="module")
def lap(tmp_path_factory: pytest.TempPathFactory) -> logged_drive.LoggedDrive:
    """Once around a circle of 40 m by our own simulator's expert."""
    folder = tmp_path_factory.mktemp("rerun") / "circle"
    record(roads.circle(), Look("clear"), Lesson(mph=(20.0, 20.0)), folder, LOCALES["en-US"])
    return logged_drive.read_folder(folder)


def driven(road: logged_drive.LoggedDrive, name: str, limit_m: float, lens: ViewWarp):
    return replay_log(road, make_policy(name, road, None, 1), limit_m, lens)


def check_the_order(road: logged_drive.LoggedDrive, lens: ViewWarp) -> None:
    for limit_m in (1.0, 3.0):
        kept, zero, mirrored = (
            driven(road, name, limit_m, lens) for name in ("recorded", "zero", "mirrored")
        )
        assert kept.autonomy_percent >= 99.9
        assert kept.rmse_m == 0.0
        assert zero.autonomy_percent < kept.autonomy_percent - 50
        assert mirrored.autonomy_percent <= zero.autonomy_percent
        assert mirrored.autonomy_percent < kept.autonomy_percent - 50


def test_the_sanity_policies_order_on_a_lap_of_our_own(
    lap: logged_drive.LoggedDrive, lens: ViewWarp
) -> None:
    check_the_order(lap, lens)


@pytest.mark.parametrize("name", ["lake", "lake-2", "jungle", "lake-decimal-comma"])
def test_the_sanity_policies_order_on_real_recordings(name: str, lens: ViewWarp) -> None:
    check_the_order(logged_drive.read_folder(samples.shared("data", name)), lens)


def test_an_intervention_is_where_and_when_the_limit_was_passed(
    lap: logged_drive.LoggedDrive, lens: ViewWarp
) -> None:
    result = driven(lap, "zero", 1.0, lens)
    for each in result.interventions:
        assert abs(each.left_m) > 1.0
        assert each.time_s == lap.time_s[each.row]
        assert each.left_m == result.left_m[each.row]
        if each.row + 1 < len(result.left_m):
            assert abs(result.left_m[each.row + 1]) < 0.2  # it was put back
    beyond = np.flatnonzero(np.abs(result.left_m) > 1.0)
    assert beyond.tolist() == [each.row for each in result.interventions]
    expected = 100 * (1 - 6 * len(beyond) / lap.moving_s().sum())
    assert result.autonomy_percent == pytest.approx(expected)
    # A bend to the left: who goes straight leaves it on the right.
    assert all(each.left_m < 0 for each in result.interventions[1:])
    assert result.document()["interventions"][0]["row"] == result.interventions[0].row


def test_a_driver_who_looks_is_shown_where_it_is_and_finds_back(
    lap: logged_drive.LoggedDrive, lens: ViewWarp
) -> None:
    """What is seen closes the loop: steered by the grey of the road's middle, it keeps near it."""
    wanted: dict[int, float] = {}

    def centroid(picture: np.ndarray) -> float:
        band = picture[80:110].astype(float)
        grey = np.abs(band - band.mean(axis=2, keepdims=True)).sum(axis=2) < 40
        return float(np.nonzero(grey)[1].mean()) if grey.any() else 160.0

    reference = {}
    replay_log(
        lap,
        make_policy("recorded", lap, None, 1),
        3.0,
        lens,
        lambda moment: reference.update({moment.row: centroid(moment.look())}),
    )

    def looking(row, look):
        off = centroid(look(row)) - reference[row]
        wanted[row] = off
        return float(np.clip(0.01 * off + 0.9 * lap.steering[row], -1, 1))

    def blind(row, look):
        return 0.9 * float(lap.steering[row])

    seeing, unseeing = (replay_log(lap, each, 3.0, lens) for each in (looking, blind))
    assert max(map(abs, wanted.values())) > 0
    assert len(unseeing.interventions) > 0
    assert len(seeing.interventions) == 0
    assert seeing.rmse_m < unseeing.rmse_m / 2


class Numbered(logged_drive.LoggedDrive):
    """Its pictures tell their rows."""

    def picture(self, row: int, camera: int) -> np.ndarray:
        return np.full((160, 320, 3), row % 251, np.uint8)


def test_shuffled_frames_are_all_shown_once_as_they_were_recorded(
    lap: logged_drive.LoggedDrive,
) -> None:
    road = Numbered(**{each.name: getattr(lap, each.name) for each in fields(lap)})
    orders = []
    for name in ("model", "shuffled", "shuffled"):
        chosen = make_policy(name, road, lambda seen: float(seen[0, 0, 0]), 7)
        orders.append(
            [chosen(row, lambda row: road.image(row, 0)) for row in range(len(lap.steering))]
        )
    assert orders[0] == [row % 251 for row in range(len(lap.steering))]
    assert orders[1] == orders[2] != orders[0]
    assert sorted(orders[1]) == sorted(orders[0])


def test_pauses_begin_anew_and_cost_nothing(tmp_path: Path, lens: ViewWarp) -> None:
    folder = samples.recording(tmp_path / "run", rows=60)
    log = folder / "driving_log.csv"
    lines = log.read_text().splitlines()
    log.write_text("\n".join(lines[:20] + lines[40:]))
    road = logged_drive.read_folder(folder)
    result = driven(road, "zero", 20.0, lens)
    assert result.left_m[19] != 0.0
    assert (result.left_m[20], result.heading_rad[20]) == (0.0, 0.0)
    assert result.elapsed_s == pytest.approx(38 * samples.ROW_MS / 1000)


def test_who_films_is_told_each_row_as_it_is_driven(
    lap: logged_drive.LoggedDrive, lens: ViewWarp
) -> None:
    moments: list[ReplayStep] = []
    shares: list[float] = []
    chosen = make_policy("zero", lap, None, 1)
    result = replay_log(lap, chosen, 1.0, lens, moments.append, shares.append)
    assert [each.row for each in moments] == list(range(len(lap.steering)))
    assert [each.row for each in moments if each.intervened] == [
        each.row for each in result.interventions
    ]
    assert all(abs(each.left_m) <= 1.0 for each in moments)
    assert shares[-1] == 1.0
    assert moments[-1].look().shape == (160, 320, 3)


def test_a_broken_picture_is_named(tmp_path: Path, lens: ViewWarp) -> None:
    road = logged_drive.read_folder(samples.recording(tmp_path / "run", rows=5))
    road.image_paths[2][0].write_bytes(b"\xff\xd8\xff nothing more")
    chosen = make_policy("model", road, lambda seen: 0.0, 1)
    with pytest.raises(FrameError, match=f"cannot be used: {road.image_paths[2][0].name}"):
        replay_log(road, chosen, 1.0, lens)
