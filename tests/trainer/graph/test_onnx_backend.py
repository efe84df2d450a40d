"""Each layer is computed by ONNX Runtime, which is not our code, and by NumPy."""

import numpy as np
import onnxruntime
import pytest

from contract.errors import ModelError
from contract.frames import spec
from trainer.graph import numpy_backend, onnx_backend
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
RANDOM = np.random.default_rng(7)
FRAMES = RANDOM.integers(0, 256, (4, *SHAPE)).astype(np.uint8)
BEGIN = (Rescale(1 / 64, -2.0),)


def some(*shape: int) -> np.ndarray:
    return RANDOM.normal(0, 0.3, shape).astype(np.float32)


def normal(size: int, axis: int) -> BatchNorm:
    return BatchNorm(some(size), some(size), some(size), np.abs(some(size)) + 0.1, 1e-3, axis)


CONV = Conv(some(3, 2, 3, 4), some(4))  # after it, the channels come first in the graph
LAYERS: dict[str, tuple[Layer, ...]] = {
    "crop": (Crop(2, 1, 3, 0),),
    "crop after a convolution": (CONV, Crop(2, 1, 3, 0)),
    "pad": (Pad(1, 0, 2, 3),),
    "pad after a convolution": (CONV, Pad(1, 0, 2, 3)),
    "resize up": (Resize(20, 33),),
    "resize down": (Resize(5, 9),),
    "scale": (Rescale(-0.5, 0.25),),
    "conv": (CONV,),
    "conv strides": (Conv(some(5, 5, 3, 4), some(4), (2, 3)),),
    "conv same": (Conv(some(3, 4, 3, 4), some(4), (1, 1), "same"),),
    "conv same strides": (Conv(some(3, 5, 3, 4), some(4), (2, 2), "same"),),
    "conv dilated": (Conv(some(3, 3, 3, 4), some(4), (1, 1), "same", (2, 3)),),
    "max": (Pool("max", (2, 3), (2, 2)),),
    "max same": (Pool("max", (3, 3), (2, 2), "same"),),
    "average": (Pool("average", (2, 2), (2, 2)),),
    "average same": (Pool("average", (3, 2), (2, 2), "same"),),
    "global average": (GlobalPool("average"), Dense(some(3, 2), some(2))),
    "global max": (CONV, GlobalPool("max")),
    "flatten": (Flatten(), Dense(some(11 * 14 * 3, 5), some(5))),
    "flatten after a convolution": (CONV, Flatten(), Dense(some(9 * 13 * 4, 5), some(5))),
    "permute": (CONV, Permute((3, 1, 2)), Flatten(), Dense(some(9 * 13 * 4, 5), some(5))),
    "dense on images": (CONV, Dense(some(4, 5), some(5)), Conv(some(2, 2, 5, 2), some(2))),
    "batch norm": (normal(3, 3),),
    "batch norm after a convolution": (CONV, normal(4, 3), normal(9, 1), normal(13, 2)),
    "batch norm row": (Flatten(), normal(11 * 14 * 3, 1)),
    "squeeze and excite": (
        CONV,
        SqueezeExcite(4 * some(4, 2), some(2), 4 * some(2, 4), some(4)),
    ),
    **{name: (Activation(name),) for name in ACTIVATIONS},
    "elu alpha": (Activation("elu", alpha=0.3),),
    "leaky relu": (Activation("relu", negative_slope=0.2),),
    "relu6": (Activation("relu", max_value=1.5),),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_onnx_runtime_and_numpy_agree(name: str, dtype: str) -> None:
    made = NetworkSpec(SHAPE, dtype, (*BEGIN, *LAYERS[name]))
    frames = FRAMES.astype(dtype)
    expected = numpy_backend.predict(made, frames, batch=3)
    content = onnx_backend.build_model(made).SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for count in (1, 4):
        [answers] = session.run(["steering"], {"frame": frames[:count]})
        assert answers.shape == (count, *infer_shapes(made)[-1])
        np.testing.assert_allclose(answers, expected[:count], atol=2e-5)
    assert expected.std() > 1e-3


def test_an_unknown_activation_is_refused_by_its_name() -> None:
    made = NetworkSpec(SHAPE, "uint8", (Activation("mish"),))
    with pytest.raises(ModelError, match="no ONNX operator for this activation: got mish"):
        onnx_backend.build_model(made)


def test_the_graph_of_our_network_turns_images_twice_only() -> None:
    kernels = [some(5, 5, 3, 8), some(5, 5, 8, 8)]
    layers: list[Layer] = [Crop(43, 12), Rescale(1 / 127.5, -1.0)]
    for kernel in kernels:
        layers += [Conv(kernel, some(8), (2, 2)), Activation("elu")]
    model = onnx_backend.build_model(NetworkSpec(spec.SHAPE, "uint8", (*layers, Flatten())))
    operators = [node.op_type for node in model.graph.node]
    assert operators.count("Transpose") == 2
