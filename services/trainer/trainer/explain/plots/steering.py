"""Charts of a version: its steering beside the driver's over time, and what it was taught."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from contract.vehicle import MAX_STEER_DEG
from trainer.explain.plots import style

Floats = npt.NDArray[np.floating]

PANELS: Final = 6
BIN_DEG: Final = 1.0
PAUSE_S: Final = 2.0
"""Drawn between two blocks of validation rows, however long it was."""
TALLEST: Final = 2.5
"""A bin that is so many times the next is cut off, or nothing else would be seen."""


@dataclass(frozen=True, eq=False)
class Course:
    """Validation rows of one recording, in order of time."""

    name: str
    time_s: Floats
    """(rows,), since the recording began."""
    block: npt.NDArray[np.int64]
    """(rows,), numbers of the uninterrupted blocks."""
    driver: Floats
    """(rows,), -1..1."""
    network: Floats
    marked: dict[int, str]
    """Rows of these that have a label, and the labels."""


def over_time(courses: Sequence[Course], title: str, path: Path) -> None:
    """Draw the network's steering beside the driver's."""
    shown = sorted(courses, key=lambda each: -len(each.driver))[:PANELS]
    shown = [each for each in courses if any(each is one for one in shown)]
    left_out = len(courses) - len(shown)
    more = f" {left_out} shorter recordings are not shown." if left_out else ""
    made = style.sheet(
        13.5,
        1.5 + 2.7 * len(shown),
        title,
        "Orange: what the driver did. Blue: what the network answers to the same frames, each by "
        "itself. Dashed lines part blocks of validation rows that do not follow each other; the "
        f"numbers are those of the hardest frames.{more}",
    )
    all_axes = made.subplots(len(shown), 1, squeeze=False, sharey=True)[:, 0]
    for number, (axes, course) in enumerate(zip(all_axes, shown, strict=True)):
        _course(axes, course)
        if number == 0:
            axes.legend(loc="upper right", ncols=2, frameon=False, fontsize=9)
        if number == len(shown) - 1:
            axes.set_xlabel("seconds of validation rows", fontsize=9, color=style.INK)
    style.save(made, path)


def _course(axes: Axes, course: Course) -> None:
    style.plain(axes)
    lock = MAX_STEER_DEG
    time_s = squeezed(course.time_s, course.block)
    first = True
    for block in np.unique(course.block):
        inside = course.block == block
        names = ("driver", "network") if first else (None, None)
        axes.plot(
            time_s[inside],
            course.driver[inside] * lock,
            color=style.DRIVER,
            linewidth=2.2,
            label=names[0],
        )
        axes.plot(
            time_s[inside],
            course.network[inside] * lock,
            color=style.NETWORK,
            linewidth=1.1,
            label=names[1],
        )
        if not first:
            axes.axvline(
                time_s[inside][0] - PAUSE_S / 2, color=style.FAINT, linestyle="--", linewidth=0.8
            )
        first = False
    for row, text in course.marked.items():
        axes.annotate(
            text,
            (time_s[row], course.network[row] * lock),
            xytext=(0, 11),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color="white",
            bbox={"boxstyle": "circle,pad=0.2", "facecolor": style.ERROR, "linewidth": 0},
            arrowprops={"arrowstyle": "-", "color": style.ERROR},
        )
    error_deg = float(np.abs(course.network - course.driver).mean()) * lock
    axes.set_title(
        f"{course.name}: {len(time_s):,} rows, mean error {error_deg:.2f}°",
        fontsize=10,
        loc="left",
        color=style.INK,
    )
    axes.set_ylabel("degrees at the wheels\n← left    right →", fontsize=9, color=style.INK)
    axes.margins(x=0.01, y=0.15)


def squeezed(time_s: Floats, block: npt.NDArray[np.int64]) -> Floats:
    """Return times from 0 in which every pause between blocks is PAUSE_S long."""
    steps = np.diff(time_s, prepend=time_s[:1])
    begins = np.diff(block, prepend=block[:1]) != 0
    return np.asarray(np.cumsum(np.where(begins, PAUSE_S, steps)))


@dataclass(frozen=True, eq=False)
class Lesson:
    """Labels at one stage of their preparation."""

    name: str
    steering: Floats
    """(samples,), -1..1, beyond it where the side cameras' correction adds to it."""
    note: str
    """What was done, in words."""


def steering(lessons: Sequence[Lesson], title: str, path: Path) -> None:
    """Draw the histogram of the labels at each stage."""
    made = style.sheet(
        13.5,
        6.6,
        title,
        "Share of the samples in bins of one degree at the wheels. A bin that towers above all "
        "others is cut off, and its share written beside it. A stage that the training did not use "
        "leaves the histogram as it was.",
    )
    reach = max(float(np.abs(each.steering).max(initial=0.0)) for each in lessons)
    reach_deg = np.ceil(max(reach * MAX_STEER_DEG, 5.0)) + 0.5
    edges = np.arange(-reach_deg, reach_deg + BIN_DEG / 2, BIN_DEG)
    heights = [_shares(each.steering, edges) for each in lessons]
    second = max(float(np.sort(each)[-2]) for each in heights)
    tallest = max(float(each.max()) for each in heights)
    top = 1.4 * second if 0 < TALLEST * second < tallest else tallest
    grid = made.add_gridspec(2, -(-len(lessons) // 2))
    for number, (lesson, height) in enumerate(zip(lessons, heights, strict=True)):
        axes = made.add_subplot(grid[number // grid.ncols, number % grid.ncols])
        style.plain(axes)
        axes.bar((edges[:-1] + edges[1:]) / 2, height, width=0.9 * BIN_DEG, color=style.NETWORK)
        axes.set_ylim(0, 1.08 * top)
        peak = int(np.argmax(height))
        if height[peak] > 1.08 * top:
            middle = float(edges[peak] + edges[peak + 1]) / 2
            axes.annotate(
                f"{height[peak]:.0f} % at {middle:g}°",
                (middle, top),
                xytext=(14, 0),
                textcoords="offset points",
                fontsize=9,
                color=style.ERROR,
                va="center",
            )
        axes.set_title(
            f"{number + 1}  {lesson.name}: {len(lesson.steering):,}",
            fontsize=10,
            fontweight="bold",
            loc="left",
            color=style.INK,
        )
        axes.text(
            0.01,
            0.93,
            lesson.note,
            transform=axes.transAxes,
            fontsize=8.5,
            va="top",
            color=style.INK,
        )
        axes.set_ylabel("% of the samples", fontsize=9, color=style.INK)
        axes.set_xlabel("degrees at the wheels:  ← left    right →", fontsize=9, color=style.INK)
    style.save(made, path)


def _shares(values: Floats, edges: Floats) -> Floats:
    return np.asarray(np.histogram(values * MAX_STEER_DEG, edges)[0] * 100 / len(values))
