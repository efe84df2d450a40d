"""A track of one's own: a CSV file of centre-line points, checked for what no car can drive."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Final

import numpy as np

from contract.errors import SettingError
from simulator.track.geometry import STEP_M, Floats, Track
from simulator.track.spline import through

WIDTH_M: Final = 8.0
WIDTHS_M: Final = (4.0, 40.0)
LENGTHS_M: Final = (60.0, 20_000.0)
RADIUS_M: Final = 7.0
"""The car's own tightest circle has 6.15 m: 2.87 m / tan 25°."""
GRADE: Final = 0.2
POINTS: Final = (4, 4000)
COLUMNS: Final = {
    "x": "x",
    "x_m": "x",
    "y": "y",
    "y_m": "y",
    "z": "z",
    "z_m": "z",
    "width": "width",
    "width_m": "width",
    "w_tr_right_m": "right",
    "w_tr_left_m": "left",
}
"""Names of columns; the last two are those of TUM's race-track database, from the line outwards."""


def read(path: Path) -> Track:
    """Return the track of a CSV file: x,y[,z][,width] in metres, with or without a header.

    It is closed where the way from the last point to the first is no longer than twice the longest
    step between two others. Its style is that of lake.

    Raises:
        SettingError: the file is no track that can be driven.
    """
    rows = _rows(path)
    names, numbers = _named(path, rows)
    values = _values(path, names, numbers)
    points, closed = _opened(path, values)
    line = through(points, closed, STEP_M)
    # A spline may swing beyond its points: what it swings to is limited, not the points themselves.
    width = line[:, 3].clip(*WIDTHS_M)
    track = Track(path.stem, "lake", closed, line[:, :3].copy(), width)
    _check(path, track)
    return track


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Return the lines that say something, with their numbers, split at commas or semicolons."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(
            "the track cannot be read", got=error, remedy="Name a CSV file of points: x,y"
        ) from error
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        fields = [field.strip() for field in re.split("[,;]", line.lstrip("# \t"))]
        header = any(field.lower() in COLUMNS for field in fields)
        if any(fields) and (header or not line.lstrip().startswith("#")):
            rows.append((number, fields))
    return rows


def _named(
    path: Path, rows: list[tuple[int, list[str]]]
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return what the columns are, and the rows without a header."""
    if rows and any(field.lower() in COLUMNS for field in rows[0][1]):
        names = [COLUMNS.get(field.lower(), "") for field in rows[0][1]]
        if "x" in names and "y" in names:
            return names, rows[1:]
        raise SettingError(
            f"{path} has no columns x and y", got=",".join(rows[0][1]), remedy="Name both"
        )
    width = len(rows[0][1]) if rows else 0
    plain = {2: ["x", "y"], 3: ["x", "y", "z"], 4: ["x", "y", "z", "width"]}
    if width not in plain:
        raise SettingError(
            f"{path} is no track",
            got=f"{width} columns",
            remedy="It takes x,y or x,y,z or x,y,z,width in metres, or a header that names them",
        )
    return plain[width], rows


def _values(path: Path, names: list[str], rows: list[tuple[int, list[str]]]) -> Floats:
    """Return (M, 4): x, y, z and width."""
    if not POINTS[0] <= len(rows) <= POINTS[1]:
        raise SettingError(
            f"{path} has too {'few' if len(rows) < POINTS[0] else 'many'} points",
            got=len(rows),
            remedy=f"A track takes {POINTS[0]} to {POINTS[1]:,}; one every 5 to 20 m is plenty",
        )
    values = []
    for line, row in rows:
        try:
            found = {name: float(field) for name, field in zip(names, row, strict=True) if name}
        except ValueError as error:
            raise SettingError(
                f"line {line} of {path} is no point",
                got=",".join(row),
                remedy=f"Write {len(names)} numbers with decimal points, separated by commas",
            ) from error
        bad = [name for name, value in found.items() if not math.isfinite(value)]
        if bad:
            raise SettingError(
                f"line {line} of {path}: {bad[0]} is not finite",
                got=found[bad[0]],
                remedy="Give its true value, or leave the line out",
            )
        sides = found.get("right", WIDTH_M / 2) + found.get("left", WIDTH_M / 2)
        width = found.get("width", sides)
        if not WIDTHS_M[0] <= width <= WIDTHS_M[1]:
            raise SettingError(
                f"line {line} of {path}: the road's width is impossible",
                got=f"{width:g} m",
                remedy=f"{WIDTHS_M[0]:g} to {WIDTHS_M[1]:g} m",
            )
        values.append([found["x"], found["y"], found.get("z", 0.0), width])
    return np.array(values)


def _opened(path: Path, points: Floats) -> tuple[Floats, bool]:
    """Return the points without a repeated first, and whether they are closed."""
    steps = np.hypot(*np.diff(points[:, :2], axis=0).T)
    gap = float(np.hypot(*(points[0, :2] - points[-1, :2])))
    if gap < 0.1:
        points, steps, closed = points[:-1], steps[:-1], True
    else:
        closed = gap <= 2 * float(steps.max())
    same = np.flatnonzero(steps < 0.1)
    if len(same):
        raise SettingError(
            f"{path}: points {same[0] + 1} and {same[0] + 2} are in the same place",
            got=f"{points[same[0], 0]:g}, {points[same[0], 1]:g}",
            remedy="Leave one of them out",
        )
    length = float(steps.sum()) + (gap if closed else 0.0)
    if not LENGTHS_M[0] <= length <= LENGTHS_M[1]:
        raise SettingError(
            f"{path} is too {'short' if length < LENGTHS_M[0] else 'long'}",
            got=f"{length:,.1f} m",
            remedy=f"A track has {LENGTHS_M[0]:g} to {LENGTHS_M[1]:,.0f} m: are these metres, and "
            "not degrees or kilometres?",
        )
    return points, closed


def _check(path: Path, track: Track) -> None:
    """Raise for a bend, a slope or a crossing that no car drives."""
    bends = np.abs(track.curvature)
    tightest = int(bends.argmax())
    radius = 1 / max(float(bends[tightest]), 1e-9)
    least = max(RADIUS_M, float(track.width_m[tightest]) / 2 + 1)
    if radius < least:
        raise SettingError(
            f"{path}: the bend at {_where(track, tightest)} is too tight",
            got=f"{radius:.1f} m radius",
            remedy=f"Move its points until it has {least:g} m at least: the car turns in "
            f"{RADIUS_M:g} m, and the road's inner edge must not fold",
        )
    steepest = int(np.abs(track.grade).argmax())
    if abs(float(track.grade[steepest])) > GRADE:
        raise SettingError(
            f"{path}: the road at {_where(track, steepest)} is too steep",
            got=f"{abs(float(track.grade[steepest])):.0%}",
            remedy=f"At most {GRADE:.0%}",
        )
    meeting = _meeting(track)
    if meeting is not None:
        one, other = meeting
        raise SettingError(
            f"{path}: the road runs into itself",
            got=f"at {_where(track, one)} and at {_where(track, other)}",
            remedy="Keep its parts more than a road's width apart; bridges over it are not known",
        )


def _meeting(track: Track) -> tuple[int, int] | None:
    """Return two points whose roads overlap though the way between them is long, or None."""
    every = max(1, round(2.0 / track.step_m))
    places = track.points[::every, :2]
    widths = track.width_m[::every]
    step = every * track.step_m
    for first in range(len(places)):
        away = np.hypot(*(places[first + 1 :] - places[first]).T)
        along = np.arange(1, len(away) + 1) * step
        if track.closed:
            along = np.minimum(along, track.length_m - along)
        near = (widths[first] + widths[first + 1 :]) / 2
        # Half around the tightest bend the road comes back to itself at its diameter.
        hits = np.flatnonzero((away < near) & (along > near * math.pi / 2))
        if len(hits):
            return first * every, (first + 1 + int(hits[0])) * every
    return None


def _where(track: Track, index: int) -> str:
    x, y, _ = track.points[index]
    return f"{track.station_m[index]:.0f} m (x {x:.0f}, y {y:.0f})"
