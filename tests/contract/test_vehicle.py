"""Compares the measurements of the car with arithmetic and with independent sources."""

import math
import re
from pathlib import Path

import pytest

from contract import vehicle


def test_a_mile_is_1609_344_metres() -> None:
    """This is the international mile of 1959."""
    assert pytest.approx(1609.344 / 3600, rel=1e-12) == vehicle.MPS_PER_MPH


def test_the_focal_length_is_that_of_unitys_default_camera() -> None:
    """Its vertical field of view is 60 degrees: f is half the height over the tangent of 30."""
    focal_px = vehicle.IMAGE_HEIGHT / 2 / math.tan(math.radians(60 / 2))
    assert focal_px == pytest.approx(vehicle.FOCAL_PX, abs=0.05)


def test_the_turning_circle_is_that_of_a_car() -> None:
    """At full lock the car drives a circle of 12.3 m, as real cars do."""
    radius_m = vehicle.WHEELBASE_M / math.tan(vehicle.MAX_STEER_RAD)
    assert 10.0 < 2 * radius_m < 13.0


def test_the_figures_of_the_protocol_are_those_that_it_describes() -> None:
    """Our page about the protocol has them from measurements and from the simulator's scene."""
    protocol = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
    engine_nm, brake_nm = (
        int(found.replace(",", ""))
        for found in re.findall(r"\| (?:engine|brakes) \| ([\d,]+) N m", protocol)
    )
    assert 4 * brake_nm / engine_nm == vehicle.BRAKE_RATIO
    assert f"| top speed | {vehicle.TOP_SPEED_MPH:.0f} mph |" in protocol
    assert f"with {vehicle.IMAGE_WIDTH} × {vehicle.IMAGE_HEIGHT} pixels" in protocol
    assert f"writes {vehicle.ROW_HZ:.0f} lines a second" in protocol
    assert f"at {vehicle.REVERSE_BELOW_MPH:.0f} mph and below" in protocol


def test_the_yaw_lag_is_one_that_was_measured() -> None:
    assert 0.10 <= vehicle.YAW_LAG_S <= 0.20


def test_each_side_camera_is_on_its_side() -> None:
    assert vehicle.CAMERA_LEFT_M["center"] == 0
    assert vehicle.CAMERA_LEFT_M["left"] > 0 > vehicle.CAMERA_LEFT_M["right"]
    assert tuple(vehicle.CAMERA_LEFT_M) == vehicle.CAMERA_NAMES
