"""The paper that pictures are drawn on: one look for all of them.

Drawn by matplotlib's objects alone: its pyplot keeps what it draws in the process. The colours are
those of Okabe and Ito 2008, Color Universal Design, which people of any colour vision tell apart.
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

INK: Final = "#22252b"
FAINT: Final = "#9aa0a8"
NETWORK: Final = "#0072B2"
DRIVER: Final = "#E69F00"
ERROR: Final = "#D55E00"
DPI: Final = 110
LETTERS_PER_INCH: Final = 14.5
"""Of the caption's size."""
HEAT: Final = "inferno"
DIMMED: Final = 0.62
"""How bright the picture is under a saliency."""


def sheet(width_in: float, height_in: float, title: str, caption: str) -> Figure:
    """Return an empty sheet with a title above and an explanation below."""
    made = Figure(figsize=(width_in, height_in), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(made)
    made.suptitle(title, x=0.012, ha="left", fontsize=13, fontweight="bold", color=INK)
    lines = textwrap.fill(caption, int(width_in * LETTERS_PER_INCH))
    made.supxlabel(lines, x=0.012, ha="left", fontsize=9, color=INK)
    return made


def save(made: Figure, path: Path) -> None:
    """Write a sheet as a PNG."""
    made.savefig(path, format="png", metadata={"Software": "Lapwing"})


def picture(axes: Axes, pixels: npt.NDArray[Any], *, aspect: float = 1.0) -> None:
    """Show (height, width, 3) pixels, each as a pixel, without scales.

    Args:
        axes: where.
        pixels: uint8, or 0..1.
        aspect: height of a pixel by its width.
    """
    axes.imshow(pixels, interpolation="nearest", aspect=aspect)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def plain(axes: Axes) -> None:
    """Leave of a chart's frame what is read: two axes and a faint grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=9)
    axes.grid(axis="y", color="#e3e5e8", linewidth=0.8)
    axes.set_axisbelow(True)


def heated(pixels: npt.NDArray[np.uint8], saliency: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    """Return a picture in grey under its saliency: (height, width, 3), 0..1.

    The saliency is evened out over neighbours, for strides of 2 leave a grid of every other pixel.

    Args:
        pixels: (height, width, 3).
        saliency: (height, width), 0..1; its root is shown, for it falls off steeply.
    """
    luma = pixels @ np.array([0.299, 0.587, 0.114]) / 255  # ITU-R BT.601
    grey = DIMMED * luma[..., None].repeat(3, axis=2)
    even = _evened(_evened(saliency, 0), 1)
    share = np.sqrt(even.clip(0) / max(float(even.max()), 1e-9))[..., None]
    heat = colormaps[HEAT](0.25 + 0.75 * share[..., 0])[..., :3]
    return np.asarray(grey * (1 - share) + heat * share)


def _evened(values: npt.NDArray[np.float32], axis: int) -> npt.NDArray[np.float32]:
    """Take the mean (1, 2, 1) / 4 along an axis of (height, width), edges repeated."""
    edges = [(0, 0), (0, 0)]
    edges[axis] = (1, 1)
    wide = np.pad(values, edges, mode="edge")
    size = values.shape[axis]
    before, after = (wide.take(np.arange(size) + step, axis) for step in (0, 2))
    return np.asarray((before + 2 * values + after) / 4, dtype=np.float32)
