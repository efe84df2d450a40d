"""Each layer is computed three ways, which share no code: NumPy, Keras, and LiteRT."""

from pathlib import Path

import numpy as np
import pytest

from contract.frames import spec
from contract.policy.litert import LiteRT
from trainer.export import litert
from trainer.graph import keras_backend, numpy_backend
from trainer.graph.layers import (
    ACTIVATIONS,
    Activation,
    BatchNorm,
    Conv,
    Crop,
    Dense,
    Flatten,
    GlobalPool,
    Layer,
    NetworkSpec,
    Pad,
    Permute,
    Pool,
    Rescale,
    Resize,
    SqueezeExcite,
    infer_shapes,
)

SHAPE = (11, 14, 3)
RANDOM = np.random.default_rng(6)
FRAMES = RANDOM.integers(0, 256, (4, *SHAPE)).astype(np.uint8)
BEGIN = (Rescale(1 / 64, -2.0),)


def some(*shape: int) -> np.ndarray:
    return RANDOM.normal(0, 0.3, shape).astype(np.float32)


def normal(size: int, axis: int) -> BatchNorm:
    gamma, beta, mean = some(size), some(size), some(size)
    return BatchNorm(gamma, beta, mean, np.abs(some(size)) + 0.1, 1e-3, axis)


LAYERS: dict[str, tuple[Layer, ...]] = {
    "crop": (Crop(2, 1, 3, 0),),
    "pad": (Pad(1, 0, 2, 3),),
    "resize up": (Resize(20, 33),),
    "resize down": (Resize(5, 9),),
    "scale": (Rescale(-0.5, 0.25),),
    "conv": (Conv(some(3, 2, 3, 4), some(4)),),
    "conv strides": (Conv(some(5, 5, 3, 4), some(4), (2, 3)),),
    "conv same": (Conv(some(3, 4, 3, 4), some(4), (1, 1), "same"),),
    "conv same strides": (Conv(some(3, 5, 3, 4), some(4), (2, 2), "same"),),
    "conv dilated": (Conv(some(3, 3, 3, 4), some(4), dilation=(2, 3)),),
    "max": (Pool("max", (2, 3), (2, 2)),),
    "max same": (Pool("max", (3, 3), (2, 2), "same"),),
    "average": (Pool("average", (2, 2), (2, 2)),),
    "average same": (Pool("average", (3, 2), (2, 2), "same"),),
    "global average": (GlobalPool("average"),),
    "global max": (GlobalPool("max"),),
    "flatten": (Flatten(), Dense(some(11 * 14 * 3, 5), some(5))),
    "permute": (Permute((3, 1, 2)), Flatten(), Dense(some(11 * 14 * 3, 5), some(5))),
    "dense on images": (Dense(some(3, 5), some(5)),),
    "batch norm": (normal(3, 3),),
    "batch norm rows": (normal(11, 1),),
    "batch norm row": (Flatten(), normal(11 * 14 * 3, 1)),
    "squeeze and excite": (SqueezeExcite(4 * some(3, 2), some(2), 4 * some(2, 3), some(3)),),
    **{name: (Activation(name),) for name in ACTIVATIONS},
    "elu alpha": (Activation("elu", alpha=0.3),),
    "leaky relu": (Activation("relu", negative_slope=0.2),),
    "relu6": (Activation("relu", max_value=1.5),),
}


def network(layers: tuple[Layer, ...]) -> NetworkSpec:
    return NetworkSpec(SHAPE, "uint8", (*BEGIN, *layers))


@pytest.mark.parametrize("name", LAYERS)
def test_numpy_and_keras_agree(name: str) -> None:
    made = network(LAYERS[name])
    expected = numpy_backend.predict(made, FRAMES, batch=3)
    assert expected.shape == (len(FRAMES), *infer_shapes(made)[-1])
    assert expected.dtype == np.float32
    assert expected.std() > 1e-3
    by_keras = np.asarray(keras_backend.build_model(made).predict_on_batch(FRAMES))
    np.testing.assert_allclose(by_keras, expected, atol=2e-5)


def test_litert_agrees_on_all_of_them_at_once(tmp_path: Path) -> None:
    layers: list[Layer] = [Resize(*SHAPE[:2]), Pad(1, 0, 2, 3), Resize(20, 30), Crop(2, 1, 3, 0)]
    layers += [Conv(some(3, 3, 3, 4), some(4), (1, 2), "same"), normal(4, 3), normal(17, 1)]
    layers += [Activation(name) for name in ACTIVATIONS if name != "exponential"]
    layers += [Pool("max", (2, 2), (1, 1), "same"), Pool("average", (2, 2), (1, 1), "same")]
    layers += [Conv(some(3, 3, 4, 4), some(4), dilation=(2, 2)), Activation("exponential")]
    layers += [
        Activation("relu", negative_slope=0.2),
        Activation("relu", max_value=1.2),
        Activation("elu", 0.5),
    ]
    shape = infer_shapes(NetworkSpec(spec.SHAPE, "uint8", (*BEGIN, *layers)))[-1]
    layers += [Permute((3, 1, 2)), Flatten(), Dense(some(int(np.prod(shape)), 1), some(1))]
    network = NetworkSpec(spec.SHAPE, "uint8", (*BEGIN, *layers))
    keras_backend.build_model(network).save(tmp_path / "model.h5")
    litert.convert(tmp_path / "model.h5", tmp_path / "model.tflite")
    frames = RANDOM.integers(0, 256, (4, *spec.SHAPE)).astype(np.uint8)
    expected = numpy_backend.predict(network, frames)
    assert expected.std() > 1e-3
    assert litert.check_parity(expected, LiteRT(tmp_path).predict(frames)) <= 1e-4


def test_the_keras_layers_have_the_given_weights() -> None:
    kernel, bias = some(3, 3, 3, 4), some(4)
    model = keras_backend.build_model(network((Conv(kernel, bias), normal(4, 3))))
    np.testing.assert_array_equal(model.layers[1].get_weights()[0], kernel)
    assert model.inputs[0].dtype == "uint8"
