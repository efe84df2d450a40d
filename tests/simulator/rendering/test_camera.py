import math

import numpy as np
import pytest
from panda3d.core import RenderState
from support.data.roads import circle, straight

from contract.vehicle import (
    CAMERA_AHEAD_M,
    CAMERA_HEIGHT_M,
    CAMERA_LEFT_M,
    CAMERA_NAMES,
    CAMERA_PITCH_DOWN_DEG,
    CAMERA_ROLL_CLOCKWISE_DEG,
    CAMERA_YAW_LEFT_DEG,
    FOCAL_PX,
)
from simulator.rendering.appearance import LIGHTS, Appearance
from simulator.rendering.camera import Camera, encode_jpeg
from simulator.track.geometry import Pose

WIDTH_M = 8.0
HERE = Pose(60.0, 0.0, 0.0, 0.0)


def pixel(ahead_m: float, left_m: float, side: str) -> tuple[float, float]:
    """Return the pixel of a point of level ground, for a pinhole camera with three rotations."""
    yaw, pitch, roll = (
        math.radians(value)
        for value in (CAMERA_YAW_LEFT_DEG, -CAMERA_PITCH_DOWN_DEG, CAMERA_ROLL_CLOCKWISE_DEG)
    )
    # The point relative to the camera: right, ahead and up. The rotations are undone in order.
    x, y, z = CAMERA_LEFT_M[side] - left_m, ahead_m - CAMERA_AHEAD_M, -CAMERA_HEIGHT_M
    x, y = x * math.cos(yaw) + y * math.sin(yaw), y * math.cos(yaw) - x * math.sin(yaw)
    y, z = y * math.cos(pitch) + z * math.sin(pitch), z * math.cos(pitch) - y * math.sin(pitch)
    x, z = x * math.cos(roll) - z * math.sin(roll), z * math.cos(roll) + x * math.sin(roll)
    return 160 + FOCAL_PX * x / y, 80 - FOCAL_PX * z / y


def is_asphalt(picture: np.ndarray, at: tuple[float, float]) -> bool:
    """Return whether a pixel shows asphalt, which has almost no colour, unlike grass."""
    column, row = round(at[0]), round(at[1])
    patch = picture[row - 1 : row + 2, column - 1 : column + 2].reshape(-1, 3).mean(axis=0)
    return bool(np.ptp(patch) < 45)


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    with Camera(straight(width_m=WIDTH_M), Appearance()) as camera:
        return {side: camera.render(HERE, side) for side in CAMERA_NAMES}


@pytest.mark.parametrize("side", CAMERA_NAMES)
@pytest.mark.parametrize("ahead_m", [7.0, 12.0, 18.0])
def test_the_edges_of_the_road_are_where_the_lens_projects_them(
    pictures: dict[str, np.ndarray], side: str, ahead_m: float
) -> None:
    """One metre inside the edge there is asphalt; beyond the shoulder there is grass."""
    picture = pictures[side]
    for sign in (1, -1):
        inside = pixel(ahead_m, sign * (WIDTH_M / 2 - 1.0), side)
        outside = pixel(ahead_m, sign * (WIDTH_M / 2 + 2.5), side)
        if 3 < inside[0] < 317:
            assert is_asphalt(picture, inside), (sign, inside)
        if 3 < outside[0] < 317:
            assert not is_asphalt(picture, outside), (sign, outside)


def test_a_picture_has_the_dimensions_and_file_size_of_unitys(
    pictures: dict[str, np.ndarray],
) -> None:
    for picture in pictures.values():
        assert (picture.shape, picture.dtype) == ((160, 320, 3), np.uint8)
        assert 6_000 < len(encode_jpeg(picture)) < 20_000


def test_the_hood_is_at_the_bottom(pictures: dict[str, np.ndarray]) -> None:
    bare = pictures["center"][125, 160].astype(int)
    metal = pictures["center"][157, 163].astype(int)
    assert metal.mean() > bare.mean() + 40


def test_equal_poses_give_equal_pictures() -> None:
    pictures = []
    for _ in range(2):
        with Camera(circle(), Appearance()) as camera:
            pictures.append(camera.render(circle().pose_at(3.0)).tobytes())
    assert pictures[0] == pictures[1]


def test_a_world_leaves_neither_states_nor_traces_in_the_next() -> None:
    """A process drives in many worlds; each of them has textures of 7 MB."""
    pictures, states = [], []
    for light in ("clear", "fog", "clear", "clear"):
        with Camera(circle(), Appearance(light)) as camera:
            pictures.append(camera.render(circle().pose_at(3.0)))
        states.append(RenderState.get_num_states())
    assert (pictures[0] != pictures[1]).any()
    assert (pictures[2] == pictures[0]).all()
    assert states[3] == states[2]


def test_a_picture_is_the_exact_mean_of_what_was_drawn() -> None:
    """At 1.5 times the size, each pixel lies between four, with weights of 9, 3, 3 and 1 of 16."""
    with Camera(circle(), Appearance()) as camera:
        camera.draw(circle().pose_at(3.0))
        drawn = np.array(camera.drawn(), np.int64)[::-1, :, 2::-1]
        picture = camera.read_back()
    assert drawn.shape == (240, 480, 3)
    rows, columns = np.arange(160) * 3 // 2, np.arange(320) * 3 // 2
    # An even pixel lies nearer to the first of its two neighbours, an odd one to the second.
    down = np.where(np.arange(160) % 2 == 0, 3, 1)[:, None, None]
    right = np.where(np.arange(320) % 2 == 0, 3, 1)[None, :, None]
    above = drawn[rows][:, columns] * right + drawn[rows][:, columns + 1] * (4 - right)
    below = drawn[rows + 1][:, columns] * right + drawn[rows + 1][:, columns + 1] * (4 - right)
    assert (picture == np.rint((above * down + below * (4 - down)) / 16)).all()


def test_the_horizon_sinks_uphill() -> None:
    with Camera(straight(), Appearance()) as camera:
        level = camera.render(HERE)
        nose_up = camera.render(Pose(60.0, 0.0, 0.0, 0.0, pitch_rad=0.1))

    def sky(picture: np.ndarray) -> int:
        return int((picture[:, :, 2].astype(int) > picture[:, :, 0] + 25).sum())

    assert sky(nose_up) > sky(level) + 1000


@pytest.mark.parametrize("light", LIGHTS)
def test_every_light_shows_the_road(light: str) -> None:
    with Camera(straight(width_m=WIDTH_M), Appearance(light)) as camera:
        picture = camera.render(HERE).astype(int)
    column, row = (round(value) for value in pixel(10.0, 0.0, "center"))
    road = picture[row - 3 : row + 4, column - 10 : column + 11].reshape(-1, 3).mean(axis=0)
    column, row = (round(value) for value in pixel(10.0, 6.5, "center"))
    verge = picture[row - 3 : row + 4, column - 6 : column + 7].reshape(-1, 3).mean(axis=0)
    assert np.abs(road - verge).max() > 15
