"""Fits the colours of the simulator's world to those that the pictures of recordings show.

It is analysis by synthesis: the same regions (`calibration/regions.py`) are measured in recorded
pictures and in pictures that the simulator renders from the pose that was found; the factors of the
world's colours are changed by the quotient of the two, until they agree. So what a region holds
beside what it is named for, such as the foot of a tree, counts on both sides alike.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.errors import RecordingError
from contract.vehicle import IMAGE_HEIGHT, IMAGE_WIDTH, MAX_STEER_DEG, WHEELBASE_M
from simulator.calibration.moments import MAX_STEERING, Moment, Picture
from simulator.calibration.regions import Mask, Regions
from simulator.rendering.appearance import Appearance
from simulator.rendering.camera import Camera
from simulator.rendering.hood import build_hood
from simulator.rendering.randomization import resolve_look
from simulator.rendering.scene_preset import CameraPose, Colour, ScenePreset, SurfaceLook
from simulator.rendering.sky import sky_share
from simulator.track.geometry import Track

KINDS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "lake": {
        "road": ("road", "pavement"),
        "edge": ("shoulder",),
        "verge": ("sand", "dry grass", "earth"),
        "water": ("water",),
        "trees": ("plants",),
    },
    "jungle": {
        "road": ("road", "pavement"),
        "verge": ("grass",),
        "slopes": ("rock",),
        "trees": ("plants",),
    },
}
"""Kinds of surface that a region tells of, by the style of the track."""
WHOLE: Final = ("hood", "zenith", "horizon")
"""Regions that have no kind of surface, but an entry of their own in a preset."""
MIN_PIXELS: Final = 80
MIN_PICTURES: Final = 8
"""Fewer pictures with a region than this do not tell its colour."""
PICTURES: Final = 60
"""Pictures that are rendered for the comparison."""
SEEDS: Final = (11, 12, 13)
"""Worlds in which they are rendered."""
ROUNDS: Final = 4
TOLERANCE: Final = 0.1
"""Largest difference of the logarithms of two colours that are taken for one."""
COLOUR_RANGE: Final = (0.3, 3.0)
CONTRAST_RANGE: Final = (0.2, 2.0)
DETAILS_PX: Final = 4.0
"""Blur of a picture; what differs from it are details."""
SKY_BIN_DEG: Final = 1.0
MIN_SKY_SPAN_DEG: Final = 5.0
Z_95: Final = 1.96
MAD_TO_STD: Final = 1.4826
MEDIAN_TO_MEAN: Final = math.sqrt(math.pi / 2)
"""Standard error of a median over that of a mean, of normally distributed values."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RegionColour:
    """The colour of a region over several pictures."""

    median: Floats
    """Median of the pictures' medians of red, green and blue, (3,), 0..255."""
    contrast: float
    """Median of the pictures' standard deviations of their details, as a share of the mean."""
    margins: Floats
    """Half of the 95 % intervals of the logarithms of colours and contrast, (4,)."""
    pictures: int


@dataclass(frozen=True)
class FittedColour:
    """Factors of a region's colour and contrast, with half of their 95 % intervals."""

    colour: Colour
    contrast: float
    """Factor of the contrast; it is fitted for the road alone."""
    colour_margins: Colour
    contrast_margin: float
    seen: Colour
    """Colour of the region in the recordings, 0..255."""
    pictures: int


@dataclass(frozen=True)
class ColourFit:
    """The preset with which the simulator has the colours of the recordings."""

    preset: ScenePreset
    regions: Mapping[str, FittedColour]
    """The fit of each region that enough pictures show."""

    def document(self) -> dict[str, Any]:
        """Return the figures of all regions, for a JSON document."""
        return {name: dataclasses.asdict(region) for name, region in self.regions.items()}


def fit_colours(moments: Sequence[Moment], pose: CameraPose, track: Track) -> ColourFit:
    """Return a preset with the pose and with the colours that the centre camera's images show.

    Args:
        moments: Images of the centre, left and right camera.
        pose: Pose of the cameras, as `fit_camera` found it.
        track: Track of the recordings, or one of its style.

    Raises:
        RecordingError: The images show too little of the road.
    """
    regions, hood = Regions.of_pose(pose), hood_pixels(pose)
    recorded = _measure([moment[0] for moment in moments], regions, hood)
    if "road" not in recorded:
        raise RecordingError(
            "the recordings show too little of the road to tell its colour",
            got=f"{len(moments)} moments",
            remedy=f"Name recordings with at least {MIN_PICTURES} moments of straight driving",
        )
    told = {*KINDS[track.style], *WHOLE} & recorded.keys()
    preset, rendered = _approach(recorded, told, pose, track, regions, hood)
    # What the pictures do not follow when its factor is changed is not seen in them.
    followed = {
        name for name in told if name in rendered and _agree(recorded[name], rendered[name])
    }
    if followed != told:
        preset, rendered = _approach(recorded, followed, pose, track, regions, hood)
    fitted = {
        name: _state(_look(preset, name, track.style), recorded[name], rendered[name])
        for name in sorted(followed & rendered.keys())
    }
    return ColourFit(preset, fitted)


def _approach(
    recorded: Mapping[str, RegionColour],
    told: Set[str],
    pose: CameraPose,
    track: Track,
    regions: Regions,
    hood: Mask,
) -> tuple[ScenePreset, dict[str, RegionColour]]:
    """Return a preset in which the named regions look as recorded, and how its regions look."""
    preset = ScenePreset(pose)
    for _ in range(ROUNDS):
        rendered = _measure(_render(track, preset), regions, hood)
        preset = _correct(preset, recorded, rendered, told & rendered.keys(), track.style)
    return preset, _measure(_render(track, preset), regions, hood)


def _agree(one: RegionColour, other: RegionColour) -> bool:
    """Return whether two colours differ by no more than TOLERANCE, or than their margins."""
    difference = np.abs(np.log(one.median / other.median))
    return bool(
        (difference <= np.maximum(TOLERANCE, np.hypot(one.margins, other.margins)[:3])).all()
    )


def _state(look: SurfaceLook, recorded: RegionColour, rendered: RegionColour) -> FittedColour:
    margins = np.hypot(recorded.margins, rendered.margins)
    return FittedColour(
        look.colour,
        look.contrast,
        _three(np.array(look.colour) * margins[:3]),
        look.contrast * float(margins[3]),
        _three(recorded.median),
        recorded.pictures,
    )


def hood_pixels(pose: CameraPose) -> Mask:
    """Return the pixels of the centre camera, (160, 320), that the hood covers entirely."""
    hood = build_hood("center", resolve_look(Appearance(preset=ScenePreset(pose))))
    covered = np.zeros((IMAGE_HEIGHT, IMAGE_WIDTH), bool)
    covered[hood.top :, hood.left : hood.left + hood.clear.shape[1]] = hood.clear[..., 0] == 0
    return covered


def _render(track: Track, preset: ScenePreset) -> list[Picture]:
    """Return what the centre camera sees at places that are as straight as the moments'."""
    most = math.tan(math.radians(MAX_STEERING * MAX_STEER_DEG)) / WHEELBASE_M
    straight = track.station_m[np.abs(track.curvature) < most]
    if not len(straight):
        straight = track.station_m
    stations = straight[np.linspace(0, len(straight) - 1, PICTURES).astype(int)]
    pictures = []
    for number, seed in enumerate(SEEDS):
        with Camera(track, Appearance(seed=seed, preset=preset)) as camera:
            for station_m in stations[number :: len(SEEDS)]:
                pictures.append(camera.render(track.pose_at(float(station_m), track.lane_m)))
    return pictures


def _measure(pictures: Sequence[Picture], regions: Regions, hood: Mask) -> dict[str, RegionColour]:
    """Return the colours of the regions that enough of the pictures show."""
    rows: dict[str, list[Floats]] = {}
    for picture in pictures:
        found = regions.find(picture, hood)
        details = _details(picture)
        for name, mask in found.items():
            if mask.sum() >= MIN_PIXELS:
                rows.setdefault(name, []).append(_statistics(picture, details, mask))
        ends = _sky_ends(picture, regions.elevation_deg, found["sky"])
        for name, colour in ends.items():
            rows.setdefault(name, []).append(np.append(colour, 1.0))
    return {
        name: _summarize(np.array(values))
        for name, values in rows.items()
        if len(values) >= MIN_PICTURES
    }


def _details(picture: Picture) -> Floats:
    """Return the details of a picture's brightness, (160, 320)."""
    grey = picture.mean(axis=2)
    return np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), DETAILS_PX))


def _statistics(picture: Picture, details: Floats, mask: Mask) -> Floats:
    """Return the median of red, green and blue of pixels, their contrast: (4,)."""
    pixels = picture[mask].astype(np.float64)
    contrast = details[mask].std() / max(float(pixels.mean()), 1.0)
    return np.append(np.median(pixels, axis=0), contrast)


def _sky_ends(picture: Picture, elevation_deg: Floats, sky: Mask) -> dict[str, Floats]:
    """Return the sky's colours at the horizon and overhead, (3,) each; none if it tells neither.

    The colours of the sky are a straight line over `sky_share`, which is fitted by least squares.
    """
    heights, colours = [], []
    numbers = np.floor(elevation_deg / SKY_BIN_DEG)
    for number in np.unique(numbers[sky]):
        mask = sky & (numbers == number)
        if mask.sum() >= MIN_PIXELS:
            heights.append(float(elevation_deg[mask].mean()))
            colours.append(np.median(picture[mask], axis=0))
    if len(heights) < 3 or max(heights) - min(heights) < MIN_SKY_SPAN_DEG:
        return {}
    share = sky_share(np.radians(np.array(heights)))
    parts = np.column_stack([1 - share, share])
    ends = np.linalg.lstsq(parts, np.array(colours), rcond=None)[0]
    return dict(zip(("horizon", "zenith"), np.maximum(ends, 1.0), strict=True))


def _summarize(values: Floats) -> RegionColour:
    """Return the colour of a region from what single pictures say, (N, 4)."""
    median = np.median(values, axis=0)
    logs = np.log(np.maximum(values, 1e-3))
    spread = MAD_TO_STD * np.median(np.abs(logs - np.median(logs, axis=0)), axis=0)
    margins = Z_95 * MEDIAN_TO_MEAN * spread / math.sqrt(len(values))
    return RegionColour(median[:3], float(median[3]), margins, len(values))


def _correct(
    preset: ScenePreset,
    recorded: Mapping[str, RegionColour],
    rendered: Mapping[str, RegionColour],
    names: Set[str],
    style: str,
) -> ScenePreset:
    """Return a preset whose regions are nearer to the recorded ones."""
    changes: dict[str, Any] = {}
    surfaces = dict(preset.surfaces)
    for name in names:
        one, other, look = recorded[name], rendered[name], _look(preset, name, style)
        quotient = one.median / np.maximum(other.median, 1.0)
        colour = _three((np.array(look.colour) * quotient).clip(*COLOUR_RANGE))
        look = dataclasses.replace(look, colour=colour)
        if name == "road":
            contrast = look.contrast * one.contrast / max(other.contrast, 1e-3)
            look = dataclasses.replace(look, contrast=float(np.clip(contrast, *CONTRAST_RANGE)))
        if name in WHOLE:
            changes[name] = colour
        for kind in KINDS[style].get(name, ()):
            surfaces[kind] = look
    return dataclasses.replace(preset, surfaces=surfaces, **changes)


def _look(preset: ScenePreset, name: str, style: str) -> SurfaceLook:
    """Return the look of a region in a preset."""
    if name in WHOLE:
        return SurfaceLook(getattr(preset, name))
    return preset.surface(KINDS[style][name][0])


def _three(values: Floats) -> Colour:
    red, green, blue = values.tolist()
    return red, green, blue
