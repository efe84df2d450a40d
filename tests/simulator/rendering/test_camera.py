import math

import cv2
import numpy as np
import pytest
from panda3d.core import RenderState
from support.data import samples, unity_cameras
from support.data.roads import circle, straight

from contract.vehicle import CAMERA_NAMES
from simulator.rendering.appearance import LIGHTS, PRESETS, Appearance
from simulator.rendering.camera import Camera, encode_jpeg
from simulator.rendering.randomization import SceneLook
from simulator.rendering.scene_preset import CameraPose
from simulator.track.builtin import lake
from simulator.track.geometry import Pose

WIDTH_M = 8.0
HERE = Pose(60.0, 0.0, 0.0, 0.0)


def pixel(ahead_m: float, left_m: float, side: str) -> tuple[float, float]:
    """Return the pixel of a point of level ground, as OpenCV projects it."""
    ((column, row),) = unity_cameras.project(np.array([[ahead_m, left_m, 0.0]]), side)
    return float(column), float(row)


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


def first_yellow(picture: np.ndarray, row: int, middle: int, step: int) -> float:
    """Return the column at which the yellow paint begins, from the middle of the road outwards."""
    columns = np.arange(middle, -1 if step < 0 else 320, step)
    red, _, blue = picture[row, columns].astype(int).T
    yellow = (red - blue).astype(float)
    first = int(np.argmax(yellow > 60))
    share = (60 - yellow[first - 1]) / (yellow[first] - yellow[first - 1])
    return float(columns[first - 1] + step * share)


def mean_error_px(
    pictures: dict[str, np.ndarray],
    angles_deg: tuple[float, float, float],
    up_m: float = unity_cameras.UP_M,
    focal_px: float = unity_cameras.FOCAL_PX,
) -> tuple[float, float]:
    """Return by how much the edges lie right of where OpenCV projects them, and their spread."""
    edge_m = WIDTH_M / 2 - 0.61
    errors = []
    for side in CAMERA_NAMES:
        ahead = np.linspace(3.0, 30.0, 1000)
        lens = (side, angles_deg, up_m, focal_px)
        middle_line = np.column_stack([ahead, 0 * ahead, 0 * ahead])
        between = unity_cameras.project(middle_line, *lens)
        for sign in (1, -1):
            points = np.column_stack([ahead, 0 * ahead + sign * edge_m, 0 * ahead])
            columns, rows = unity_cameras.project(points, *lens).T
            for row in range(70, 110, 4):
                expected = float(np.interp(row, rows[::-1], columns[::-1]))
                if 12 < expected < 308:
                    middle = round(float(np.interp(row, between[:, 1][::-1], between[:, 0][::-1])))
                    found = first_yellow(pictures[side], row, middle, -sign)
                    errors.append(found - expected)
    return float(np.mean(errors)), float(np.std(errors))


def test_the_lines_of_the_road_are_where_opencv_projects_them(
    pictures: dict[str, np.ndarray],
) -> None:
    """The prefab's rotation in Unity's axes, and OpenCV: to half a pixel.

    With the opposite sign of the yaw the lines lie 3.5 pixels beside, and with that of the roll
    they lie higher on one side: a spread.
    """
    pitch, yaw, roll = unity_cameras.ANGLES_DEG
    mean, spread = mean_error_px(pictures, (pitch, yaw, roll))
    assert abs(mean) < 0.5
    assert spread < 0.7
    mean_turned, _ = mean_error_px(pictures, (pitch, -yaw, roll))
    assert abs(mean_turned) > 3
    _, spread_rolled = mean_error_px(pictures, (pitch, yaw, -roll))
    assert spread_rolled > 1.5


@pytest.mark.parametrize(
    ("pose", "angles_deg"),
    [
        (CameraPose(yaw_right_deg=2.72), (9.5, 2.72, 1.2)),
        (CameraPose(pitch_down_deg=12.5), (12.5, 0.72, 1.2)),
        (CameraPose(roll_counterclockwise_deg=-2.0), (9.5, 0.72, -2.0)),
        (CameraPose(height_m=1.5, focal_px=150.0), (9.5, 0.72, 1.2)),
    ],
    ids=["yaw", "pitch", "roll", "height and focal length"],
)
def test_a_look_moves_the_cameras(pose: CameraPose, angles_deg: tuple[float, float, float]) -> None:
    look = SceneLook(PRESETS["clear"], pose)
    with Camera(straight(width_m=WIDTH_M), Appearance(), look=look) as camera:
        pictures = {side: camera.render(HERE, side) for side in CAMERA_NAMES}
    mean, spread = mean_error_px(pictures, angles_deg, pose.height_m, pose.focal_px)
    assert abs(mean) < 0.6
    assert spread < 0.9
    mean, spread = mean_error_px(pictures, unity_cameras.ANGLES_DEG)
    assert abs(mean) > 1.5 or spread > 1.5


def lean_deg(pictures: list[np.ndarray]) -> float:
    """Return by how much the hood is turned in pictures, positive clockwise.

    The hood is symmetrical. So a mean picture and its mirror image differ by twice its lean, which
    OpenCV finds by aligning the two (Evangelidis and Psarakis 2008, the correlation coefficient).
    """
    grey = cv2.cvtColor(np.mean(pictures, axis=0, dtype=np.float32), cv2.COLOR_RGB2GRAY)
    mask = np.zeros(grey.shape, np.uint8)
    mask[136:, 60:250] = 255
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 200, 1e-6)
    mirror = np.ascontiguousarray(grey[:, ::-1])
    start = np.eye(2, 3, dtype=np.float32)
    _, motion = cv2.findTransformECC(grey, mirror, start, cv2.MOTION_EUCLIDEAN, criteria, mask, 3)
    return math.degrees(math.atan2(motion[0, 1], motion[0, 0])) / 2


def test_the_hood_leans_as_in_real_pictures() -> None:
    """The roll is 1.2 degrees; both found leans are a little less, and to the same side."""
    recorded = sorted(samples.shared("data", "lake", "IMG").glob("center_*.jpg"))[::20]
    real = [cv2.imread(str(path), cv2.IMREAD_COLOR_RGB) for path in recorded]
    track = lake()
    with Camera(track, Appearance()) as camera:
        ours = [camera.render(track.pose_at(20.0 + 9.0 * number)) for number in range(100)]
    assert lean_deg(real) == pytest.approx(1.0, abs=0.3)
    assert lean_deg(ours) == pytest.approx(lean_deg(real), abs=0.3)


def test_a_picture_has_the_dimensions_and_file_size_of_unitys(
    pictures: dict[str, np.ndarray],
) -> None:
    for picture in pictures.values():
        assert (picture.shape, picture.dtype) == ((160, 320, 3), np.uint8)
        assert 6_000 < len(encode_jpeg(picture)) < 20_000


def test_the_hood_is_at_the_bottom(pictures: dict[str, np.ndarray]) -> None:
    bare = pictures["center"][125, 160].astype(int)
    metal = pictures["center"][157, 157].astype(int)
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
