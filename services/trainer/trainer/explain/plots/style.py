"""The common style of all images of an explanation.

The images use matplotlib's objects directly, because its pyplot keeps figures in memory. The
colours are those of Okabe and Ito 2008, Color Universal Design, which people with any colour vision
can tell apart; they are those of the evaluator's charts.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

INK: Final = "#1b1f24"
FAINT: Final = "#6a737d"
RULE: Final = "#d8dde3"
NETWORK: Final = "#0072b2"
DRIVER: Final = "#e69f00"
ERROR: Final = "#d55e00"
DPI: Final = 110
LETTERS_PER_INCH: Final = 14.5
"""Characters of the caption in an inch."""
HEAT: Final = "inferno"
DIMMED: Final = 0.62
"""Brightness of the image under a saliency map."""


def new_figure(width_in: float, height_in: float, title: str, caption: str) -> Figure:
    """Return an empty figure with a title above and a caption below."""
    figure = Figure(figsize=(width_in, height_in), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    figure.suptitle(title, x=0.012, ha="left", fontsize=13, fontweight="bold", color=INK)
    lines = textwrap.fill(caption, int(width_in * LETTERS_PER_INCH))
    figure.supxlabel(lines, x=0.012, ha="left", fontsize=9, color=INK)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG."""
    figure.savefig(path, format="png", metadata={"Software": "Lapwing"})


def show_image(axes: Axes, pixels: npt.NDArray[Any], *, aspect: float = 1.0) -> None:
    """Show pixels (height, width, 3) without smoothing and without scales.

    Args:
        axes: the axes to draw on.
        pixels: uint8, or 0..1.
        aspect: height of a pixel divided by its width.
    """
    axes.imshow(pixels, interpolation="nearest", aspect=aspect)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def strip_axes(axes: Axes) -> None:
    """Reduce the frame of a chart to two axes and a faint grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=9)
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)


def overlay_heatmap(
    pixels: npt.NDArray[np.uint8], saliency: npt.NDArray[np.float32]
) -> npt.NDArray[Any]:
    """Return an image in grey under its saliency map: (height, width, 3), 0..1.

    The saliency is smoothed, because strides of 2 leave a grid of every other pixel.

    Args:
        pixels: (height, width, 3).
        saliency: (height, width), 0..1; its square root is shown, because it falls off steeply.
    """
    luma = pixels @ np.array([0.299, 0.587, 0.114]) / 255  # ITU-R BT.601
    grey = DIMMED * luma[..., None].repeat(3, axis=2)
    smooth = _smooth(_smooth(saliency, 0), 1)
    weight = np.sqrt(smooth.clip(0) / max(float(smooth.max()), 1e-9))[..., None]
    heat = colormaps[HEAT](0.25 + 0.75 * weight[..., 0])[..., :3]
    return np.asarray(grey * (1 - weight) + heat * weight)


def _smooth(values: npt.NDArray[np.float32], axis: int) -> npt.NDArray[np.float32]:
    """Average with weights (1, 2, 1) / 4 along an axis of (height, width), repeating the edges."""
    edges = [(0, 0), (0, 0)]
    edges[axis] = (1, 1)
    padded = np.pad(values, edges, mode="edge")
    size = values.shape[axis]
    before, after = (padded.take(np.arange(size) + step, axis) for step in (0, 2))
    return np.asarray((before + 2 * values + after) / 4, dtype=np.float32)
