"""Builds an ONNX graph from a NetworkSpec, with its weights as arrays.

The operators are those of opset 18. Convolutions and pools of ONNX take images with the channels
first, and ours have them last. So the graph turns an image where the first of them needs it, and
back where the order of the values matters: before a flattening, a permutation or a dense layer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from contract.errors import ModelError
from trainer.graph.layers import (
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
from trainer.graph.shapes import Padding, Shape

OPSET: Final = 18
IR_VERSION: Final = 10
"""Version of the file format: ONNX Runtime 1.18 and later read it."""
INPUT: Final = "frame"
OUTPUT: Final = "steering"
BATCH: Final = "n"
"""Name of the first axis of input and output: any number of frames."""
INPUT_TYPES: Final = {"uint8": TensorProto.UINT8, "float32": TensorProto.FLOAT}
OPERATORS: Final = {
    "selu": "Selu",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "exponential": "Exp",
}
"""The operator of each activation that is one without attributes."""


def build_model(network: NetworkSpec) -> onnx.ModelProto:
    """Return the network as an ONNX model, from INPUT to OUTPUT.

    Raises:
        ModelError: two layers do not fit together, or an activation has no operator here.
    """
    shapes = [network.input_shape, *infer_shapes(network)]
    graph = _Graph(network)
    for number, layer in enumerate(network.layers):
        graph.add_layer(layer, shapes[number])
    graph.set_channels_first(False)
    graph.add("Identity", outputs=[OUTPUT])
    given = helper.make_tensor_value_info(
        INPUT, INPUT_TYPES[network.input_dtype], [BATCH, *network.input_shape]
    )
    result = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [BATCH, *shapes[-1]])
    made = helper.make_graph(graph.nodes, "network", [given], [result], graph.weights)
    model = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    onnx.checker.check_model(model, full_check=True)
    return model


class _Graph:
    """Collects the nodes of a graph whose layers follow one another.

    Args:
        network: the network, whose input comes first.
    """

    def __init__(self, network: NetworkSpec) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._value = INPUT
        self._channels_first = False
        if network.input_dtype != "float32":
            self.add("Cast", to=TensorProto.FLOAT)

    def add(
        self,
        operator: str,
        constants: Sequence[npt.ArrayLike] = (),
        outputs: Sequence[str] = (),
        extra: Sequence[str] = (),
        **attributes: object,
    ) -> None:
        """Append a node that takes the last value, then `extra` values and constants."""
        inputs = [self._value, *extra]
        for constant in constants:
            name = f"constant_{len(self.weights)}"
            self.weights.append(numpy_helper.from_array(np.asarray(constant), name))
            inputs.append(name)
        number = len(self.nodes)
        names = list(outputs) or [f"{operator.lower()}_{number}"]
        node = helper.make_node(operator, inputs, names, f"{operator}_{number}")
        node.attribute.extend(
            helper.make_attribute(name, value) for name, value in attributes.items()
        )
        self.nodes.append(node)
        self._value = names[0]

    def set_channels_first(self, first: bool) -> None:
        """Turn an image, if it is not in this order already."""
        if first != self._channels_first:
            self.add("Transpose", perm=(0, 3, 1, 2) if first else (0, 2, 3, 1))
            self._channels_first = first

    def add_layer(self, layer: Layer, shape: Shape) -> None:
        """Append the nodes of a layer; `shape` is that of a sample before it, channels last."""
        if isinstance(layer, Crop):
            self._crop(layer, shape)
        elif isinstance(layer, Pad):
            begin, end = (layer.top, layer.left), (layer.bottom, layer.right)
            self.add("Pad", [np.array([*begin, *end], np.int64), _float(0), self._edges()])
        elif isinstance(layer, Resize):
            self._resize(layer, shape)
        elif isinstance(layer, Rescale):
            self.add("Mul", [_float(layer.scale)])
            self.add("Add", [_float(layer.offset)])
        elif isinstance(layer, Conv):
            self._convolve(layer, shape)
        elif isinstance(layer, Pool):
            self._pool(layer, shape)
        elif isinstance(layer, GlobalPool):
            self.set_channels_first(True)
            self.add("GlobalMaxPool" if layer.kind == "max" else "GlobalAveragePool")
            self.add("Flatten", axis=1)
            self._channels_first = False
        elif isinstance(layer, BatchNorm):
            self._normalize(layer, shape)
        elif isinstance(layer, SqueezeExcite):
            self._squeeze_and_excite(layer)
        elif isinstance(layer, Activation):
            self._activate(layer)
        else:
            self.set_channels_first(False)
            self._rearrange(layer, shape)

    def _edges(self) -> npt.NDArray[np.int64]:
        """Return the axes of an image's rows and columns."""
        return np.array([2, 3] if self._channels_first else [1, 2], np.int64)

    def _crop(self, layer: Crop, shape: Shape) -> None:
        starts = np.array([layer.top, layer.left], np.int64)
        ends = np.array([shape[0] - layer.bottom, shape[1] - layer.right], np.int64)
        self.add("Slice", [starts, ends, self._edges()])

    def _resize(self, layer: Resize, shape: Shape) -> None:
        self.set_channels_first(True)
        # Sizes would need the size of the batch too, which is not known.
        scales = [1.0, 1.0, _scale(shape[0], layer.height), _scale(shape[1], layer.width)]
        self.add(
            "Resize",
            [np.array(scales, np.float32)],
            extra=[""],  # no region
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )

    def _convolve(self, layer: Conv, shape: Shape) -> None:
        self.set_channels_first(True)
        rows, columns = layer.kernel.shape[:2]
        reach = ((rows - 1) * layer.dilation[0] + 1, (columns - 1) * layer.dilation[1] + 1)
        self.add(
            "Conv",
            [layer.kernel.transpose(3, 2, 0, 1), layer.bias],
            strides=layer.strides,
            dilations=layer.dilation,
            pads=_pads(shape, reach, layer.strides, layer.padding),
        )

    def _pool(self, layer: Pool, shape: Shape) -> None:
        self.set_channels_first(True)
        # Neither operator counts what is padded.
        self.add(
            "MaxPool" if layer.kind == "max" else "AveragePool",
            kernel_shape=layer.size,
            strides=layer.strides,
            pads=_pads(shape, layer.size, layer.strides, layer.padding),
        )

    def _normalize(self, layer: BatchNorm, shape: Shape) -> None:
        factor = layer.gamma / np.sqrt(layer.variance + np.float32(layer.epsilon))
        offset = layer.beta - layer.mean * factor
        axis = layer.axis
        if self._channels_first:
            axis = {1: 2, 2: 3, 3: 1}[axis]
        along = [1] * (len(shape) + 1)
        along[axis] = -1
        self.add("Mul", [factor.reshape(along).astype(np.float32)])
        self.add("Add", [offset.reshape(along).astype(np.float32)])

    def _squeeze_and_excite(self, layer: SqueezeExcite) -> None:
        self.set_channels_first(True)
        image = self._value
        self.add("GlobalAveragePool")
        self.add("Flatten", axis=1)
        self.add("Gemm", [layer.reduce_kernel, layer.reduce_bias])
        self.add("Relu")
        self.add("Gemm", [layer.expand_kernel, layer.expand_bias])
        self.add("Sigmoid")
        self.add("Reshape", [np.array([0, -1, 1, 1], np.int64)])
        self.add("Mul", extra=[image])

    def _activate(self, layer: Activation) -> None:
        if layer.function == "relu":
            self.add("LeakyRelu", alpha=float(layer.negative_slope))
            if layer.max_value < math.inf:
                self.add("Min", [_float(layer.max_value)])
        elif layer.function == "elu":
            self.add("Elu", alpha=float(layer.alpha))
        elif layer.function == "silu":
            before = self._value
            self.add("Sigmoid")
            self.add("Mul", extra=[before])
        elif layer.function in OPERATORS:
            self.add(OPERATORS[layer.function])
        else:
            raise ModelError("there is no ONNX operator for this activation", got=layer.function)

    def _rearrange(self, layer: Permute | Flatten | Dense, shape: Shape) -> None:
        if isinstance(layer, Permute):
            self.add("Transpose", perm=(0, *layer.order))
        elif isinstance(layer, Flatten):
            self.add("Flatten", axis=1)
        elif len(shape) == 1:
            self.add("Gemm", [layer.kernel, layer.bias])
        else:
            self.add("MatMul", [layer.kernel])
            self.add("Add", [layer.bias])


def _float(value: float) -> npt.NDArray[np.float32]:
    return np.array(value, np.float32)


def _scale(old: int, new: int) -> np.float32:
    """Return the smallest scale at which `old` pixels become `new`: the size is rounded down."""
    scale = np.float32(new / old)
    while old * float(scale) < new:  # in double precision, as some runtimes compute it
        scale = np.nextafter(scale, np.float32(np.inf))
    return scale


def _pads(
    shape: Shape, window: tuple[int, int], strides: tuple[int, int], padding: Padding
) -> list[int]:
    """Return the padding (top, left, bottom, right); an odd row or column goes to the end."""
    if padding == "valid":
        return [0, 0, 0, 0]
    missing = [
        max((math.ceil(size / stride) - 1) * stride + reach - size, 0)
        for size, reach, stride in zip(shape[:2], window, strides, strict=True)
    ]
    return [*(total // 2 for total in missing), *(total - total // 2 for total in missing)]
