"""Places of the ground are held against the pinhole camera's formula, worked out by hand."""

import math

import numpy as np
import pytest

from simulator.calibration.regions import Regions
from simulator.rendering.scene_preset import CameraPose

LEVEL = CameraPose(0.0, 8.0, 0.0, 1.3, 140.0)
NO_HOOD = np.zeros((160, 320), bool)


def row_of(ahead_m: float) -> float:
    """Return the row in the middle of the picture that shows level ground at a distance."""
    below = math.atan(LEVEL.height_m / ahead_m) - math.radians(LEVEL.pitch_down_deg)
    return 79.5 + LEVEL.focal_px * math.tan(below)


def scene() -> np.ndarray:
    """Return blue sky above grey ground, with a dark tree that reaches the picture's top."""
    picture = np.full((160, 320, 3), 120, np.uint8)
    picture[:58] = (120, 160, 220)
    picture[:58, 40:60] = (20, 30, 10)
    return picture


def test_the_road_is_what_lies_just_ahead() -> None:
    rows = np.flatnonzero(Regions.of_pose(LEVEL).road[:, 160])
    assert rows.min() == pytest.approx(row_of(8.0), abs=1)
    assert rows.max() == pytest.approx(row_of(3.5), abs=1)


def test_a_roll_turns_the_horizon() -> None:
    """Counterclockwise, seen from behind: the right side of the horizon is lower in the picture."""
    elevation = Regions.of_pose(CameraPose(0.0, 8.0, 2.0, 1.3, 140.0)).elevation_deg
    left, right = (np.abs(elevation[:, column]).argmin() for column in (20, 299))
    assert math.degrees(math.atan((right - left) / 279)) == pytest.approx(2.0, abs=0.3)


def test_the_sky_ends_at_what_stands_before_it() -> None:
    found = Regions.of_pose(LEVEL).find(scene(), NO_HOOD)
    assert found["sky"][30, 200]
    assert not found["sky"][:, 42:58].any()
    assert found["trees"][20, 45:55].all()
    assert not found["trees"][:, 200].any()


def test_dark_rock_is_no_sky() -> None:
    rock = scene()
    rock[:58] = (40, 44, 40)
    assert not Regions.of_pose(LEVEL).find(rock, NO_HOOD)["sky"].any()


def test_smooth_blue_below_the_horizon_is_water_and_no_verge() -> None:
    regions = Regions.of_pose(LEVEL)
    rows, columns = np.nonzero(regions.verge)
    shown = scene()
    shown[rows.min() - 2 : rows.max() + 3, :100] = (110, 140, 180)
    found = regions.find(shown, NO_HOOD)
    beside = columns < 90
    assert regions.verge[rows[beside], columns[beside]].all()
    assert not found["verge"][rows[beside], columns[beside]].any()
    assert found["verge"][rows[columns > 110], columns[columns > 110]].all()
    assert found["water"][rows.min() + 1, 10:90].all()


def test_the_hood_is_neither_sky_nor_water() -> None:
    hood = NO_HOOD.copy()
    hood[75:90, :] = True
    blue = scene()
    blue[58:] = (110, 140, 180)
    found = Regions.of_pose(LEVEL).find(blue, hood)
    assert (found["hood"] == hood).all()
    assert not (found["water"] & hood).any()
