import numpy as np
import pytest

from contract.errors import ModelError
from trainer.explain.inspector import Eye
from trainer.graph import numpy_backend
from trainer.graph.layers import Activate, Conv, Crop, Dense, Flatten, Network, Resize, Scale

CHANCE = np.random.default_rng(3)
FRAME = CHANCE.integers(0, 256, (128, 128, 3), np.uint8)


def network(*before: Crop | Resize) -> Network:
    conv = Conv(
        CHANCE.normal(0, 0.3, (5, 5, 3, 6)).astype(np.float32), np.zeros(6, np.float32), (8, 8)
    )
    layers = (*before, Scale(1 / 127.5, -1.0), conv, Activate("elu"), Flatten())
    shape = (128, 128, 3)
    for layer in layers:
        shape = layer.shape(shape)
    dense = Dense(CHANCE.normal(0, 0.02, (shape[0], 1)).astype(np.float32), np.zeros(1, np.float32))
    return Network((128, 128, 3), "uint8", (*layers, dense))


def test_a_frame_as_the_network_sees_it() -> None:
    seen = network(Crop(43, 12))
    view = Eye(seen).look("a", FRAME, -0.5)
    np.testing.assert_array_equal(view.crop, FRAME[43:116])
    assert view.box == (43, 115, 0, 127)
    assert view.saliency.shape == (73, 128)
    assert view.saliency.max() == 1
    assert view.driver_deg == -12.5
    assert view.network_deg == pytest.approx(25 * numpy_backend.answers(seen, FRAME[None])[0, 0])


def test_an_imported_networks_picture_has_another_size() -> None:
    view = Eye(network(Crop(48, 20), Resize(66, 200))).look("a", FRAME, None)
    assert view.crop.shape == (66, 200, 3)
    assert view.saliency.shape == (66, 200)
    assert view.driver_deg is None


def test_maps_say_what_made_them() -> None:
    (found,) = Eye(network(Crop(43, 12))).maps(FRAME)
    assert found.maps.shape == (9, 16, 6)
    assert (found.kernel, found.strides) == ((5, 5), (8, 8))


def test_a_network_without_convolutions_is_said() -> None:
    dense = Dense(np.zeros((128 * 128 * 3, 1), np.float32), np.zeros(1, np.float32))
    eye = Eye(Network((128, 128, 3), "uint8", (Flatten(), dense)))
    with pytest.raises(ModelError, match="the network has no convolution"):
        eye.look("a", FRAME, None)
