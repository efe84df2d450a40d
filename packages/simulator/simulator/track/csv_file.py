"""Reads a track from a CSV file of centre-line points, and refuses roads that no car can drive."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Final

import numpy as np

from contract.errors import SettingError
from simulator.track.geometry import STEP_M, Floats, Track
from simulator.track.spline import interpolate

DEFAULT_WIDTH_M: Final = 8.0
WIDTH_RANGE_M: Final = (4.0, 40.0)
LENGTH_RANGE_M: Final = (60.0, 20_000.0)
MIN_RADIUS_M: Final = 7.0
"""Smallest radius of a bend. The car's own tightest circle has 6.15 m: 2.87 m / tan 25°."""
MAX_GRADE: Final = 0.2
POINT_COUNT_RANGE: Final = (4, 4000)
MIN_SPACING_M: Final = 0.1
"""Points closer together than this count as one point."""
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
"""Accepted column names. The last two are those of TUM's race-track database: the distances from
the line to the right and left edges."""


def read_track(path: Path) -> Track:
    """Return the track of a CSV file with the columns x,y[,z][,width] in metres.

    A header is optional. The track is closed if the distance from the last point to the first is
    at most twice the longest step between two other points. Its style is lake.

    Raises:
        SettingError: The file is not a track that can be driven.
    """
    rows = _read_rows(path)
    names, data_rows = _split_header(path, rows)
    values = _parse_values(path, names, data_rows)
    points, closed = _detect_closure(path, values)
    line = interpolate(points, closed, STEP_M)
    # A spline can go beyond the values of its points, so its width is limited here.
    width = line[:, 3].clip(*WIDTH_RANGE_M)
    track = Track(path.stem, "lake", closed, line[:, :3].copy(), width)
    _check_drivable(path, track)
    return track


def _read_rows(path: Path) -> list[tuple[int, list[str]]]:
    """Return the non-empty lines with their numbers, split at commas or semicolons."""
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


def _split_header(
    path: Path, rows: list[tuple[int, list[str]]]
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the names of the columns, and the rows without a header."""
    if rows and any(field.lower() in COLUMNS for field in rows[0][1]):
        names = [COLUMNS.get(field.lower(), "") for field in rows[0][1]]
        if "x" in names and "y" in names:
            return names, rows[1:]
        raise SettingError(
            f"{path} has no columns x and y",
            got=",".join(rows[0][1]),
            remedy="Name both columns in the header",
        )
    column_count = len(rows[0][1]) if rows else 0
    default_names = {2: ["x", "y"], 3: ["x", "y", "z"], 4: ["x", "y", "z", "width"]}
    if column_count not in default_names:
        raise SettingError(
            f"{path} is not a track",
            got=f"{column_count} columns",
            remedy="Write x,y or x,y,z or x,y,z,width in metres, or add a header that names the "
            "columns",
        )
    return default_names[column_count], rows


def _parse_values(path: Path, names: list[str], rows: list[tuple[int, list[str]]]) -> Floats:
    """Return x, y, z and width of each point, (M, 4)."""
    fewest, most = POINT_COUNT_RANGE
    if not fewest <= len(rows) <= most:
        raise SettingError(
            f"{path} has too {'few' if len(rows) < fewest else 'many'} points",
            got=len(rows),
            remedy=f"A track has {fewest} to {most:,} points; one every 5 to 20 m is enough",
        )
    values = []
    for line, row in rows:
        try:
            fields = {name: float(text) for name, text in zip(names, row, strict=True) if name}
        except ValueError as error:
            raise SettingError(
                f"line {line} of {path} is not a point",
                got=",".join(row),
                remedy=f"Write {len(names)} numbers with decimal points, separated by commas",
            ) from error
        bad = [name for name, value in fields.items() if not math.isfinite(value)]
        if bad:
            raise SettingError(
                f"line {line} of {path}: {bad[0]} is not a finite number",
                got=fields[bad[0]],
                remedy="Correct the value, or remove the line",
            )
        half_width = DEFAULT_WIDTH_M / 2
        both_sides = fields.get("right", half_width) + fields.get("left", half_width)
        width = fields.get("width", both_sides)
        if not WIDTH_RANGE_M[0] <= width <= WIDTH_RANGE_M[1]:
            raise SettingError(
                f"line {line} of {path}: the width of the road is impossible",
                got=f"{width:g} m",
                remedy=f"Write a width from {WIDTH_RANGE_M[0]:g} to {WIDTH_RANGE_M[1]:g} m",
            )
        values.append([fields["x"], fields["y"], fields.get("z", 0.0), width])
    return np.array(values)


def _detect_closure(path: Path, points: Floats) -> tuple[Floats, bool]:
    """Return the points without a repeated first point, and whether they are closed."""
    steps = np.hypot(*np.diff(points[:, :2], axis=0).T)
    gap = float(np.hypot(*(points[0, :2] - points[-1, :2])))
    if gap < MIN_SPACING_M:
        points, steps, closed = points[:-1], steps[:-1], True
    else:
        closed = gap <= 2 * float(steps.max())
    repeated = np.flatnonzero(steps < MIN_SPACING_M)
    if len(repeated):
        raise SettingError(
            f"{path}: points {repeated[0] + 1} and {repeated[0] + 2} are in the same place",
            got=f"{points[repeated[0], 0]:g}, {points[repeated[0], 1]:g}",
            remedy="Remove one of them",
        )
    length = float(steps.sum()) + (gap if closed else 0.0)
    shortest, longest = LENGTH_RANGE_M
    if not shortest <= length <= longest:
        raise SettingError(
            f"{path} is too {'short' if length < shortest else 'long'}",
            got=f"{length:,.1f} m",
            remedy=f"A track has {shortest:g} to {longest:,.0f} m. Check that the coordinates are "
            "in metres, and not in degrees or kilometres",
        )
    return points, closed


def _check_drivable(path: Path, track: Track) -> None:
    """Raise a SettingError for a bend, a slope or a crossing that no car can drive."""
    bends = np.abs(track.curvature)
    tightest = int(bends.argmax())
    radius = 1 / max(float(bends[tightest]), 1e-9)
    least = max(MIN_RADIUS_M, float(track.width_m[tightest]) / 2 + 1)
    if radius < least:
        raise SettingError(
            f"{path}: the bend at {_describe_point(track, tightest)} is too tight",
            got=f"{radius:.1f} m radius",
            remedy=f"Move its points until the radius is at least {least:g} m: the car needs "
            f"{MIN_RADIUS_M:g} m to turn, and the inner edge of the road must not fold",
        )
    steepest = int(np.abs(track.grade).argmax())
    if abs(float(track.grade[steepest])) > MAX_GRADE:
        raise SettingError(
            f"{path}: the road at {_describe_point(track, steepest)} is too steep",
            got=f"{abs(float(track.grade[steepest])):.0%}",
            remedy=f"Make it at most {MAX_GRADE:.0%} steep",
        )
    crossing = _find_crossing(track)
    if crossing is not None:
        one, other = crossing
        raise SettingError(
            f"{path}: the road runs into itself",
            got=f"at {_describe_point(track, one)} and at {_describe_point(track, other)}",
            remedy="Keep its parts more than a road's width apart; a road cannot cross itself on a "
            "bridge",
        )


def _find_crossing(track: Track) -> tuple[int, int] | None:
    """Return two points where parts of the road overlap that are far apart along it, or None."""
    every = max(1, round(2.0 / track.step_m))
    points = track.points[::every, :2]
    widths = track.width_m[::every]
    step = every * track.step_m
    for first in range(len(points)):
        distance = np.hypot(*(points[first + 1 :] - points[first]).T)
        along = np.arange(1, len(distance) + 1) * step
        if track.closed:
            along = np.minimum(along, track.length_m - along)
        near = (widths[first] + widths[first + 1 :]) / 2
        # Half way around the tightest bend, the road is one diameter from where it began.
        hits = np.flatnonzero((distance < near) & (along > near * math.pi / 2))
        if len(hits):
            return first * every, (first + 1 + int(hits[0])) * every
    return None


def _describe_point(track: Track, index: int) -> str:
    x, y, _ = track.points[index]
    return f"{track.station_m[index]:.0f} m (x {x:.0f}, y {y:.0f})"
