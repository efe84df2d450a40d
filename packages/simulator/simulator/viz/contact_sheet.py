"""A contact sheet of a world: its road, its lights, its cameras, and real frames beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.errors import RecordingError
from contract.vehicle import CAMERA_NAMES, IMAGE_HEIGHT, IMAGE_WIDTH
from simulator.rendering.appearance import LIGHTS, Look
from simulator.rendering.camera import Camera
from simulator.track.geometry import Stretch, Track
from simulator.unity.replay import frames

Picture = NDArray[np.uint8]

COLUMNS: Final = 4
GAP: Final = 8
HEAD: Final = 30
"""Pixels: between pictures, and for the words above a strip of them."""
PAPER: Final = (252, 252, 250)
INK: Final = (33, 37, 43)
FIRST_M: Final = 20.0
BEFORE_M: Final = 12.0
"""From where one sees what begins beside the road."""


@dataclass(frozen=True)
class Strip:
    """Pictures side by side, (160, 320, 3) each, under words."""

    words: str
    pictures: Sequence[Picture]


def gallery(track: Track, seed: int, beside: Sequence[Path]) -> Picture:
    """Return the contact sheet of a track.

    Args:
        track: whose world is shown.
        seed: of its look.
        beside: recordings of which frames are shown below ours, for comparison.

    Returns:
        (H, W, 3), RGB.

    Raises:
        RecordingError: a recording has no frames of the simulator's size.
    """
    real = [Strip(f"recorded: {folder.name}", _recorded(folder)) for folder in beside]
    around = np.linspace(0, track.length_m, COLUMNS, endpoint=False) + FIRST_M
    lights = {light: _seen(track, Look(light, seed), around) for light in LIGHTS}
    first, *others = LIGHTS
    strips = [Strip(f"{track.name}, {first}", lights[first]), *real]
    beside_it = _stretches(track)
    if beside_it:
        stations = np.array([each.from_m - BEFORE_M for each in beside_it])
        kinds = [each.kind for each in beside_it]
        words = f"{track.name}, beside the road: {', '.join(dict.fromkeys(kinds))}"
        strips.append(Strip(words, _seen(track, Look(first, seed), stations)))
    with Camera(track, Look(first, seed)) as camera:
        pose = track.pose(FIRST_M, track.lane_m)
        words = f"cameras: {', '.join(CAMERA_NAMES)}"
        strips.append(Strip(words, [camera.picture(pose, side) for side in CAMERA_NAMES]))
    strips += [Strip(f"{track.name}, {light}", lights[light]) for light in others]
    varied = [
        _seen(track, Look(first, seed + number, vary=True), around[[number]])[0]
        for number in range(COLUMNS)
    ]
    strips.append(Strip(f"{track.name}, varied by seeds {seed} to {seed + COLUMNS - 1}", varied))
    return sheet(strips)


def sheet(strips: Sequence[Strip]) -> Picture:
    """Return strips one below the other, each as wide as COLUMNS pictures."""
    wide = GAP + COLUMNS * (IMAGE_WIDTH + GAP)
    tall = HEAD + IMAGE_HEIGHT + GAP
    picture = np.full((len(strips) * tall + GAP, wide, 3), PAPER, np.uint8)
    font = cv2.FontFace()
    for number, strip in enumerate(strips):
        top = number * tall
        cv2.putText(picture, strip.words, (GAP, top + HEAD - 9), INK, font, 17, 500)
        for column, each in enumerate(strip.pictures[:COLUMNS]):
            left = GAP + column * (IMAGE_WIDTH + GAP)
            picture[top + HEAD : top + HEAD + IMAGE_HEIGHT, left : left + IMAGE_WIDTH] = each
    return picture


def _seen(track: Track, look: Look, stations_m: NDArray[np.float64]) -> list[Picture]:
    with Camera(track, look) as camera:
        return [camera.picture(track.pose(float(each), track.lane_m)) for each in stations_m]


def _stretches(track: Track) -> list[Stretch]:
    """Return what accompanies the road: one of each kind before a second of any."""
    first: dict[str, Stretch] = {}
    for stretch in track.stretches:
        first.setdefault(stretch.kind, stretch)
    others = [each for each in track.stretches if each not in first.values()]
    return [*first.values(), *others][:COLUMNS]


def _recorded(folder: Path) -> list[Picture]:
    """Return frames of a recording, spread over its length."""
    paths = frames(folder, None)
    at = np.linspace(0, len(paths) - 1, COLUMNS + 2)[1:-1].round().astype(int)
    pictures = []
    for path in (paths[index] for index in at):
        read = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        if read is None or read.shape != (IMAGE_HEIGHT, IMAGE_WIDTH, 3):
            raise RecordingError(
                f"{path} is no frame of the simulator",
                got="no picture" if read is None else f"{read.shape[1]} x {read.shape[0]} pixels",
                remedy=f"Name a recording of {IMAGE_WIDTH} x {IMAGE_HEIGHT} pixels",
            )
        pictures.append(np.asarray(read, dtype=np.uint8))
    return pictures
