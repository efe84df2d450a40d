"""Measures the simulator alone: pictures of the centre camera, and rows of a recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.figures import Figure, rates
from simulator.recording.demonstrations import DemonstrationConfig, record_demonstration
from simulator.rendering.appearance import Appearance
from simulator.rendering.camera import Camera
from simulator.track import builtin
from simulator.track.geometry import Track
from simulator.unity.number_format import find_locale

PICTURES = 300
LAPS = 0.15


def measure(scratch: Path) -> list[Figure]:
    """Return the JPEGs per second of one camera on each track, and the recorded rows per second."""
    figures = []
    for name in builtin.TRACK_NAMES:
        track = builtin.builtin_track(name)
        figures += _pictures(track)
    return figures + _rows(builtin.lake(), scratch)


def _pictures(track: Track) -> list[Figure]:
    poses = [
        track.pose_at(float(station), track.lane_m)
        for station in np.linspace(0, track.length_m, PICTURES, endpoint=False)
    ]
    with Camera(track, Appearance()) as camera:

        def around() -> None:
            for pose in poses:
                camera.render_jpeg(pose)

        return rates(f"simulator, {track.name}", "JPEGs/s", PICTURES, {"centre camera": around})


def _rows(track: Track, scratch: Path) -> list[Figure]:
    """Measure whole recordings: build the world, drive, draw three cameras, and write the files."""
    made = iter(range(1000))
    short = _shortened(track)

    def lesson() -> int:
        folder = scratch / f"run-{next(made)}"
        return record_demonstration(
            short, Appearance(), DemonstrationConfig(mph=(15.0, 15.0)), folder, find_locale("en-US")
        )

    return rates(f"simulator, {track.name}", "rows/s", lesson(), {"recording": lesson})


def _shortened(track: Track) -> Track:
    """Return the first part of a track, as an open road."""
    count = int(LAPS * len(track.points))
    return Track(
        track.name,
        track.style,
        False,
        track.points[:count],
        track.width_m[:count],
        track.lane_m,
        track.features,
    )
