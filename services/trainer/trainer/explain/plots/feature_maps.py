"""Draws feature maps: the response of each filter of a convolution to one frame."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from trainer.explain.plots import style

Values = npt.NDArray[np.float32]

MAX_MAPS: Final = 96
"""Maximum number of maps in a figure; more would be too small to tell apart."""
COLUMNS: Final = (6, 8)
"""Columns for up to FEW maps, and for more."""
FEW: Final = 36
TOP_SHARE: Final = 0.995
"""Share of the values within the scale; a single large one would make all others pale."""
WIDTH_IN: Final = 13.5


def draw_feature_maps(maps: Values, aspect: float, title: str, frame: str, path: Path) -> None:
    """Draw the maps of one convolution on one scale.

    Args:
        maps: (height, width, filters).
        aspect: height of a pixel of the network's image divided by its width.
        title: title of the figure.
        frame: what the caption calls the frame.
        path: path of the PNG.
    """
    height, width, filters = maps.shape
    shown = maps[..., :MAX_MAPS]
    columns = min(COLUMNS[filters > FEW], filters)
    rows = math.ceil(shown.shape[2] / columns)
    tiles_in = WIDTH_IN / columns * height / width * aspect * rows
    left_out = "" if filters <= MAX_MAPS else f" The first {MAX_MAPS} of {filters} are shown."
    figure = style.new_figure(
        WIDTH_IN,
        1.25 + tiles_in,
        title,
        f"{frame}. Each tile is the map of one filter: where in the image it responds, and how "
        "strongly, after the activation. Red is above 0; blue is below 0, which an ELU or tanh "
        "allows. All tiles share one scale; the filter of a pale one found nothing in this "
        f"frame.{left_out}",
    )
    limit = max(float(np.quantile(np.abs(shown), TOP_SHARE)), 1e-9)
    axes = figure.add_subplot()
    drawn = axes.imshow(
        tile(shown, columns),
        cmap="RdBu_r",
        interpolation="nearest",
        aspect=aspect,
        vmin=-limit,
        vmax=limit,
    )
    for number in range(shown.shape[2]):
        position = (number % columns * (width + 1), number // columns * (height + 1))
        axes.text(
            *position,
            f"{number + 1}",
            fontsize=7,
            color="white",
            va="top",
            ha="left",
            bbox={"facecolor": style.INK, "pad": 0.8, "linewidth": 0, "alpha": 0.65},
        )
    axes.set_axis_off()
    bar = figure.colorbar(drawn, ax=axes, fraction=0.02, pad=0.01, extend="both")
    bar.set_label("response (no unit)", fontsize=9, color=style.INK)
    bar.ax.tick_params(labelsize=8, colors=style.INK)
    style.save(figure, path)


def tile(maps: Values, columns: int) -> Values:
    """Arrange maps (height, width, n) in rows, with a pixel of NaN between them."""
    height, width, count = maps.shape
    rows = math.ceil(count / columns)
    tiles = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan, np.float32)
    for number in range(count):
        row, column = number // columns * (height + 1), number % columns * (width + 1)
        tiles[row : row + height, column : column + width] = maps[..., number]
    return tiles


def count_dead(maps: Values) -> int:
    """Return how many maps (height, width, n) are nowhere above 0: their filters found nothing."""
    return int((maps.max((0, 1)) <= 0).sum())
