"""The warp against pictures that our own renderer takes from the place in question."""

import math

import numpy as np
import pytest
from support.data import roads

from contract.errors import FrameError
from contract.frames import preprocess
from contract.frames.spec import SHAPE
from contract.vehicle import CAMERA_NAMES
from evaluator.offline.view_warp import FRAME, LEFT_M, ViewWarp, camera_rotation
from simulator.rendering.appearance import Look
from simulator.rendering.camera import Camera

ROAD = roads.straight(300.0)
BONNET_ROW = 125
"""From here on the car's bonnet is in the picture, which moves with the car."""


@pytest.fixture(scope="module")
def camera():
    with Camera(ROAD, Look("clear")) as eye:
        yield eye


@pytest.fixture(scope="module")
def lens() -> ViewWarp:
    return ViewWarp(ahead_m=1.0)  # of our renderer's car, whose origin is what has a pose


def alike(lens: ViewWarp, one: np.ndarray, other: np.ndarray) -> float:
    """The correlation of two pictures' ground."""
    ground = lens.ground.copy()
    ground[BONNET_ROW:] = False
    return float(np.corrcoef(one[ground].ravel(), other[ground].ravel())[0, 1])


@pytest.mark.parametrize(
    ("left_m", "turn_rad", "at_least"),
    [
        (0.5, 0.0, 0.93),
        (0.8, 0.0, 0.97),
        (1.0, 0.0, 0.94),
        (-0.8, 0.0, 0.97),
        (0.0, 0.05, 0.91),
        (-1.0, -0.05, 0.89),
        (1.0, 0.1, 0.85),
    ],
)
def test_the_view_from_beside_is_what_is_seen_there(
    camera: Camera, lens: ViewWarp, left_m: float, turn_rad: float, at_least: float
) -> None:
    truth = camera.image(ROAD.pose(60.0, left_m, turn_rad))
    here = ROAD.pose(60.0, 0.0)
    nearest = lens.nearest_camera(3, left_m, turn_rad)
    view = lens.warp(camera.image(here, CAMERA_NAMES[nearest]), nearest, left_m, turn_rad)
    centre = camera.image(here)
    warped, unwarped = alike(lens, view, truth), alike(lens, centre, truth)
    wrong = alike(lens, lens.warp(centre, 0, -left_m, -turn_rad), truth)
    assert warped >= at_least
    assert 1 - warped < (1 - unwarped) / 2
    assert wrong < unwarped


def test_the_one_camera_of_a_centre_only_recording_does_nearly_as_well(
    camera: Camera, lens: ViewWarp
) -> None:
    truth = camera.image(ROAD.pose(60.0, 0.8))
    centre, left = (camera.image(ROAD.pose(60.0, 0.0), side) for side in ("center", "left"))
    alone = alike(lens, lens.warp(centre, 0, 0.8, 0.0), truth)
    assert alike(lens, centre, truth) + 0.2 < alone
    assert alone < alike(lens, lens.warp(left, 1, 0.8, 0.0), truth)


def test_the_view_from_the_recorded_place_is_the_picture_itself(lens: ViewWarp) -> None:
    picture = np.random.default_rng(1).integers(0, 256, FRAME, np.uint8)
    assert lens.warp(picture, 0, 0.0, 0.0) is picture


def test_the_view_from_a_side_camera_is_its_picture(lens: ViewWarp) -> None:
    picture = np.random.default_rng(1).integers(0, 256, FRAME, np.uint8)
    assert np.array_equal(lens.warp(picture, 1, LEFT_M[1], 0.0), picture)


@pytest.mark.parametrize(("left_m", "camera"), [(0.3, 0), (0.5, 1), (9.0, 1), (-0.5, 2), (-9.0, 2)])
def test_the_nearest_camera_is_taken(lens: ViewWarp, left_m: float, camera: int) -> None:
    assert lens.nearest_camera(3, left_m, 0.0) == camera
    assert lens.nearest_camera(1, left_m, 0.0) == 0


def test_turning_carries_the_camera_that_is_ahead_of_the_axle() -> None:
    assert ViewWarp(ahead_m=2.6).nearest_camera(3, 0.0, math.radians(10)) == 1
    assert ViewWarp(ahead_m=1.0).nearest_camera(3, 0.0, math.radians(10)) == 0


def test_the_attitude_is_a_rotation_that_looks_ahead_and_down() -> None:
    turned = camera_rotation()
    assert turned @ turned.T == pytest.approx(np.eye(3))
    assert np.linalg.det(turned) == pytest.approx(1.0)
    ahead = turned @ [0.0, 0.0, 1.0]
    assert math.degrees(math.asin(ahead[2])) == pytest.approx(-9.5)
    assert math.degrees(math.atan2(ahead[1], ahead[0])) == pytest.approx(0.7)


@pytest.mark.parametrize(("left_m", "turn_rad"), [(0.5, 0.0), (-0.8, 0.0), (0.0, 0.05)])
def test_of_a_picture_that_a_store_keeps_it_shows_what_is_kept_of_the_view(
    camera: Camera, lens: ViewWarp, left_m: float, turn_rad: float
) -> None:
    """Warped and then made smaller is the same as made smaller and then warped, nearly."""
    small = ViewWarp(ahead_m=1.0, shape=SHAPE)
    assert small.ground.shape == SHAPE[:2]
    nearest = lens.nearest_camera(3, left_m, turn_rad)
    picture = camera.image(ROAD.pose(60.0, 0.0), CAMERA_NAMES[nearest])
    expected = preprocess.resize(lens.warp(picture, nearest, left_m, turn_rad))
    found = small.warp(preprocess.resize(picture), nearest, left_m, turn_rad)
    wrong = small.warp(preprocess.resize(picture), nearest, -left_m, -turn_rad)
    errors = [
        float(np.abs(each.astype(float) - expected)[small.ground].mean()) for each in (found, wrong)
    ]
    assert errors[0] < errors[1] / 3


def test_a_lens_takes_pictures_of_its_own_shape_alone(lens: ViewWarp) -> None:
    picture = np.random.default_rng(1).integers(0, 256, SHAPE, np.uint8)
    assert ViewWarp(shape=SHAPE).warp(picture, 0, 0.0, 0.0) is picture
    with pytest.raises(FrameError, match=r"It must be \(128, 128, 3\)"):
        ViewWarp(shape=SHAPE).warp(np.zeros(FRAME, np.uint8), 0, 1.0, 0.0)


def test_a_picture_of_another_size_is_refused(lens: ViewWarp) -> None:
    with pytest.raises(FrameError, match="this is no frame of the simulator's cameras"):
        lens.warp(np.zeros((120, 160, 3), np.uint8), 0, 1.0, 0.0)
