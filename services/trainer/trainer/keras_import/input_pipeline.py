"""Builds the layers between the contract's frame and a network that was trained on other images.

A frame is the simulator's whole image of 320 x 160 pixels squeezed to 128 x 128
(`contract.frames.preprocess.prepare`). Networks from elsewhere take a part of the image, in another
size and perhaps in other colours. Layers of the network itself turn the frame into its own image,
so /predict needs to know nothing of it.

Some detail is lost: of five columns of the image the frame has two, of five rows it has four. A
network that takes 200 columns gets 128 of them, stretched: edges are softer by about one and a half
of its own pixels. docs/adr/0008-model-files.md tells how that changes the steering. Values are also
not rounded to integers between the steps, as an author's OpenCV did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from contract.errors import ModelError
from contract.frames import spec
from trainer.graph.layers import Activation, BatchNorm, Conv, Crop, Layer, Rescale, Resize
from trainer.graph.shapes import Shape
from trainer.keras_import.affine import Affine

ROWS: Final = 160
"""Rows of the simulator's image; it has 320 columns."""

_BLUE, _GREEN, _RED = 0.114, 0.587, 0.299
"""Weights of the luma Y of ITU-R BT.601.

As in OpenCV's COLOR_RGB2YUV, U is 0.492 (B - Y) + 128 and V is 0.877 (R - Y) + 128, limited to
0..255."""
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
class InputPipeline:
    """The steps from the simulator's image to the input of an imported network."""

    crop: tuple[int, int] = (0, 0)
    """Rows of the 160 that were cut off at the top and at the bottom."""
    color: str = "rgb"
    """Colour space of the input; one of COLORS."""
    scaling: Affine | None = None
    """Scaling of the pixels, where it is not a layer of the network."""


def build_layers(input_shape: Shape, pipeline: InputPipeline) -> tuple[Layer, ...]:
    """Return the layers from a frame, uint8 RGB (128, 128, 3), to the network's input.

    Args:
        input_shape: height, width and channels of the network's input.
        pipeline: the steps between the simulator's image and that input.

    Raises:
        ModelError: the crop leaves nothing, the colour space is unknown or has another number of
            channels than the network's input.
    """
    height, width, channels = input_shape
    top, bottom = pipeline.crop
    if min(top, bottom) < 0 or top + bottom >= ROWS:
        raise ModelError(
            "the crop leaves nothing of the image",
            got=f"{top} and {bottom} of {ROWS} rows",
            remedy="--crop counts rows of the simulator's image of 320 x 160 pixels",
        )
    if pipeline.color not in COLORS:
        raise ModelError(
            "the colour space is unknown", got=pipeline.color, remedy=f"Known: {', '.join(COLORS)}"
        )
    produced = len(_COLORS[pipeline.color][0]) if pipeline.color in _COLORS else 3
    if channels != produced:
        raise ModelError(
            f"the network takes images of {channels} channels",
            got=f"{pipeline.color}: {produced}",
            remedy=f"--color takes {', '.join(COLORS)}",
        )
    layers: list[Layer] = [Rescale(1.0, 0.0)]  # converts to float32
    size = (spec.HEIGHT, spec.WIDTH)
    if top or bottom:
        rows = [count * spec.HEIGHT / ROWS for count in pipeline.crop]
        if not all(count.is_integer() for count in rows):  # so enlarge to the image's own rows
            layers.append(Resize(ROWS, spec.WIDTH))
            size, rows = (ROWS, spec.WIDTH), [float(top), float(bottom)]
        cut = (int(rows[0]), int(rows[1]))
        layers.append(Crop(*cut))
        size = (size[0] - sum(cut), size[1])
    if size != (height, width):
        layers.append(Resize(height, width))
    if pipeline.color in _COLORS:
        matrix, offset = _COLORS[pipeline.color]
        kernel = np.array(matrix, np.float32).T[None, None]
        layers.append(Conv(np.ascontiguousarray(kernel), np.array(offset, np.float32)))
    if pipeline.color == "yuv":
        layers.append(Activation("relu", max_value=255.0))
    if pipeline.scaling is not None:
        layers.append(Rescale(pipeline.scaling.scale, pipeline.scaling.offset))
    return tuple(layers)


def warnings(input_shape: Shape, pipeline: InputPipeline, network: tuple[Layer, ...]) -> list[str]:
    """Return sentences on steps that seem to be missing."""
    crops = any(isinstance(layer, Crop) for layer in network)
    messages = []
    if pipeline.crop == (0, 0) and not crops and not 1.9 <= input_shape[1] / input_shape[0] <= 2.1:
        messages.append(
            f"the network's images of {input_shape[1]} x {input_shape[0]} do not have the shape of "
            "the simulator's, and there is no --crop: the whole image is squeezed into them"
        )
    scaled = any(isinstance(layer, Rescale | BatchNorm) for layer in network)
    if pipeline.scaling is None and not scaled:
        messages.append(
            "nothing scales the pixels: if the author did so outside the network, use --normalize"
        )
    return messages
