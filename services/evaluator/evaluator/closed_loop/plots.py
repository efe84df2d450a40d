"""Draws the charts of an evaluation: the places of interventions, and the conditions compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from evaluator.closed_loop.statistics import MEASURES
from simulator.track.geometry import Track
from simulator.viz import chart_style as style
from simulator.viz import track_plot

SUCCESS_COLOUR: Final = style.BLUE
FAILURE_COLOUR: Final = style.VERMILION
PLOTTED_MEASURES: Final = (
    "success_percent",
    "autonomy_percent",
    "lateral_mae_m",
    "whiteness_per_s",
)


def draw_interventions(
    path: Path, track: Track, title: str, drives: Sequence[Mapping[str, Any]]
) -> None:
    """Draw a track from above, with each drive's start and the places of its interventions.

    Args:
        path: PNG file to write.
        track: track that was driven.
        title: title of the chart.
        drives: results of the drives, as JSON documents.
    """
    with style.save_figure(path, 6.0) as (axes,):
        track_plot.draw_road(axes, track)
        for success, color, label in (
            (True, SUCCESS_COLOUR, "start of a drive without intervention"),
            (False, FAILURE_COLOUR, "start of a drive with intervention"),
        ):
            starts = [
                track.pose_at(
                    drive["station_m"], drive["direction"] * (track.lane_m + drive["lateral_m"])
                )
                for drive in drives
                if drive["success"] is success
            ]
            if starts:
                axes.scatter(
                    [pose.x_m for pose in starts],
                    [pose.y_m for pose in starts],
                    s=28,
                    color=color,
                    label=label,
                    zorder=3,
                )
        poses = [
            track.pose_at(intervention["station_m"], drive["direction"] * track.lane_m)
            for drive in drives
            for intervention in drive["interventions"]
        ]
        places = np.array([(pose.x_m, pose.y_m) for pose in poses]).reshape(-1, 2)
        track_plot.draw_interventions(axes, places)
        style.write_title(axes, title)
        axes.legend(loc="best", frameon=False)


def draw_conditions(path: Path, title: str, conditions: Sequence[Mapping[str, Any]]) -> None:
    """Draw the main measures of each condition with their 95 % intervals.

    Args:
        path: PNG file to write.
        title: title of the chart.
        conditions: conditions of an evaluation's document.
    """
    measures = [measure for measure in MEASURES if measure.name in PLOTTED_MEASURES]
    names = [condition["condition"] for condition in conditions]
    with style.save_figure(path, 1.4 + 0.36 * len(conditions), [1.0] * len(measures)) as panels:
        for number, (axes, measure) in enumerate(zip(panels, measures, strict=True)):
            for row, condition in enumerate(conditions):
                value = condition["measures"][measure.name]
                if value["mean"] is not None:
                    axes.plot(
                        [value["low"], value["high"]],
                        [row, row],
                        color=style.SKY,
                        linewidth=5,
                        alpha=0.6,
                        solid_capstyle="butt",
                    )
                    axes.plot(value["mean"], row, "o", color=SUCCESS_COLOUR, markersize=6)
            axes.set_title(f"{measure.title}, {measure.unit}", fontsize=7.5, fontweight="normal")
            style.draw_grid(axes, "x")
            axes.set_xlim(0, 1.06 * axes.get_xlim()[1])
            if measure.unit == "%":
                axes.set_xlim(-3, 103)
            axes.set_yticks(range(len(names)), names if number == 0 else [""] * len(names))
            axes.set_ylim(len(names) - 0.5, -0.5)
            axes.tick_params(axis="y", length=0)
        style.write_title(panels[0], title)
