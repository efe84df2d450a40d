"""What stands between the contract's frame and a network that was trained on other pictures.

A frame is the whole picture of 320 x 160 pixels squeezed to 128 x 128
(`contract.frames.preprocess.prepare`);
networks from elsewhere take a part of the picture, in another size and perhaps other colours. The
frame is stretched to theirs by layers of the network itself, so /predict does not know of it.

What is lost: of five columns of the picture, the frame has two, and of five rows four. A network
that takes 200 columns sees 128 of them, stretched: edges are softer by about a pixel and a half of
its own, and what lies in between is not there. docs/adr/0008-model-files.md has what that does to
the steering. Nor are values rounded to whole numbers between the steps, as an author's OpenCV did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from contract.errors import ModelError
from contract.frames import spec
from trainer.graph.layers import Activate, Conv, Crop, Layer, Normalize, Resize, Scale
from trainer.graph.shapes import Shape
from trainer.keras_import.affine import Affine

ROWS: Final = 160
"""Of the simulator's picture; it has 320 columns."""

_BLUE, _GREEN, _RED = 0.114, 0.587, 0.299
"""The luma of ITU-R BT.601. As OpenCV's COLOR_RGB2YUV: U is 0.492 (B - Y) + 128, V 0.877 (R - Y)
+ 128, cut off at 0 and 255."""
_LUMA: Final = np.array([_RED, _GREEN, _BLUE])
_COLORS: Final[dict[str, tuple[tuple[tuple[float, ...], ...], tuple[float, ...]]]] = {
    "bgr": (((0, 0, 1), (0, 1, 0), (1, 0, 0)), (0, 0, 0)),
    "yuv": (
        (
            tuple(_LUMA),
            tuple(0.492 * (np.array([0, 0, 1]) - _LUMA)),
            tuple(0.877 * (np.array([1, 0, 0]) - _LUMA)),
        ),
        (0, 128, 128),
    ),
    "gray": ((tuple(_LUMA),), (0,)),
}
COLORS: Final = ("rgb", *_COLORS)


@dataclass(frozen=True)
class Preparation:
    """What a network's author did to the simulator's picture before the network saw it."""

    crop: tuple[int, int] = (0, 0)
    """Rows of the picture's 160 that were cut off at the top and at the bottom."""
    color: str = "rgb"
    """One of COLORS."""
    outside: Affine | None = None
    """The scaling, where it is no layer of the network."""


def layers(wanted: Shape, how: Preparation) -> tuple[Layer, ...]:
    """Return the layers from a frame, uint8 RGB (128, 128, 3), to the picture that is wanted.

    Args:
        wanted: height, width and channels of the network's input.
        how: what was done.

    Raises:
        ModelError: the crop leaves nothing, or the colours have another number of channels.
    """
    height, width, channels = wanted
    top, bottom = how.crop
    if min(top, bottom) < 0 or top + bottom >= ROWS:
        raise ModelError(
            "the crop leaves nothing of the picture",
            got=f"{top} and {bottom} of {ROWS} rows",
            remedy="--crop takes rows of the simulator's picture of 320 x 160 pixels",
        )
    if how.color not in COLORS:
        raise ModelError("no such colours", got=how.color, remedy=f"Known: {', '.join(COLORS)}")
    made = len(_COLORS[how.color][0]) if how.color in _COLORS else 3
    if channels != made:
        raise ModelError(
            f"the network takes pictures of {channels} channels",
            got=f"{how.color}: {made}",
            remedy=f"--color takes {', '.join(COLORS)}",
        )
    found: list[Layer] = [Scale(1.0, 0.0)]  # from here on float32
    size = (spec.HEIGHT, spec.WIDTH)
    if top or bottom:
        rows = [each * spec.HEIGHT / ROWS for each in how.crop]
        if not all(each.is_integer() for each in rows):  # back to rows that can be counted
            found.append(Resize(ROWS, spec.WIDTH))
            size, rows = (ROWS, spec.WIDTH), [float(top), float(bottom)]
        cut = (int(rows[0]), int(rows[1]))
        found.append(Crop(*cut))
        size = (size[0] - sum(cut), size[1])
    if size != (height, width):
        found.append(Resize(height, width))
    if how.color in _COLORS:
        matrix, offset = _COLORS[how.color]
        kernel = np.array(matrix, np.float32).T[None, None]
        found.append(Conv(np.ascontiguousarray(kernel), np.array(offset, np.float32)))
    if how.color == "yuv":
        found.append(Activate("relu", ceiling=255.0))
    if how.outside is not None:
        found.append(Scale(how.outside.scale, how.outside.offset))
    return tuple(found)


def doubts(wanted: Shape, how: Preparation, network: tuple[Layer, ...]) -> list[str]:
    """Return what of the preparation looks as if something had not been told."""
    crops = any(isinstance(layer, Crop) for layer in network)
    found = []
    if how.crop == (0, 0) and not crops and not 1.9 <= wanted[1] / wanted[0] <= 2.1:
        found.append(
            f"the network's pictures of {wanted[1]} x {wanted[0]} have not the shape of the "
            "simulator's, and no --crop was told: the whole picture is squeezed into them"
        )
    scaled = any(isinstance(layer, Scale | Normalize) for layer in network)
    if how.outside is None and not scaled:
        found.append("nothing scales the pixels: if its author did so elsewhere, say --normalize")
    return found
