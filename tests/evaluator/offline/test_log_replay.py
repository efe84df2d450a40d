"""Replays drivers whose rank is known beforehand, on rendered and on real recordings."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from support.data import roads, samples, tubs

from contract.errors import FrameError, RecordingError
from evaluator.offline import logged_drive
from evaluator.offline.log_replay import LogReplayResult, ReplayStep, replay_log
from evaluator.offline.replay_policies import make_policy
from evaluator.offline.view_warp import ViewWarp
from simulator.recording.demonstrations import DemonstrationConfig, record_demonstration
from simulator.rendering.appearance import Appearance
from simulator.unity.number_format import LOCALES


@pytest.fixture(scope="module")
def warp() -> ViewWarp:
    return ViewWarp()


@pytest.fixture(scope="module")
def lap(tmp_path_factory: pytest.TempPathFactory) -> logged_drive.LoggedDrive:
    """Return one lap around a circle of 40 m, driven by the simulator's expert."""
    folder = tmp_path_factory.mktemp("rerun") / "circle"
    record_demonstration(
        roads.circle(),
        Appearance("clear"),
        DemonstrationConfig(mph=(20.0, 20.0)),
        folder,
        LOCALES["en-US"],
    )
    return logged_drive.read_folder(folder)


def replay(drive: logged_drive.LoggedDrive, name: str, limit_m: float, warp: ViewWarp):
    return replay_log(drive, make_policy(name, drive, None, 1), limit_m, warp)


def check_the_order(drive: logged_drive.LoggedDrive, warp: ViewWarp) -> None:
    for limit_m in (1.0, 3.0):
        kept, zero, mirrored = (
            replay(drive, name, limit_m, warp) for name in ("recorded", "zero", "mirrored")
        )
        assert kept.autonomy_percent >= 99.9
        assert kept.rmse_m == 0.0
        assert zero.autonomy_percent < kept.autonomy_percent - 50
        assert mirrored.autonomy_percent <= zero.autonomy_percent
        assert mirrored.autonomy_percent < kept.autonomy_percent - 50


def test_the_sanity_policies_keep_their_order_on_a_rendered_lap(
    lap: logged_drive.LoggedDrive, warp: ViewWarp
) -> None:
    check_the_order(lap, warp)


@pytest.mark.parametrize("name", ["lake", "lake-2", "jungle", "lake-decimal-comma"])
def test_the_sanity_policies_keep_their_order_on_real_recordings(name: str, warp: ViewWarp) -> None:
    check_the_order(logged_drive.read_folder(samples.shared("data", name)), warp)


def test_interventions_are_at_the_rows_where_the_limit_is_passed(
    lap: logged_drive.LoggedDrive, warp: ViewWarp
) -> None:
    result = replay(lap, "zero", 1.0, warp)
    for event in result.interventions:
        assert abs(event.left_m) > 1.0
        assert event.time_s == lap.time_s[event.row]
        assert event.left_m == result.left_m[event.row]
        if event.row + 1 < len(result.left_m):
            assert abs(result.left_m[event.row + 1]) < 0.2  # it was put back
    beyond = np.flatnonzero(np.abs(result.left_m) > 1.0)
    assert beyond.tolist() == [event.row for event in result.interventions]
    expected = 100 * (1 - 6 * len(beyond) / lap.moving_s().sum())
    assert result.autonomy_percent == pytest.approx(expected)
    # In a bend to the left, a car that goes straight leaves the path on the right.
    assert all(event.left_m < 0 for event in result.interventions[1:])
    assert result.document(None)["interventions"][0]["row"] == result.interventions[0].row


def test_a_driver_that_uses_the_view_finds_back_to_the_path(
    lap: logged_drive.LoggedDrive, warp: ViewWarp
) -> None:
    """The view closes the loop: a driver that follows the grey of the road stays near the path."""
    offsets_px: dict[int, float] = {}

    def centroid(picture: np.ndarray) -> float:
        band = picture[80:110].astype(float)
        grey = np.abs(band - band.mean(axis=2, keepdims=True)).sum(axis=2) < 40
        return float(np.nonzero(grey)[1].mean()) if grey.any() else 160.0

    reference = {}
    replay_log(
        lap,
        make_policy("recorded", lap, None, 1),
        3.0,
        warp,
        lambda step: reference.update({step.row: centroid(step.view())}),
    )

    def follow_road(row, view_row):
        offset_px = centroid(view_row(row)) - reference[row]
        offsets_px[row] = offset_px
        return float(np.clip(0.01 * offset_px + 0.9 * lap.steering[row], -1, 1))

    def without_view(row, view_row):
        return 0.9 * float(lap.steering[row])

    with_view, blind = (
        replay_log(lap, policy, 3.0, warp) for policy in (follow_road, without_view)
    )
    assert max(map(abs, offsets_px.values())) > 0
    assert len(blind.interventions) > 0
    assert len(with_view.interventions) == 0
    assert with_view.rmse_m < blind.rmse_m / 2


class Numbered(logged_drive.LoggedDrive):
    """A drive whose images show the numbers of their rows."""

    def image(self, row: int, camera: int) -> np.ndarray:
        return np.full((160, 320, 3), row % 251, np.uint8)


def test_shuffled_shows_every_recorded_frame_once(
    lap: logged_drive.LoggedDrive,
) -> None:
    drive = Numbered(**{field.name: getattr(lap, field.name) for field in fields(lap)})
    orders = []
    for name in ("model", "shuffled", "shuffled"):
        policy = make_policy(name, drive, lambda frame: float(frame[0, 0, 0]), 7)
        orders.append(
            [policy(row, lambda row: drive.image(row, 0)) for row in range(len(lap.steering))]
        )
    assert orders[0] == [row % 251 for row in range(len(lap.steering))]
    assert orders[1] == orders[2] != orders[0]
    assert sorted(orders[1]) == sorted(orders[0])


def test_after_a_pause_the_car_starts_on_the_path(tmp_path: Path, warp: ViewWarp) -> None:
    folder = samples.recording(tmp_path / "run", rows=60)
    log = folder / "driving_log.csv"
    lines = log.read_text().splitlines()
    log.write_text("\n".join(lines[:20] + lines[40:]))
    drive = logged_drive.read_folder(folder)
    result = replay(drive, "zero", 20.0, warp)
    assert result.left_m[19] != 0.0
    assert (result.left_m[20], result.heading_rad[20]) == (0.0, 0.0)
    assert result.elapsed_s == pytest.approx(38 * samples.ROW_MS / 1000)


def test_each_row_is_passed_to_on_step(lap: logged_drive.LoggedDrive, warp: ViewWarp) -> None:
    steps: list[ReplayStep] = []
    shares: list[float] = []
    policy = make_policy("zero", lap, None, 1)
    result = replay_log(lap, policy, 1.0, warp, steps.append, shares.append)
    assert [step.row for step in steps] == list(range(len(lap.steering)))
    assert [step.row for step in steps if step.intervened] == [
        event.row for event in result.interventions
    ]
    assert all(abs(step.left_m) <= 1.0 for step in steps)
    assert shares[-1] == 1.0
    assert steps[-1].view().shape == (160, 320, 3)


def test_a_broken_image_is_named(tmp_path: Path, warp: ViewWarp) -> None:
    drive = logged_drive.read_folder(samples.recording(tmp_path / "run", rows=5))
    drive.image_paths[2][0].write_bytes(b"\xff\xd8\xff nothing more")
    policy = make_policy("model", drive, lambda frame: 0.0, 1)
    with pytest.raises(FrameError, match=f"cannot be used: {drive.image_paths[2][0].name}"):
        replay_log(drive, policy, 1.0, warp)


def test_nothing_drives_along_a_recording_without_a_speed(tmp_path: Path, warp: ViewWarp) -> None:
    drive = logged_drive.read_folder(tubs.tub(tmp_path / "tub", 10))
    with pytest.raises(RecordingError, match="its speed is not known: got 10 of 10 rows"):
        replay(drive, "recorded", 1.0, warp)


def test_the_steady_part_of_an_offset_is_taken_out() -> None:
    """A median of 1.5; the rest is -1.5, 0, 0, 0 and 1."""
    left_m = np.array([0.0, 1.5, 1.5, 1.5, 2.5])
    result = LogReplayResult(3.0, left_m, left_m, left_m, (), 1.0, 0.1)
    steady_m, remaining_m = result.steady_offset_m()
    assert (steady_m, remaining_m) == (1.5, pytest.approx(((2.25 + 1.0) / 5) ** 0.5))
    document = result.document(None)
    assert document["steady_offset_m"] == steady_m
    assert document["deviation_without_steady_rmse_m"] == remaining_m
