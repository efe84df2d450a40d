"""Sheets of feature maps: what each filter of a convolution answers to one frame."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from trainer.explain.plots import style

Values = npt.NDArray[np.float32]

MOST: Final = 96
"""Maps on a sheet; more could not be told apart."""
COLUMNS: Final = (6, 8)
"""Of up to FEW maps, and of more."""
FEW: Final = 36
TOP_SHARE: Final = 0.995
"""Of the values lie within the scale: a single strong one would leave all others pale."""
WIDTH_IN: Final = 13.5


def activations(maps: Values, aspect: float, title: str, frame: str, path: Path) -> None:
    """Draw the maps of one convolution on one scale.

    Args:
        maps: (height, width, filters).
        aspect: height of a pixel of what the network sees by its width.
        title: of the sheet.
        frame: what to call the frame to which the filters answered.
        path: of the PNG.
    """
    high, wide, filters = maps.shape
    shown = maps[..., :MOST]
    columns = min(COLUMNS[filters > FEW], filters)
    rows = math.ceil(shown.shape[2] / columns)
    tall = WIDTH_IN / columns * high / wide * aspect * rows
    left_out = "" if filters <= MOST else f" The first {MOST} of {filters} are shown."
    made = style.sheet(
        WIDTH_IN,
        1.25 + tall,
        title,
        f"{frame}. Each tile is one filter's map: where in the picture it answers, and how "
        "strongly, after the non-linearity; red above 0, blue below, where an ELU or tanh lets "
        f"that pass. All tiles share one scale; a pale one found nothing in this frame.{left_out}",
    )
    most = max(float(np.quantile(np.abs(shown), TOP_SHARE)), 1e-9)
    axes = made.add_subplot()
    drawn = axes.imshow(
        mosaic(shown, columns),
        cmap="RdBu_r",
        interpolation="nearest",
        aspect=aspect,
        vmin=-most,
        vmax=most,
    )
    for number in range(shown.shape[2]):
        place = (number % columns * (wide + 1), number // columns * (high + 1))
        axes.text(
            *place,
            f"{number + 1}",
            fontsize=7,
            color="white",
            va="top",
            ha="left",
            bbox={"facecolor": style.INK, "pad": 0.8, "linewidth": 0, "alpha": 0.65},
        )
    axes.set_axis_off()
    bar = made.colorbar(drawn, ax=axes, fraction=0.02, pad=0.01, extend="both")
    bar.set_label("answer (no unit)", fontsize=9, color=style.INK)
    bar.ax.tick_params(labelsize=8, colors=style.INK)
    style.save(made, path)


def mosaic(maps: Values, columns: int) -> Values:
    """Lay maps (height, width, n) out in rows, a pixel of NaN between them."""
    high, wide, count = maps.shape
    rows = math.ceil(count / columns)
    found = np.full((rows * (high + 1) - 1, columns * (wide + 1) - 1), np.nan, np.float32)
    for number in range(count):
        row, column = number // columns * (high + 1), number % columns * (wide + 1)
        found[row : row + high, column : column + wide] = maps[..., number]
    return found


def silent(maps: Values) -> int:
    """Return how many maps (height, width, n) are above 0 nowhere: their filters found nothing."""
    return int((maps.max((0, 1)) <= 0).sum())
