"""Compares the measurements of the car with arithmetic and with independent sources."""

import math

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


def test_each_side_camera_is_on_its_side() -> None:
    assert vehicle.CAMERA_LEFT_M["left"] > 0 > vehicle.CAMERA_LEFT_M["right"]
    assert tuple(vehicle.CAMERA_LEFT_M) == vehicle.CAMERA_NAMES
