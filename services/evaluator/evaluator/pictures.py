"""Charts of an evaluation: where drives needed help, and how the conditions compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from contract import publish
from evaluator.measures import MEASURES
from simulator import plan
from simulator.track import Track

# Okabe and Ito's colours, which people with any colour vision can tell apart.
GOOD: Final = "#0072B2"
BAD: Final = "#D55E00"
ROAD: Final = "#D9D9D9"
INK: Final = "#333333"
SHOWN: Final = ("success_percent", "autonomy_percent", "lateral_mae_m", "whiteness_per_s")


def plan_of(path: Path, track: Track, title: str, drives: Sequence[Mapping[str, Any]]) -> None:
    """Draw a track from above, with each drive's start and where somebody had to help.

    Args:
        path: of the PNG.
        track: that was driven.
        title: above it.
        drives: their outcomes' documents.
    """
    figure = Figure(figsize=(8, 6), layout="constrained")
    axes = figure.subplots()
    left, right = plan.edges(track)
    axes.fill(*np.concatenate([left, right[::-1]]).T, color=ROAD, linewidth=0)
    for success, color, label in (
        (True, GOOD, "began, needed nobody"),
        (False, BAD, "began, needed help"),
    ):
        starts = [
            track.pose(each["station_m"], each["direction"] * (track.lane_m + each["lateral_m"]))
            for each in drives
            if each["success"] is success
        ]
        if starts:
            axes.scatter(
                [each.x_m for each in starts], [each.y_m for each in starts], s=28, color=color,
                label=label, zorder=3,
            )  # fmt: skip
    helped = [track.pose(each["station_m"], drive["direction"] * track.lane_m) for drive in drives
              for each in drive["interventions"]]  # fmt: skip
    if helped:
        axes.scatter(
            [each.x_m for each in helped], [each.y_m for each in helped], s=70, color=BAD,
            marker="x", linewidths=2, label="put back", zorder=4,
        )  # fmt: skip
    axes.set_aspect("equal")
    axes.set_title(title, loc="left")
    axes.set_xlabel("m east")
    axes.set_ylabel("m north")
    axes.legend(loc="best", frameon=False)
    save(figure, path)


def conditions(path: Path, title: str, found: Sequence[Mapping[str, Any]]) -> None:
    """Draw the main measures of each condition, with their 95 % intervals.

    Args:
        path: of the PNG.
        title: above it.
        found: the conditions of an evaluation's document.
    """
    figure = Figure(figsize=(9, 1.6 + 0.35 * len(found)), layout="constrained")
    shown = [each for each in MEASURES if each.name in SHOWN]
    names = [each["condition"] for each in found]
    for number, (axes, measure) in enumerate(
        zip(figure.subplots(1, len(shown), sharey=True), shown, strict=True)
    ):
        for row, each in enumerate(found):
            value = each["measures"][measure.name]
            if value["mean"] is not None:
                axes.plot([value["low"], value["high"]], [row, row], color=GOOD, linewidth=2)
                axes.plot(value["mean"], row, "o", color=GOOD, markersize=6)
        axes.set_title(f"{measure.title}, {measure.unit}", fontsize=9)
        axes.grid(axis="x", color=ROAD)
        axes.set_xlim(left=0)
        if measure.unit == "%":
            axes.set_xlim(-3, 103)
        if number == 0:
            axes.set_yticks(range(len(names)), names)
            axes.invert_yaxis()
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG, whole or not at all."""
    canvas, temporary = FigureCanvasAgg(figure), publish.temporary(path)
    canvas.print_figure(str(temporary), dpi=110, facecolor="white", edgecolor=INK)
    publish.rename(temporary, path)
