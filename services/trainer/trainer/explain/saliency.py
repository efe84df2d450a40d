"""Computes VisualBackProp: the pixels that activate a network's convolutions together.

Bojarski et al. 2016, VisualBackProp: efficient visualization of CNNs, arXiv 1611.05418, section 2;
the same for PilotNet in Bojarski et al. 2017, arXiv 1704.07911, section 3. From the last
convolution to the first,

    mask(l - 1) = mean over filters of maps(l - 1) * upscaled(l, mask(l)),

where `upscaled` is a transposed convolution with ones, with the size, strides and padding of the
layer between the two: the value of each pixel is added to all pixels that it was computed from.
The last mask, which has the size of the input, is divided by its largest value.

It shows what activates the convolutions, not how the steering would change, and an untrained
network already reacts to edges: docs/explain.md says how much of it is learned.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from contract.errors import ModelError
from trainer.explain import feature_maps
from trainer.graph import numpy_backend
from trainer.graph.layers import Conv, Crop, Layer, NetworkSpec, Pad, Permute, Pool, Resize
from trainer.graph.shapes import Padding

Values = npt.NDArray[np.float32]
Masks = npt.NDArray[np.float64]


def visual_backprop(network: NetworkSpec, outputs: Sequence[Values]) -> Values:
    """Return the saliency of samples, (n, height, width) of the network's input, 0..1.

    Maps are taken after the activation, and values below 0 (ELU, tanh) count as 0, since the
    networks of the paper have ReLU. Crops, resizing and pooling are reversed; a mask of zeros stays
    zero.

    Args:
        network: a network with convolutions.
        outputs: the output of each layer for the samples (`feature_maps.layer_outputs`).

    Raises:
        ModelError: the network has no convolution, or has one after it moved the channels of its
            images.
    """
    stages = feature_maps.conv_stages(network)
    if not stages:
        raise ModelError(
            "the network has no convolution, so there is no saliency",
            got=f"{len(network.layers)} layers",
        )
    means = {stage.maps: _mean(outputs[stage.maps]) for stage in stages}
    mask = means[stages[-1].maps]
    for number in range(stages[-1].conv, -1, -1):
        size = outputs[number - 1].shape[1:3] if number else network.input_shape[:2]
        mask = _transpose(network.layers[number], mask, (size[0], size[1]))
        mask = mask * means.get(number - 1, 1.0)
    largest = mask.max((1, 2), keepdims=True)
    shares: Masks = np.divide(mask, largest, out=np.zeros_like(mask), where=largest > 0)
    return shares.astype(np.float32)


def _mean(values: Values) -> Masks:
    """Return the mean of maps (n, height, width, filters) over the filters; negative ones are 0."""
    return np.asarray(np.maximum(values, 0).mean(-1, dtype=np.float64))


def _transpose(layer: Layer, mask: Masks, size: tuple[int, int]) -> Masks:
    """Move masks (n, …) from the output of a layer to its input of `size`."""
    if isinstance(layer, Conv):
        return upsample_ones(
            mask, size, layer.kernel.shape[:2], layer.strides, layer.padding, layer.dilation
        )
    if isinstance(layer, Pool):
        return upsample_ones(mask, size, layer.size, layer.strides, layer.padding)
    if isinstance(layer, Crop):
        return np.pad(mask, ((0, 0), (layer.top, layer.bottom), (layer.left, layer.right)))
    if isinstance(layer, Pad):
        high, wide = size
        return mask[:, layer.top : layer.top + high, layer.left : layer.left + wide]
    if isinstance(layer, Resize):
        resized = numpy_backend.apply(Resize(*size), mask[..., None].astype(np.float32))
        return resized[..., 0].astype(np.float64)
    if isinstance(layer, Permute) and layer.order != (1, 2, 3):
        if layer.order != (2, 1, 3):
            raise ModelError(
                "the network reorders the axes of its images before a convolution",
                got=f"the order {layer.order}",
                remedy="It has no saliency, because rows or columns become channels",
            )
        return mask.transpose(0, 2, 1)
    return mask


def upsample_ones(
    mask: Masks,
    size: tuple[int, int],
    window: Sequence[int],
    strides: tuple[int, int],
    padding: Padding,
    dilation: tuple[int, int] = (1, 1),
) -> Masks:
    """Return the transposed convolution of masks (n, rows, columns) with a window of ones.

    Args:
        mask: one value for each position of the window.
        size: rows and columns of the image over which the window moved.
        window: rows and columns of the window.
        strides: distance between its positions.
        padding: padding of the image; values that fall on it are cut off.
        dilation: distance between the window's own rows and columns.
    """
    positions, before, reach = mask.shape[1:], [], []
    for axis in (0, 1):
        reach.append((window[axis] - 1) * dilation[axis] + 1)
        missing = (math.ceil(size[axis] / strides[axis]) - 1) * strides[axis]
        missing = max(missing + reach[axis] - size[axis], 0) if padding == "same" else 0
        before.append(missing // 2)
    covered = [(positions[axis] - 1) * strides[axis] + 1 for axis in (0, 1)]
    canvas = np.zeros(
        (
            len(mask),
            *(max(before[axis] + size[axis], covered[axis] + reach[axis] - 1) for axis in (0, 1)),
        )
    )
    for row in range(0, reach[0], dilation[0]):
        for column in range(0, reach[1], dilation[1]):
            canvas[
                :, row : row + covered[0] : strides[0], column : column + covered[1] : strides[1]
            ] += mask
    return canvas[:, before[0] : before[0] + size[0], before[1] : before[1] + size[1]]
