import numpy as np
import pytest

from simulator.track import roadside
from simulator.track.procedural import random_track

SEEDS = range(60)


def points_between(count: int, from_m: float, to_m: float, step_m: float) -> np.ndarray:
    return np.arange(round(from_m / step_m), round(to_m / step_m)) % count


@pytest.mark.parametrize(
    ("mask", "middle"),
    [
        ([0, 1, 1, 1, 0, 1, 0, 0], 2),
        ([1, 1, 0, 1, 0, 0, 1, 1], 0),
        ([1, 1, 1, 1, 1, 1, 1, 1], 4),
        ([0, 0, 0, 0, 0, 0, 0, 0], 0),
        ([1, 0, 0, 0, 0, 0, 0, 1], 0),
    ],
    ids=["inside", "across the end", "everywhere", "nowhere", "two across the end"],
)
def test_the_middle_of_the_longest_run(mask: list[int], middle: int) -> None:
    assert roadside.middle_of_longest(np.array(mask, bool)) == middle


def test_bridges_are_straight_and_kerbs_are_in_bends() -> None:
    bridges = kerbs = 0
    for track in map(random_track, SEEDS):
        radius = 1 / np.maximum(np.abs(track.curvature), 1e-9)
        for feature in track.features:
            end_m = feature.to_m
            if end_m < feature.from_m:
                end_m += track.length_m
            part = points_between(len(track.points), feature.from_m, end_m, 0.5)
            if feature.kind == "bridge":
                bridges += 1
                assert radius[part].min() > 95
                assert 34 < end_m - feature.from_m < 86
            if feature.kind == "kerb":
                kerbs += 1
                assert radius[part].max() < 100
    assert bridges > 10
    assert kerbs > 60


def test_water_reaches_no_part_of_the_road() -> None:
    """Its surface is 1.4 m below the lowest road beside it (`rendering/terrain.py`)."""
    wet = 0
    for track in map(random_track, SEEDS):
        for feature in track.features:
            if feature.kind == "water":
                wet += 1
                part = points_between(len(track.points), feature.from_m, feature.to_m, 0.5)
                surface_m = track.points[part, 2].min() - 1.4
                assert track.points[:, 2].min() > surface_m + 0.8
    assert wet > 3


def test_an_opening_meets_no_other_part_of_the_road() -> None:
    openings = 0
    for track in map(random_track, SEEDS):
        for feature in track.features:
            if feature.kind not in ("junction", "dirt"):
                continue
            openings += 1
            middle_m = (feature.from_m + feature.to_m) / 2
            width_m = track.position_at(middle_m).width_m
            sign = 1 if feature.side == "left" else -1
            for reach_m in (6.0, 12.0, 18.0, 24.0):
                end = track.pose_at(middle_m, sign * (width_m / 2 + reach_m))
                distance = np.hypot(*(track.points[:, :2] - (end.x_m, end.y_m)).T)
                along = np.abs(track.station_m - middle_m)
                along = np.minimum(along, track.length_m - along)
                assert distance[along > 110].min() > track.width_m.max() / 2 + 2
    assert openings > 40


def test_no_opening_leads_from_one_straight_to_the_next() -> None:
    """Two straights of 200 m, 30 m apart: only their outer sides have room."""
    turn = np.linspace(-np.pi / 2, np.pi / 2, 95)[1:-1]
    along = np.arange(0, 200, 0.5)
    bend = 15 * np.column_stack([np.cos(turn), np.sin(turn)])
    lower = np.column_stack([along, 0 * along - 15])
    upper = np.column_stack([along[::-1], 0 * along + 15])
    plan = np.concatenate([lower, np.add(bend, (200, 0)), upper, -bend])
    points = np.column_stack([plan, np.zeros(len(plan))])
    curvature = np.zeros(len(plan))
    curvature[len(along) : len(along) + len(turn)] = curvature[-len(turn) :] = 1 / 15
    sides = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        found = roadside.draw_features(points, curvature, np.full(len(plan), 8.0), "lake", rng)
        sides += [each.side for each in found if each.kind in ("junction", "dirt")]
    assert sides.count("right") > 10
    assert "left" not in sides


def test_features_that_take_the_same_place_do_not_meet() -> None:
    for track in map(random_track, SEEDS):
        taken = np.zeros(len(track.points), int)
        for feature in track.features:
            if feature.kind in ("bridge", "junction", "dirt", "shade"):
                taken[points_between(len(taken), feature.from_m, feature.to_m, 0.5)] += 1
        assert taken.max(initial=0) <= 1
