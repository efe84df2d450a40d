"""VisualBackProp is compared with its definition: a sum over all paths for each pixel."""

import math
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from contract.errors import ModelError
from trainer.explain import feature_maps, saliency
from trainer.graph.layers import (
    Activation,
    BatchNorm,
    Conv,
    Crop,
    Dense,
    Flatten,
    Layer,
    NetworkSpec,
    Pad,
    Permute,
    Pool,
    Rescale,
    Resize,
)

CHANCE = np.random.default_rng(11)


def conv(
    size: int,
    channels: int,
    filters: int,
    strides: int = 1,
    padding: str = "valid",
    dilation: int = 1,
) -> Conv:
    kernel = CHANCE.normal(0, 0.4, (size, size, channels, filters)).astype(np.float32)
    bias = CHANCE.normal(0, 0.1, filters).astype(np.float32)
    return Conv(kernel, bias, (strides, strides), padding, (dilation, dilation))


def normalize(count: int) -> BatchNorm:
    ones = np.ones(count, np.float32)
    return BatchNorm(0.5 * ones, ones, ones, ones, 1e-3, 3)


def shown(network: NetworkSpec, samples: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    return saliency.visual_backprop(network, feature_maps.layer_outputs(network, samples))


def places(
    size: int, count: int, window: int, stride: int, padding: str, step: int
) -> list[set[int]]:
    """Return the pixels, of `size`, that each of `count` positions of a window covers."""
    before = 0
    if padding == "same":
        reach = (window - 1) * step + 1
        before = max((math.ceil(size / stride) - 1) * stride + reach - size, 0) // 2
    return [
        {place * stride - before + tap * step for tap in range(window)} & set(range(size))
        for place in range(count)
    ]


def paths(network: NetworkSpec, sample: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    """Return the saliency by its definition.

    It is the sum, over all paths from a pixel to the last maps, of the products of the mean maps
    on the way. It works only for crops, convolutions and pooling.
    """
    trace = [each[0] for each in feature_maps.layer_outputs(network, sample[None])]
    stages = {each.maps: each for each in feature_maps.conv_stages(network)}
    last = max(stages)

    @cache
    def value(at: int, row: int, column: int) -> float:
        """Return the sum for one pixel in the output of layer `at`."""
        mine = 1.0
        if at in stages:
            mine = float(np.maximum(trace[at][row, column], 0).mean())
        if at == last:
            return mine
        after = network.layers[at + 1]
        if isinstance(after, Crop):
            high, wide = trace[at + 1].shape[:2]
            inside = 0 <= row - after.top < high and 0 <= column - after.left < wide
            return mine * value(at + 1, row - after.top, column - after.left) if inside else 0.0
        if not isinstance(after, Conv | Pool):
            return mine * value(at + 1, row, column)
        window = after.kernel.shape[:2] if isinstance(after, Conv) else after.size
        steps = after.dilation if isinstance(after, Conv) else (1, 1)
        size = trace[at].shape if at >= 0 else network.input_shape
        rows, columns = (
            places(
                size[axis],
                trace[at + 1].shape[axis],
                window[axis],
                after.strides[axis],
                after.padding,
                steps[axis],
            )
            for axis in (0, 1)
        )
        return mine * sum(
            value(at + 1, a, b)
            for a, over in enumerate(rows)
            if row in over
            for b, across in enumerate(columns)
            if column in across
        )

    high, wide = network.input_shape[:2]
    found = np.array([[value(-1, row, column) for column in range(wide)] for row in range(high)])
    return np.asarray(found / found.max())


CHAINS: dict[str, tuple[Layer, ...]] = {
    "strides": (conv(5, 3, 4, 2), Activation("elu"), conv(3, 4, 5), Activation("elu")),
    "crop": (
        Crop(4, 2, 1, 0),
        Rescale(1 / 127.5, -1),
        conv(3, 3, 4),
        Activation("elu"),
        conv(3, 4, 4, 2),
        Activation("relu"),
    ),
    "same": (
        conv(4, 3, 4, 3, "same"),
        Activation("relu"),
        conv(3, 4, 4, 2, "same"),
        Activation("relu"),
    ),
    "dilation": (conv(3, 3, 4, dilation=2), Activation("relu"), conv(3, 4, 4), Activation("tanh")),
    "pooling": (
        conv(3, 3, 4),
        Activation("relu"),
        Pool("max", (2, 2), (2, 2)),
        conv(3, 4, 4),
        normalize(4),
        Activation("relu"),
        Pool("average", (3, 3), (2, 2), "same"),
        conv(1, 4, 3),
        Activation("elu"),
    ),
    "batch norm": (conv(3, 3, 4, 2), Activation("relu"), normalize(4), conv(3, 4, 4)),
}


@pytest.mark.parametrize("name", CHAINS)
def test_saliency_is_the_sum_over_all_paths(name: str) -> None:
    network = NetworkSpec((17, 14, 3), "uint8", (*CHAINS[name], Flatten()))
    sample = CHANCE.integers(0, 256, (17, 14, 3), np.uint8).astype(np.float32) / 100
    np.testing.assert_allclose(shown(network, sample[None])[0], paths(network, sample), atol=1e-5)


def test_one_filter_of_ones_shows_bright_pixels() -> None:
    """A convolution over one bright pixel marks the squares around it."""
    ones = Conv(np.ones((3, 3, 1, 1), np.float32), np.zeros(1, np.float32))
    sample = np.zeros((1, 9, 9, 1), np.float32)
    sample[0, 4, 4, 0] = 1
    (found,) = shown(NetworkSpec((9, 9, 1), "float32", (ones,)), sample)
    edge = np.array([1, 2, 3, 2, 1])  # how many windows that see the pixel see its neighbour too
    np.testing.assert_allclose(found[2:7, 2:7], np.outer(edge, edge) / 9)
    assert found.sum() == pytest.approx(np.outer(edge, edge).sum() / 9)


def test_maps_below_zero_count_as_zero() -> None:
    kernel = np.array([1.0, -1.0], np.float32).reshape(1, 1, 1, 2).repeat(2, 0).repeat(2, 1)
    bent = (Conv(kernel, np.zeros(2, np.float32)), Activation("elu"))
    alone = (Conv(kernel[..., :1], np.zeros(1, np.float32)), Activation("elu"))
    sample = CHANCE.random((1, 6, 6, 1)).astype(np.float32)
    two, one = (shown(NetworkSpec((6, 6, 1), "float32", each), sample) for each in (bent, alone))
    np.testing.assert_allclose(two, one, rtol=1e-6)


def test_a_network_that_responds_to_nothing_has_no_saliency() -> None:
    dead = Conv(np.zeros((3, 3, 3, 2), np.float32), np.full(2, -1, np.float32))
    network = NetworkSpec((8, 8, 3), "uint8", (dead, Activation("relu")))
    np.testing.assert_array_equal(shown(network, np.ones((2, 8, 8, 3))), 0)


def test_cropped_pixels_have_no_saliency_and_resizing_is_reversed() -> None:
    layers = (Crop(6, 2), Resize(16, 32), conv(5, 3, 3, 2), Activation("relu"))
    (found,) = shown(NetworkSpec((16, 16, 3), "uint8", layers), CHANCE.random((1, 16, 16, 3)))
    assert found.shape == (16, 16)
    assert (found[:6] == 0).all()
    assert (found[14:] == 0).all()
    assert found.max() == 1
    assert (found[6:14] > 0).any(axis=0).all()


def test_padding_is_removed_and_transposed_images_are_transposed_back() -> None:
    first = conv(3, 3, 3)
    sample = CHANCE.random((1, 8, 10, 3))
    turned = (Permute((2, 1, 3)), first, Activation("relu"))
    np.testing.assert_allclose(
        shown(NetworkSpec((10, 8, 3), "float32", turned), sample.transpose(0, 2, 1, 3))[0].T,
        shown(NetworkSpec((8, 10, 3), "float32", turned[1:]), sample)[0],
        atol=1e-6,
    )
    same = (Conv(first.kernel, first.bias, padding="same"), Activation("relu"))
    np.testing.assert_allclose(
        shown(NetworkSpec((8, 10, 3), "float32", (Pad(1, 1, 1, 1), *turned[1:])), sample),
        shown(NetworkSpec((8, 10, 3), "float32", same), sample),
        atol=1e-6,
    )


def test_a_network_without_convolutions_is_refused() -> None:
    dense = Dense(np.ones((12, 1), np.float32), np.zeros(1, np.float32))
    with pytest.raises(ModelError, match="the network has no convolution"):
        shown(NetworkSpec((2, 2, 3), "uint8", (Flatten(), dense)), np.ones((1, 2, 2, 3)))


def test_channels_that_became_columns_are_refused() -> None:
    layers = (Permute((3, 1, 2)), conv(2, 6, 2))
    with pytest.raises(ModelError, match="reorders the axes of its images before a convolution"):
        shown(NetworkSpec((6, 6, 3), "uint8", layers), np.ones((1, 6, 6, 3)))
