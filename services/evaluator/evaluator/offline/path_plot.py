"""Draws a log replay: both paths from above, and the offset over time."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from evaluator.offline.log_replay import LogReplayResult
from evaluator.offline.logged_drive import LoggedDrive
from evaluator.offline.virtual_car import integrate_path, yaw_rad_s
from simulator.viz import chart_style as style
from simulator.viz import track_plot

Floats = NDArray[np.float64]

OFFSET_HEIGHT_IN: Final = 1.6
"""Height of the chart of the offset over time, below the map."""


def draw_replay(path: Path, drive: LoggedDrive, result: LogReplayResult, driver: str) -> None:
    """Write a chart of what a driver did on a recording as a PNG file."""
    yaw = np.array(
        [
            yaw_rad_s(float(steering), float(speed))
            for steering, speed in zip(drive.steering, drive.speed_mps, strict=True)
        ]
    )
    # Segments are joined without their pauses: it is not known where the car went in a pause.
    driven_s = np.concatenate([[0.0], np.cumsum(drive.duration_s()[:-1])])
    position_m, heading = integrate_path(driven_s, yaw, drive.speed_mps)
    rows = np.array([intervention.row for intervention in result.interventions], dtype=np.int64)
    facts = (
        f"autonomy {result.autonomy_percent:.1f} %  ·  {len(rows)} interventions beyond "
        f"{result.limit_m:g} m in {result.elapsed_s:.0f} s  ·  offset {result.rmse_m:.2f} m "
        "(root mean square)"
    )
    draw_paths(
        path,
        position_m,
        heading,
        driven_s,
        result.left_m,
        result.limit_m,
        rows,
        f"{drive.name}: {driver}",
        facts,
    )


def draw_paths(
    path: Path,
    position_m: Floats,
    heading_rad: Floats,
    time_s: Floats,
    left_m: Floats,
    limit_m: float,
    interventions: NDArray[np.int64],
    title: str,
    facts: str,
) -> None:
    """Write a chart of the recorded path and the driven one.

    Args:
        path: PNG file to write.
        position_m: recorded path, shape (rows, 2).
        heading_rad: headings of the recorded car, shape (rows,).
        time_s: rising times, shape (rows,).
        left_m: offsets of the virtual car, shape (rows,), positive to the left.
        limit_m: offset beyond which the car is put back.
        interventions: rows at which the car was put back, shape (interventions,).
        title: title of the chart.
        facts: line of text below the title.
    """
    to_left = np.column_stack([-np.sin(heading_rad), np.cos(heading_rad)])
    driven = position_m + left_m[:, None] * to_left
    map_in = track_plot.map_height_in(np.concatenate([position_m, driven]))
    with style.save_figure(path, map_in + OFFSET_HEIGHT_IN, rows=[map_in, OFFSET_HEIGHT_IN]) as (
        plan,
        offset,
    ):
        left, right = (position_m + side * limit_m * to_left for side in (1, -1))
        plan.fill(*np.concatenate([left, right[::-1]]).T, color=style.RULE, linewidth=0)
        # The car jumps where it is put back: nothing joins the two rows.
        parts = np.split(np.arange(len(driven)), interventions + 1)
        track_plot.draw_path(
            plan,
            [driven[part] for part in parts],
            [np.abs(left_m[part]) for part in parts],
            limit_m,
        )
        track_plot.draw_interventions(plan, driven[interventions])
        plan.set_aspect("equal")
        style.write_title(plan, title, facts)
        plan.set_xlabel(
            f"m; grey: within {limit_m:g} m of the recorded path, as the car model integrates it"
        )
        plan.set_ylabel("m")
        _draw_offset_over_time(offset, time_s, left_m, limit_m, interventions)


def _draw_offset_over_time(
    axes: Axes, time_s: Floats, left_m: Floats, limit_m: float, interventions: NDArray[np.int64]
) -> None:
    """Draw the offset over time; left is upwards."""
    for part in np.split(np.arange(len(time_s)), interventions + 1):
        axes.plot(time_s[part], left_m[part], color=style.INK, linewidth=0.9)
    axes.scatter(
        time_s[interventions],
        left_m[interventions],
        s=40,
        color=style.VERMILION,
        marker="x",
        zorder=4,
    )
    for side in (1, -1):
        axes.axhline(side * limit_m, color=style.RULE, linewidth=1)
    axes.set_ylim(-1.25 * limit_m, 1.25 * limit_m)
    axes.set_ylabel("m to the left")
    axes.set_xlabel("s")
