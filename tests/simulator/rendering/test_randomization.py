import dataclasses
import math

import numpy as np
import pytest

from simulator.rendering.appearance import LIGHTS, PRESETS, Appearance
from simulator.rendering.camera import Camera
from simulator.rendering.randomization import SceneLook, resolve_look
from simulator.rendering.scene_preset import CameraPose, SurfaceLook
from simulator.track.builtin import lake

SEEDS = 400


def looks(light: str = "clear") -> list[SceneLook]:
    return [resolve_look(Appearance(light, seed, randomize=True)) for seed in range(SEEDS)]


def assert_spread(values: list[float], low: float, high: float) -> None:
    """Assert that values are within bounds, and that they come near both of them."""
    margin = 0.05 * (high - low)
    assert low <= min(values) <= low + margin
    assert high - margin <= max(values) <= high


def test_the_cameras_stay_within_the_bounds_that_the_docs_state() -> None:
    """Half a degree, 0.1 m, and 1.5 % around the prefab's (9.50, 0.72, 1.20), 1.2 m and 138.6."""
    poses = [look.camera for look in looks()]
    assert_spread([pose.yaw_right_deg for pose in poses], 0.22, 1.22)
    assert_spread([pose.pitch_down_deg for pose in poses], 9.0, 10.0)
    assert_spread([pose.roll_counterclockwise_deg for pose in poses], 0.7, 1.7)
    assert_spread([pose.height_m for pose in poses], 1.1, 1.3)
    assert_spread([pose.focal_px for pose in poses], 138.6 * 0.985, 138.6 * 1.015)


@pytest.mark.parametrize("light", LIGHTS)
def test_the_light_stays_within_bounds_around_the_named_one(light: str) -> None:
    found, base = [look.light for look in looks(light)], PRESETS[light]
    assert_spread([math.degrees(each.elevation_rad) for each in found], 12, 70)
    assert_spread([each.azimuth_rad for each in found], 0, 2 * math.pi)
    assert_spread([each.haze_per_m for each in found], 0.3 * base.haze_per_m, 3 * base.haze_per_m)
    for name, low, high in (("sun", 0.35, 1.15), ("ambient", 0.75, 1.25), ("zenith", 0.8, 1.1)):
        for channel, value in enumerate(getattr(base, name)):
            shares = [getattr(each, name)[channel] / value for each in found]
            assert 0.93 * low <= min(shares) < 1.2 * low
            assert 0.8 * high < max(shares) <= 1.07 * high


def test_surfaces_have_looks_of_their_own() -> None:
    found = looks()
    for kind in ("road", "kerb", "grass", "plants"):
        surfaces = [look.surface(kind) for look in found]
        contrasts, low, high = [surface.contrast for surface in surfaces], 0.4, 2.5
        if kind == "road":
            low, high = 0.7, 4.0
        assert_spread(np.log(contrasts).tolist(), math.log(low), math.log(high))
        sizes = np.log([surface.size for surface in surfaces])
        assert_spread(sizes.tolist(), math.log(0.6), math.log(1.8))
        for channel in range(3):
            colours = [surface.colour[channel] for surface in surfaces]
            assert 0.7 * 0.88 <= min(colours) < 0.75
            assert 1.25 < max(colours) <= 1.3 * 1.12
    both = np.array([[look.surface(kind).size for kind in ("road", "grass")] for look in found])
    assert abs(np.corrcoef(both.T)[0, 1]) < 0.2


def test_the_strips_beside_the_road_have_widths_of_their_own() -> None:
    found = [look.roadside for look in looks()]
    assert_spread([each.kerb_m for each in found], 0.6, 1.8)
    assert_spread([each.shoulder_m for each in found], 0.3, 1.3)
    with_run_off = [each.run_off_m for each in found if each.run_off_m]
    assert_spread(with_run_off, 0.5, 3.0)
    assert len(with_run_off) / len(found) == pytest.approx(0.6, abs=0.1)


def test_a_seed_has_one_look() -> None:
    one, again, other = (
        resolve_look(Appearance("fog", seed, randomize=True)) for seed in (3, 3, 4)
    )
    assert one == again
    assert one != other
    assert one.document()["camera"] == dataclasses.asdict(one.camera)


@pytest.mark.parametrize("vary", [False, True], ids=["as it is", "varied"])
def test_without_it_nothing_but_the_light_is_drawn(vary: bool) -> None:
    appearance = Appearance("dusk", 3, vary)
    look = resolve_look(appearance)
    assert look == SceneLook(appearance.resolve_light(), CameraPose(), (1.0, 1.0, 1.0), {})
    assert look.surface("road") == SurfaceLook()


def test_a_texture_is_repainted_around_its_mean() -> None:
    picture = np.zeros((2, 2, 4), np.uint8)
    picture[..., 0] = [[40, 60], [80, 100]]
    picture[..., 1] = 100
    picture[..., 3] = [[0, 255], [255, 0]]
    painted = SurfaceLook((2.0, 0.5, 1.0), 0.5).repaint(picture)
    assert painted[..., 0].tolist() == [[110, 130], [150, 170]]
    assert (painted[..., 1] == 50).all()
    assert (painted[..., 3] == picture[..., 3]).all()
    assert SurfaceLook(size=3.0).repaint(picture) is picture


def test_the_size_of_a_texture_changes_what_is_seen_of_it() -> None:
    """Coarser road: neighbouring rows are more alike. The paint stays where it is."""

    def road(size: float) -> np.ndarray:
        look = SceneLook(PRESETS["overcast"], surfaces={"road": SurfaceLook(size=size)})
        with Camera(lake(), Appearance(), look=look) as camera:
            return camera.render(lake().pose_at(20.0))[100:125].astype(float)

    def roughness(picture: np.ndarray) -> float:
        return float(np.abs(np.diff(picture[:, 100:200].mean(axis=2), axis=0)).mean())

    fine, coarse = road(0.4), road(4.0)
    assert roughness(coarse) < 0.8 * roughness(fine)
    yellow = [(each[:, :, 0] - each[:, :, 2] > 70).mean(axis=0) for each in (fine, coarse)]
    assert np.corrcoef(*yellow)[0, 1] > 0.9


def test_another_seed_shows_another_world_on_the_same_road() -> None:
    pictures = []
    for seed in (1, 2, 1):
        with Camera(lake(), Appearance(seed=seed, randomize=True)) as camera:
            pictures.append(camera.render(lake().pose_at(20.0)).astype(int))
    assert (pictures[0] == pictures[2]).all()
    colours = [picture[100:125, 100:200].mean(axis=(0, 1)) for picture in pictures[:2]]
    assert np.abs(colours[0] - colours[1]).max() > 10
