"""Finds a track by the name that people give it: a built-in one, or a CSV file."""

from __future__ import annotations

from pathlib import Path

from simulator.track import builtin, csv_file
from simulator.track.geometry import Track


def track_of(name: str) -> Track:
    """Return the built-in track of that name, or the one of a CSV file.

    Raises:
        SettingError: there is none, or it cannot be driven.
    """
    if name.endswith(".csv"):
        return csv_file.read(Path(name))
    return builtin.built_in(name)
