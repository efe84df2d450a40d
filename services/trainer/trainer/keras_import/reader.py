"""A model file as a checked chain of layers with their weights: the trainer's only way to read one.

Keras is not asked, so nothing of a file is ever imported, unmarshalled or run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from contract.errors import ModelError
from trainer import safe_hdf5
from trainer.graph.layers import Dense, Flatten, Layer, Network, Scale
from trainer.graph.shapes import Shape, fit
from trainer.keras_import import affine, lambda_layer, layer_converters, topology
from trainer.keras_import.affine import Affine
from trainer.keras_import.layer_config import Options
from trainer.keras_import.layer_converters import Place
from trainer.keras_import.topology import Chain, Entry
from trainer.safe_hdf5 import Hdf5

ROOT = "model_weights"


@dataclass(frozen=True)
class ModelFile:
    """What a file says."""

    network: Network
    keras: str
    """The release that wrote it, or ""."""
    normalized: str
    """The arithmetic of its Lambdas, as it was read or told; "" without a Lambda."""
    notes: tuple[str, ...]
    """What was assumed."""


def read(
    path: Path,
    normalize: str = "",
    output: int | None = None,
    size: tuple[int, int] | None = None,
) -> ModelFile:
    """Read a model file of Keras 1, 2 or 3.

    Args:
        path: the .h5 file.
        normalize: an expression for a Lambda whose code cannot be read.
        output: which of several outputs is the steering, from 0.
        size: height and width of the picture that it takes, where the file does not say.

    Raises:
        ModelError: the file is refused, or the network is not understood; the message names the
            dataset or the layer, and why.
    """
    told = affine.parse(normalize) if normalize else None
    with safe_hdf5.opened(path) as file:
        text = file.text("", "model_config")
        if not isinstance(text, str):
            raise ModelError(
                f"{path.name} holds no architecture",
                got=file.children("") or "an empty file",
                remedy="Weights alone are not enough: save the whole model, with model.save",
            )
        try:
            return _Reading(path, file, told, size).of(topology.read(text, output), output)
        except (
            TypeError,
            ValueError,
            KeyError,
            AttributeError,
            IndexError,
            OverflowError,
        ) as error:
            # JSON of another shape than any Keras wrote, where nothing looked for it.
            raise ModelError(
                f"the architecture in {path.name} is none of Keras's",
                got=f"{type(error).__name__}: {error}",
            ) from error


class _Reading:
    def __init__(
        self, path: Path, file: Hdf5, told: Affine | None, size: tuple[int, int] | None
    ) -> None:
        self._file, self._told, self._size = file, told, size
        self._root = ROOT if file.has(ROOT) else ""
        self._keras = self._attribute("keras_version")
        self._backend = self._attribute("backend")
        first = self._keras[:1]
        self._release = int(first) if first.isdecimal() and first != "0" else 2
        self._known = _names(file, self._root, "layer_names")
        self._normalized: list[str] = []

    def _attribute(self, name: str) -> str:
        for where in ("", self._root):
            found = self._file.text(where, name)
            if isinstance(found, str):
                return found
        return ""

    def of(self, found: Chain, output: int | None) -> ModelFile:
        options = [Options(str(each), each.config, self._release) for each in found.entries]
        orders = {
            each.order()
            for each, entry in zip(options, found.entries, strict=True)
            if entry.kind != "Flatten"  # which has an order of its own
        }
        if {"first", "last"} <= orders:
            raise ModelError("some layers have the channels first, some last", got=sorted(orders))
        first = "first" in orders
        shape = start = self._input(found, first)
        layers: list[Layer] = []
        for entry, each in zip(found.entries, options, strict=True):
            place = Place(shape, first, self._backend == "theano")
            for layer in self._layers(entry, each, place):
                try:
                    shape = layer.shape(shape)
                except ModelError as error:
                    raise ModelError(
                        f"{entry} does not fit what comes before: {error.what}", got=error.got
                    ) from error
                layers.append(layer)
        layers += _one_output(shape, None if found.outputs > 1 else output)
        entry, dtype = found.entries[0], found.entries[0].config.get("dtype")
        taken = "uint8" if entry.kind == "InputLayer" and dtype == "uint8" else "float32"
        notes = []
        if first and not self._backend:
            notes.append(
                "the file does not say whether Theano wrote it, which turns kernels by 180 degrees:"
                " they are taken as TensorFlow's"
            )
        network = Network(start, taken, tuple(layers))
        return ModelFile(network, self._keras, "; ".join(self._normalized), tuple(notes))

    def _input(self, found: Chain, first: bool) -> Shape:
        """Return height, width and channels of the picture that goes in."""
        shape = list(found.input_shape or [])[1:]
        if len(shape) != 3:
            raise ModelError(
                f"{found.entries[0]} does not say that it takes one picture",
                got=found.input_shape,
                remedy="Save the model after it was built or trained",
            )
        if first:
            shape = [*shape[1:], shape[0]]
        if self._size is not None:
            if any(each not in (None, told) for each, told in zip(shape, self._size, strict=False)):
                raise ModelError(
                    "the model takes pictures of another size than --size says",
                    got=f"{self._size[1]}x{self._size[0]}, the model's are {shape[1]}x{shape[0]}",
                )
            shape[:2] = self._size
        if not all(type(each) is int and 1 <= each <= 4096 for each in shape):
            raise ModelError(
                f"{found.entries[0]} does not say the size of its pictures",
                got=found.input_shape,
                remedy="Say it with --size WIDTHxHEIGHT",
            )
        return fit(tuple(shape))

    def _layers(self, entry: Entry, options: Options, place: Place) -> Sequence[Layer]:
        if entry.kind == "Lambda":
            return [self._scaled(entry)]
        if entry.kind in layer_converters.IDLE:
            return []
        return layer_converters.converted(entry.kind, options, self._weights(entry), place)

    def _scaled(self, entry: Entry) -> Scale:
        found = lambda_layer.of_lambda(str(entry), entry.config)
        if isinstance(found, str):
            if self._told is None:
                raise ModelError(
                    f"what {entry} does cannot be read",
                    got=found,
                    remedy='Say it, for example with --normalize "x/127.5-1"',
                )
            found = self._told
        elif self._told is not None and not found.close_to(self._told):
            raise ModelError(
                f"{entry} does something else than --normalize says",
                got=str(found),
                remedy="Leave --normalize out: what the file says is taken",
            )
        self._normalized.append(str(found))
        return Scale(found.scale, found.offset)

    def _weights(self, entry: Entry) -> list[npt.NDArray[np.generic]]:
        group = f"{self._root}/{entry.name}" if self._root else entry.name
        if entry.name not in self._known or not self._file.has(group):
            return []  # a layer that needs some says so
        names = _names(self._file, group, "weight_names")
        return [self._file.array(f"{group}/{name}") for name in names]


def _names(file: Hdf5, where: str, attribute: str) -> tuple[str, ...]:
    """Return a list of names, which Keras splits where an attribute would exceed 64 kB."""
    if where and not file.has(where):
        return ()
    found = file.text(where, attribute)
    if found is not None:
        return (found,) if isinstance(found, str) else found
    parts: list[str] = []
    while (part := file.text(where, f"{attribute}{len(parts)}")) is not None and len(parts) < 64:
        parts.append("\n".join((part,) if isinstance(part, str) else part))
    return tuple("\n".join(parts).split("\n")) if parts else ()


def _one_output(shape: Shape, output: int | None) -> list[Layer]:
    """Return what makes one number of a network's last layer."""
    more: list[Layer] = [Flatten()] if len(shape) > 1 else []
    count = int(np.prod(shape))
    if count == 1 and output in (None, 0):
        return more
    if output is None:
        raise ModelError(
            "the model has several outputs",
            got=f"{count} numbers",
            remedy="Say with --output which of them is the steering, 0 for the first",
        )
    if not 0 <= output < count:
        raise ModelError(f"the model has no output {output}", got=f"{count} numbers")
    kernel = np.zeros((count, 1), np.float32)
    kernel[output] = 1
    return [*more, Dense(kernel, np.zeros(1, np.float32))]
