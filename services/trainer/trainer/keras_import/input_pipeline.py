"""Says what a network that was trained elsewhere is given, and builds the layers before its first.

Such a network takes a part of the simulator's image, in a size and in colours of its own. Its
frame (`contract.frames.spec.FrameSpec`) says so in the version's manifest, and the image is
prepared by the contract, from the decoded image and as its author's OpenCV or Pillow did it. The
network itself begins with the conversion to float32, and with the scaling that is no layer of it.

Versions that 0.1.0 imported took the frame of 128 x 128 pixels and did the rest in layers. They are
loaded as they are: nothing of this is needed for them.
"""

from __future__ import annotations

from dataclasses import dataclass

from contract.errors import ModelError
from contract.frames.spec import COLORS, FrameSpec
from trainer.graph.layers import BatchNorm, Crop, Layer, Rescale
from trainer.graph.shapes import Shape, require_image
from trainer.keras_import.affine import Affine


@dataclass(frozen=True)
class InputPipeline:
    """The steps from the simulator's image to the input of an imported network."""

    crop: tuple[int, int] = (0, 0)
    """Rows of the 160 that were cut off at the top and at the bottom."""
    color: str = "rgb"
    """Colour space of the input; one of `contract.frames.spec.COLORS`."""
    interpolation: str = "linear"
    """How the image was resized; one of `contract.frames.spec.INTERPOLATIONS`."""
    scaling: Affine | None = None
    """Scaling of the pixels, where it is not a layer of the network."""


def frame_spec(input_shape: Shape, pipeline: InputPipeline) -> FrameSpec:
    """Return the frame that a network is given.

    Args:
        input_shape: height, width and channels of the network's input.
        pipeline: the steps between the simulator's image and that input.

    Raises:
        ModelError: the crop leaves nothing, the colour space or the interpolation is unknown, the
            colour space has another number of channels than the network's input, or that input is
            no image.
    """
    height, width, channels = require_image(input_shape)
    frame = FrameSpec(height, width, pipeline.color, pipeline.interpolation, pipeline.crop)
    produced = COLORS[pipeline.color]
    if channels != produced:
        raise ModelError(
            f"the network takes images of {channels} channels",
            got=f"{pipeline.color}: {produced}",
            remedy=f"--color takes {', '.join(COLORS)}",
        )
    return frame


def build_layers(pipeline: InputPipeline) -> tuple[Layer, ...]:
    """Return the layers from the frame, uint8, to the input of the network's first layer."""
    to_float32 = Rescale(1.0, 0.0)
    if pipeline.scaling is None:
        return (to_float32,)
    return to_float32, Rescale(pipeline.scaling.scale, pipeline.scaling.offset)


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
