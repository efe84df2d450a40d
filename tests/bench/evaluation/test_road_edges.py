"""The truth that saliency is held against, itself held against what the renderer draws."""

import math

import numpy as np
import pytest
from bench.evaluation import road_edges
from support.data import roads, unity_cameras

from contract.frames import preprocess
from simulator.rendering.appearance import Appearance
from simulator.rendering.camera import Camera
from simulator.track import builtin


def test_walls_begin_where_the_road_is_said_to_end() -> None:
    """On the lake's bridge: pale bricks up to the edge, and black walls from there on."""
    track, station_m = builtin.lake(), 460.0
    half = track.width_m / 2
    for direction in (1, -1):
        pose = track.pose_at(station_m, 0.7, 0.05 + (0.0 if direction > 0 else math.pi))
        with Camera(track, Appearance()) as camera:
            seen = preprocess.resize(camera.render(pose)).mean(axis=-1)
        numbers = road_edges.ahead(track, station_m, direction, reach_m=15.0)
        for sign in (1.0, -1.0):
            inside, outside = (
                road_edges.strip(track, numbers, pose, sign * (half + a), sign * (half + b))
                for a, b in ((-1.2, -0.3), (0.2, 0.5))
            )
            assert inside.sum() > 30
            assert outside.sum() > 10
            assert seen[inside].mean() > 90
            assert seen[outside].mean() < 50


def test_a_point_straight_ahead_is_where_the_lens_says() -> None:
    """Only the camera's pitch, yaw and roll move it from the middle of the frame.

    The expected pixel is OpenCV's, from the rotation of Unity's prefab.
    """
    track = roads.straight()
    pose = track.pose_at(50.0)
    (far,), depth = road_edges.project(np.array([[1e6, 0.0, 1.2]]), pose)
    assert depth[0] > 9e5
    ((column, row),) = unity_cameras.project(np.array([[1e6, 0.0, 1.2]]))
    assert (far[0] + 0.5) / 0.4 - 0.5 == pytest.approx(column, abs=0.1)
    assert (far[1] + 0.5) / 0.8 - 0.5 == pytest.approx(row, abs=0.1)
    (_, behind) = road_edges.project(np.array([[0.0, 0.0, 0.0]]), pose)
    assert behind[0] < 0


def test_the_road_is_between_its_edges_and_ends_at_the_horizon() -> None:
    track = roads.straight()
    pose = track.pose_at(50.0)
    found = road_edges.road(track, 50.0, 1, pose)
    assert not found[:40].any()
    assert found[100:110, 40:90].all()
    widths = found[50:].sum(axis=1)
    assert (np.diff(widths) >= -1).all()
    assert road_edges.grown(found, 2).sum() > road_edges.grown(found, 0).sum() == found.sum()


def test_what_lies_behind_a_crest_is_not_seen() -> None:
    track = roads.straight(grade=0.0)
    points = track.points.copy()
    points[:, 2] = -np.maximum(0, points[:, 0] - 80.0) * 0.5  # falls away beyond 80 m
    hill = type(track)("hill", "lake", False, points, track.width_m)
    numbers = road_edges.ahead(hill, 50.0, 1)
    kept = road_edges.visible(hill, numbers, hill.pose_at(50.0))
    assert hill.station_m[kept[-1]] == pytest.approx(80.0, abs=2.0)
    assert len(road_edges.visible(track, numbers, track.pose_at(50.0))) == len(numbers)
