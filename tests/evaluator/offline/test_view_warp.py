"""Compares warped images with images that the simulator renders from the same pose."""

import math

import numpy as np
import pytest
from support.data import roads, unity_cameras

from contract.errors import FrameError
from contract.frames import preprocess
from contract.frames.spec import SHAPE
from contract.vehicle import CAMERA_NAMES
from evaluator.offline.view_warp import FRAME, LEFT_M, ViewWarp, camera_rotation
from simulator.rendering.appearance import Appearance
from simulator.rendering.camera import Camera
from simulator.rendering.scene_preset import CameraPose, ScenePreset

ROAD = roads.straight(300.0)
BONNET_ROW = 125
"""From this row on the image shows the car's bonnet, which moves with the car."""


@pytest.fixture(scope="module")
def camera():
    with Camera(ROAD, Appearance("clear")) as opened:
        yield opened


@pytest.fixture(scope="module")
def warp() -> ViewWarp:
    return ViewWarp(ahead_m=1.0)  # the renderer places the car by its origin


def correlation(warp: ViewWarp, one: np.ndarray, other: np.ndarray) -> float:
    """Return the correlation of two images' ground."""
    ground = warp.ground.copy()
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
def test_a_warped_view_is_like_the_rendered_view(
    camera: Camera, warp: ViewWarp, left_m: float, turn_rad: float, at_least: float
) -> None:
    truth = camera.render(ROAD.pose_at(60.0, left_m, turn_rad))
    here = ROAD.pose_at(60.0, 0.0)
    nearest = warp.nearest_camera(3, left_m, turn_rad)
    view = warp.warp(camera.render(here, CAMERA_NAMES[nearest]), nearest, left_m, turn_rad)
    centre = camera.render(here)
    warped, unwarped = correlation(warp, view, truth), correlation(warp, centre, truth)
    wrong = correlation(warp, warp.warp(centre, 0, -left_m, -turn_rad), truth)
    assert warped >= at_least
    assert 1 - warped < (1 - unwarped) / 2
    assert wrong < unwarped


STANDING = CameraPose(0.72, 8.1, 1.12, 1.268)
"""The pose that real recordings show."""


@pytest.mark.parametrize(
    ("left_m", "turn_rad"),
    [
        pytest.param(0.4, 0.0, id="to the left"),
        pytest.param(-0.4, 0.0, id="to the right"),
        pytest.param(1.0, 0.05, id="beyond the side camera and turned"),
    ],
)
def test_a_view_is_truer_with_the_pose_that_its_pictures_were_taken_in(
    left_m: float, turn_rad: float
) -> None:
    right, prefab = ViewWarp(1.0, pose=STANDING), ViewWarp(1.0)
    places = [40.0, 60.0, 80.0, 100.0]
    errors = np.zeros((len(places), 2))
    with Camera(ROAD, Appearance("clear", preset=ScenePreset(STANDING))) as standing:
        for place, error in zip(places, errors, strict=True):
            truth = standing.render(ROAD.pose_at(place, left_m, turn_rad)).astype(float)
            nearest = right.nearest_camera(3, left_m, turn_rad)
            image = standing.render(ROAD.pose_at(place, 0.0), CAMERA_NAMES[nearest])
            for number, warp in enumerate((right, prefab)):
                view = warp.warp(image, nearest, left_m, turn_rad)
                error[number] = np.abs(view - truth)[60:BONNET_ROW].mean()
    assert errors[:, 0].mean() < 0.9 * errors[:, 1].mean()
    assert (errors[:, 0] < errors[:, 1]).all()


@pytest.mark.parametrize(
    "pose",
    [
        pytest.param(CameraPose(), id="the prefab's"),
        pytest.param(STANDING, id="of real recordings"),
        pytest.param(CameraPose(-2.0, 12.0, -3.0, 0.9, 160.0), id="another"),
    ],
)
def test_a_view_shows_the_ground_where_opencv_projects_it(pose: CameraPose) -> None:
    """A ramp of brightness says from which column and row of the image each pixel was taken.

    A point of the ground is projected by OpenCV into the recorded camera and into the moved one.
    """
    columns, rows = np.meshgrid(np.arange(320.0), np.arange(160.0))
    ramps = np.stack([columns * 0.75, rows * 1.5, 0 * rows], axis=-1)
    left_m, turn_rad, camera = 0.7, 0.04, 1
    view = ViewWarp(1.0, pose=pose).warp(ramps.round().astype(np.uint8), camera, left_m, turn_rad)
    ahead, left = np.meshgrid([5.0, 7.0, 9.0, 12.0], [-1.5, 0.0, 1.5, 3.0])
    ground = np.stack([ahead.ravel(), left.ravel(), np.zeros(ahead.size)], axis=1)
    lens = {
        "angles_deg": (pose.pitch_down_deg, pose.yaw_right_deg, pose.roll_counterclockwise_deg),
        "up_m": pose.height_m,
        "focal_px": pose.focal_px,
    }
    recorded = unity_cameras.project(ground, CAMERA_NAMES[camera], **lens)
    # The same points from the car that is moved to the left and then turned to the left.
    moved = ground - (0.0, left_m, 0.0)
    cos, sin = math.cos(turn_rad), math.sin(turn_rad)
    turned = moved @ np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    seen = unity_cameras.project(turned, **lens)
    inside = [
        (new, old)
        for new, old in zip(seen, recorded, strict=True)
        if 1 < new[0] < 318 and 1 < new[1] < 158 and 1 < old[0] < 318 and 1 < old[1] < 158
    ]
    assert len(inside) >= 8
    for (column, row), old in inside:
        window = view[int(row) : int(row) + 2, int(column) : int(column) + 2, :2].astype(float)
        share_x, share_y = column % 1, row % 1
        upper, lower = (line[0] * (1 - share_x) + line[1] * share_x for line in window)
        shown = upper * (1 - share_y) + lower * share_y
        assert shown / (0.75, 1.5) == pytest.approx(old, abs=1.0)


def test_the_centre_camera_alone_gives_a_view_between_unwarped_and_side_camera(
    camera: Camera, warp: ViewWarp
) -> None:
    truth = camera.render(ROAD.pose_at(60.0, 0.8))
    centre, left = (camera.render(ROAD.pose_at(60.0, 0.0), side) for side in ("center", "left"))
    alone = correlation(warp, warp.warp(centre, 0, 0.8, 0.0), truth)
    assert correlation(warp, centre, truth) + 0.2 < alone
    assert alone < correlation(warp, warp.warp(left, 1, 0.8, 0.0), truth)


def test_the_view_from_the_recorded_pose_is_the_image_itself(warp: ViewWarp) -> None:
    image = np.random.default_rng(1).integers(0, 256, FRAME, np.uint8)
    assert warp.warp(image, 0, 0.0, 0.0) is image


def test_the_view_from_a_side_camera_is_its_image(warp: ViewWarp) -> None:
    image = np.random.default_rng(1).integers(0, 256, FRAME, np.uint8)
    assert np.array_equal(warp.warp(image, 1, LEFT_M[1], 0.0), image)


@pytest.mark.parametrize(("left_m", "camera"), [(0.3, 0), (0.5, 1), (9.0, 1), (-0.5, 2), (-9.0, 2)])
def test_the_nearest_camera_is_chosen(warp: ViewWarp, left_m: float, camera: int) -> None:
    assert warp.nearest_camera(3, left_m, 0.0) == camera
    assert warp.nearest_camera(1, left_m, 0.0) == 0


def test_a_turn_moves_a_camera_that_is_ahead_of_the_axle() -> None:
    assert ViewWarp(ahead_m=2.6).nearest_camera(3, 0.0, math.radians(10)) == 1
    assert ViewWarp(ahead_m=1.0).nearest_camera(3, 0.0, math.radians(10)) == 0


def test_the_camera_rotation_looks_ahead_and_down() -> None:
    rotation = camera_rotation()
    assert rotation @ rotation.T == pytest.approx(np.eye(3))
    assert np.linalg.det(rotation) == pytest.approx(1.0)
    ahead = rotation @ [0.0, 0.0, 1.0]
    assert math.degrees(math.asin(ahead[2])) == pytest.approx(-9.5)
    assert math.degrees(math.atan2(ahead[1], ahead[0])) == pytest.approx(-0.72)


def test_the_camera_rotation_is_that_of_unitys_prefab() -> None:
    """The prefab has x right, y up, z ahead; the image x right, y down, z ahead."""
    to_car = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    expected = to_car @ unity_cameras.rotation() @ np.diag([1.0, -1.0, 1.0])
    assert camera_rotation() == pytest.approx(expected)


@pytest.mark.parametrize(("left_m", "turn_rad"), [(0.5, 0.0), (-0.8, 0.0), (0.0, 0.05)])
def test_a_stored_frame_is_warped_like_the_recorded_image(
    camera: Camera, warp: ViewWarp, left_m: float, turn_rad: float
) -> None:
    """Warping and then resizing gives nearly the same as resizing and then warping."""
    small = ViewWarp(ahead_m=1.0, shape=SHAPE)
    assert small.ground.shape == SHAPE[:2]
    nearest = warp.nearest_camera(3, left_m, turn_rad)
    image = camera.render(ROAD.pose_at(60.0, 0.0), CAMERA_NAMES[nearest])
    expected = preprocess.resize(warp.warp(image, nearest, left_m, turn_rad))
    warped = small.warp(preprocess.resize(image), nearest, left_m, turn_rad)
    wrong = small.warp(preprocess.resize(image), nearest, -left_m, -turn_rad)
    errors = [
        float(np.abs(frame.astype(float) - expected)[small.ground].mean())
        for frame in (warped, wrong)
    ]
    assert errors[0] < errors[1] / 3


def test_images_of_another_shape_than_the_given_one_are_refused(warp: ViewWarp) -> None:
    image = np.random.default_rng(1).integers(0, 256, SHAPE, np.uint8)
    assert ViewWarp(shape=SHAPE).warp(image, 0, 0.0, 0.0) is image
    with pytest.raises(FrameError, match=r"Its shape must be \(128, 128, 3\)"):
        ViewWarp(shape=SHAPE).warp(np.zeros(FRAME, np.uint8), 0, 1.0, 0.0)


def test_an_image_of_another_size_is_refused(warp: ViewWarp) -> None:
    with pytest.raises(FrameError, match="this image is not from the simulator's cameras"):
        warp.warp(np.zeros((120, 160, 3), np.uint8), 0, 1.0, 0.0)
