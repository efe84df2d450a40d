"""The areas of the road's surfaces, computed from triangles, against those of rings."""

import math

import numpy as np
import pytest
from support.data.roads import circle

from simulator.rendering.appearance import PRESETS, Appearance
from simulator.rendering.camera import Camera
from simulator.rendering.mesh import Surface
from simulator.rendering.road_mesh import build_surfaces
from simulator.rendering.scene_preset import RoadsideWidths
from simulator.track.geometry import RoadFeature, Track

RADIUS_M, WIDTH_M = 60.0, 8.0
AS_BUILT = RoadsideWidths()
LAP_M = 2 * math.pi * RADIUS_M


def area_m2(surface: Surface) -> float:
    a, b, c = (surface.positions[surface.triangles[:, corner]] for corner in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()) / 2


def areas(
    style: str, *features: RoadFeature, widths: RoadsideWidths = AS_BUILT
) -> dict[str, float]:
    track = circle(RADIUS_M, WIDTH_M, style=style, features=features)
    surfaces = build_surfaces(track, PRESETS["clear"], style, widths)
    return {kind: area_m2(surface) for kind, surface in surfaces.items()}


def ring_m2(inner_m: float, outer_m: float, length_m: float = LAP_M) -> float:
    """Return the area between two distances outside the centre line, over a part of the lap."""
    share = length_m / LAP_M
    return math.pi * share * ((RADIUS_M + outer_m) ** 2 - (RADIUS_M + inner_m) ** 2)


@pytest.mark.parametrize("style", ["lake", "jungle"])
def test_a_junction_is_paved_and_its_side_has_no_verge(style: str) -> None:
    """To the right, on the outside of the circle, between the stations 40 and 52 m."""
    plain, paved = areas(style), areas(style, RoadFeature("junction", 40.0, 52.0, "right"))
    road_m2 = ring_m2(-4, 4, 12)
    assert plain["road"] - paved["road"] == pytest.approx(road_m2, rel=0.01)
    assert paved["pavement"] == pytest.approx(road_m2 + ring_m2(4, 28, 12), rel=0.01)
    beside = sum(plain[kind] - paved.get(kind, 0.0) for kind in plain if kind != "road")
    assert beside == pytest.approx(ring_m2(4, 9, 12), rel=0.02)
    assert "pavement" not in plain


@pytest.mark.parametrize(("style", "grass"), [("lake", "dry grass"), ("jungle", "grass")])
def test_a_dirt_edge_takes_the_place_of_shoulder_and_verge(style: str, grass: str) -> None:
    plain, dirty = areas(style), areas(style, RoadFeature("dirt edge", 0.0, LAP_M))
    both_m2 = 2 * ring_m2(0, 1.6) - 2 * math.pi * 1.6**2  # the ring outside and that inside
    assert dirty["sand"] == pytest.approx(2 * LAP_M * 1.6, rel=0.01)
    assert both_m2 == pytest.approx(dirty["sand"], rel=0.1)
    assert "shoulder" not in dirty
    assert dirty[grass] == pytest.approx(2 * LAP_M * 3.4, rel=0.02)
    assert sum(dirty.values()) == pytest.approx(sum(plain.values()), rel=0.01)


@pytest.mark.parametrize("style", ["lake", "jungle"])
def test_a_kerb_has_a_shoulder_behind_it_in_both_styles(style: str) -> None:
    found = areas(style, RoadFeature("kerb", 0.0, LAP_M))
    assert found["kerb"] == pytest.approx(2 * LAP_M * 0.9, rel=0.02)
    assert found["shoulder"] == pytest.approx(2 * LAP_M * 0.4, rel=0.05)


@pytest.mark.parametrize(
    ("features", "beside_m"),
    [((RoadFeature("kerb", 0.0, LAP_M),), 1.9), ((), 0.7)],
    ids=["kerb", "shoulder"],
)
def test_a_run_off_lies_between_the_edge_of_the_road_and_the_grass(
    features: tuple[RoadFeature, ...], beside_m: float
) -> None:
    """The grass ends where it did, 5 m from the road and half a metre lower."""
    widths = RoadsideWidths(kerb_m=1.5, shoulder_m=0.7, run_off_m=2.0)
    found = areas("lake", *features, widths=widths)
    grass_m = math.hypot(5.0 - beside_m - 2.0, 0.5)
    assert found["run-off"] == pytest.approx(2 * LAP_M * 2.0, rel=0.02)
    assert found["dry grass"] == pytest.approx(2 * LAP_M * grass_m, rel=0.02)
    assert "run-off" not in areas("lake", *features)


def test_a_run_off_ends_where_the_verge_does() -> None:
    found = areas("lake", widths=RoadsideWidths(run_off_m=9.0))
    assert found["run-off"] == pytest.approx(2 * LAP_M * (5.0 - 1.3), rel=0.02)


def road_pixels(style: str, markings: str) -> np.ndarray:
    """Return the pixels in which the camera sees the road near the car, (N, 3)."""
    bare = circle(200.0, WIDTH_M, style=style)
    track = Track("circle", style, True, bare.points, bare.width_m, 0.0, (), markings)
    with Camera(track, Appearance("overcast")) as camera:
        picture = camera.render(track.pose_at(3.0))
    return picture[75:125].reshape(-1, 3).astype(int)


@pytest.mark.parametrize("style", ["lake", "jungle"])
def test_markings_do_not_depend_on_the_style(style: str) -> None:
    """White paint is lighter in all colours than the bare road, yellow paint has less blue."""
    bare = road_pixels(style, "none")
    lanes, edges = road_pixels(style, "lanes") - bare, road_pixels(style, "edges") - bare
    whiter = (lanes.min(axis=1) > 20) & (np.ptp(lanes, axis=1) < 40)
    yellower = edges[:, 0] - edges[:, 2] > 60
    assert whiter.sum() > 100
    assert yellower.sum() > 100
    # Nothing else of the picture changes.
    for change, paint in ((lanes, 4000), (edges, 4000)):
        assert (change != 0).any(axis=1).sum() < paint
    assert (np.abs(lanes[:, 0] - lanes[:, 2]) > 60).sum() == 0
