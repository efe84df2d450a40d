"""Draws a contact sheet of a world: its road, lights and cameras, next to recorded frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.errors import RecordingError
from contract.files import atomic_files
from contract.vehicle import CAMERA_NAMES, IMAGE_HEIGHT, IMAGE_WIDTH
from simulator.recording.frame_files import list_frames
from simulator.rendering.appearance import LIGHTS, Appearance
from simulator.rendering.camera import Camera
from simulator.track.geometry import RoadFeature, Track

Picture = NDArray[np.uint8]

COLUMNS: Final = 4
GAP_PX: Final = 8
"""Space between pictures."""
HEADER_PX: Final = 30
"""Height of the caption above a strip of pictures."""
PAPER: Final = (252, 252, 250)
INK: Final = (33, 37, 43)
FIRST_STATION_M: Final = 20.0
FEATURE_VIEW_M: Final = 12.0
"""Distance before a feature of the road from which it is shown."""


@dataclass(frozen=True)
class Strip:
    """A row of pictures, (160, 320, 3) each, under a caption."""

    caption: str
    pictures: Sequence[Picture]


def draw_contact_sheet(track: Track, seed: int, recordings: Sequence[Path]) -> Picture:
    """Return the contact sheet of a track, RGB (H, W, 3).

    Args:
        track: Track whose world is shown.
        seed: Seed of the world's appearance.
        recordings: Folders of recordings whose frames are shown for comparison.

    Raises:
        RecordingError: A recording has no frames of the simulator's size.
    """
    recorded = [
        Strip(f"recorded: {folder.name}", _read_recorded_frames(folder)) for folder in recordings
    ]
    stations = np.linspace(0, track.length_m, COLUMNS, endpoint=False) + FIRST_STATION_M
    lights = {light: _render(track, Appearance(light, seed), stations) for light in LIGHTS}
    first, *others = LIGHTS
    strips = [Strip(f"{track.name}, {first}", lights[first]), *recorded]
    features = _choose_features(track)
    if features:
        feature_stations = np.array([feature.from_m - FEATURE_VIEW_M for feature in features])
        kinds = ", ".join(dict.fromkeys(feature.kind for feature in features))
        pictures = _render(track, Appearance(first, seed), feature_stations)
        strips.append(Strip(f"{track.name}, beside the road: {kinds}", pictures))
    with Camera(track, Appearance(first, seed)) as camera:
        pose = track.pose_at(FIRST_STATION_M, track.lane_m)
        pictures = [camera.render(pose, side) for side in CAMERA_NAMES]
    strips.append(Strip(f"cameras: {', '.join(CAMERA_NAMES)}", pictures))
    strips += [Strip(f"{track.name}, {light}", lights[light]) for light in others]
    varied = [
        _render(track, Appearance(first, seed + number, vary=True), stations[[number]])[0]
        for number in range(COLUMNS)
    ]
    strips.append(Strip(f"{track.name}, varied by seeds {seed} to {seed + COLUMNS - 1}", varied))
    return stack_strips(strips)


def stack_strips(strips: Sequence[Strip]) -> Picture:
    """Return a picture of strips one below the other, each as wide as COLUMNS pictures."""
    width = GAP_PX + COLUMNS * (IMAGE_WIDTH + GAP_PX)
    strip_height = HEADER_PX + IMAGE_HEIGHT + GAP_PX
    sheet = np.full((len(strips) * strip_height + GAP_PX, width, 3), PAPER, np.uint8)
    font = cv2.FontFace()
    for number, strip in enumerate(strips):
        top = number * strip_height
        cv2.putText(sheet, strip.caption, (GAP_PX, top + HEADER_PX - 9), INK, font, 17, 500)
        rows = slice(top + HEADER_PX, top + HEADER_PX + IMAGE_HEIGHT)
        for column, picture in enumerate(strip.pictures[:COLUMNS]):
            left = GAP_PX + column * (IMAGE_WIDTH + GAP_PX)
            sheet[rows, left : left + IMAGE_WIDTH] = picture
    return sheet


def write_png(path: Path, picture: Picture) -> None:
    """Write an RGB picture as a PNG file, in place of an older one."""
    _, content = cv2.imencode(".png", picture[:, :, ::-1])
    atomic_files.write_bytes(path, content.tobytes())


def _render(track: Track, appearance: Appearance, stations_m: NDArray[np.float64]) -> list[Picture]:
    """Return what the centre camera sees from the driving line at some stations."""
    with Camera(track, appearance) as camera:
        poses = [track.pose_at(float(station_m), track.lane_m) for station_m in stations_m]
        return [camera.render(pose) for pose in poses]


def _choose_features(track: Track) -> list[RoadFeature]:
    """Return features of the road: one of each kind first, then others while there is space."""
    first_of_kind: dict[str, RoadFeature] = {}
    for feature in track.features:
        first_of_kind.setdefault(feature.kind, feature)
    chosen = list(first_of_kind.values())
    others = [feature for feature in track.features if feature not in chosen]
    return [*chosen, *others][:COLUMNS]


def _read_recorded_frames(folder: Path) -> list[Picture]:
    """Return frames of a recording, spread over its length."""
    paths = list_frames(folder, None)
    indices = np.linspace(0, len(paths) - 1, COLUMNS + 2)[1:-1].round().astype(int)
    pictures = []
    for path in (paths[index] for index in indices):
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        if picture is None or picture.shape != (IMAGE_HEIGHT, IMAGE_WIDTH, 3):
            raise RecordingError(
                f"{path} is not a frame of the simulator",
                got="no picture"
                if picture is None
                else f"{picture.shape[1]} x {picture.shape[0]} pixels",
                remedy=f"Name a recording of {IMAGE_WIDTH} x {IMAGE_HEIGHT} pixels",
            )
        pictures.append(np.asarray(picture, dtype=np.uint8))
    return pictures
