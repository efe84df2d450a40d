import math

import numpy as np
import pytest

from simulator.viz.hud import SIZE, VIEW_HEIGHT, WIDTH, Hud, HudValues, project_ground, project_path

FRAME = np.random.default_rng(0).integers(0, 255, (160, 320, 3), dtype=np.uint8)


def draw(**values: float) -> np.ndarray:
    usual = {"steering": 0.0, "throttle": 0.0, "speed_mph": 0.0, "lateral_m": 0.0, "time_s": 0.0}
    return Hud().draw(FRAME, HudValues(**{**usual, **values})).copy()


def changed_columns(**values: float) -> np.ndarray:
    """Return the columns of the panel that differ from those of a standing car."""
    return np.flatnonzero((draw(**values) != draw())[VIEW_HEIGHT:].any(axis=(0, 2)))


def test_every_third_pixel_is_that_of_the_frame() -> None:
    picture = draw()
    assert picture.shape == (*SIZE, 3)
    assert (picture[1:180:3, 1::3] == FRAME[:60]).all()


@pytest.mark.parametrize(
    ("name", "value", "low", "high"),
    [
        ("speed_mph", 23.4, 20, 130),
        ("throttle", -0.5, 200, 360),
        ("steering", 0.4, 390, 570),
        ("lateral_m", 1.0, 600, 775),
        ("time_s", 83.4, 845, 950),
    ],
)
def test_a_value_changes_only_its_own_instrument(
    name: str, value: float, low: int, high: int
) -> None:
    columns = changed_columns(**{name: value})
    assert low <= columns.min() < columns.max() <= high


def test_left_of_the_line_is_left_on_the_bar() -> None:
    def mark(lateral_m: float) -> float:
        bar = draw(lateral_m=lateral_m)[VIEW_HEIGHT + 62, 600:775].astype(int)
        return float(np.flatnonzero(bar[:, 1] > 180).mean())

    assert mark(1.0) < mark(-1.0)


def test_a_picture_leaves_no_trace_in_the_next() -> None:
    hud = Hud()
    hud.draw(FRAME, HudValues(0.9, 1.0, 28.8, 3.0, 59.9, "put back"))
    after = hud.draw(FRAME, HudValues(0.0, 0.0, 0.0, 0.0, 0.0))
    assert (after == draw()).all()


def test_the_ground_is_projected_as_the_camera_is_mounted() -> None:
    # At infinity the ground is at the horizon, which is tan(9.5 degrees) focal lengths up.
    far = project_ground(np.array([1e9]), np.array([0.0]))[0]
    assert far == pytest.approx([WIDTH / 2, VIEW_HEIGHT / 2 - 415.8 * math.tan(math.radians(9.5))])
    # The optical axis meets the ground 1.2 m / tan(9.5 degrees) ahead.
    axis = project_ground(np.array([1.2 / math.tan(math.radians(9.5))]), np.array([0.0]))[0]
    assert axis == pytest.approx([WIDTH / 2, VIEW_HEIGHT / 2])


def test_left_on_the_ground_is_left_in_the_picture() -> None:
    assert project_ground(np.array([5.0]), np.array([1.0]))[0, 0] < WIDTH / 2


def test_a_path_without_steering_is_symmetric_about_the_middle() -> None:
    outline = project_path(0.0)
    assert outline[:, 0].mean() == pytest.approx(WIDTH / 2)


def test_steering_to_the_right_leads_to_the_right() -> None:
    assert project_path(0.3)[:, 0].mean() > WIDTH / 2 + 10
    assert project_path(-0.3)[:, 0] == pytest.approx(WIDTH - project_path(0.3)[::-1, 0])


def test_a_path_follows_the_circle_of_the_bicycle() -> None:
    radius = 2.87 / math.tan(math.radians(25 * 0.4))
    outline = project_path(0.4)
    left_edge = outline[: len(outline) // 2]
    # The pixels are converted back to metres on the ground, relative to the rear axle.
    down = (left_edge[:, 1] - VIEW_HEIGHT / 2) / 415.8
    pitch = math.radians(9.5)
    ahead = (
        1.2
        * (math.cos(pitch) - down * math.sin(pitch))
        / (down * math.cos(pitch) + math.sin(pitch))
    )
    depth = ahead * math.cos(pitch) + 1.2 * math.sin(pitch)
    left_m = (WIDTH / 2 - left_edge[:, 0]) / 415.8 * depth
    assert np.hypot(ahead + 2.6, left_m + radius) == pytest.approx(radius + 1.0)


@pytest.mark.parametrize("steering", [-1.0, 1.0])
def test_full_lock_can_be_drawn(steering: float) -> None:
    assert np.isfinite(project_path(steering)).all()
    assert draw(steering=steering).shape == (*SIZE, 3)
