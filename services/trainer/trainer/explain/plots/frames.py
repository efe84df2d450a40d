"""Draws frames: what a network sees of them, where it looks, and how it steers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.gridspec import GridSpecFromSubplotSpec
from matplotlib.patches import Rectangle

from contract.vehicle import MAX_STEER_DEG
from trainer.explain.plots import style

Pixels = npt.NDArray[np.uint8]
Values = npt.NDArray[np.float32]

COLUMNS: Final = 2
WIDTH_IN: Final = 13.5
STRETCH: Final = 0.5
"""Height of a pixel divided by its width in a frame of 128 x 128 of a picture of 320 x 160."""


@dataclass(frozen=True, eq=False)
class FrameView:
    """One frame as a network sees it."""

    name: str
    frame: Pixels
    """What the network is given of the camera's image, in RGB, (height, width, 3)."""
    crop: Pixels
    """(height, width, 3), the part of the frame, resized, that enters the first convolution."""
    saliency: Values
    """Saliency of the crop, (height, width), 0..1."""
    box: tuple[float, float, float, float]
    """The crop in the frame: first and last row, first and last column."""
    network_deg: float
    """The network's steering in degrees at the wheels, positive to the right."""
    driver_deg: float | None
    """The recorded steering; None if it is not known."""
    stretch: float = STRETCH
    """Height of a pixel of the frame divided by its width, in the camera's image."""

    @property
    def aspect(self) -> float:
        """Height of a pixel of the crop divided by its width, so that roads keep their shape."""
        top, bottom, left, right = self.box
        height, width = self.crop.shape[:2]
        return float(self.stretch * ((bottom - top + 1) / height) / ((right - left + 1) / width))


def draw_frame(view: FrameView, title: str, path: Path) -> None:
    """Draw one frame large: the image, the crop, the saliency over it, and the steering."""
    frame_height, frame_width = view.frame.shape[:2]
    figure = style.new_figure(
        WIDTH_IN,
        3.9,
        title,
        f"Left: the camera's image as the network is given it, with {frame_width} x {frame_height} "
        "pixels; the white box marks what reaches its first convolution. Middle: that part in the "
        "network's own pixels. Right: the same in grey, with VisualBackProp (arXiv 1611.05418) "
        "over it: the brighter a pixel, the more strongly all convolutions respond to it. Below: "
        "the steering at the wheels.",
    )
    grid = figure.add_gridspec(2, 3, height_ratios=(6, 1))
    height, width = view.crop.shape[:2]
    titles = ("the frame", f"what the network sees: {width} x {height}", "where it looks")
    panels = (view.frame, view.crop, style.overlay_heatmap(view.crop, view.saliency))
    for column, (name, pixels) in enumerate(zip(titles, panels, strict=True)):
        axes = figure.add_subplot(grid[0, column])
        style.show_image(axes, pixels, aspect=view.aspect if column else view.stretch)
        axes.set_anchor("N")
        axes.set_title(name, fontsize=10, color=style.INK, loc="left")
        if column == 0:
            top, bottom, left, right = view.box
            axes.add_patch(
                Rectangle(
                    (left - 0.5, top - 0.5),
                    right - left + 1,
                    bottom - top + 1,
                    fill=False,
                    edgecolor="white",
                    linewidth=1.6,
                )
            )
    steering_gauge(figure.add_subplot(grid[1, :]), view)
    style.save(figure, path)


def draw_frame_grid(views: Sequence[FrameView], title: str, caption: str, path: Path) -> None:
    """Draw frames in rows of COLUMNS, each with its crop, its saliency and its steering."""
    rows = -(-len(views) // COLUMNS)
    height, width = views[0].crop.shape[:2]
    crop_in = WIDTH_IN / COLUMNS / 2 * views[0].aspect * height / width
    figure = style.new_figure(WIDTH_IN, 1.0 + (crop_in + 0.85) * rows, title, caption)
    grid = figure.add_gridspec(rows, COLUMNS)
    for number, view in enumerate(views):
        inner = GridSpecFromSubplotSpec(
            2,
            2,
            subplot_spec=grid[number // COLUMNS, number % COLUMNS],
            height_ratios=(crop_in, 0.22),
            hspace=0.02,
            wspace=0.02,
        )
        for column, pixels in enumerate(
            (view.crop, style.overlay_heatmap(view.crop, view.saliency))
        ):
            axes = figure.add_subplot(inner[0, column])
            style.show_image(axes, pixels, aspect=view.aspect)
            if column == 0:
                axes.set_title(
                    f"{number + 1}  {view.name}", fontsize=9, loc="left", color=style.INK
                )
        steering_gauge(figure.add_subplot(inner[1, :]), view)
    style.save(figure, path)


def steering_gauge(axes: Axes, view: FrameView) -> None:
    """Draw the two steerings on a scale from lock to lock."""
    lock = MAX_STEER_DEG
    axes.set_xlim(-lock, lock)
    axes.set_ylim(-1, 1)
    axes.axhline(0, color=style.FAINT, linewidth=1)
    axes.plot([0, 0], [-0.5, 0.5], color=style.FAINT, linewidth=1)
    captions = [f"network {view.network_deg:+.1f}°"]
    if view.driver_deg is not None:
        shown = float(np.clip(view.driver_deg, -lock, lock))
        axes.plot([shown], [0], "D", color=style.DRIVER, markersize=9)
        captions.append(f"driver {view.driver_deg:+.1f}°")
    shown = float(np.clip(view.network_deg, -lock, lock))
    axes.plot([shown], [0], "o", color=style.NETWORK, markersize=6)
    axes.set_yticks([])
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    colours = (style.NETWORK, style.DRIVER)
    texts = [
        (0.0, f"{lock:g}° left", "left", style.FAINT),
        (1.0, f"{lock:g}° right", "right", style.FAINT),
        *zip((0.49, 0.51), captions, ("right", "left"), colours, strict=False),
    ]
    for position, text, side, colour in texts:
        axes.text(
            position,
            -0.1,
            text,
            transform=axes.transAxes,
            ha=side,
            va="top",
            fontsize=8,
            color=colour,
            fontweight="bold",
        )
