"""Finds a track by the name that a user gives."""

from __future__ import annotations

from pathlib import Path

from simulator.track import builtin, csv_file, procedural
from simulator.track.geometry import Track


def load_track(name: str) -> Track:
    """Return the built-in track with a name, the track of a CSV file, or that of a seed.

    Args:
        name: Name of a built-in track, a path that ends with .csv, or random: and a seed.

    Raises:
        SettingError: There is no such track, or no car can drive it.
    """
    if name.endswith(".csv"):
        return csv_file.read_track(Path(name))
    if name == procedural.PREFIX.removesuffix(":") or name.startswith(procedural.PREFIX):
        return procedural.random_track(procedural.parse_seed(name))
    return builtin.builtin_track(name)
