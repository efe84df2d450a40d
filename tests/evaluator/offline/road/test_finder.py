"""Finds roads in pictures of our renderer, whose place is known, and checks the geometry."""

import math

import numpy as np
import pytest
from support.data import samples
from support.data.roads import straight

from contract.vehicle import CAMERA_AHEAD_M
from evaluator.offline import logged_drive
from evaluator.offline.lens.recorded_pose import measure_pose
from evaluator.offline.road import finder
from evaluator.offline.road.finder import RoadFinder, SeenRoad, road_edges
from evaluator.offline.road.track import COLOUR_IMAGES, MIN_SUPPORT, WIDTH_IMAGES
from simulator.rendering.appearance import Appearance
from simulator.rendering.camera import Camera
from simulator.track.geometry import Track

ROAD = straight(300.0)


def pictures(track: Track, places: list[tuple[float, float]]) -> list[np.ndarray]:
    """Return what the centre camera sees: offsets to the left in m, and headings in rad."""
    with Camera(track, Appearance("clear", 1)) as camera:
        return [
            camera.render(track.pose_at(20.0 + 7 * number, left_m, heading_rad))
            for number, (left_m, heading_rad) in enumerate(places)
        ]


@pytest.mark.parametrize("heading_rad", [-0.3, 0.0, 0.2])
@pytest.mark.parametrize("curvature", [-0.07, 0.0, 0.04])
def test_places_are_those_of_a_walk_along_the_arc(heading_rad: float, curvature: float) -> None:
    along_m = np.array([0.0, 3.0, 9.5])
    places = SeenRoad(0.7, heading_rad, curvature, 1.0).places(along_m)
    steps = 10_000
    for place, length in zip(places, along_m, strict=True):
        headings = heading_rad + curvature * (np.arange(steps) + 0.5) * length / steps
        expected = (
            np.cos(headings).mean() * length,
            0.7 + np.sin(headings).mean() * length,
            heading_rad + curvature * length,
        )
        assert place == pytest.approx(expected, abs=1e-6)


def test_edges_are_half_a_width_from_the_middle() -> None:
    """The distance of an edge from the middle is found by a search among points of the middle."""
    left, right = road_edges(8.0)
    walk_m = np.linspace(-15, 40, 20_000)
    for offset, heading, curvature in ((30, 10, 4), (25, 13, 6), (38, 9, 2), (30, 10, 5)):
        arc = SeenRoad(
            finder.OFFSETS_M[offset],
            finder.HEADINGS_RAD[heading],
            finder.CURVATURES_PER_M[curvature],
            1.0,
        ).places(walk_m)
        for edges, side in ((left, 1), (right, -1)):
            edge = edges[offset, heading, curvature]
            for ahead_m, left_m in zip(finder.AHEAD_M[::6], edge[::6], strict=True):
                apart = arc[:, :2] - (ahead_m, left_m)
                nearest = np.hypot(*apart.T).argmin()
                assert np.hypot(*apart[nearest]) == pytest.approx(4.0, abs=0.01)
                heading_rad = arc[nearest, 2]
                across = -apart[nearest, 1] * math.cos(heading_rad) + apart[nearest, 0] * math.sin(
                    heading_rad
                )
                assert math.copysign(1, across) == side


def test_where_a_road_has_turned_away_it_has_no_width() -> None:
    left, right = road_edges(8.0)
    sharp = -1  # 0.08 / m: a circle of 12.5 m, whose outer edge is 16.5 m from its centre
    straight_on = len(finder.HEADINGS_RAD) // 2
    width = left[30, straight_on, sharp] - right[30, straight_on, sharp]
    assert (width >= 0).all()
    turned = left[30, -1, sharp] - right[30, -1, sharp]  # 20 degrees into the bend
    assert turned[-1] == 0


def test_the_place_of_a_road_is_found() -> None:
    """Where only one edge is near, heading and bend are not certain; the place ahead is."""
    rng = np.random.default_rng(3)
    offsets_m, headings_rad = rng.uniform(-2.5, 2.5, 24), rng.uniform(-0.12, 0.12, 24)
    places = list(zip(offsets_m.tolist(), headings_rad.tolist(), strict=True))
    road = RoadFinder()
    grounds = [road.lay_out(picture) for picture in pictures(ROAD, places)]
    log_odds = road.learn(grounds)
    width_m = road.width_m(grounds[::6], log_odds)
    assert 6.0 <= width_m <= 8.5  # the road is 8 m wide, with a line along each edge
    errors_m = []
    for codes, (left_m, heading_rad) in zip(grounds, places, strict=True):
        seen = road.measure(codes, log_odds, width_m)
        assert seen.support > MIN_SUPPORT
        camera_left_m = left_m + CAMERA_AHEAD_M * math.sin(heading_rad)
        _, middle_m, _ = seen.places(np.array([6.0]))[0]
        # The road's middle 6 m ahead, in the axes of a car that is turned.
        errors_m.append(
            middle_m + camera_left_m * math.cos(heading_rad) + 6.0 * math.sin(heading_rad)
        )
    assert np.median(np.abs(errors_m)) < 0.15
    assert np.max(np.abs(errors_m)) < 0.6


def test_a_picture_without_a_road_has_little_support() -> None:
    road = RoadFinder()
    roads = [road.lay_out(p) for p in pictures(ROAD, [(0.0, 0.0), (1.0, 0.05), (-1.0, -0.05)])]
    log_odds = road.learn(roads)
    noise = np.random.default_rng(1).integers(0, 255, (160, 320, 3)).astype(np.uint8)
    assert road.measure(road.lay_out(noise), log_odds, 8.0).support < MIN_SUPPORT


def test_the_colours_just_ahead_are_road_and_those_far_aside_are_not() -> None:
    road = RoadFinder()
    [ground] = [road.lay_out(p) for p in pictures(ROAD, [(0.0, 0.0)])]
    log_odds = road.learn([ground])
    ahead = log_odds[ground[4, len(finder.LEFT_M) // 2 - 10 : len(finder.LEFT_M) // 2 + 10]]
    aside = log_odds[ground[-1, :15]]
    assert ahead.mean() > 1 > -1 > aside.mean()
    assert np.abs(log_odds).max() <= finder.MAX_LOG_ODDS


ASPHALT, GRASS, SHADE = 100, 2000, 9000
"""Numbers of three colours that are no neighbours."""


def painted(middle_m: float, *, shade: bool, width_m: float = 8.0) -> np.ndarray:
    """Return a ground with a road; the verge on its right may have a patch in the shade."""
    aside = finder.LEFT_M - middle_m
    ground = np.full((len(finder.AHEAD_M), len(finder.LEFT_M)), GRASS, dtype=np.int32)
    ground[:, np.abs(aside) < width_m / 2] = ASPHALT
    if shade:
        ground[:8, (aside < -4.0) & (aside > -5.5)] = SHADE
    return ground


def test_the_roads_that_were_found_teach_that_a_shaded_verge_is_none() -> None:
    """A car at the right edge has the shaded verge just ahead, which makes it look like road."""
    road = RoadFinder()
    grounds = [painted(3.4, shade=True) for _ in range(6)]
    grounds += [painted(0.0, shade=number % 2 == 0) for number in range(12)]
    first = road.learn(grounds)
    assert first[SHADE] > 1
    again = road.learn_again(grounds, first, 8.0)
    assert again[SHADE] < -1
    assert again[ASPHALT] > 1 > -1 > again[GRASS]
    # So the road is no longer drawn towards the shade.
    offsets_m = [road.measure(grounds[0], odds, 8.0).offset_m for odds in (first, again)]
    assert abs(offsets_m[1] - 3.4) < abs(offsets_m[0] - 3.4)
    assert offsets_m[1] == pytest.approx(3.4, abs=0.15)


def test_too_few_roads_teach_nothing() -> None:
    road = RoadFinder()
    grounds = [painted(0.0, shade=False)] * (finder.MIN_TEACHING_IMAGES - 1)
    first = road.learn(grounds)
    assert road.learn_again(grounds, first, 8.0) is first


def test_the_width_lies_between_those_that_images_say() -> None:
    """Hardly more images with the one width than with the other do not decide alone."""
    road = RoadFinder()
    narrow, wide = (painted(0.0, shade=False, width_m=width_m) for width_m in (6.0, 9.0))
    grounds = [narrow] * 6 + [wide] * 5
    log_odds = road.learn(grounds)
    assert road.width_m([narrow], log_odds) == pytest.approx(6.0, abs=0.5)
    assert road.width_m([wide], log_odds) == pytest.approx(9.0, abs=0.5)
    assert road.width_m(grounds, log_odds) == pytest.approx((6 * 6.0 + 5 * 9.0) / 11, abs=0.5)


@pytest.mark.soak
def test_three_recordings_of_one_real_road_agree_in_its_width() -> None:
    widths_m = []
    for name in ("lake", "lake-2", "lake-3"):
        drive = logged_drive.read_folder(samples.shared("data", name))
        road = RoadFinder(measure_pose(drive).pose)
        rows = np.linspace(0, len(drive.time_s) - 1, COLOUR_IMAGES).astype(int)
        grounds = [road.lay_out(drive.image(int(row), 0)) for row in rows]
        apart = COLOUR_IMAGES // WIDTH_IMAGES
        widths_m.append(road.width_m(grounds[::apart], road.learn(grounds)))
    assert np.ptp(widths_m) < 1.0, widths_m
    assert 6.5 < np.mean(widths_m) < 9.0
