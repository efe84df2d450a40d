"""Draws what two versions steer in the same drive: over time, and in the worst moments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes

from contract.frames.preprocess import Frame
from contract.vehicle import MAX_STEER_DEG
from evaluator.shadow.comparison import MAX_WORST, Moment
from simulator.viz import chart_style as style

MAX_DRIVES: Final = 4
"""Number of simulators whose steering is drawn: those with the most moments."""
DRIVE_HEIGHT_IN: Final = 1.7
MAX_GAP_S: Final = 1.0
"""A line does not cross a longer time without moments."""
COLUMNS: Final = 2
PICTURE_HEIGHT_IN: Final = 2.25
DRIVEN_COLOUR: Final = style.INK
SHADOW_COLOUR: Final = style.VERMILION
SCALE_AT: Final = 0.94
"""Height at which the steering is marked in a picture, as a share of the picture's height."""


def draw_steering(path: Path, title: str, moments: Sequence[Moment]) -> None:
    """Draw what both versions steer over time, one chart for each simulator.

    Args:
        path: PNG file to write.
        title: title of the figure.
        moments: moments of all simulators, in order of time; at least one.
    """
    drives: dict[str, list[Moment]] = {}
    for moment in moments:
        drives.setdefault(moment.simulator, []).append(moment)
    drawn = sorted(drives.items(), key=lambda drive: -len(drive[1]))[:MAX_DRIVES]
    began_s = min(moment.time_s for moment in moments)
    height_in = 0.9 + DRIVE_HEIGHT_IN * len(drawn)
    with style.save_figure(path, height_in, rows=[1.0] * len(drawn)) as panels:
        for axes, (simulator, drive) in zip(panels, drawn, strict=True):
            _draw_lines(axes, drive, began_s)
            axes.set_ylabel("degrees to the right")
            if len(drives) > 1:
                axes.set_title(f"simulator {simulator}", fontsize=8, fontweight="normal")
        panels[0].legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, fontsize=8)
        panels[-1].set_xlabel("s")
        facts = f"{len(drives) - len(drawn)} more are not drawn" if len(drives) > len(drawn) else ""
        style.write_title(panels[0], title, facts)


def draw_worst(path: Path, title: str, worst: Sequence[tuple[Moment, Frame]]) -> None:
    """Draw the pictures of the worst moments, with both steerings marked on a scale.

    Args:
        path: PNG file to write.
        title: title of the figure.
        worst: moments with their pictures, the largest difference first; at most MAX_WORST.
    """
    worst = worst[:MAX_WORST]
    rows = -(-len(worst) // COLUMNS)
    height_in = 0.6 + PICTURE_HEIGHT_IN * rows
    with style.save_figure(path, height_in, [1.0] * COLUMNS, [1.0] * rows) as panels:
        for axes in panels:
            axes.set_axis_off()
        for axes, (moment, picture) in zip(panels, worst, strict=False):
            _draw_moment(axes, moment, picture)
        style.write_title(panels[0], title)


def _draw_lines(axes: Axes, drive: Sequence[Moment], began_s: float) -> None:
    parts: list[list[Moment]] = [[]]
    for moment in drive:
        if parts[-1] and moment.time_s - parts[-1][-1].time_s > MAX_GAP_S:
            parts.append([])
        parts[-1].append(moment)
    for number, part in enumerate(parts):
        times_s = [moment.time_s - began_s for moment in part]
        for values, color, dashes, label in (
            ([moment.driven for moment in part], DRIVEN_COLOUR, "-", "drove"),
            ([moment.shadow for moment in part], SHADOW_COLOUR, "--", "shadow"),
        ):
            axes.plot(
                times_s,
                [value * MAX_STEER_DEG for value in values],
                dashes,
                color=color,
                linewidth=1.1,
                label=label if number == 0 else None,
            )
    style.draw_grid(axes)


def _draw_moment(axes: Axes, moment: Moment, picture: Frame) -> None:
    """Draw a picture; the middle of its lower edge is straight on, its sides are full lock."""
    height, width = picture.shape[:2]
    axes.imshow(picture)
    for steering, color, marker in (
        (moment.driven, DRIVEN_COLOUR, "o"),
        (moment.shadow, SHADOW_COLOUR, "D"),
    ):
        axes.plot(
            (1 + steering) * (width - 1) / 2,
            SCALE_AT * height,
            marker,
            color=color,
            markeredgecolor="white",
            markersize=9,
        )
    axes.axvline((width - 1) / 2, ymin=0, ymax=0.12, color="white", linewidth=1)
    axes.set_title(
        f"drove {moment.driven * MAX_STEER_DEG:+.1f}° (round), "
        f"shadow {moment.shadow * MAX_STEER_DEG:+.1f}°, {moment.speed_mph:.0f} mph",
        fontsize=8,
        fontweight="normal",
    )
