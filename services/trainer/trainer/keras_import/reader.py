"""Reads a model file into a checked NetworkSpec: the trainer's only way to read one.

Keras takes no part in it, so nothing in the file is imported, unmarshalled or run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from contract.errors import ModelError
from trainer.graph.layers import Dense, Flatten, Layer, NetworkSpec, Rescale
from trainer.graph.shapes import Shape, validate_shape
from trainer.keras_import import (
    affine,
    layer_converters,
    layer_weights,
    model_source,
    topology,
)
from trainer.keras_import.affine import Affine
from trainer.keras_import.idle_layers import is_idle
from trainer.keras_import.lambdas import lambda_layer
from trainer.keras_import.lambdas.lambda_layer import Unread
from trainer.keras_import.layer_config import MAX_SIZE, LayerConfig
from trainer.keras_import.layer_converters import ConversionContext
from trainer.keras_import.model_source import ModelSource
from trainer.keras_import.topology import LayerSpec, Topology

_SAVE_AGAIN: Final = (
    "Change the model in the author's program to what is supported, and save it again with "
    "model.save"
)


@dataclass(frozen=True)
class ModelFile:
    """The content of a model file."""

    network: NetworkSpec
    keras: str
    """The release of Keras that wrote the file, or ""."""
    normalized: str
    """The arithmetic of its Lambda layers; "" without one."""
    notes: tuple[str, ...]
    """Sentences on what was assumed."""


def read(
    path: Path,
    normalize: str = "",
    output: int | None = None,
    size: tuple[int, int] | None = None,
    weights: Path | None = None,
    *,
    whole: bool = False,
) -> ModelFile:
    """Read a model file of Keras 1, 2 or 3.

    Args:
        path: the .h5 or .keras file, its unpacked folder, or a model.json.
        normalize: an expression for a Lambda whose code cannot be read.
        output: number of the output that is the steering, from 0.
        size: height and width of the network's images, where the file does not say.
        weights: the .h5 file of the weights that belong to a model.json.
        whole: whether all numbers of the last layer are kept, as for the file of a version: if it
            has learned the speed, they are two. Otherwise the network answers one number.

    Raises:
        ModelError: the file is refused, or the network is not supported; the message names the
            dataset or the layer, and the reason.
    """
    formula = affine.parse(normalize) if normalize else None
    try:
        with model_source.open_source(path, weights) as source:
            model = topology.read(source.architecture, output)
            return _Parser(source, model, formula, size).parse(output, whole)
    except ModelError as error:
        raise _of_file(error, path, weights) from error
    except (
        TypeError,
        ValueError,
        KeyError,
        AttributeError,
        IndexError,
        OverflowError,
    ) as error:
        # The JSON has a structure that no Keras wrote, in a place that no check covers.
        raise ModelError(
            f"the architecture in {path.name} is not in a form that Keras writes",
            got=f"{type(error).__name__}: {error}",
            remedy=_SAVE_AGAIN,
        ) from error


def _of_file(error: ModelError, path: Path, weights: Path | None) -> ModelError:
    """Return an error that names the file and says what to do, if it did not before."""
    names = {path.name, path.stem} if weights is None else {path.name, path.stem, weights.name}
    prefix = "" if any(name in error.what for name in names) else f"{path.name}: "
    return ModelError(prefix + error.what, got=error.got, remedy=error.remedy or _SAVE_AGAIN)


class _Parser:
    """Builds the network of one open model.

    Args:
        source: the open model.
        topology: its layers.
        normalize: the scaling for a Lambda whose code cannot be read.
        size: height and width of the network's images, where the file does not say.
    """

    def __init__(
        self,
        source: ModelSource,
        topology: Topology,
        normalize: Affine | None,
        size: tuple[int, int] | None,
    ) -> None:
        self._topology, self._normalize, self._size = topology, normalize, size
        self._keras = source.keras
        self._backend = source.backend
        major = self._keras[:1]
        if not major.isdecimal() or major == "0":
            # Of all releases, only Keras 3 writes a model.json that does not tell its release.
            major = "3" if "module" in source.architecture else "2"
        self._release = int(major)
        self._weights = layer_weights.find(source.weights, topology.all_layers, source.paired)
        self._normalized: list[str] = []
        self._unread = ""

    def parse(self, output: int | None, whole: bool) -> ModelFile:
        """Return the file's content; `output` chooses the steering among several numbers.

        With `whole`, all of them are kept.
        """
        topology = self._topology
        configs = [LayerConfig(str(spec), spec.config, self._release) for spec in topology.layers]
        orders = {
            config.channel_order()
            for spec, config in zip(topology.layers, configs, strict=True)
            if spec.class_name != "Flatten"  # its order says something else
            and not is_idle(spec.class_name, spec.config)
        }
        if {"first", "last"} <= orders:
            raise ModelError(
                "some layers have the channels first, some last",
                got=sorted(orders),
                remedy="Give all layers the same data_format, and save the model again",
            )
        channels_first = "first" in orders
        shape = input_shape = self._input_shape(topology, channels_first)
        layers: list[Layer] = []
        for spec, config in zip(topology.layers, configs, strict=True):
            context = ConversionContext(shape, channels_first, self._backend == "theano")
            for layer in self._convert(spec, config, context):
                try:
                    shape = layer.shape(shape)
                except ModelError as error:
                    raise ModelError(
                        f"{spec} does not fit the layer before it: {error.what}",
                        got=error.got,
                        remedy="Its configuration and its weights are not of one model, or --size "
                        "is wrong",
                    ) from error
                layers.append(layer)
        if not whole:
            layers += _select_output(shape, None if topology.outputs > 1 else output)
        first = topology.layers[0]
        is_uint8 = first.class_name == "InputLayer" and first.config.get("dtype") == "uint8"
        notes = list(self._weights.notes)
        if channels_first and not self._backend:
            notes.append(
                "the file does not say whether Theano wrote it, which turns kernels by 180 degrees:"
                " they are taken as TensorFlow's"
            )
        network = NetworkSpec(input_shape, "uint8" if is_uint8 else "float32", tuple(layers))
        return ModelFile(network, self._keras, "; ".join(self._normalized), tuple(notes))

    def _input_shape(self, topology: Topology, channels_first: bool) -> Shape:
        """Return height, width and channels of the network's input image."""
        shape = list(topology.input_shape or [])[1:]
        if len(shape) != 3:
            raise ModelError(
                f"{topology.layers[0]} does not say that it takes one image",
                got=topology.input_shape,
                remedy="Save the model after it was built or trained",
            )
        if channels_first:
            shape = [*shape[1:], shape[0]]
        if self._size is not None:
            if any(
                length not in (None, option)
                for length, option in zip(shape, self._size, strict=False)
            ):
                raise ModelError(
                    "the model takes images of another size than --size says",
                    got=f"{self._size[1]}x{self._size[0]}, the model's are {shape[1]}x{shape[0]}",
                    remedy="Leave --size out: the file says the size",
                )
            shape[:2] = self._size
        if not all(type(length) is int and 1 <= length <= MAX_SIZE for length in shape):
            raise ModelError(
                f"{topology.layers[0]} does not say the size of its images",
                got=topology.input_shape,
                remedy="Give it with --size WIDTHxHEIGHT",
            )
        return validate_shape(tuple(shape))

    def _convert(
        self, spec: LayerSpec, config: LayerConfig, context: ConversionContext
    ) -> Sequence[Layer]:
        if spec.class_name == "Lambda":
            return [self._lambda(spec)]
        if is_idle(spec.class_name, spec.config):
            return []
        arrays = self._weights.arrays(spec)
        return layer_converters.convert(spec.class_name, config, arrays, context)

    def _lambda(self, spec: LayerSpec) -> Rescale:
        found = lambda_layer.read_lambda(str(spec), spec.config)
        if isinstance(found, Affine):
            scaling = found
            if self._normalize is not None and not scaling.close_to(self._normalize):
                raise ModelError(
                    f"{spec} computes something else than --normalize says",
                    got=str(scaling),
                    remedy="Leave --normalize out: the formula in the file is used",
                )
        else:
            scaling = self._given(spec, found)
        self._normalized.append(str(scaling))
        return Rescale(scaling.scale, scaling.offset)

    def _given(self, spec: LayerSpec, found: Unread) -> Affine:
        """Return what --normalize says for a Lambda whose code does not say all of it."""
        if self._normalize is None:
            raise ModelError(
                f"the code of {spec} {found.problem}",
                got=found.reason,
                remedy='Give its formula, for example --normalize "x/127.5-1"',
            )
        if self._unread:
            raise ModelError(
                f"the code of two layers cannot be read: {self._unread}, and {spec}",
                got=found.reason,
                remedy="--normalize gives one formula: save the model again without one of them",
            )
        if not found.allows(self._normalize):
            raise ModelError(
                f"{spec} computes something else than --normalize says",
                got=found.reason,
                remedy="Give --normalize a formula of the same form, with the values of the names",
            )
        self._unread = str(spec)
        return self._normalize


def _select_output(shape: Shape, output: int | None) -> list[Layer]:
    """Return the layers that reduce the output of the last layer to one number."""
    layers: list[Layer] = [Flatten()] if len(shape) > 1 else []
    count = int(np.prod(shape))
    if count == 1 and output in (None, 0):
        return layers
    if output is None:
        raise ModelError(
            "the model has several outputs",
            got=f"{count} numbers",
            remedy="Choose the steering with --output; 0 is the first",
        )
    if not 0 <= output < count:
        raise ModelError(
            f"the model has no output {output}",
            got=f"{count} numbers",
            remedy=f"--output takes 0 to {count - 1}",
        )
    kernel = np.zeros((count, 1), np.float32)
    kernel[output] = 1
    return [*layers, Dense(kernel, np.zeros(1, np.float32))]
