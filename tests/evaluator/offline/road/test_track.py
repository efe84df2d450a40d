"""Finds the road of drives in our simulator, whose place is known, and of real recordings."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from support.data import samples

from contract.errors import FrameError
from contract.vehicle import CAMERA_AHEAD_M
from evaluator.offline import logged_drive
from evaluator.offline.lens.recorded_pose import measure_pose
from evaluator.offline.road import track
from evaluator.offline.road.track import RoadTrack, find_recorded_road, find_road
from evaluator.offline.view_warp import PREFAB
from simulator.drivers.expert import DrivingStyle, Expert
from simulator.rendering.appearance import Appearance
from simulator.rendering.camera import Camera
from simulator.track.catalog import load_track
from simulator.world import World


@dataclass(frozen=True)
class KnownDrive:
    """A drive in the simulator, with the offset of the car from the road's middle."""

    pictures: np.ndarray
    time_s: np.ndarray
    steering: np.ndarray
    speed_mps: np.ndarray
    left_m: np.ndarray

    def find(self, image: Callable[[int], np.ndarray] | None = None) -> RoadTrack:
        segment = np.zeros(len(self.time_s), dtype=np.int64)
        return find_road(
            image or (lambda row: self.pictures[row]),
            self.time_s,
            self.steering,
            self.speed_mps,
            segment,
            # The simulator's car moves along its heading at its origin, not at its rear axle.
            ahead_m=CAMERA_AHEAD_M,
        )


@pytest.fixture(scope="module")
def known() -> KnownDrive:
    """Drive for 16 s on the lake in wide waves, with a bend to the left and one to the right."""
    road = load_track("lake")
    world = World(road, 60.0)
    expert = Expert(road, DrivingStyle(mph=20.0, weave_m=1.2), 1)
    pictures, rows = [], []
    with Camera(road, Appearance("clear", 1)) as camera:
        for row in range(240):
            world.steering, world.throttle = expert.command(world)
            pictures.append(camera.render(world.pose))
            rows.append((world.time_s, world.steering, world.speed_mps, world.position.lateral_m))
            for _ in world.advance_to((row + 1) / 15):
                pass
    return KnownDrive(np.array(pictures), *np.array(rows).T)


@pytest.fixture(scope="module")
def found(known: KnownDrive) -> RoadTrack:
    return known.find()


def test_the_offset_is_that_of_the_simulator(known: KnownDrive, found: RoadTrack) -> None:
    errors_m = np.abs(found.left_m - known.left_m)[found.found]
    assert np.ptp(known.left_m) > 2.0
    assert found.found.mean() > 0.8
    assert np.median(errors_m) <= 0.25
    assert np.quantile(errors_m, 0.95) <= 0.6


def test_the_offset_is_as_certain_as_it_says(known: KnownDrive, found: RoadTrack) -> None:
    """At least 95 % of errors are within two standard deviations, and these are no empty words."""
    rows = found.found
    errors_m = np.abs(found.left_m - known.left_m)[rows]
    assert (errors_m <= 2 * found.std_m[rows]).mean() >= 0.95
    assert np.median(found.std_m[rows]) < 0.35


def test_before_the_car_has_come_to_a_place_that_was_seen_nothing_is_said(
    known: KnownDrive, found: RoadTrack
) -> None:
    way_m = np.cumsum(known.speed_mps) / 15
    assert not found.found[way_m < 4.0].any()
    assert np.isnan(found.std_m[~found.found]).all()


def test_pictures_that_show_no_road_find_none(known: KnownDrive) -> None:
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 255, (4, 160, 320, 3)).astype(np.uint8)
    assert known.find(lambda row: noise[row % 4]).found.mean() < 0.1


def test_a_segment_knows_nothing_of_the_one_before(known: KnownDrive) -> None:
    segment = (np.arange(len(known.time_s)) >= 120).astype(np.int64)
    road = find_road(
        lambda row: known.pictures[row],
        known.time_s,
        known.steering,
        known.speed_mps,
        segment,
        ahead_m=CAMERA_AHEAD_M,
    )
    assert not road.found[120:128].any()
    assert road.found[150:].mean() > 0.8


def test_a_car_is_off_the_road_when_a_wheel_is_beyond_the_edge() -> None:
    """The road is 8 m wide, and the wheels are 1 m to each side of the car's middle."""
    road = RoadTrack(8.0, np.array([0.0, 2.0, -2.0, np.nan, 3.1]), np.full(5, 0.1))
    assert road.off_road(np.zeros(5)).tolist() == [False, False, False, False, True]
    assert road.off_road(np.full(5, 1.1)).tolist() == [False, True, False, False, True]
    assert road.off_road(np.full(5, -1.1)).tolist() == [False, False, True, False, False]


def test_images_of_another_shape_are_refused(tmp_path: Path) -> None:
    folder = samples.recording(tmp_path / "run", rows=10)
    for path in (folder / "IMG").iterdir():
        path.write_bytes(samples.jpeg(height=120, width=160))
    with pytest.raises(FrameError, match=r"\(120, 160, 3\).*--no-road"):
        find_recorded_road(logged_drive.read_folder(folder), PREFAB)


def test_the_driver_of_a_real_lap_stays_on_the_lakes_road() -> None:
    """Its frames show the car on the asphalt, mostly to the right of the middle.

    The lines of its road are about 7 m apart, and its bridge is about 10.5 m wide: read off a
    picture of the ground by eye.
    """
    drive = logged_drive.read_folder(samples.shared("data", "lake"))
    road = find_recorded_road(drive, measure_pose(drive).pose)
    assert road.found.mean() > 0.7
    assert 6.5 <= road.width_m <= 9.0
    assert road.off_road(np.zeros(len(road.left_m)))[road.found].mean() < 0.02
    assert -1.5 < np.nanmedian(road.left_m) < -0.2
    assert np.nanmax(road.std_m) <= track.MAX_STD_M
