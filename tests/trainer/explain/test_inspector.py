import numpy as np
import pytest

from contract.errors import ModelError
from trainer.explain.inspector import ModelInspector
from trainer.graph import numpy_backend
from trainer.graph.layers import (
    Activation,
    Conv,
    Crop,
    Dense,
    Flatten,
    NetworkSpec,
    Rescale,
    Resize,
)

RNG = np.random.default_rng(3)
FRAME = RNG.integers(0, 256, (128, 128, 3), np.uint8)


def network(*before: Crop | Resize) -> NetworkSpec:
    conv = Conv(
        RNG.normal(0, 0.3, (5, 5, 3, 6)).astype(np.float32), np.zeros(6, np.float32), (8, 8)
    )
    layers = (*before, Rescale(1 / 127.5, -1.0), conv, Activation("elu"), Flatten())
    shape = (128, 128, 3)
    for layer in layers:
        shape = layer.shape(shape)
    dense = Dense(RNG.normal(0, 0.02, (shape[0], 1)).astype(np.float32), np.zeros(1, np.float32))
    return NetworkSpec((128, 128, 3), "uint8", (*layers, dense))


def test_a_frame_is_shown_as_the_network_sees_it() -> None:
    cropping = network(Crop(43, 12))
    view = ModelInspector(cropping).inspect("a", FRAME, -0.5)
    np.testing.assert_array_equal(view.crop, FRAME[43:116])
    assert view.box == (43, 115, 0, 127)
    assert view.saliency.shape == (73, 128)
    assert view.saliency.max() == 1
    assert view.driver_deg == -12.5
    assert view.network_deg == pytest.approx(
        25 * numpy_backend.predict(cropping, FRAME[None])[0, 0]
    )


def test_an_imported_network_sees_an_image_of_another_size() -> None:
    view = ModelInspector(network(Crop(48, 20), Resize(66, 200))).inspect("a", FRAME, None)
    assert view.crop.shape == (66, 200, 3)
    assert view.saliency.shape == (66, 200)
    assert view.driver_deg is None


def test_feature_maps_come_with_their_kernel_and_strides() -> None:
    (conv,) = ModelInspector(network(Crop(43, 12))).feature_maps(FRAME)
    assert conv.maps.shape == (9, 16, 6)
    assert (conv.kernel, conv.strides) == ((5, 5), (8, 8))


def test_a_network_without_convolutions_is_refused() -> None:
    dense = Dense(np.zeros((128 * 128 * 3, 1), np.float32), np.zeros(1, np.float32))
    inspector = ModelInspector(NetworkSpec((128, 128, 3), "uint8", (Flatten(), dense)))
    with pytest.raises(ModelError, match="the network has no convolution"):
        inspector.inspect("a", FRAME, None)
