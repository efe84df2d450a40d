"""Random tracks are valid, like real ones, and the same everywhere.

Figures of the real lake are those of its way points (70 points of a lap, published with Udacity's
project on model predictive control), those of Brands Hatch come from TUM's database.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy._core import _multiarray_umath as numpy_build

from contract.vehicle import ROW_HZ
from simulator.drivers.expert import DrivingStyle, Expert
from simulator.rendering.terrain import generate
from simulator.track.builtin import jungle, lake
from simulator.track.csv_file import read_track
from simulator.track.geometry import Track
from simulator.track.procedural import is_clear, random_track
from simulator.world import World

SAMPLE = range(60)
ALL = range(1000)
GAP_M = 11.0
PIXELS_PER_M = 3

DIGEST = """
import hashlib
from simulator.track.procedural import random_track
digest = hashlib.sha256()
for seed in (0, 1, 2, 3, 4, 5, 6, 7, 4294967295):
    track = random_track(seed)
    words = (track.style, track.markings, track.lane_m, track.features)
    digest.update(track.points.tobytes() + track.width_m.tobytes() + repr(words).encode())
print(digest.hexdigest())
"""
EXPECTED_DIGEST = "ce4ec07a65e85b321596caabacf3299a62eaf96f150887cb48be654741f20505"


def holes(track: Track) -> int:
    """Return how many areas a road encloses that is drawn GAP_M wider than it is.

    A closed road that meets itself nowhere encloses one. OpenCV counts them.
    """
    low = track.points[:, :2].min(axis=0) - 30
    size = np.ptp(track.points[:, :2], axis=0) + 60
    width, height = (size * PIXELS_PER_M).astype(int).tolist()
    picture = np.full((height, width), 255, np.uint8)
    pixels = ((track.points[:, :2] - low) * PIXELS_PER_M).round().astype(np.int32)
    cv2.polylines(picture, [pixels], True, 0)
    distance = cv2.distanceTransform(picture, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    half_m = (float(track.width_m.max()) + GAP_M) / 2
    road = (distance <= half_m * PIXELS_PER_M).astype(np.uint8)
    _, hierarchy = cv2.findContours(road, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return int((hierarchy[0, :, 3] >= 0).sum())


def check_road(track: Track) -> None:
    """Hold a track against what is promised, by other arithmetic than that which made it."""
    assert track.closed
    steps = np.diff(np.vstack([track.points, track.points[:1]])[:, :2], axis=0)
    lengths = np.hypot(*steps.T)
    assert 700 <= lengths.sum() <= 2005
    assert np.abs(lengths - 0.5).max() < 0.01
    # The curvature is that of the circle through three points 1 m apart.
    a, b, c = (np.roll(track.points[:, :2], -shift, axis=0) for shift in (0, 2, 4))
    area = np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    sides = np.prod([np.hypot(*(p - q).T) for p, q in ((a, b), (b, c), (c, a))], axis=0)
    assert (sides / np.maximum(4 * area, 1e-9)).min() > 11.3
    heading = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    assert abs(abs(heading[-1] - heading[0]) - 2 * np.pi) < 0.2
    # At 15 mph a steering wheel can follow it, as on the built-in tracks.
    assert np.abs(np.diff(track.curvature)).max() / track.step_m < 0.02
    rise = np.abs(np.roll(track.points[:, 2], -1) - track.points[:, 2]) / lengths
    assert rise.max() <= 0.101
    assert track.points[0].tolist() == [0, 0, 0]
    assert 6.5 < track.width_m.min() < track.width_m.max() < 10.7
    if track.markings == "lanes":
        assert track.lane_m == pytest.approx(-0.21 * track.width_m.mean(), abs=0.1)
    else:
        assert track.lane_m == 0
    near_start = np.abs(track.curvature[np.arange(-20, 21)])
    assert near_start.max() < 1 / 95
    assert holes(track) == 1


def shape(track: Track) -> dict[str, float]:
    """Return the statistics of a road's shape that docs/simulator.md lists."""
    bend = np.abs(track.curvature)
    return {
        "length": track.length_m,
        "width": float(track.width_m.mean()),
        "radius": 1 / float(bend.max()),
        "below 30 m": float((bend > 1 / 30).mean()),
        "below 60 m": float((bend > 1 / 60).mean()),
        "below 100 m": float((bend > 1 / 100).mean()),
        "below 200 m": float((bend > 1 / 200).mean()),
        "turn": float(np.degrees(bend.mean())) * 1000,
        "grade": float(np.abs(track.grade).max()),
    }


def spread(tracks: Iterable[Track], style: str) -> dict[str, np.ndarray]:
    """Return the smallest, median and largest value of each statistic over a style's tracks."""
    shapes = [shape(track) for track in tracks if track.style == style]
    return {
        name: np.percentile([each[name] for each in shapes], [0, 50, 100]) for name in shapes[0]
    }


def test_a_road_that_meets_itself_encloses_more_areas() -> None:
    """The check itself: an eight, and a hairpin whose legs are too near."""
    turn = np.linspace(0, 2 * np.pi, 800, endpoint=False)
    eight = np.column_stack([90 * np.sin(turn), 60 * np.sin(2 * turn), 0 * turn])
    assert holes(Track("eight", "lake", True, eight, np.full(800, 8.0))) == 2
    pinched = np.column_stack([90 * np.cos(turn), (9 + 30 * np.cos(turn) ** 2) * np.sin(turn)])
    narrow = np.column_stack([pinched, 0 * turn])
    assert holes(Track("narrow", "lake", True, narrow, np.full(800, 8.0))) == 2


@pytest.mark.parametrize(("gap_m", "clear"), [(12.5, True), (11.5, False)], ids=["wide", "narrow"])
def test_parts_that_are_too_near_are_found(gap_m: float, clear: bool) -> None:
    """Two straights of 100 m, with the half circles that join them, 8 m wide."""
    radius_m = (8.0 + gap_m) / 2
    count = round(2 * np.pi * radius_m)
    turn = np.linspace(-np.pi / 2, np.pi / 2, count + 1)[1:-1]
    along = np.arange(0, 100, 0.5)
    bend = radius_m * np.column_stack([np.cos(turn), np.sin(turn)])
    lower = np.column_stack([along, 0 * along - radius_m])
    plan = np.concatenate([lower, np.add(bend, (100, 0)), lower[::-1] * (1, -1), -bend])
    assert is_clear(plan, np.full(len(plan), 8.0), 12.0) == clear


@pytest.mark.parametrize("seed", SAMPLE)
def test_a_seed_gives_a_valid_track(seed: int) -> None:
    check_road(random_track(seed))


@pytest.mark.soak
def test_a_thousand_seeds_give_valid_tracks() -> None:
    for seed in ALL:
        check_road(random_track(seed))


def test_a_track_is_made_in_a_moment() -> None:
    """About 50 ms of a slow core; the mean is a fifth of it."""
    began = time.process_time()
    for seed in range(100_000, 100_040):
        random_track(seed)
    assert (time.process_time() - began) / 40 < 0.05


def test_the_shapes_are_those_of_real_tracks() -> None:
    """Each figure of the track that a style is like lies within those of the random ones."""
    tracks = [random_track(seed) for seed in SAMPLE]
    for style, model in (("lake", lake()), ("jungle", jungle())):
        found = spread(tracks, style)
        for name, value in shape(model).items():
            if name == "grade":
                assert found[name][0] <= value <= found[name][2] * 1.05, style
            elif name != "radius":
                assert found[name][0] <= value <= found[name][2], (style, name)
    assert shape(jungle())["radius"] == pytest.approx(spread(tracks, "jungle")["radius"][1], abs=1)
    assert shape(lake())["radius"] == pytest.approx(spread(tracks, "lake")["radius"][1], abs=3)
    # The way points of the real lake, as `csv_file` joins them.
    real = {"length": 1138, "below 60 m": 0.14, "below 100 m": 0.29, "below 200 m": 0.54}
    found = spread(tracks, "lake")
    for name, value in {**real, "turn": 503, "radius": 14.7}.items():
        assert found[name][0] * 0.97 <= value <= found[name][2], name
    # A race track is longer and faster than all of them, and its bends are no tighter.
    race = shape(read_track(Path(__file__).parent / "brands_hatch.csv"))
    assert race["turn"] < found["turn"][0]
    assert found["radius"][0] < race["radius"]


def test_the_kinds_of_road_are_all_there() -> None:
    tracks = [random_track(seed) for seed in SAMPLE]
    lefts = sum(track.curvature.sum() > 0 for track in tracks)
    assert 15 < lefts < 45
    assert {(track.style, track.markings) for track in tracks} == {
        (style, markings) for style in ("lake", "jungle") for markings in ("edges", "lanes", "none")
    }
    kinds = {feature.kind for track in tracks for feature in track.features}
    assert kinds == {"bridge", "water", "junction", "dirt", "dirt edge", "kerb", "shade"}


def digest(**environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", DIGEST],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_seed_gives_the_same_track_to_the_bit() -> None:
    """Today and in later releases, with another hash seed, and without vector instructions."""
    assert digest(PYTHONHASHSEED="1") == EXPECTED_DIGEST
    features = numpy_build.__cpu_features__
    used = [name for name in numpy_build.__cpu_dispatch__ if features.get(name)]
    assert digest(PYTHONHASHSEED="2", NPY_DISABLE_CPU_FEATURES=" ".join(used)) == EXPECTED_DIGEST


def test_the_digest_tells_one_bit() -> None:
    track = random_track(1)
    changed = track.points.copy()
    changed[100, 1] = np.nextafter(changed[100, 1], 1e9)
    one, other = (hashlib.sha256(each.tobytes()).digest() for each in (track.points, changed))
    assert one != other


@pytest.mark.parametrize("seed", range(8))
def test_the_ground_never_covers_the_road(seed: int) -> None:
    track = random_track(seed)
    ground = generate(track, np.random.default_rng(seed))
    across = np.column_stack([-np.sin(track.heading_rad), np.cos(track.heading_rad)])
    for share in (-0.5, -0.25, 0.0, 0.25, 0.5):
        places = track.points[:, :2] + share * track.width_m[:, None] * across
        assert (ground.height_at(places[:, 0], places[:, 1]) < track.points[:, 2]).all()


def largest_excursion_m(track: Track, direction: int) -> float:
    """Return how far the expert's car comes towards the edge in a lap: 0 is the edge itself."""
    start_m = 0.0 if direction > 0 else track.length_m
    world = World(track, start_m, direction, direction * track.lane_m)
    expert = Expert(track, DrivingStyle(), 1)
    frame, driven_m, least_m = 0, 0.0, np.inf
    while driven_m < track.length_m:
        frame += 1
        assert frame < ROW_HZ * track.length_m / 4, "slower than 4 m/s on average"
        world.steering, world.throttle = expert.command(world)
        before_m = world.position.station_m
        for position in world.advance_to(frame / ROW_HZ):
            least_m = min(least_m, position.width_m / 2 - abs(position.lateral_m))
        driven_m += direction * (world.position.station_m - before_m) % track.length_m
    return float(least_m)


@pytest.mark.parametrize("direction", [1, -1], ids=["forwards", "backwards"])
@pytest.mark.parametrize("seed", [0, 1, 3])
def test_the_expert_drives_a_lap_on_the_road(seed: int, direction: int) -> None:
    """Half of the car is 1 m wide: its wheels stay on the road."""
    assert largest_excursion_m(random_track(seed), direction) > 1.0


@pytest.mark.soak
@pytest.mark.parametrize("direction", [1, -1], ids=["forwards", "backwards"])
def test_the_expert_drives_twenty_tracks(direction: int) -> None:
    for seed in range(20):
        assert largest_excursion_m(random_track(seed), direction) > 1.0, seed
