"""Draws the charts of a report as PNG files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from contract.dataset.split_file import Runs
from simulator.viz import chart_style as style
from simulator.viz.chart_style import BLUE, FAINT, GREEN, INK, ORANGE, PALE, SKY, VERMILION

BAR_SHARE: Final = 0.62
"""Share of a bar's slot that the bar fills."""


def draw_split(path: Path, sides: Mapping[str, tuple[int, Runs, Runs]]) -> None:
    """Draw which rows train and which validate.

    Args:
        path: PNG file to write.
        sides: for each dataset its number of rows, training runs and validation runs.
    """
    with style.save_figure(path, 1.1 + 0.42 * len(sides)) as (axes,):
        for line, (rows, train, validation) in enumerate(sides.values()):
            axes.barh(line, rows, BAR_SHARE, color=PALE)
            for runs, colour in ((train, BLUE), (validation, ORANGE)):
                spans = [(first, end - first) for first, end in runs]
                axes.broken_barh(
                    spans, (line - BAR_SHARE / 2, BAR_SHARE), color=colour, linewidth=0
                )
        axes.set_yticks(range(len(sides)), list(sides))
        axes.invert_yaxis()
        axes.set_xlim(0, max((rows for rows, _, _ in sides.values()), default=1))
        axes.set_xlabel("row")
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        named = {"training": BLUE, "validation": ORANGE, "gap (not used)": PALE}
        marks = [axes.barh(0, 0, color=colour, label=name) for name, colour in named.items()]
        axes.legend(handles=marks, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)


def draw_losses(
    path: Path,
    epochs: Sequence[int],
    loss: Sequence[float],
    validation: Sequence[float],
    baselines: Mapping[str, float],
    best: int | None,
) -> None:
    """Draw both losses over the epochs, the baselines as horizontal lines, and the best epoch."""
    with style.save_figure(path, 3.9) as (axes,):
        lines = {"training loss": (loss, SKY, "-"), "validation MSE": (validation, BLUE, "-")}
        marks: list[tuple[float, str, str]] = []
        for name, (values, colour, dash) in lines.items():
            axes.plot(epochs, values, color=colour, linestyle=dash, marker="o", markersize=3.5)
            marks.append((values[-1], name, colour))
        looks = ((VERMILION, (0, (5, 3))), (GREEN, (0, (1, 1.5))))
        for (name, value), (colour, dashes) in zip(baselines.items(), looks, strict=False):
            axes.axhline(value, color=colour, linestyle=dashes, linewidth=1.4)
            marks.append((value, name, colour))
        if best is not None and best in epochs:
            chosen = validation[list(epochs).index(best)]
            axes.plot([best], [chosen], "o", color=BLUE, markersize=8, fillstyle="none")
            axes.annotate(
                f"best epoch: {best}",
                (best, chosen),
                xytext=(0, -9),
                textcoords="offset points",
                ha="center",
                va="top",
                color=FAINT,
            )
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2g}"))
        axes.yaxis.set_minor_locator(LogLocator(subs=(2.0, 5.0)))
        axes.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:.2g}"))
        axes.set_xlabel("epoch")
        axes.set_title("Mean squared error of the steering from −1 to 1 (logarithmic)")
        _set_epoch_ticks(axes, epochs)
        style.draw_grid(axes)
        _label_lines(axes, marks)


def _label_lines(axes: Axes, marks: Sequence[tuple[float, str, str]]) -> None:
    """Write the name of each line at its right end, without overlaps."""
    low, high = (math.log10(value) for value in axes.get_ylim())
    span = max(high - low, 1e-9)
    shares = [(math.log10(max(value, 1e-12)) - low) / span for value, _, _ in marks]
    for share, label_share, (value, name, colour) in zip(
        shares, style.spread_labels(shares, 0.075), marks, strict=True
    ):
        axes.annotate(
            f"{name} {value:.4f}",
            (1.0, share),
            xycoords="axes fraction",
            xytext=(1.03, label_share),
            textcoords="axes fraction",
            color=colour,
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "linewidth": 0.7,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )


def draw_throughput(
    path: Path, epochs: Sequence[int], rate: Sequence[float], wait_percent: Sequence[float]
) -> None:
    """Draw samples per second and the share of time spent waiting for data, for each epoch."""
    with style.save_figure(path, 2.4, (1.0, 1.0)) as (left, right):
        left.bar(epochs, rate, BAR_SHARE, color=BLUE)
        left.set_title("Samples per second")
        left.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        right.bar(epochs, wait_percent, BAR_SHARE, color=ORANGE)
        right.set_title("Waiting for data, % of the time")
        right.set_ylim(0, max(5.0, 1.15 * max(wait_percent)))
        for axes in (left, right):
            axes.set_xlabel("epoch")
            axes.yaxis.set_major_locator(MaxNLocator(4))
            _set_epoch_ticks(axes, epochs)
            style.draw_grid(axes)


def _set_epoch_ticks(axes: Axes, epochs: Sequence[int]) -> None:
    if len(epochs) <= 12:
        axes.set_xticks(list(epochs))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(12, integer=True))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(min(epochs) - 0.6, max(epochs) + 0.6)


def draw_bins(
    path: Path,
    edges: Sequence[tuple[float, float]],
    rows: Sequence[float],
    mae_deg: Sequence[float],
    bias_deg: Sequence[float],
) -> None:
    """Draw the open-loop error in each bin of recorded steering, and its number of rows."""
    names = [f"{low:+.2g} … {high:+.2g}".replace("-", "−") for low, high in edges]
    positions = range(len(names))
    with style.save_figure(path, 0.9 + 0.34 * max(len(names), 2), (1.5, 1.0)) as (error, count):
        error.barh(positions, mae_deg, BAR_SHARE, color=BLUE, label="mean absolute error")
        error.plot(bias_deg, positions, "D", color=VERMILION, markersize=4.5, label="bias")
        error.axvline(0, color=INK, linewidth=0.8)
        error.set_title("Error, degrees at the wheels")
        error.set_yticks(positions, names)
        error.set_ylabel("recorded steering")
        error.legend(loc="lower right", fontsize=8)
        count.barh(positions, rows, BAR_SHARE, color=FAINT)
        count.set_title("Rows (logarithmic)")
        count.set_xscale("log")
        count.set_xlim(left=0.8)
        count.xaxis.set_minor_locator(NullLocator())
        count.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        count.set_yticks(positions, [""] * len(names))
        for axes in (error, count):
            axes.invert_yaxis()
            style.draw_grid(axes, "x")
