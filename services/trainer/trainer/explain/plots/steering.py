"""Draws the steering of a version beside the driver's over time, and the labels it trained on."""

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
"""Maximum number of recordings in a figure."""
BIN_DEG: Final = 1.0
PAUSE_S: Final = 2.0
"""Length of a pause between two blocks of validation rows as drawn, however long it was."""
TALLEST: Final = 2.5
"""A bin that is this many times the next largest is cut off, so that the others stay visible."""


@dataclass(frozen=True, eq=False)
class SteeringTrace:
    """The steering on the validation rows of one recording, in order of time."""

    name: str
    time_s: Floats
    """(rows,), seconds since the recording began."""
    block: npt.NDArray[np.int64]
    """(rows,), numbers of the uninterrupted blocks."""
    driver: Floats
    """(rows,), -1..1."""
    network: Floats
    """(rows,), -1..1."""
    marked: dict[int, str]
    """Indexes of the rows that are marked, and the text of each mark."""


def draw_steering(traces: Sequence[SteeringTrace], title: str, path: Path) -> None:
    """Draw the network's steering beside the driver's."""
    longest = sorted(traces, key=lambda trace: -len(trace.driver))[:PANELS]
    shown = [trace for trace in traces if any(trace is other for other in longest)]
    left_out = len(traces) - len(shown)
    more = f" {left_out} shorter recordings are not shown." if left_out else ""
    figure = style.new_figure(
        13.5,
        1.5 + 2.7 * len(shown),
        title,
        "Orange: the driver's steering. Blue: the network's steering for the same frames, each by "
        "itself. Dashed lines separate blocks of validation rows that do not follow each other. "
        f"The numbers mark the hardest frames.{more}",
    )
    all_axes = figure.subplots(len(shown), 1, squeeze=False, sharey=True)[:, 0]
    for number, (axes, trace) in enumerate(zip(all_axes, shown, strict=True)):
        _draw_trace(axes, trace)
        if number == 0:
            axes.legend(loc="upper right", ncols=2, frameon=False, fontsize=9)
        if number == len(shown) - 1:
            axes.set_xlabel("seconds of validation rows", fontsize=9, color=style.INK)
    style.save(figure, path)


def _draw_trace(axes: Axes, trace: SteeringTrace) -> None:
    style.strip_axes(axes)
    lock = MAX_STEER_DEG
    time_s = compress_gaps(trace.time_s, trace.block)
    first = True
    for block in np.unique(trace.block):
        inside = trace.block == block
        names = ("driver", "network") if first else (None, None)
        axes.plot(
            time_s[inside],
            trace.driver[inside] * lock,
            color=style.DRIVER,
            linewidth=2.2,
            label=names[0],
        )
        axes.plot(
            time_s[inside],
            trace.network[inside] * lock,
            color=style.NETWORK,
            linewidth=1.1,
            label=names[1],
        )
        if not first:
            axes.axvline(
                time_s[inside][0] - PAUSE_S / 2, color=style.FAINT, linestyle="--", linewidth=0.8
            )
        first = False
    for row, text in trace.marked.items():
        axes.annotate(
            text,
            (time_s[row], trace.network[row] * lock),
            xytext=(0, 11),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color="white",
            bbox={"boxstyle": "circle,pad=0.2", "facecolor": style.ERROR, "linewidth": 0},
            arrowprops={"arrowstyle": "-", "color": style.ERROR},
        )
    error_deg = float(np.abs(trace.network - trace.driver).mean()) * lock
    axes.set_title(
        f"{trace.name}: {len(time_s):,} rows, mean error {error_deg:.2f}°",
        fontsize=10,
        loc="left",
        color=style.INK,
    )
    axes.set_ylabel("degrees at the wheels\n← left    right →", fontsize=9, color=style.INK)
    axes.margins(x=0.01, y=0.15)


def compress_gaps(time_s: Floats, block: npt.NDArray[np.int64]) -> Floats:
    """Return times from 0 in which every pause between blocks lasts PAUSE_S."""
    steps = np.diff(time_s, prepend=time_s[:1])
    begins = np.diff(block, prepend=block[:1]) != 0
    return np.asarray(np.cumsum(np.where(begins, PAUSE_S, steps)))


@dataclass(frozen=True, eq=False)
class LabelStage:
    """The labels at one stage of their preparation."""

    name: str
    steering: Floats
    """(samples,), -1..1; the correction of a side camera may exceed that range."""
    note: str
    """What was done at this stage, in words."""


def draw_label_histograms(stages: Sequence[LabelStage], title: str, path: Path) -> None:
    """Draw the histogram of the labels at each stage."""
    figure = style.new_figure(
        13.5,
        6.6,
        title,
        "Share of the samples in bins of one degree at the wheels. A bin that is much higher than "
        "all others is cut off, and its share is written beside it. A stage that the training did "
        "not use leaves the histogram unchanged.",
    )
    reach = max(float(np.abs(stage.steering).max(initial=0.0)) for stage in stages)
    reach_deg = np.ceil(max(reach * MAX_STEER_DEG, 5.0)) + 0.5
    edges = np.arange(-reach_deg, reach_deg + BIN_DEG / 2, BIN_DEG)
    heights = [_shares(stage.steering, edges) for stage in stages]
    second = max(float(np.sort(height)[-2]) for height in heights)
    tallest = max(float(height.max()) for height in heights)
    top = 1.4 * second if 0 < TALLEST * second < tallest else tallest
    grid = figure.add_gridspec(2, -(-len(stages) // 2))
    for number, (stage, height) in enumerate(zip(stages, heights, strict=True)):
        axes = figure.add_subplot(grid[number // grid.ncols, number % grid.ncols])
        style.strip_axes(axes)
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
            f"{number + 1}  {stage.name}: {len(stage.steering):,}",
            fontsize=10,
            fontweight="bold",
            loc="left",
            color=style.INK,
        )
        axes.text(
            0.01,
            0.93,
            stage.note,
            transform=axes.transAxes,
            fontsize=8.5,
            va="top",
            color=style.INK,
        )
        axes.set_ylabel("% of the samples", fontsize=9, color=style.INK)
        axes.set_xlabel("degrees at the wheels:  ← left    right →", fontsize=9, color=style.INK)
    style.save(figure, path)


def _shares(values: Floats, edges: Floats) -> Floats:
    return np.asarray(np.histogram(values * MAX_STEER_DEG, edges)[0] * 100 / len(values))
