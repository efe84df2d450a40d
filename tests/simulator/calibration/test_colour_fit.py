"""The fit is held against colours that the renderer was given."""

import numpy as np
import pytest
from support.data.roads import straight

from contract.errors import RecordingError
from simulator.calibration.colour_fit import ColourFit, fit_colours, hood_pixels
from simulator.calibration.moments import Moment
from simulator.rendering.appearance import Appearance
from simulator.rendering.camera import Camera
from simulator.rendering.scene_preset import CameraPose, ScenePreset, SurfaceLook

POSE = CameraPose(pitch_down_deg=8.5, height_m=1.25)
SOIL = (0.8, 0.95, 1.3)
TRUE = ScenePreset(
    POSE,
    zenith=(0.7, 0.8, 0.9),
    horizon=(0.95, 0.9, 0.8),
    hood=(0.8, 0.9, 0.7),
    surfaces={
        "road": SurfaceLook((1.3, 1.0, 0.8), 0.6),
        **{kind: SurfaceLook(SOIL) for kind in ("sand", "dry grass", "earth")},
    },
)


def moments(preset: ScenePreset, count: int) -> list[Moment]:
    """Return pictures of a world of another seed than those that the fit renders."""
    road = straight(200.0)
    with Camera(road, Appearance(seed=5, preset=preset)) as camera:
        pictures = [
            camera.render(road.pose_at(float(station_m), 0.4))
            for station_m in np.linspace(3.0, 150.0, count)
        ]
    return [(picture,) * 3 for picture in pictures]


@pytest.fixture(scope="module")
def fit() -> ColourFit:
    return fit_colours(moments(TRUE, 24), POSE, straight(200.0))


@pytest.mark.parametrize(
    ("region", "factors", "bound"),
    [
        ("road", (1.3, 1.0, 0.8), 0.05),
        ("verge", SOIL, 0.12),
        ("hood", (0.8, 0.9, 0.7), 0.02),
        ("zenith", (0.7, 0.8, 0.9), 0.08),
        ("horizon", (0.95, 0.9, 0.8), 0.08),
    ],
    ids=["road", "verge", "hood", "sky overhead", "sky at the horizon"],
)
def test_changed_colours_are_given_back(
    fit: ColourFit, region: str, factors: tuple[float, float, float], bound: float
) -> None:
    found = fit.regions[region]
    for factor, margin, true in zip(found.colour, found.colour_margins, factors, strict=True):
        assert factor == pytest.approx(true, abs=max(margin, bound * true))
        assert margin < 0.15


def test_the_contrast_of_the_road_is_given_back(fit: ColourFit) -> None:
    road = fit.regions["road"]
    assert road.contrast == pytest.approx(0.6, abs=max(0.06, road.contrast_margin))


def test_the_preset_holds_what_was_fitted_and_the_pose(fit: ColourFit) -> None:
    assert fit.preset.camera == POSE
    assert fit.preset.hood == fit.regions["hood"].colour
    for kind in ("sand", "dry grass", "earth"):
        assert fit.preset.surface(kind).colour == fit.regions["verge"].colour
    assert fit.document()["road"]["seen"] == fit.regions["road"].seen


def test_what_is_not_seen_stays_as_it_is_built(fit: ColourFit) -> None:
    """No water lies beside this road."""
    assert "water" not in fit.regions
    assert fit.preset.surface("water") == SurfaceLook()
    assert fit.preset.surface("kerb") == SurfaceLook()


def test_too_few_pictures_are_refused() -> None:
    with pytest.raises(RecordingError, match="too little of the road"):
        fit_colours(moments(TRUE, 3), POSE, straight(200.0))


def test_the_hood_is_where_it_is_drawn() -> None:
    drawn = {}
    for shade in (0.2, 1.0):
        preset = ScenePreset(POSE, hood=(shade, shade, shade))
        drawn[shade] = moments(preset, 1)[0][0].astype(int)
    changed = (drawn[0.2] != drawn[1.0]).any(axis=2)
    hood = hood_pixels(POSE)
    assert (changed | ~hood).all()
    assert hood.sum() > 0.85 * changed.sum()
