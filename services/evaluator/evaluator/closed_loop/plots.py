"""Charts of an evaluation: where drives needed help, and how the conditions compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from evaluator.closed_loop.statistics import MEASURES
from evaluator.plotting import style
from simulator.track.geometry import Track
from simulator.viz import map_projection

GOOD: Final = style.BLUE
BAD: Final = style.VERMILION
ROAD: Final = style.RULE
SHOWN: Final = ("success_percent", "autonomy_percent", "lateral_mae_m", "whiteness_per_s")


def plan_of(path: Path, track: Track, title: str, drives: Sequence[Mapping[str, Any]]) -> None:
    """Draw a track from above, with each drive's start and where somebody had to help.

    Args:
        path: of the PNG.
        track: that was driven.
        title: above it.
        drives: their outcomes' documents.
    """
    with style.drawn(path, 6.0) as (axes,):
        left, right = map_projection.road_edges(track)
        axes.fill(*np.concatenate([left, right[::-1]]).T, color=ROAD, linewidth=0)
        for success, color, label in (
            (True, GOOD, "began, needed nobody"),
            (False, BAD, "began, needed help"),
        ):
            starts = [
                track.pose_at(
                    each["station_m"], each["direction"] * (track.lane_m + each["lateral_m"])
                )
                for each in drives
                if each["success"] is success
            ]
            if starts:
                axes.scatter(
                    [each.x_m for each in starts],
                    [each.y_m for each in starts],
                    s=28,
                    color=color,
                    label=label,
                    zorder=3,
                )
        helped = [
            track.pose_at(each["station_m"], drive["direction"] * track.lane_m)
            for drive in drives
            for each in drive["interventions"]
        ]
        if helped:
            axes.scatter(
                [each.x_m for each in helped],
                [each.y_m for each in helped],
                s=70,
                color=BAD,
                marker="x",
                linewidths=2,
                label="put back",
                zorder=4,
            )
        axes.set_aspect("equal")
        axes.set_title(title, loc="left")
        axes.set_xlabel("m east")
        axes.set_ylabel("m north")
        axes.legend(loc="best", frameon=False)


def conditions(path: Path, title: str, found: Sequence[Mapping[str, Any]]) -> None:
    """Draw the main measures of each condition, with their 95 % intervals.

    Args:
        path: of the PNG.
        title: above it.
        found: the conditions of an evaluation's document.
    """
    shown = [each for each in MEASURES if each.name in SHOWN]
    names = [each["condition"] for each in found]
    with style.drawn(path, 1.4 + 0.36 * len(found), [1.0] * len(shown)) as panels:
        for number, (axes, measure) in enumerate(zip(panels, shown, strict=True)):
            for row, each in enumerate(found):
                value = each["measures"][measure.name]
                if value["mean"] is not None:
                    axes.plot(
                        [value["low"], value["high"]],
                        [row, row],
                        color=style.SKY,
                        linewidth=5,
                        alpha=0.6,
                        solid_capstyle="butt",
                    )
                    axes.plot(value["mean"], row, "o", color=GOOD, markersize=6)
            axes.set_title(f"{measure.title}, {measure.unit}", fontsize=7.5, fontweight="normal")
            style.grid(axes, "x")
            axes.set_xlim(0, 1.06 * axes.get_xlim()[1])
            if measure.unit == "%":
                axes.set_xlim(-3, 103)
            axes.set_yticks(range(len(names)), names if number == 0 else [""] * len(names))
            axes.set_ylim(len(names) - 0.5, -0.5)
            axes.tick_params(axis="y", length=0)
        figure = panels[0].figure
        assert figure is not None
        figure.suptitle(title, x=0.01, ha="left", fontsize=10, fontweight="bold")
