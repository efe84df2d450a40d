import numpy as np
import pytest

from evaluator.offline.road import report
from evaluator.offline.road.track import RoadTrack

NAN = np.nan


def road(*left_m: float) -> RoadTrack:
    """Return a road of 8 m: a wheel is beyond its edge where the car is more than 3 m aside."""
    left = np.array(left_m)
    return RoadTrack(8.0, left, np.where(np.isnan(left), NAN, 0.2))


def test_the_road_is_described_by_the_rows_in_which_it_was_found() -> None:
    document = report.describe_road(road(-1.0, -1.5, NAN, 3.2, -1.0))
    assert document == {
        "width_m": 8.0,
        "found_percent": 80.0,
        "std_m": pytest.approx(0.2),
        "driver_left_m": -1.0,
        "driver_off_road_percent": 25.0,
    }


def test_of_a_road_that_was_hardly_found_nothing_else_is_said() -> None:
    seldom = road(-1.0, *[NAN] * 9)
    assert report.describe_road(seldom) == {
        "width_m": 8.0,
        "found_percent": 10.0,
        "std_m": None,
        "driver_left_m": None,
        "driver_off_road_percent": None,
    }
    assert report.describe_drive(seldom, np.zeros(10)) == {
        "off_road_percent": None,
        "times_off_road": None,
    }


def test_each_time_that_the_car_leaves_the_road_is_counted() -> None:
    offsets_m = np.array([0.0, 3.5, 3.5, 0.0, NAN, -3.5, 0.0, 3.5])
    on_road = road(0.0, 0.0, 0.0, 0.0, NAN, 0.0, 0.0, 0.0)
    document = report.describe_drive(on_road, np.nan_to_num(offsets_m))
    assert document["times_off_road"] == 3
    assert document["off_road_percent"] == pytest.approx(100 * 4 / 7)


def test_rows_without_a_road_neither_end_nor_begin_a_time_off_it() -> None:
    document = report.describe_drive(road(0.0, 0.0, NAN, 0.0), np.array([0.0, 3.5, 0.0, 3.5]))
    assert document["times_off_road"] == 1
