"""Each plain layer three ways: NumPy, Keras, and LiteRT. They share no code."""

from pathlib import Path

import numpy as np
import pytest

from trainer import outline
from trainer.export import litert
from trainer.graph import keras_backend, numpy_backend
from trainer.graph.layers import (
    FUNCTIONS,
    Activate,
    Conv,
    Crop,
    Dense,
    Flatten,
    GlobalPool,
    Layer,
    Network,
    Normalize,
    Pad,
    Permute,
    Pool,
    Resize,
    Scale,
)

SHAPE = (11, 14, 3)
RANDOM = np.random.default_rng(6)
FRAMES = RANDOM.integers(0, 256, (4, *SHAPE)).astype(np.uint8)
BEGIN = (Scale(1 / 64, -2.0),)


def some(*shape: int) -> np.ndarray:
    return RANDOM.normal(0, 0.3, shape).astype(np.float32)


def normal(size: int, axis: int) -> Normalize:
    gamma, beta, mean = some(size), some(size), some(size)
    return Normalize(gamma, beta, mean, np.abs(some(size)) + 0.1, 1e-3, axis)


LAYERS: dict[str, tuple[Layer, ...]] = {
    "crop": (Crop(2, 1, 3, 0),),
    "pad": (Pad(1, 0, 2, 3),),
    "resize up": (Resize(20, 33),),
    "resize down": (Resize(5, 9),),
    "scale": (Scale(-0.5, 0.25),),
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
    "dense on pictures": (Dense(some(3, 5), some(5)),),
    "normalize": (normal(3, 3),),
    "normalize rows": (normal(11, 1),),
    "normalize row": (Flatten(), normal(11 * 14 * 3, 1)),
    **{word: (Activate(word),) for word in FUNCTIONS},
    "elu alpha": (Activate("elu", alpha=0.3),),
    "leaky": (Activate("relu", slope=0.2),),
    "relu6": (Activate("relu", ceiling=1.5),),
}


def network(layers: tuple[Layer, ...]) -> Network:
    return Network(SHAPE, "uint8", (*BEGIN, *layers))


@pytest.mark.parametrize("name", LAYERS)
def test_numpy_and_keras_agree(name: str) -> None:
    made = network(LAYERS[name])
    expected = numpy_backend.answers(made, FRAMES, batch=3)
    assert expected.shape == (len(FRAMES), *outline.check(made))
    assert expected.dtype == np.float32
    assert expected.std() > 1e-3
    found = np.asarray(keras_backend.build(made).predict_on_batch(FRAMES))
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_litert_agrees_on_all_of_them_at_once(tmp_path: Path) -> None:
    layers: list[Layer] = [Pad(1, 0, 2, 3), Resize(20, 30), Crop(2, 1, 3, 0)]
    layers += [Conv(some(3, 3, 3, 4), some(4), (1, 2), "same"), normal(4, 3), normal(17, 1)]
    layers += [Activate(word) for word in FUNCTIONS if word != "exponential"]
    layers += [Pool("max", (2, 2), (1, 1), "same"), Pool("average", (2, 2), (1, 1), "same")]
    layers += [Conv(some(3, 3, 4, 4), some(4), dilation=(2, 2)), Activate("exponential")]
    layers += [Activate("relu", slope=0.2), Activate("relu", ceiling=1.2), Activate("elu", 0.5)]
    shape = outline.check(network(tuple(layers)))
    layers += [Permute((3, 1, 2)), Flatten(), Dense(some(int(np.prod(shape)), 1), some(1))]
    made = network(tuple(layers))
    keras_backend.build(made).save(tmp_path / "model.h5")
    litert.convert(tmp_path / "model.h5", tmp_path / "model.tflite")
    expected = numpy_backend.answers(made, FRAMES)[:, 0]
    assert expected.std() > 1e-3
    assert litert.compare(expected, litert.answers(tmp_path / "model.tflite", FRAMES)) <= 1e-4


def test_weights_are_those_that_were_given() -> None:
    kernel, bias = some(3, 3, 3, 4), some(4)
    built = keras_backend.build(network((Conv(kernel, bias), normal(4, 3))))
    np.testing.assert_array_equal(built.layers[1].get_weights()[0], kernel)
    assert built.inputs[0].dtype == "uint8"
