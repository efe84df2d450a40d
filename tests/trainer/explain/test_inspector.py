import cv2
import numpy as np
import pytest

from contract.errors import ModelError
from contract.frames.spec import FrameSpec
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


def test_a_network_with_a_frame_of_its_own_gets_it_and_is_drawn_in_rgb() -> None:
    picture = RNG.integers(0, 256, (160, 320, 3), np.uint8)
    conv = Conv(np.ones((5, 5, 3, 2), np.float32), np.zeros(2, np.float32), (4, 4))
    dense = Dense(np.full((19 * 40 * 2, 1), 1e-6, np.float32), np.zeros(1, np.float32))
    layers = (Crop(3, 3), conv, Activation("elu"), Flatten(), dense)
    theirs = NetworkSpec((86, 163, 3), "uint8", layers)
    inspector = ModelInspector(theirs, FrameSpec(86, 163, "bgr", "area", (50, 20)))
    view = inspector.inspect("a", picture, None)
    part = cv2.resize(picture[50:-20], (163, 86), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(view.frame, part)
    np.testing.assert_array_equal(view.crop, part[3:-3])
    assert view.network_deg == pytest.approx(
        25 * numpy_backend.predict(theirs, part[None, ..., ::-1])[0, 0]
    )
    # 90 rows of the picture became 86, and 320 columns 163.
    assert view.stretch == pytest.approx((90 / 86) / (320 / 163))
    assert inspector.feature_maps(picture)[0].maps.shape == (19, 40, 2)


def test_feature_maps_come_with_their_kernel_and_strides() -> None:
    (conv,) = ModelInspector(network(Crop(43, 12))).feature_maps(FRAME)
    assert conv.maps.shape == (9, 16, 6)
    assert (conv.kernel, conv.strides) == ((5, 5), (8, 8))


def test_a_network_without_convolutions_is_refused() -> None:
    dense = Dense(np.zeros((128 * 128 * 3, 1), np.float32), np.zeros(1, np.float32))
    inspector = ModelInspector(NetworkSpec((128, 128, 3), "uint8", (Flatten(), dense)))
    with pytest.raises(ModelError, match="the network has no convolution"):
        inspector.inspect("a", FRAME, None)
