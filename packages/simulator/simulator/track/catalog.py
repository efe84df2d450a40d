"""Finds a track by the name that a user gives."""

from __future__ import annotations

from pathlib import Path

from simulator.track import builtin, csv_file
from simulator.track.geometry import Track


def load_track(name: str) -> Track:
    """Return the built-in track with a name, or the track of a CSV file.

    Args:
        name: Name of a built-in track, or a path that ends with .csv.

    Raises:
        SettingError: There is no such track, or no car can drive it.
    """
    if name.endswith(".csv"):
        return csv_file.read_track(Path(name))
    return builtin.builtin_track(name)
