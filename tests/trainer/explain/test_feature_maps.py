import numpy as np
import pytest

from trainer.explain import feature_maps
from trainer.explain.feature_maps import ConvStage
from trainer.graph import numpy_backend
from trainer.graph.layers import (
    Activation,
    BatchNorm,
    Conv,
    Crop,
    Dense,
    Flatten,
    NetworkSpec,
    Pad,
    Pool,
    Rescale,
    Resize,
)

CHANCE = np.random.default_rng(7)


def conv(size: int, channels: int, filters: int, **more: object) -> Conv:
    kernel = CHANCE.normal(0, 0.3, (size, size, channels, filters)).astype(np.float32)
    return Conv(kernel, np.zeros(filters, np.float32), **more)


def normalize(count: int) -> BatchNorm:
    ones = np.ones(count, np.float32)
    return BatchNorm(ones, ones, ones, ones, 1e-3, 3)


def test_maps_are_taken_after_the_activation() -> None:
    layers = (
        Rescale(1 / 127.5, -1.0),
        conv(3, 3, 4),
        Activation("elu"),
        conv(3, 4, 4),
        normalize(4),
        Activation("relu"),
        normalize(4),
        Pool("max", (2, 2), (2, 2)),
        conv(1, 4, 2),
        Pool("max", (2, 2), (2, 2)),
        Activation("relu"),
        conv(3, 2, 2),
        Flatten(),
    )
    network = NetworkSpec((32, 32, 3), "uint8", layers)
    assert feature_maps.conv_stages(network) == [
        ConvStage(1, 2),
        ConvStage(3, 5),
        ConvStage(8, 8),
        ConvStage(11, 11),
    ]


def test_a_convolution_that_converts_colours_is_left_out() -> None:
    layers = (Rescale(1.0, 0.0), conv(1, 3, 3), Activation("relu", max_value=255.0), conv(3, 3, 4))
    assert feature_maps.conv_stages(NetworkSpec((8, 8, 3), "uint8", layers)) == [ConvStage(3, 3)]


def test_the_last_layer_output_is_the_networks_steering() -> None:
    layers = (
        Crop(2, 1),
        conv(3, 3, 4),
        Activation("elu"),
        Flatten(),
        Dense(CHANCE.normal(size=(9 * 10 * 4, 1)).astype(np.float32), np.zeros(1, np.float32)),
    )
    network = NetworkSpec((14, 12, 3), "uint8", layers)
    samples = CHANCE.integers(0, 256, (3, 14, 12, 3), np.uint8)
    trace = feature_maps.layer_outputs(network, samples)
    assert [each.shape[1:] for each in trace] == [(11, 12, 3), (9, 10, 4), (9, 10, 4), (360,), (1,)]
    np.testing.assert_allclose(trace[-1], numpy_backend.predict(network, samples, 3), rtol=1e-6)


@pytest.mark.parametrize(
    ("before", "shape", "box"),
    [
        ((Crop(4, 2, 1, 0),), (6, 11), (4, 9, 1, 11)),
        ((Crop(4, 2), Resize(12, 24)), (12, 24), (4, 9, 0, 11)),
        ((Pad(1, 1, 0, 0),), (14, 12), (0, 11, 0, 11)),
        ((Rescale(0.0, 0.0),), (12, 12), (0, 11, 0, 11)),
    ],
)
def test_the_input_of_the_first_convolution_is_cropped_and_resized(
    before: tuple[object, ...], shape: tuple[int, int], box: tuple[float, ...]
) -> None:
    """The image is cropped and resized, and keeps its colours."""
    network = NetworkSpec((12, 12, 3), "uint8", (*before, conv(3, 3, 2)))
    pictures = np.full((1, 12, 12, 3), 200, np.uint8)
    seen = feature_maps.conv_input(network, pictures)
    assert seen.shape == (1, *shape, 3)
    assert seen.max() == 200
    assert feature_maps.conv_input_box(network) == pytest.approx(box)
